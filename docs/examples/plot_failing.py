"""
Planted faults, and what finds them
===================================

Faults are put into a search for emoji by their names, and instruments are asked whether they see them: wrong pairs in
the training data, an update that harms some queries, and a shift between the modalities. Beside them stand answers that
should not be given. The guide has the same by complaint, with level and power of each.
"""

# %%
# "Some captions are wrong"
# -------------------------
#
# Every twentieth picture gets the name of another one. A model that is fitted to a wrong pair scores it well, so each
# pair is scored by a model of the other folds. Right pairs have small p-values; wrong ones are spread evenly, at the
# dotted line.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from crossmodal_cca import CCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.diagnosis import PairCheck, find_slices, harm_report, modality_gap
from crossmodal_cca.metrics import per_query
from crossmodal_cca.plotting import (
    ModalityGapDisplay,
    PairCheckDisplay,
    RiskCoverageDisplay,
)
from crossmodal_cca.retrieval import SearchConfidence

train, test = load_emoji(subset="train"), load_emoji(subset="test")
rng = np.random.default_rng(0)
text = train.text.copy()
swapped = rng.permutation(np.arange(0, len(text), 20))
text[swapped] = text[np.roll(swapped, 1)]

check = PairCheck(CCA(100, shrinkage=0.6, power=1.0), cv=3).fit(train.image, text)
worst = check.table_.nlargest(len(swapped), "suspicion")["x_id"]
print(
    f"{len(swapped) / len(text):.1%} are wrong, estimated {check.wrong_share_:.1%} "
    f"(at most {check.wrong_share_interval_[1]:.1%});\n"
    f"{np.isin(worst, swapped).mean():.0%} of the {len(worst)} most suspicious are wrong"
)
PairCheckDisplay.from_table(check.table_)
plt.show()

# %%
# "What threshold?"
# -----------------
#
# Half of the test pictures have labels, the others are still to come. The margin of the first hit says how likely it is
# that one of the first five is right, and a threshold keeps the errors among the answers below 30 %. The picture shows
# what a lower risk costs.

cca = CCA(100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
names = test.names["en"]
order = rng.permutation(len(names))
known, new = order[:190], order[190:]
sure = SearchConfidence(cca, k=5)
sure.fit(test.image[known], test.text, query_ids=names[known], gallery_ids=names)
answered = (
    sure.answer(test.image[new], risk=0.3)["answered"].xs(1, level="rank").to_numpy()
)
right = sure.is_right(test.image[new], names[new])
print(
    f"{right.mean():.0%} of all queries have the right name among the first five;\n"
    f"of the {answered.mean():.0%} that are answered, {right[answered].mean():.0%}"
)
RiskCoverageDisplay.from_estimator(sure, test.image[new], query_ids=names[new])
plt.show()

# %%
# "Who got worse with the new model?"
# -----------------------------------
#
# A new model has more components and should be better, but with it the pictures of symbols were mixed up. On the whole
# the hit rate stays as it was. If the kinds of queries are known, `harm_report` tells who pays for it:

images = test.image.copy()
symbols = np.flatnonzero(test.group == list(test.group_names).index("symbols"))
images[symbols] = images[rng.permutation(symbols)]
old = CCA(30, shrinkage=0.6, power=1.0).fit(train.image, train.text)
before = per_query(
    "hit_rate_at_10", old.transform(test.image), old.transform_y(test.text)
)
x_scores, y_scores = cca.transform(images), cca.transform_y(test.text)
after = per_query("hit_rate_at_10", x_scores, y_scores)
harm = harm_report(before, after, by=test.group_names[test.group])
print(harm[["n_queries", "better", "worse", "difference", "p_value"]].round(3).head(4))

# %%
# "Which queries fail?"
# ---------------------
#
# Without kinds, `find_slices` looks for neighbourhoods where more or fewer got worse than elsewhere: on one half of the
# queries, to be tested on the other. Slices are named by the texts that lie in their direction.

slices = find_slices(
    normalize(x_scores),
    after - before,
    names=names,
    descriptions=y_scores,
    random_state=0,
)
found = slices[slices["p_value"] <= 0.05]
print(found[["n_rows", "outcome", "outside", "p_value"]].round(3))
for called in found["names"]:
    print(*called, sep=", ")

# %%
# Here it is in the two directions in which the queries vary most.

rows = slices.loc[0, "rows"]
points = PCA(2).fit_transform(normalize(x_scores))
figure, ax = plt.subplots(layout="constrained")
ax.scatter(*points.T, s=12, color="0.75", label="other queries")
ax.scatter(
    *points[symbols].T, s=45, facecolors="none", edgecolors="C0", label="symbols"
)
ax.scatter(*points[rows].T, s=12, color="C3", label="the slice")
ax.set(
    xlabel="first direction",
    ylabel="second direction",
    title=f"{len(rows)} queries near “{slices.loc[0, 'names'][0]}”",
)
ax.legend(frameon=False)
plt.show()

# %%
# "The clusters are all pictures, or all words"
# ---------------------------------------------
#
# Something is added to all scores of one modality, as between encoders that were trained by a contrast. The search
# does not mind; whatever puts both modalities together does.

shifted = normalize(y_scores) + 0.05
for scores in (y_scores, shifted):
    gap = modality_gap(cca.transform(test.image), scores, random_state=0)
    print(gap[["value", "chance", "p_value"]].round(3))
    print(*gap["concerns"], sep="\n")
ModalityGapDisplay.from_table(gap)
plt.show()
