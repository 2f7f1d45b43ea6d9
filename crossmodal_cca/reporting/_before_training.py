"""Questions about the pairs of a page before any training: do both sides agree at all, and what do labels call for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ids import distinct_ids
from .._sklearn import take_rows
from .._typing import DataFrame, FloatArray
from ..inference import alignment_regime, alignment_test
from ..inference.regime import AlignmentRegime
from ..metrics._resampling import holm
from ._question import Positions, Question, Sides

# Most pairs that are permuted, one of each group; and permutations, so that a page takes seconds and not minutes.
AT_MOST, N_PERMUTATIONS = 1_000, 199
# Leading principal components of either side that a regime is found among.
N_PRINCIPAL = 50


def agreement_of(question: Question, pairs: Positions, sides: Sides) -> DataFrame:
    """Test whether both sides agree on the same items beyond chance, by neighbours and by CKA."""
    import pandas as pd

    X, y = _rows(question, _independent(question, pairs), sides)
    tables = {
        measure: alignment_test(
            X, y, measure=measure, n_permutations=N_PERMUTATIONS, random_state=question.random_state
        )
        for measure in ("mutual_knn", "cka")
    }
    table = pd.concat([each.iloc[[0]] for each in tables.values()]).set_axis(list(tables)).rename_axis("measure")
    table.attrs["n_pairs"] = len(X)
    return table.assign(p_value=holm(table["p_uncorrected"].tolist()))


def regime_of(question: Question, pairs: Positions, sides: Sides) -> AlignmentRegime:
    """Ask by labels whether to align, to predict, or neither, among leading principal components of both sides."""
    assert question.labels is not None
    kept = _independent(question, pairs)
    x_leading, y_leading = map(_leading, _rows(question, kept, sides))
    return alignment_regime(
        x_leading,
        y_leading,
        # Numbers of classes, as a class of the user's may be −1 or None.
        distinct_ids(question.labels[kept], "labels")[1].ravel(),
        shrinkage="oas",
        n_permutations=N_PERMUTATIONS,
        random_state=question.random_state,
    )


def _independent(question: Question, pairs: Positions) -> Positions:
    """Choose one pair of each group, and not too many."""
    return question.items.searched(question.one_of_each_group(pairs), AT_MOST)


def _rows(question: Question, pairs: Positions, sides: Sides) -> tuple[Any, Any]:
    if question.is_sparse:
        raise ValueError("rows are sparse; pass reduced ones, as from TruncatedSVD, to have this said.")
    X, y = (take_rows(A, pairs) for A in sides)
    return X, y


def _leading(A: Any) -> FloatArray:
    """Compute principal components."""
    from sklearn.decomposition import PCA

    rows: NDArray[Any] = np.asarray(A, dtype=np.float64)
    return np.asarray(PCA(min(N_PRINCIPAL, *rows.shape), svd_solver="full").fit_transform(rows))
