"""
Kernel CCA: relations that are not straight
===========================================

Linear CCA looks for weighted sums of features that correlate. `KernelCCA` looks for functions of them. This example
first draws a relation that only the second can see. Then it asks how much that is worth on real data: emoji pictures
and their names, searched in both directions, against linear CCA on the same folds and the same test part.
"""

# %%
# A circle and a sine
# -------------------
#
# One modality is a point on a noisy circle. The other is the sine of three times its angle, beside a feature of noise.
# They share one factor, the angle. But the sine goes up and down three times along the circle, so no weighted sum of
# the two coordinates correlates with it.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import hit_rate_at_k, per_query, retrieval_report
from crossmodal_cca.plotting import HitRateDisplay

rng = np.random.default_rng(0)
angle = rng.uniform(0, 2 * np.pi, 800)
circle = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(800, 2))
sine = np.column_stack([np.sin(3 * angle), rng.normal(size=800)])

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
points = axes[0].scatter(*circle[400:].T, c=sine[400:, 0], cmap="viridis", s=10)
axes[0].set(title="x: a point on a circle", xlabel="first feature", ylabel="second feature", aspect="equal")
fig.colorbar(points, ax=axes[0], label="first feature of y")
for model, ax in zip((CCA(n_components=1), KernelCCA(n_components=1)), axes[1:], strict=True):
    x_scores, y_scores = model.fit(circle[:400], sine[:400]).transform(circle[400:], sine[400:])
    correlation = np.corrcoef(x_scores[:, 0], y_scores[:, 0])[0, 1]
    ax.scatter(x_scores, y_scores, c=sine[400:, 0], cmap="viridis", s=10)
    ax.set(title=f"{type(model).__name__}: correlation {correlation:.2f}", xlabel="x-score", ylabel="y-score")

# %%
# Middle and right show 400 new rows, a point for each pair: its score from the circle against its score from the sine.
# The colour is the sine itself. CCA finds no direction worth the name. The x-score of `KernelCCA` is a function of
# the place in the plane that rises and falls three times around the circle; it has been learned from 400 other pairs,
# without a hint that the factor is an angle.
#
# Pictures and names
# ------------------
#
# Now the emoji that come with the package: 1280 numbers from an image network, 384 from a sentence encoder. Rows are
# paired; the test part shares no `base_name` with the training part.

train, test = load_emoji(subset="train"), load_emoji(subset="test")
print("training:", train.image.shape, "and", train.text.shape)
print("test:    ", test.image.shape, "and", test.text.shape)

# %%
# The image features are averages of non-negative activations: many near zero, a few large. Their square roots spread
# more evenly. Either model gets them, so that the comparison is about the models. `KernelCCA` depends on the unit of
# each feature, so both modalities are standardised for it; `CCA` does that itself. `CrossModalPipeline` gives each
# modality its own preprocessing.

linear = CrossModalPipeline(
    CCA(n_components=200, power=1.0),
    x_transformer=FunctionTransformer(np.sqrt),
)
kernel = CrossModalPipeline(
    KernelCCA(n_components=200, kernel="rbf", power=1.0),
    x_transformer=make_pipeline(FunctionTransformer(np.sqrt), StandardScaler()),
    y_transformer=StandardScaler(),
)

# %%
# Settings, chosen on the training part
# -------------------------------------
#
# For CCA that is the shrinkage. For `KernelCCA` it is the width of the kernels, as a multiple of the default
# (1 over the median squared distance), and the ridge. The number of components and the power are fixed to keep this
# short. Two folds that share no `base_name` with the rest decide, by the hit rate at 10 averaged over both directions.
# `GridSearchCV` then fits the best setting to the whole training part.


def both_directions(model, image, text):
    """Average of the hit rates at 10 from picture to name and from name to picture."""
    image_scores, text_scores = model.transform(image, text)
    return (hit_rate_at_k(image_scores, text_scores, k=10) + hit_rate_at_k(text_scores, image_scores, k=10)) / 2


