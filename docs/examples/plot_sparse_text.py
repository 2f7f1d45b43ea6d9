"""
Searching pictures with raw text in nine languages
==================================================

No sentence encoder: the text modality is nothing but character n-grams, 69,000 of them, in a sparse matrix. `CCA`
takes it as it is. One fit on emoji and their names then finds pictures for words in nine languages, in four scripts.
"""

# %%
# Text as n-grams
# ---------------
#
# Each emoji has a name in nine languages and English keywords. A row of the training text is all of them in one
# string; `TfidfVectorizer` counts its n-grams of two to four characters. `CrossModalPipeline` keeps the vectoriser on
# the text's side, so the model takes raw strings.

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from crossmodal_cca import CCA, CrossModalPipeline
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import hit_rate_at_k, retrieval_report

train, test = load_emoji(subset="train"), load_emoji(subset="test")
train_text, test_text = (
    np.array(
        [
            " ".join(words)
            for words in zip(*emoji.names.values(), emoji.tags, strict=True)
        ]
    )
    for emoji in (train, test)
)
n_grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
model = CrossModalPipeline(
    CCA(150, shrinkage=(0.6, 0.97), power=1.0), y_transformer=n_grams
)

start = time.perf_counter()
model.fit(train.image, train_text)
text = model.y_transformer_.transform(train_text)
print(
    f"{text.shape[0]} rows of {text.shape[1]:,} n-grams, {text.nnz / text.shape[0]:.0f} in each"
)
print(
    f"As a dense array they would take {8e-6 * np.prod(text.shape):,.0f} MB, their covariance",
    end=" ",
)
print(
    f"{8e-9 * text.shape[1] ** 2:.0f} GB; the fit took {time.perf_counter() - start:.0f} s."
)

# %%
# With fewer than 5000 rows, `CCA` works with the 1528 × 1528 products of rows; the n-grams are centred and scaled in
# these products alone. (With more rows than that, it would take its randomized solver.) What does the test part say?

report = retrieval_report(
    *model.transform(test.image, test_text), ks=(1, 10), random_state=0
)
print(report.round(3).to_string())

# %%
# One search, nine languages
# --------------------------
#
# Now the query is a name alone, in one language. The usual way to handle n-grams is to reduce them first, by
# `TruncatedSVD` to 100 dimensions say. That keeps the n-grams with most variance, which are those of the languages in
# Latin script: they share their stems.

reduced = CrossModalPipeline(
    CCA(100, shrinkage=(0.6, 0.97), power=1.0),
    y_transformer=make_pipeline(n_grams, TruncatedSVD(100, random_state=0)),
).fit(train.image, train_text)

table = pd.DataFrame(
    {
        name: {
            language: hit_rate_at_k(
                fitted.transform_y(names), fitted.transform(test.image), k=10
            )
            for language, names in test.names.items()
        }
        for name, fitted in {"raw n-grams": model, "100 dimensions": reduced}.items()
    }
)
ax = table.plot.bar(rot=0, figsize=(8, 3.6), ylabel="hit rate at 10")
ax.axhline(10 / len(test.image), color="black", linestyle=":", label="chance")
ax.legend(ncols=3)
ax.set_title(f"Which of {len(test.image)} pictures has this name?")
plt.tight_layout()

# %%
# Chinese and Japanese suffer most from the reduction, and without it are found as well as the others.
#
# What is in a component
# ----------------------
#
# The loadings regress every n-gram on the scores, so that a component can be read by the largest of them. The first is
# flags, the second people in wheelchairs, the third faces; each in several languages.

aligner = model.aligner_
names = model.y_transformer_.get_feature_names_out()
for component in range(3):
    leading = np.argsort(-np.abs(aligner.y_loadings_[:, component]))[:12]
    print(f"{component}:", ", ".join(repr(names[j]) for j in leading))
