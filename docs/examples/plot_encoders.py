"""
A weak encoder learns from a strong one
=======================================

Both see the same items. The strong encoder is expensive, or not there when it counts; the weak one is cheap. An aligner
fitted between them on unlabelled items keeps, of the weak features, what the strong ones know too.
"""

# %%
# Letters and meaning
# -------------------
#
# The weak encoder counts groups of two to four letters in the *German* names of emoji: "Grinsendes Gesicht". The strong
# one is a sentence encoder that has read the English names and keywords. The aligner is fitted to the training part,
# without labels; later only German names are at hand.

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from crossmodal_cca import CCA, CrossModalPipeline
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.plotting import FewShotDisplay
from crossmodal_cca.transfer import SharedSpace, few_shot_episodes, transfer_gain

data = load_emoji()
train = data.split == "train"
letters = make_pipeline(
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    TruncatedSVD(300, random_state=0),
)
aligner = CrossModalPipeline(CCA(100, shrinkage=0.8, power=1.0), x_transformer=letters)
aligner.fit(data.names["de"][train], data.text[train])

# %%
# A few labelled names
# --------------------
#
# Nine groups are to be recognised by the name alone, from 1 to 32 labelled names of each. The same classifier gets the
# letters as they are, or what the aligner makes of them.

labels = data.group_names[data.group]
kept = labels != "component"  # five parts of other emoji
head = LogisticRegression(max_iter=2000)
models = {
    "letters, through the aligner": make_pipeline(
        SharedSpace(aligner, unit_length=True), head
    ),
    "letters alone": make_pipeline(
        FrozenEstimator(aligner.x_transformer_), Normalizer(), head
    ),
}
protocol = {
    "shots": (1, 2, 4, 8, 16, 32),
    "n_episodes": 10,
    "cv": PredefinedSplit(np.where(train[kept], -1, 0)),
    "random_state": 0,
}
episodes = few_shot_episodes(models, data.names["de"][kept], labels[kept], **protocol)
print(
    transfer_gain(episodes, *models)
    .xs("all classes", level="class")
    .round(3)
    .to_string()
)

# %%
# What the strong encoder itself would reach is far above, so most of it is not in the letters. The gain is what can be
# had without it: about as much as twice the number of labels.

strong = few_shot_episodes(
    {"strong encoder": make_pipeline(Normalizer(), head)},
    data.text[kept],
    labels[kept],
    **protocol,
)
FewShotDisplay.from_table(pd.concat([episodes, strong]))

# %%
# Where it comes from
# -------------------
#
# Words that mean the same share no letters: "Frau" and "Mann" are both people, "Bus" and "Fahrrad" both travel. The
# aligner has seen which letters go with which meaning on 1528 unlabelled names, far more than are labelled. It can only
# help where the strong encoder knows something that the labels are about; the table by class says where it does.

gain = transfer_gain(episodes, *models).loc[4]
print(
    gain[["baseline", "value", "difference", "low", "high", "verdict"]]
    .round(3)
    .to_string()
)
