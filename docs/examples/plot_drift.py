"""
Planted drift, and whether to train at all
==========================================

A search for emoji by their names is in use, and something changes: the pictures, or which name belongs to which. A
monitor compares what comes in with a reference that the model has not seen, batch by batch or as one long stream. Two
tests at the end come before any training: do the encoders agree, and what do labels call for?
"""

# %%
# "Results got worse since Tuesday"
# ---------------------------------
#
# A third of the emoji trains the model, a third is the reference, the last third comes in later. Emoji that are
# variants of each other stay together, or the model would know some of the new ones.

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np

from crossmodal_cca import CCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.diagnosis import DriftMonitor
from crossmodal_cca.inference import alignment_regime, alignment_test
from crossmodal_cca.plotting import (
    AlignmentRegimeDisplay,
    AlignmentTestDisplay,
    DriftDisplay,
)

emoji = load_emoji()
rng = np.random.default_rng(0)
kinds = rng.permutation(np.unique(emoji.base_name))
training, reference, later = (
    rng.permutation(np.flatnonzero(np.isin(emoji.base_name, part)))
    for part in np.array_split(kinds, 3)
)
cca = CCA(100, shrinkage=0.6, power=1.0)
cca.fit(emoji.image[training], emoji.text[training])
monitor = DriftMonitor(cca).fit(emoji.image[reference], emoji.text[reference])

# %%
# Four batches of 200: one as it should be; one in which a tenth of the pictures have the features of different emoji,
# column by column; one with features that are all a little larger; and one in which a quarter of the names have moved
# on to the next picture. Thirteen tests say what has changed, with p-values that are corrected for their number.

image, text = emoji.image[later[:200]], emoji.text[later[:200]]
foreign, larger, moved = image.copy(), image.copy(), text.copy()
foreign[:20] = rng.permuted(image, axis=0)[:20]
larger += 0.15 * image.std(axis=0)
moved[:50] = np.roll(text[:50], 1, axis=0)
batches = {
    "as before": (image, text),
    "foreign pictures": (foreign, text),
    "larger features": (larger, text),
    "moved names": (image, moved),
}
for name, batch in batches.items():
    table = monitor.test(*batch)
    changed = table[table["verdict"] == "changed"]
    print(f"{name}: {'changed' if len(changed) else 'no change seen'}")
    for what, row in changed.iterrows():
        print(f"  {what}: effect {row.effect:.2f}, p = {row.adjusted_p_value:.1g}")

# %%
# Single rows are listed, too. How many of the first ten are among the twenty foreign ones?

unusual = monitor.unusual_rows(foreign, text)
print(np.sum(unusual["row"].head(10) < 20))

# %%
# A stream
# --------
#
# A test for each batch would raise a false alarm every twentieth time. The evidence of a stream can be looked at after
# every row, for as long as the stream lasts. Here names begin to move after 400 rows.

stream = later[:600]
words = emoji.text[stream]
words[400:] = np.roll(words[400:], 1, axis=0)
for start in range(0, 600, 50):
    part = slice(start, start + 50)
    monitor.update(emoji.image[stream[part]], words[part])
print("alarm at row", monitor.alarm_at_)
DriftDisplay.from_table(monitor.stream_)
plt.show()

# %%
# "Which of our encoders?"
# ------------------------
#
# Before any training: do two encoders hold the same emoji to be alike? Wide features seem to agree even where rows are
# shuffled, so each value stands beside those of shuffled rows, and p-values are for the whole table.

some = later[:400]
pictures = {
    "all features": emoji.image[some],
    "50 features": emoji.image[some, :50],
    "shuffled": emoji.image[rng.permutation(some)],
}
words = {
    "all features": emoji.text[some],
    "20 features": emoji.text[some, :20],
    "noise": rng.standard_normal((400, 400)),
}
grid = alignment_test(pictures, words, n_permutations=199, random_state=0)
print(grid[["value", "chance", "effect", "p_value"]].round(3))
AlignmentTestDisplay.from_table(grid)
plt.show()

# %%
# "Should we align, predict, or leave it?"
# ----------------------------------------
#
# A few labels tell which of the shared components are about the task. Here is a task that both modalities share, beside
# a nuisance that they share even more.

common = rng.standard_normal((1000, 2))
nuisance = rng.standard_normal((1000, 2))
X, y = (
    np.hstack(
        [
            common + 0.8 * rng.standard_normal((1000, 2)),
            nuisance + 0.2 * rng.standard_normal((1000, 2)),
            rng.standard_normal((1000, 6)),
        ]
    )
    for _ in range(2)
)
labels = np.full(1000, -1)
labels[:200] = 2 * (common[:200, 0] > 0) + (common[:200, 1] > 0)
regime = alignment_regime(X, y, labels, random_state=0)
print(fill(regime.sentence, 80))
print(regime.routes[["answer", "ratio"]].round(2))
AlignmentRegimeDisplay.from_table(regime.components)
plt.show()
