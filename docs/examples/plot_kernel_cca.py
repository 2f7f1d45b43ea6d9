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
import pandas as pd
from sklearn.base import clone
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import (
    compare_retrieval,
    make_retrieval_scorer,
    retrieval_report,
)
from crossmodal_cca.plotting import HitRateDisplay

rng = np.random.default_rng(0)
angle = rng.uniform(0, 2 * np.pi, 800)
circle = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(
    size=(800, 2)
)
sine = np.column_stack([np.sin(3 * angle), rng.normal(size=800)])

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
points = axes[0].scatter(*circle[400:].T, c=sine[400:, 0], cmap="viridis", s=10)
axes[0].set(
    title="x: a point on a circle",
    xlabel="first feature",
    ylabel="second feature",
    aspect="equal",
)
fig.colorbar(points, ax=axes[0], label="first feature of y")
for model, ax in zip(
    (CCA(n_components=1), KernelCCA(n_components=1)), axes[1:], strict=True
):
    x_scores, y_scores = model.fit(circle[:400], sine[:400]).transform(
        circle[400:], sine[400:]
    )
    correlation = np.corrcoef(x_scores[:, 0], y_scores[:, 0])[0, 1]
    ax.scatter(x_scores, y_scores, c=sine[400:, 0], cmap="viridis", s=10)
    ax.set(
        title=f"{type(model).__name__}: correlation {correlation:.2f}",
        xlabel="x-score",
        ylabel="y-score",
    )

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
# The image features are averages of non-negative activations: more than half of them zero, a few large. Their square
# roots are less skewed. Either model gets them, so that the comparison is about the models. `KernelCCA` depends on the
# unit of each feature, so both modalities are standardised for it; `CCA` does that itself. `CrossModalPipeline` gives
# each modality its own preprocessing.

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

both_directions = make_retrieval_scorer("hit_rate_at_10")
folds = list(GroupKFold(n_splits=3).split(train.image, groups=train.base_name))[:2]
quickest = clone(kernel).set_params(
    aligner__n_components=1,
    aligner__approximation="nystroem",
    aligner__n_landmarks=10,
    aligner__random_state=0,
)
widths = quickest.fit(
    train.image, train.text
).aligner_.gamma_  # these depend on the rows alone
grids = {
    "CCA": (linear, {"aligner__shrinkage": [0.2, 0.4, 0.6]}),
    "KernelCCA": (
        kernel,
        {
            "aligner__gamma": [
                tuple(factor * gamma for gamma in widths) for factor in (1, 2)
            ],
            "aligner__regularization": [3e-4, 1e-3],
        },
    ),
}
searches = {}
for name, (model, grid) in grids.items():
    search = GridSearchCV(model, grid, scoring=both_directions, cv=folds).fit(
        train.image, train.text
    )
    rates = np.column_stack(
        [search.cv_results_[f"split{i}_test_score"] for i in (0, 1)]
    )
    for setting, row in zip(search.cv_results_["params"], rates, strict=True):
        shown = ", ".join(
            f"{key.removeprefix('aligner__')} {np.round(value, 5)}"
            for key, value in setting.items()
        )
        print(f"{name:9} {row.mean():.3f}   (folds: {np.round(row, 3)})   {shown}")
    searches[name] = search

# %%
# In either fold every setting of `KernelCCA` lies above every one of CCA. Kernels narrower than the default are a
# little better here, and the two ridges alike.

cca, kcca = (search.best_estimator_ for search in searches.values())
for model in (cca, kcca):
    print(model.aligner)

# %%
# Measured on the test part
# -------------------------
#
# The report for `KernelCCA`: 383 queries in each direction, a gallery of 383.

kcca_scores, cca_scores = (
    model.transform(test.image, test.text) for model in (kcca, cca)
)
print(retrieval_report(*kcca_scores, random_state=0).round(3).to_string())

# %%
# Both models, against the number of results looked at:

display = HitRateDisplay.from_estimator(
    kcca, test.image, test.text, name="KernelCCA", random_state=0
)
display = HitRateDisplay.from_estimator(
    cca, test.image, test.text, name="CCA", random_state=0, ax=display.ax_
)

# %%
# They answered the same queries, so the difference is taken query by query.

groups = {
    "x_groups": test.base_name,
    "y_groups": test.base_name,
}  # near duplicates count together
table = compare_retrieval(kcca_scores, cca_scores, ks=(1, 10), **groups, random_state=0)
print(
    table[["value", "baseline", "difference", "low", "high", "p_value"]]
    .round(3)
    .to_string()
)

# %%
# Searching
# ---------
#
# From a name to pictures, by either model: the closest test pictures by cosine, printed by their names. The partner is
# marked by an asterisk.

names = test.names["en"]
for query in range(10, len(names), 60):  # not picked by hand
    print(names[query])
    for model, (image_scores, text_scores) in (
        ("KernelCCA", kcca_scores),
        ("CCA", cca_scores),
    ):
        similarity = cosine_similarity(text_scores[query : query + 1], image_scores)[0]
        found = ", ".join(
            names[j] + ("*" if j == query else "") for j in np.argsort(-similarity)[:5]
        )
        print(f"    {model:9} → {found}")

# %%
# Fewer kernel values: landmarks
# ------------------------------
#
# The exact model needs the kernels of all pairs of training rows. With `approximation="nystroem"` a row is described
# by its kernel values with some landmarks only, here drawn from the training rows. `trace_left_out_` says which share
# of either kernel the landmarks cannot express. Once with the settings chosen above, once with the defaults, whose
# kernels are wider:

chosen = kcca.get_params()
settings = {
    "chosen": {
        name: chosen[name] for name in ("aligner__gamma", "aligner__regularization")
    },
    "default": {"aligner__gamma": None, "aligner__regularization": 1e-3},
}
approximate = clone(kcca).set_params(
    aligner__approximation="nystroem", aligner__random_state=0
)
rows = []
for setting, parameters in settings.items():
    for n_landmarks in (250, 500, 1000):
        start = time.perf_counter()
        approximate.set_params(aligner__n_landmarks=n_landmarks, **parameters).fit(
            train.image, train.text
        )
        seconds = time.perf_counter() - start
        hit_rate = both_directions(approximate, test.image, test.text)
        rows.append(
            (
                "Nyström",
                setting,
                n_landmarks,
                seconds,
                *approximate.aligner_.trace_left_out_,
                hit_rate,
            )
        )
for name, search in searches.items():
    hit_rate = both_directions(search.best_estimator_, test.image, test.text)
    rows.append((name, "chosen", "", search.refit_time_, np.nan, np.nan, hit_rate))
columns = [
    "model",
    "settings",
    "landmarks",
    "seconds",
    "left out: image",
    "text",
    "hit rate at 10",
]
print(pd.DataFrame(rows, columns=columns).round(2).to_string(index=False, na_rep=""))

# %%
# Embeddings have kernels of high rank: no few rows stand for all others, and what the landmarks leave out is missed.
# The narrower the kernel, the more that is. Of the narrow kernels, best for the exact model, 500 landmarks find less
# than linear CCA does; of the default ones about as much. So choose the settings with the approximation in place. With
# 1528 rows the exact model is cheap enough. Landmarks are for so many rows that their kernels do not fit into memory,
# where there can also be more of them.
#
# What the figures mean
# ---------------------
#
# - The test figures are for this gallery of 383 emoji, and the intervals cover the choice of queries only.
# - The search tried four settings of `KernelCCA` and three of CCA on the training part, so the comparison leans a
#   little towards the first.
# - The gain is bought: the exact model takes several times as long as CCA, keeps all training rows, and has no
#   coefficients to look at. Where relations are straight it gains nothing; the guide has such data.