folds = list(GroupKFold(n_splits=3).split(train.image, groups=train.base_name))[:2]
widths = kernel.fit(train.image, train.text).aligner_.gamma_
grids = {
    "CCA": (linear, {"aligner__shrinkage": [0.2, 0.4, 0.6]}),
    "KernelCCA": (
        kernel,
        {
            "aligner__gamma": [tuple(factor * gamma for gamma in widths) for factor in (1, 2)],
            "aligner__regularization": [3e-4, 1e-3, 3e-3],
        },
    ),
}
models = {}
for name, (model, grid) in grids.items():
    search = GridSearchCV(model, grid, scoring=both_directions, cv=folds).fit(train.image, train.text)
    models[name] = search.best_estimator_
    results = search.cv_results_
    for setting, rates in zip(
        results["params"], np.column_stack([results[f"split{i}_test_score"] for i in (0, 1)]), strict=True
    ):
        shown = {key.removeprefix("aligner__"): np.round(value, 5).tolist() for key, value in setting.items()}
        print(f"{name:10} {rates.mean():.3f}   (folds: {np.round(rates, 3)})   {shown}")

# %%
# Measured on the test part
# -------------------------
#
# The 383 test pairs are looked at once. The report gives the value, a bootstrap interval over queries, and what a
# constant similarity would score.

scores = {name: model.transform(test.image, test.text) for name, model in models.items()}
for name, pair in scores.items():
    print(f"{name}\n{retrieval_report(*pair, random_state=0).round(3).to_string()}\n")

# %%
# The same drawn against k:

display = HitRateDisplay.from_estimator(models["CCA"], test.image, test.text, name="CCA")
display = HitRateDisplay.from_estimator(models["KernelCCA"], test.image, test.text, name="KernelCCA", ax=display.ax_)

# %%
# Both were asked the same questions, so their difference is judged query by query.

rng = np.random.default_rng(0)
for direction, step in (("picture → name", 1), ("name → picture", -1)):
    hits = {name: per_query("hit_rate_at_k", *pair[::step], k=10) for name, pair in scores.items()}
    difference = hits["KernelCCA"] - hits["CCA"]
    resampled = rng.choice(difference, size=(2000, len(difference))).mean(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    print(
        f"{direction}, KernelCCA minus CCA at k = 10: {difference.mean():+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}]"
    )

# %%
# With landmarks instead of all rows
# ----------------------------------
#
# The exact model compares a row with every training row. The Nyström approximation compares it with landmarks only, and
# never forms a kernel of all rows, which is what makes a hundred thousand of them possible. On 1,528 rows it mainly
# shows what is lost: `trace_left_out_` is the share of either kernel that the landmarks cannot express.

for n_landmarks in (250, 500, 1000):
    model = clone(models["KernelCCA"]).set_params(
        aligner__approximation="nystroem", aligner__n_landmarks=n_landmarks, aligner__random_state=0
    )
    start = time.perf_counter()
    model.fit(train.image, train.text)
    seconds = time.perf_counter() - start
    left_out = ", ".join(f"{share:.2f}" for share in model.aligner_.trace_left_out_)
    hit_rate = both_directions(model, test.image, test.text)
    print(f"{n_landmarks:5} landmarks: hit rate at 10 {hit_rate:.3f}, left out {left_out}, fitted in {seconds:.1f} s")

# %%
# What the figures mean
# ---------------------
#
# - The two models saw the same pairs and the same features. The difference is what bending the map is worth here.
# - Two folds chose the settings, and neighbouring settings lie closer together than the folds do. The test part took no
#   part in it.
# - The kernel model keeps its training rows and compares every new row with them; the linear one is a matrix. Where
#   rows are many and queries have to be quick, that counts.
# - Kernels of embeddings have a high rank, so landmarks lose quality here before they save time.
# - Where a relation is linear, a kernel only costs; the guide has such a case.
