"""Steps of a permutation test of an aligner's singular values, for CCA with shrinkage and PLS of any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from .._checks import as_pair
from .._typing import FloatArray
from .._warn import warn
from ..alignment import CCA, PLSCanonical, PLSRegression
from ..alignment._linear_aligner import LinearAligner
from ..linalg._products import Covariances, squared_columns
from ..linalg._solve_pls import PLSSolution, solve_pls_svd
from ..linalg._svd import rank_tolerance
from ..linalg._whitening import unit_diagonal
from ._canonical import check_varying
from ._exchange import Exchange
from ._nuisance import orthonormal, residual_rows
from ._side_rows import unit_columns
from ._whitened_rows import thin_rows, whitened_rows

# Largest difference of singular values that count as equal, relative to the largest possible one.
_EQUAL = 1e-10
# Smallest normal double.
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class SingularValueStep:
    """Rows of both sides, x (n, r) and y (n, s), without earlier components, and their exchange.

    The largest singular value of permuted rows is compared with that of the rows, minus rounding. Permuted rows are no
    longer orthogonal to `removed` (n, j).
    """

    x: FloatArray
    y: FloatArray
    removed: FloatArray
    rounding: float
    exchange: Exchange

    def count(self, orders: Sequence[NDArray[np.intp]]) -> int:
        """Count the orders of the y-rows with at least as large a singular value as the original order."""
        return sum(self._reaches(self.y[order]) for order in orders)

    @cached_property
    def bound(self) -> float:
        """Largest singular value of the rows in their original order, minus rounding."""
        return float(np.linalg.norm(self.x.T @ self.y, ord=2)) - self.rounding

    def _reaches(self, y: FloatArray) -> bool:
        K, bound = self.x.T @ y, self.bound
        if self.removed.shape[1]:
            # Products with removed directions are taken out of K; the rest keeps its length from before permutation.
            lost = np.sum((self.removed.T @ y) ** 2) / max(np.sum(y**2), _TINY)
            bound *= float(np.sqrt(max(1 - lost, 0.0)))
        # bound²·I − KᵀK has a Cholesky factor if and only if every singular value is below the bound.
        K = K if K.shape[0] >= K.shape[1] else K.T
        gap = np.diag(np.full(K.shape[1], bound**2)) - K.T @ K
        return bound <= 0 or bool(lapack.dpotrf(gap, lower=1, overwrite_a=1)[1])


class Components(NamedTuple):
    """A model solved on rows x (n, r) and y (n, s) that represent the sides, and the rows without earlier components.

    Rows without earlier components are (nearly) orthogonal to `earlier` (n, k).
    """

    x: FloatArray
    y: FloatArray
    solution: PLSSolution
    without: Callable[[int], tuple[FloatArray, FloatArray]]
    earlier: FloatArray

    def steps(self, exchange: Exchange, *, about_mean: bool) -> Iterator[SingularValueStep]:
        """Return the steps of all components.

        The rows without earlier components lie in fewer dimensions than rows, and would have too small singular values
        after a permutation. If all rows are exchangeable, they are expressed in as many rows as dimensions.
        """
        rounding = _EQUAL * float(np.linalg.norm(self.x) * np.linalg.norm(self.y))
        n = len(self.x)
        mean = np.full((n, int(about_mean)), n**-0.5)
        for j in range(len(self.solution.singular_values)):
            A, B = self.without(j)
            removed = orthonormal(np.hstack([mean, self.earlier[:, :j]])) if j else mean[:, :0]
            if j and exchange.is_free:
                A, B = residual_rows([A, B], removed)
                yield SingularValueStep(A, B, mean[: len(A), :0], rounding, Exchange.of_rows(len(A)))
                continue
            A, B = (Z - removed @ (removed.T @ Z) for Z in (A, B))
            yield SingularValueStep(A, B, removed, rounding, exchange)


def components_of_aligner(
    aligner: Any, x: FloatArray, y: FloatArray, n_components: int | None, degrees_of_freedom: int
) -> Components:
    """Solve an aligner's model on both sides' centred rows, x (n, p) and y (n, q), without p × p matrices."""
    ranks = rank_of_rows(x), rank_of_rows(y)
    check_varying(ranks)
    possible = ranks[0] if isinstance(aligner, PLSRegression) else min(ranks)
    wanted = aligner.n_components if n_components is None else n_components
    k = possible if wanted is None else wanted
    if k > possible:
        raise ValueError(f"n_components={k} is more than the {possible} possible by the ranks of X and y.")
    # CCA is PLS-SVD of whitened rows.
    is_cca = isinstance(aligner, CCA)
    if is_cca:
        shrinkage = as_pair(aligner.shrinkage, "shrinkage", arrays=True)
        A, B = (whitened_rows(Z, c, degrees_of_freedom) for Z, c in zip((x, y), shrinkage, strict=True))
    else:
        A, B = thin_rows(x), thin_rows(y)
    Z = A / np.sqrt(degrees_of_freedom), B / np.sqrt(degrees_of_freedom)
    S = Covariances(Z[0].T @ Z[0], Z[0].T @ Z[1], Z[1].T @ Z[1])
    solution = (solve_pls_svd if is_cca else aligner._components)(S, k, Z)
    found = len(solution.singular_values)
    if found < k and wanted is not None:
        warn(
            f"The covariance of X and y is exhausted to rounding error by {found} component(s); the other {k - found} "
            "are left out."
        )
    scores = [unit_columns(Z) for Z in (A @ solution.x.rotations, B @ solution.y.rotations)]
    if isinstance(aligner, PLSRegression):
        return Components(A, B, solution, _without_scores(A, B, scores[0], scores[0]), scores[0])
    if isinstance(aligner, PLSCanonical):
        return Components(A, B, solution, _without_scores(A, B, *scores), scores[0] + scores[1])
    return Components(A, B, solution, _without_directions(A, B, solution), scores[0] + scores[1])


def check_testable(aligner: Any) -> None:
    """Refuse estimators without such a test, and parameters that the aligner would refuse."""
    if not is_testable(aligner):
        raise TypeError(
            "aligner must be a CCA, PLSSVD, PLSCanonical or PLSRegression, fitted or not, of which the parameters are "
            f"taken; got {aligner!r:.100}. For a pipeline, pass its aligner and the transformed rows; the settings of "
            "a search have seen how rows are paired, so test them on other rows; kernel models have no such test."
        )
    aligner._check_parameters()


def is_testable(aligner: Any) -> bool:
    """Whether the aligner's components can be tested by permuted singular values."""
    return isinstance(aligner, LinearAligner) and not isinstance(aligner, type)


