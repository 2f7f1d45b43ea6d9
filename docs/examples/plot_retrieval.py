"""
Retrieval that can be trusted, and served
=========================================

A model finds the right name for a picture in so many of a hundred cases. Is that good, is it better than another model,
which queries did it lose, and how does one search with it? This example asks for emoji pictures and their names; the
guide on retrieval explains the terms.
"""

# %%
# Two models
# ----------
#
# CCA with shrinkage and PLS-SVD, fitted to the training part of the bundled emoji. The 383 test emoji took no part.

import tempfile
from pathlib import Path

import faiss
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GroupKFold, permutation_test_score

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import (
    compare_retrieval,
    make_retrieval_scorer,
    query_report,
    retrieval_report,
    shuffled_pair_control,
)
from crossmodal_cca.plotting import (
    CanonicalCorrelationDisplay,
    HitRateDisplay,
    HubnessDisplay,
    PrecisionRecallDisplay,
    RankHistogramDisplay,
    SimilarityMatrixDisplay,
)
from crossmodal_cca.retrieval import CrossModalIndex, hubness_report

train, test = load_emoji(subset="train"), load_emoji(subset="test")
cca = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
pls = PLSSVD(n_components=100).fit(train.image, train.text)
cca_scores, pls_scores = (
    model.transform(test.image, test.text) for model in (cca, pls)
)
names, modalities = test.names["en"], ("picture", "name")

# %%
# The report
# ----------
#
# Value, interval, chance and the size of the gallery, in both directions. Variants of one emoji ("man running", "woman
# running") form a cluster, since they are found or missed together.

groups = {"x_groups": test.base_name, "y_groups": test.base_name}
print(retrieval_report(*cca_scores, **groups, random_state=0).round(3).to_string())

# %%
# Better than the other model?
# ----------------------------
#
# Both models answered the same queries, so everything is paired.

table = compare_retrieval(cca_scores, pls_scores, ks=(1, 10), **groups, random_state=0)
print(
    table[
        [
            "value",
            "baseline",
            "difference",
            "low",
            "high",
            "p_value",
            "n_better",
            "n_worse",
        ]
    ]
    .round(3)
    .to_string()
)

# %%
# Where the other model was better: the queries with the largest loss of reciprocal rank, pictures in search of names.

each = query_report(
    *cca_scores, baseline=pls_scores, query_ids=names, gallery_ids=names
).sort_values("difference")
print(each[["rank", "baseline_rank", "difference"]].head(5).round(2).to_string())

# %%
# Better than wrong pairs?
# ------------------------
#
# The same model, refitted to the same rows paired at random, knows nothing here, and scores what chance does.
# scikit-learn's permutation test asks the same question inside the training part, with the measure as its scorer, on
# folds that keep variants together.

control = shuffled_pair_control(
    cca,
    train.image,
    train.text,
    test.image,
    test.text,
    ks=(1, 10),
    n_shuffles=5,
    random_state=0,
)
print(control.loc["x to y"].round(3).to_string())

value, permuted, p = permutation_test_score(
    cca,
    train.image,
    train.text,
    cv=list(
        GroupKFold(3).split(train.image, groups=train.base_name)
    ),  # groups= would permute only inside groups
    scoring=make_retrieval_scorer("hit_rate_at_10"),
    n_permutations=5,
    random_state=0,
)
print(
    f"\nfolds of the training part: {value:.3f}, permuted pairs {permuted.mean():.3f}, p = {p:.2f} (the least possible)"
)

# %%
# Pictures
# --------
#
# The axes of one display, passed to the next, show both models. Bands are 95 % intervals.

