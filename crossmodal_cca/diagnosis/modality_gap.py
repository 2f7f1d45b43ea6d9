"""Measure how far apart two modalities lie in their shared space, and say what that concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_number, check_random_state, check_whole_number
from .._errors import in_terms_of
from .._ids import checked_ids, distinct_ids
from .._names_in_docs import with_names
from .._similarity import SIMILARITIES, unit_of
from .._sklearn import check_array
from .._typing import FloatArray
from ..metrics._inputs import check_sides
from ..metrics._resampling import holm
from ..rows._validation import check_same_rows, warn_of_other_order
from ._gap import centroid_distances, classifier_accuracies, energy_distances, swaps
from ._groups import thinned

if TYPE_CHECKING:
    from pandas import DataFrame

# Pairs, or groups, of which swaps say too little if there are fewer.
FEWEST = 10
# Level that the smallest p-value must be able to reach after the correction, and from which on a task is concerned.
LEVEL = 0.05
# Tasks that each distance changes if it is there.
CONCERNS = {
    "centroid distance": "clustering and stability; centring removes it; retrieval is left alone",
    "distribution distance": "clustering and stability, also after centring",
    "linear classifier": "whatever learns from rows of both modalities",
}
# Said if a distance is that of swapped pairs, or hardly larger.
NOTHING = "nothing"


@with_names
def modality_gap(
    x_scores: ArrayLike,
    y_scores: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    similarity: str = "cosine",
    cv: int = 5,
    max_pairs: int | None = 1000,
    n_permutations: int = 199,
    min_effect: float = 0.05,
    random_state: Any = None,
) -> DataFrame:
    """Measure how far apart the two modalities lie in their shared space, beside chance, and say what it concerns.

    Encoders trained by a contrast leave images in one cone of the space and texts in another. A gap moves clusters and
    thresholds; it does not by itself spoil a search in a gallery of one modality.

    Parameters
    ----------
    x_scores, y_scores : array-like of shape (n_pairs, n_components)
        Scores of pairs in the shared space: row i of both belongs together.
    groups : array-like of shape (n_pairs,), default=None
        Pairs that are not independent, such as the captions of one image: swapped as a whole, never in different folds.
    similarity : <similarities>, default="cosine"
        What ranks in this space: for the cosine rows are scaled to unit length first.
    cv : int >= 2, default=5
        Folds of the classifier.
    max_pairs : int >= 10 or None, default=1000
        Pairs that are looked at, groups drawn at random, of each no more than a tenth of this number; None for all. The
        distances of all are held at once, 64 · n_pairs² bytes.
    n_permutations : int >= 59, default=199
        Random swaps. With fewer no p-value could be .05 after the correction.
    min_effect : float >= 0, default=0.05
        How much larger than chance a value has to be to concern a task: with many pairs p-values tell differences that
        are of no account.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the pairs, the swaps and the folds.

    Returns
    -------
    DataFrame of shape (3, 7)
        The rows are

        - "centroid distance": distance of the two means, in units of the root of the mean squared distance of rows from
          their own mean;
        - "distribution distance": root of the energy coefficient of the rows about their means, from 0 (one
          distribution) to 1;
        - "linear classifier": how often it tells the modality of held-out rows, .5 for none.

        The columns are

        - `value`;
        - `chance`, `chance_high`: mean and 95 % quantile after swaps;
        - `p_uncorrected`: share of swaps with a value as large, one added;
        - `p_value`: corrected by Holm's method;
        - `n_pairs`;
        - `concerns`: which task a gap of this kind moves; "nothing" if `p_value` is above .05, or `value` no more than
          `min_effect` above `chance`.

    Raises
    ------
    ValueError, TypeError
        If scores are bad, differ in number or width, all rows of both are the same, there are fewer than 10 pairs or
        groups, or a parameter is out of its range.

    Warns
    -----
    UserWarning
        If scores or groups have the same index labels in different orders, or a row of zeros has no direction.

    See Also
    --------
    crossmodal_cca.plotting.ModalityGapDisplay : Draws the table.
    crossmodal_cca.plotting.SharedSpaceDisplay : Draws both modalities in two components.
    crossmodal_cca.retrieval.CrossModalIndex : Its ``center=True`` moves both means to zero.

    Notes
    -----
    If the modality of a row says nothing, the two sides of any pair can be exchanged: chance is what remains after
    swapping each pair, or group, with probability ½, and centring again. For the distribution distance, sides whose
    centroids are apart (corrected for three distances, at .05) are centred before the swaps, too. The energy
    coefficient of a and b is

        (2 E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖) / (2 E‖a − b‖).

    The classifier is least squares on standardised columns with a ridge of a tenth of the rows; both rows of a pair are
    in one fold.

    With a vector added to all items of a gallery, each inner product of a query grows by the same number, so ranks stay
    as they are; so they nearly do for the cosine.

    References
    ----------
    Liang, W. et al. (2022). Mind the gap: Understanding the modality gap in multi-modal contrastive representation
    learning. NeurIPS.

    Székely, G. J. & Rizzo, M. L. (2013). Energy statistics. Journal of Statistical Planning and Inference 143.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.diagnosis import modality_gap
    >>> rng = np.random.default_rng(0)
    >>> images = rng.standard_normal((200, 5))
    >>> texts = images + rng.standard_normal((200, 5)) + [3, 0, 0, 0, 0]
    >>> gap = modality_gap(images, texts, random_state=0)
    >>> bool(gap.loc["linear classifier", "value"] > 0.8)
    True
    >>> gap.loc["centroid distance", "concerns"]
    'clustering and stability; centring removes it; retrieval is left alone'
    """
    cv, n_permutations = (
        check_whole_number(cv, "cv", low=2),
        check_whole_number(n_permutations, "n_permutations", low=59),
    )
    most = check_whole_number(max_pairs, "max_pairs", low=FEWEST, none="all pairs")
    min_effect = check_number(min_effect, "min_effect", low=0.0)
    rng = check_random_state(random_state)
    x, y, codes = _checked(x_scores, y_scores, groups, similarity)
    kept = np.arange(len(x)) if most is None or len(x) <= most else thinned(codes, most, most // FEWEST, rng)
    # A common unit changes nothing, and keeps squares from overflow.
    unit = max(unit_of(x), unit_of(y))
    x, y = (SIMILARITIES[similarity].embedded(rows[kept] / unit) for rows in (x, y))
    codes = np.unique(codes[kept], return_inverse=True)[1].ravel()
    n_groups = int(codes.max()) + 1
    if n_groups < max(FEWEST, cv):
        raise ValueError(
            f"x_scores and y_scores hold {n_groups} {'pairs' if groups is None else 'groups of pairs'}, of which too "
            f"few arrangements are possible; pass at least {max(FEWEST, cv)}."
        )
    if not (np.concatenate([x, y]) != x[0]).any():
        raise ValueError("x_scores and y_scores must differ between rows; all of them are the same.")
    s = swaps(codes, n_permutations, rng)
    folds = (rng.permutation(n_groups) % cv)[codes]
    centroids = centroid_distances(x, y, s)
    # Swaps of sides that are far apart would say nothing of their distributions. Those of rows that were centred first
    # keep the level only for many rows without far ones; under no gap at all they then follow a false alarm.
    apart = _p_of(centroids) <= LEVEL / len(CONCERNS)
    a, b = (side - side.mean(axis=0) if apart else side for side in (x, y))
    found = (centroids, energy_distances(a, b, s), classifier_accuracies(x, y, s, folds))
    return _table(dict(zip(CONCERNS, found, strict=True)), len(x), min_effect)


def _checked(
    x_scores: ArrayLike, y_scores: ArrayLike, groups: ArrayLike | None, similarity: str
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Return both sides in double precision, and the number of each pair's group."""
    warn_of_other_order(x_scores=x_scores, y_scores=y_scores, groups=groups)
    with in_terms_of(queries="x_scores", gallery="y_scores", X="x_scores", y="y_scores"):
        check_sides(x_scores, y_scores, similarity)
        x, y = (
            check_array(rows, dtype=np.float64, input_name=name)
            for name, rows in (("queries", x_scores), ("gallery", y_scores))
        )
        check_same_rows(len(x), len(y))
    if groups is None:
        return x, y, np.arange(len(x))
    return x, y, distinct_ids(checked_ids(groups, "groups", len(x), "x_scores"), "groups")[1].ravel()


def _p_of(values: FloatArray) -> float:
    # Values that are equal up to rounding count as equal.
    return float((1 + np.sum(values[1:] >= values[0] * (1 - 1e-10))) / len(values))


def _table(found: dict[str, FloatArray], n_pairs: int, min_effect: float) -> DataFrame:
    import pandas as pd

    rows = {}
    for name, values in found.items():
        rows[name] = {
            "value": values[0],
            "chance": values[1:].mean(),
            "chance_high": np.quantile(values[1:], 1 - LEVEL),
            "p_uncorrected": _p_of(values),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["p_value"] = holm(list(table["p_uncorrected"]))
    table["n_pairs"] = n_pairs
    is_there = (table["p_value"] <= LEVEL) & (table["value"] - table["chance"] > min_effect)
    table["concerns"] = np.where(is_there, list(CONCERNS.values()), NOTHING)
    return table