Removal = Callable[[int], tuple[FloatArray, FloatArray]]


def _without_directions(A: FloatArray, B: FloatArray, solution: PLSSolution) -> Removal:
    def without(j: int) -> tuple[FloatArray, FloatArray]:
        x, y = (Z - (Z @ W[:, :j]) @ W[:, :j].T for Z, W in ((A, solution.x.weights), (B, solution.y.weights)))
        return x, y

    return without


def _without_scores(A: FloatArray, B: FloatArray, T: FloatArray, U: FloatArray) -> Removal:
    """Compute the residuals of the regression of each side on the first j of its scores (n, k)."""
    # A triangle keeps the order of the scores, which are uncorrelated up to rounding.
    Qx, Qy = (linalg.qr(scores, mode="economic", check_finite=False)[0] for scores in (T, U))

    def without(j: int) -> tuple[FloatArray, FloatArray]:
        x, y = (Z - Q[:, :j] @ (Q[:, :j].T @ Z) for Z, Q in ((A, Qx), (B, Qy)))
        return x, y

    return without


def rank_of_rows(Z: FloatArray) -> int:
    """Count the directions in which rows with unit-variance columns vary, by the rank rule."""
    d = linalg.svdvals(Z * unit_diagonal(squared_columns(Z)), check_finite=False)
    return int(np.sum(d > rank_tolerance(Z.shape[1], np.finfo(np.float64).eps) * d.max(initial=0.0)))
