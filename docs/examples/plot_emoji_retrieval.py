"""
Searching emoji by word, and words by emoji
===========================================

The package comes with 1911 emoji. One modality is the picture, seen by an image network (1280 numbers); the other is
the English name with its keywords, read by a sentence encoder (384 numbers). The two encoders never met, so their
numbers have nothing in common. This example learns a space that they share, searches in it in both directions, and
measures how good the search is on emoji that took no part in the learning.
"""

# %%
# The data
# --------
#
# The rows of both modalities are paired. The split into training and test part is fixed, and it keeps near duplicates
# together: "man running" and "woman running" share a `base_name` and lie on the same side.

import numpy as np
import pandas as pd

from crossmodal_cca import CCACV, PLSSVD
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import compare_retrieval, retrieval_report
from crossmodal_cca.plotting import HitRateDisplay, SharedSpaceDisplay
from crossmodal_cca.retrieval import CrossModalIndex

train = load_emoji(subset="train")
test = load_emoji(subset="test")
print("training:", train.image.shape, "and", train.text.shape)
print("test:    ", test.image.shape, "and", test.text.shape)

# %%
# Choosing the settings on the training part
# ------------------------------------------
#
# With 1280 + 384 features and 1528 pairs, CCA without shrinkage correlates noise perfectly. How much to shrink is
# decided by cross-validation, and only on the training part: the test part is looked at once, at the end. The folds
# keep each `base_name` together too; otherwise near duplicates would make every setting look good.
#
# `CCACV` stands beside `CCA` as `RidgeCV` beside `Ridge`. To keep this short, 100 components and `power=1` are fixed and
# only the shrinkage is searched; the guide has the wider table.

cca = CCACV(
    n_components=[100],
    shrinkages=(0.1, 0.3, 0.6, 0.9),
    powers=(1.0,),
    cv=3,
    scoring="hit_rate_at_10",
)
cca.fit(train.image, train.text, groups=train.base_name)
table = pd.DataFrame(cca.cv_results_["params"])
table["hit rate at 10"] = cca.cv_results_["mean_test_score"]
print(table.round(3).to_string(index=False))

# %%
# Too little shrinkage costs most. The best one is fitted to the whole training part. `PLSSVD` needs no such choice, and
# is there to compare with.

pls = PLSSVD(n_components=100).fit(train.image, train.text)
print(cca.best_params_)

# %%
# Measured on the test part
# -------------------------
#
# A query counts as answered at k if its own partner is among the first k of the gallery, which holds all test
# emoji. The report gives the value, an interval over queries, and what a constant similarity would score.

image_scores, text_scores = cca.transform(test.image, test.text)
report = retrieval_report(image_scores, text_scores, random_state=0)
print(report.round(3).to_string())

# %%
# The same numbers drawn against k, for both models. Pass the axes of one display to the next to compare.

display = HitRateDisplay.from_estimator(
    cca, test.image, test.text, name="CCA", random_state=0
)
display = HitRateDisplay.from_estimator(
    pls, test.image, test.text, name="PLSSVD", random_state=0, ax=display.ax_
)

# %%
# The two models were asked the same questions, so their difference is judged query by query. The interval of the mean
# difference is narrower than the two single intervals suggest.

groups = {
    "x_groups": test.base_name,
    "y_groups": test.base_name,
}  # near duplicates count together
table = compare_retrieval(
    (image_scores, text_scores),
    pls.transform(test.image, test.text),
    **groups,
    random_state=0,
)
print(
    table[["value", "baseline", "difference", "low", "high", "p_value"]]
    .round(3)
    .to_string()
)

# %%
# The shared space
# ----------------
#
# Two of the hundred components, with some test emoji; those farthest out are labelled, as far as there is room.
# Partners are joined by a line: short lines mean that the two maps, each of which sees one modality only, put picture
# and name in the same place.

shown = np.random.default_rng(0).choice(len(test.image), 60, replace=False)
display = SharedSpaceDisplay.from_predictions(
    image_scores[shown],
    text_scores[shown],
    labels=test.names["en"][shown],
    names=("picture", "name"),
)

# %%
# Searching
# ---------
#
# From a name to pictures: the closest test pictures, shown by their names since this page has no emoji font.

names = test.names["en"]
queries = np.arange(0, len(names), 48)  # not picked by hand
pictures = CrossModalIndex(cca, modality="x").fit(test.image, ids=names)
print(
    pictures.show(test.text[queries], 3, query_ids=names[queries])[
        ["match", "distance", "right"]
    ]
    .round(2)
    .to_string()
)

# %%
# And from a picture to names, the same emoji:

words = CrossModalIndex(cca).fit(test.text, ids=names)
print(
    words.show(test.image[queries], 3, query_ids=names[queries])[
        ["match", "distance", "right"]
    ]
    .round(2)
    .to_string()
)

# %%
# What the figures mean
# ---------------------
#
# - The numbers hold for this gallery of 383 emoji. A larger gallery has more wrong answers to offer; compare
#   figures only at the same gallery size, which is why the report prints it and the chance level.
# - The intervals cover the choice of queries, not the choice of training emoji. Those of the first report treat
#   variants of one emoji as independent, so they are somewhat too narrow; the comparison does not.
# - Exact partners are a hard target. A search for one flag that returns other flags counts as a miss, though a
#   person may find it sensible: 270 of the 1911 emoji are flags.
# - The encoders were trained by others on other data, and whether they had seen emoji is not stated. What was
#   learned here is the map between them, from 1528 pairs.
# - The search for settings used the training part only, so it does not flatter the test figures. It
#   tried four settings of CCA and one of PLS-SVD, so the comparison leans a little towards CCA.
