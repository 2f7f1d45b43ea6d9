"""
Five captions per image: from files to a served index
=====================================================

People come with an embeddings file for each modality, in different orders and of different lengths, and tables that say
which rows belong together. This goes from such files to figures that can be trusted, and to an index that serves.

The files are made here: 1,000 images with five captions each. Both encoders see the same eight things, beneath
variance of their own that is much stronger, as encoders do.
"""

# %%
# The files
# ---------

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from crossmodal_cca import CCA, load
from crossmodal_cca.io import pair_by_id, read_features, read_ids
from crossmodal_cca.metrics import retrieval_report
from crossmodal_cca.plotting import HitRateDisplay
from crossmodal_cca.retrieval import CrossModalIndex

rng = np.random.default_rng(0)
folder = Path(tempfile.mkdtemp())
seen, of_caption = (
    rng.normal(size=(1000, 8)),
    rng.permutation(np.repeat(np.arange(1000), 5)),
)
for name, things, width in (("images", seen, 96), ("captions", seen[of_caption], 64)):
    nuisance = 4 * rng.normal(size=(len(things), 10)) @ rng.normal(size=(10, width))
    rows = (
        things @ rng.normal(size=(8, width))
        + nuisance
        + 2 * rng.normal(size=(len(things), width))
    )
    np.save(folder / f"{name}.npy", rows.astype(np.float32))
ids = np.array([f"{i:012d}" for i in rng.permutation(10**6)[:1000]])
pd.DataFrame({"id": ids}).to_csv(folder / "images.csv", index=False)
texts = [f"caption {i}" for i in range(5000)]
pd.DataFrame({"image_id": ids[of_caption], "caption": texts}).to_parquet(
    folder / "captions.parquet", index=False
)

# %%
# Rows that belong together
# -------------------------
#
# Ids are texts, so the zeros in front stay. Each caption is paired with its image; all pairs of one image have one
# group, so that none of its captions is in the training part while another is in the test.

images, captions = (
    read_features(folder / "images.npy"),
    read_features(folder / "captions.npy"),
)
image_ids, caption_ids = (
    read_ids(f"{folder}/images.csv:id"),
    read_ids(f"{folder}/captions.parquet:image_id"),
)
pairs = pair_by_id(image_ids, caption_ids)
train, test = next(
    GroupShuffleSplit(1, test_size=0.2, random_state=0).split(
        pairs.ids, groups=pairs.groups
    )
)
print(
    f"{len(pairs.ids)} pairs of {len(images)} images and {len(captions)} captions; {len(test)} held out"
)

# %%
# A model, and figures of what it has not seen
# --------------------------------------------
#
# In the report each image and each caption stands once. An image has five right answers; as queries its captions stand
# and fall together, so they are one cluster for the intervals.

cca = CCA(shrinkage=0.1, power=1.0).fit(
    images[pairs.x_rows[train]], captions[pairs.y_rows[train]]
)
x, y = np.unique(pairs.x_rows[test]), np.unique(pairs.y_rows[test])
scores = cca.transform(images[x]), cca.transform_y(captions[y])
ids_of_rows = {
    "x_ids": image_ids[x],
    "y_ids": caption_ids[y],
    "x_groups": image_ids[x],
    "y_groups": caption_ids[y],
}
names = {"names": ("image", "caption")}
report = retrieval_report(*scores, **ids_of_rows, **names, random_state=0)
print(report.round(2).to_string())
HitRateDisplay.from_predictions(*scores, **ids_of_rows, **names, random_state=0)
plt.show()

# %%
# An index that serves
# --------------------
#
# The index holds the captions and the model, in one file without pickle. Whoever loads it asks with rows of images.

CrossModalIndex(cca).fit(
    captions, ids=read_ids(f"{folder}/captions.parquet:caption")
).save(folder / "captions.index")
index = load(folder / "captions.index")
image = x[0]
print(
    f"captions of image {image_ids[image]}: {[texts[i] for i in np.flatnonzero(caption_ids == image_ids[image])]}"
)
index.show(images[image : image + 1], n_neighbors=5)

# %%
# The same without Python
# -----------------------
#
# The command ``fit`` joins, splits, fits and reports in one go, with the same figures: its arguments are the two files
# of features, ``--x-ids images.csv:id``, ``--y-ids captions.parquet:image_id``, ``--shrinkage 0.1``, ``--power 1``
# and ``--hold-out 0.2``.
