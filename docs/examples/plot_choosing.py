"""
How many components, how much shrinkage, and is any of it real?
===============================================================

Two questions about one pair of modalities, the pictures and names of emoji. Which settings find the right partner best,
chosen without touching the test part? And how many of the correlations are more than noise?
"""

# %%
# Choosing by what matters
# ------------------------
#
# `CCACV` reads the rows once and scores every setting on five shuffled folds that keep variants of an emoji
# together: once by the sum of held-out correlations, which asks how much the modalities share, and once by the hit rate
# at 10, which is what a search is for.

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.decomposition import PCA

from crossmodal_cca import CCA, CCACV
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.inference import permutation_test, required_samples, summary
from crossmodal_cca.metrics import retrieval_report
from crossmodal_cca.plotting import ComponentSummaryDisplay, CrossValidationDisplay

train, test = load_emoji(subset="train"), load_emoji(subset="test")
grid = {"shrinkages": (0.1, 0.3, 0.5, 0.7, 0.9)}
searches = {
    "correlation": CCACV(200, **grid),
    "hit_rate_at_10": CCACV(
        [10, 25, 50, 100, 200], powers=(1.0,), scoring="hit_rate_at_10", **grid
    ),
}
fig, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
for ax, (scoring, search) in zip(axes, searches.items(), strict=True):
    search.fit(train.image, train.text, groups=train.base_name)
    CrossValidationDisplay.from_cv_results(search, ax=ax)
    print(
        f"{scoring}: {search.best_params_}, {search.best_score_:.3f} on {search.n_splits_} folds"
    )

# %%
# More components are better by either score. But a sum of correlations does not see the `power`, by which weak
# components count less in a search, and leaves it at 0. Both models on the test part, which has taken no part in either
# choice:

reports = {
    scoring: retrieval_report(
        *search.transform(test.image, test.text), ks=(1, 10), random_state=0
    )
    for scoring, search in searches.items()
}
table = pd.concat(
    {scoring: report["value"] for scoring, report in reports.items()}, axis=1
)
print(table.round(3).to_string())

# %%
# The figures of the folds are higher than those of the test part: a fold is a smaller gallery, and the winner was
# picked for its score. All settings of a search are in `cv_results_`, as with `GridSearchCV`:

results = pd.DataFrame(searches["hit_rate_at_10"].cv_results_)
columns = ["param_n_components", "param_shrinkage", "mean_test_score", "std_test_score"]
print(results.nsmallest(5, "rank_test_score")[columns].round(3).to_string(index=False))

# %%
# Which correlations are real
# ---------------------------
#
# Tests of correlations need many more pairs than features, and no shrinkage. So either side is reduced to its 40
# leading principal components, from the training part. Then 1528 pairs have 80 features.

sides = [(train.image, test.image), (train.text, test.text)]
reductions = [PCA(40, random_state=0).fit(rows) for rows, _ in sides]
(image, new_image), (text, new_text) = (
    [reduction.transform(rows) for rows in parts]
    for reduction, parts in zip(reductions, sides, strict=True)
)
cca = CCA().fit(image, text)
tests = permutation_test(image, text, n_permutations=199, random_state=0)
print(tests.iloc[[0, 1, 5, 10, 15, 20, 25, 30, 35]].round(3).to_string())
print(f"\ncomponents with p ≤ .05: {(tests['p_value'] <= 0.05).sum()} of {len(tests)}")

# %%
# The permutation test goes down the components one by one, and stops rejecting where the remaining pairs look like
# noise. Rows are treated as exchangeable; variants of one emoji are not quite, so the last ones found deserve some
# doubt. `summary` sets side by side what the training part says, what is left of it after correcting for the number of
# features, and what new rows say.

table = summary(
    cca,
    new_image,
    new_text,
    X_train=image,
    y_train=text,
    n_permutations=199,
    random_state=0,
)
print(table.iloc[[0, 1, 2, 5, 10, 20, 30, 39]].round(2).to_string())
display = ComponentSummaryDisplay.from_table(table, names=("picture", "name"))

# %%
# Beyond the first component the training correlation is too high. The debiased one estimates what the population's best
# directions have, the held-out one what the directions found here have; that is the figure a user of this model gets.
# Below the noise edge nothing can be debiased, though the test still finds what many weak pairs have in common.
#
# How many pairs would a new study need, if the correlation it looks for is .3 and it has 150 features in all?

for method in ("cca", "pls"):
    print(f"{method.upper()}: {required_samples(0.3, 150, method=method):,.0f} pairs")