fig, axes = plt.subplots(2, 2, figsize=(11, 8.5), layout="constrained")
for name, scores in {"CCA": cca_scores, "PLSSVD": pls_scores}.items():
    common = {"names": modalities, "name": name}
    HitRateDisplay.from_predictions(
        *scores, **groups, random_state=0, ax=axes[0, 0], **common
    )
    RankHistogramDisplay.from_predictions(*scores, ax=axes[0, 1], **common)
    HubnessDisplay.from_predictions(*scores, ax=axes[1, 0], **common)
    PrecisionRecallDisplay.from_predictions(
        *scores, x_ids=test.subgroup, y_ids=test.subgroup, ax=axes[1, 1], **common
    )
axes[1, 1].set_title("Relevant: the same subgroup")

# %%
# Left, how similar every picture is to every name, ordered by the groups of Unicode. Flags resemble each other more
# than anything else. Right, held-out correlations fall far below those of training, but stay above zero up to the last
# component: each adds a little.

fig, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
group = np.asarray(test.group_names)[test.group]
SimilarityMatrixDisplay.from_predictions(
    *cca_scores, x_ids=group, y_ids=group, names=modalities, ax=axes[0]
)
CanonicalCorrelationDisplay.from_estimator(cca, test.image, test.text, ax=axes[1])

# %%
# An index
# --------
#
# A gallery of names, asked with pictures. It answers with ids, and shows what it found beside what was right.

index = CrossModalIndex(cca).fit(test.text, ids=names)
some = np.arange(20, len(names), 60)  # not picked by hand
print(
    index.show(test.image[some], 3, query_ids=names[some])[
        ["match", "distance", "right"]
    ]
    .round(2)
    .to_string()
)

# %%
# The gallery can change, and lies in one file, without pickle. Here the training names join it.

index.add(train.text, ids=train.names["en"]).remove(
    "flag: Japan" if "flag: Japan" in names else names[0]
)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "names.index"
    index.save(path)
    print(f"{len(index)} names in a file of {path.stat().st_size / 1e6:.1f} MB")
    index = CrossModalIndex.load(path)

# %%
# A vector database
# -----------------
#
# `embeddings_` and `query_embeddings` are made for any search by inner product. faiss with its flat index finds what
# the index finds. An approximate one, here 40 cells of which 8 are visited, finds part of it: the recall against exact
# search is what to look at before relying on it.

exact = index.kneighbors(test.image, n_neighbors=10)[1]
gallery, queries = (
    rows.astype(np.float32)
    for rows in (index.embeddings_, index.query_embeddings(test.image))
)
flat = faiss.IndexFlatIP(gallery.shape[1])
coarse = faiss.IndexFlatIP(gallery.shape[1])
approximate = faiss.IndexIVFFlat(
    coarse, gallery.shape[1], 40, faiss.METRIC_INNER_PRODUCT
)
approximate.train(gallery)
approximate.nprobe = 8
for name, database in {"flat": flat, "40 cells, 8 visited": approximate}.items():
    database.add(gallery)
    found = index.ids_[database.search(queries, 10)[1]]
    recall = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]
    )
    print(f"faiss, {name}: {recall:.3f} of the ten exact neighbours")
assert np.mean(index.ids_[flat.search(queries, 10)[1]] == exact) > 0.999

# %%
# Hubs
# ----
#
# Some names are found again and again. Whether a correction helps is asked on a fold of the training part; the bank of
# queries is the rest of it.

inside, outside = next(
    GroupKFold(3, shuffle=True, random_state=0).split(
        train.image, groups=train.base_name
    )
)
model = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(
    train.image[inside], train.text[inside]
)
queries, gallery = model.transform(train.image[outside], train.text[outside])
bank = model.transform(train.image[inside])
table = hubness_report(
    queries,
    gallery,
    bank,
    groups=train.base_name[outside],
    neighbors=(10, 50),
    random_state=0,
)
print(
    table[["value", "difference", "low", "high", "p_value", "skewness", "helps"]]
    .round(3)
    .to_string()
)

# %%
# Most differences are smaller than their intervals; one of eight is not, by a hair, and the best of eight looks better
# than it is. There is little reason to turn a correction on here.
