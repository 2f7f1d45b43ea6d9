"""The fitted model of linear methods: maps between rows of both modalities and scores, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._schemas import State, saved
from .._typing import FloatArray
from ..linalg._products import product
from ..linalg._solution import LinearSolution, SolvedSide
from ..rows._blocks import mapped, row_slices
from ..rows._moments import PairMoments
from ..rows._sparse_rows import MAX_FEATURES
from ..rows._stored import ScoreMaps
from ._pair import LEFT_OUT, Side, StandardizedPair
from ._value import Value

# Largest error of weights recovered from directions, relative to the largest weight.
ROUNDING = 1e-12
# Reason and advice of the error about moments that do not exist.
_NEVER_FORMED = (
    f'which are never formed of more than {MAX_FEATURES} sparse features, nor with solver="randomized". Reduce the '
    "features (by TruncatedSVD, for example), and fit again."
)


@saved()
@dataclass(frozen=True, eq=False, repr=False)
class LinearSide(Value):
    """One modality of p features in a shared space of k components.

    `directions` (p, k) map standardised rows to scores, which are then multiplied by `score_weights` (k,), the singular
    values to the power. `plain_loadings` (p, k) map scores without the power back; `effects` (k, p) map the other
    modality's scores to features in their own units. `own_weights` are None if weights are the directions times a
    `triangle` (k, k), as in PLS.
    """

    mean: FloatArray
    scale: FloatArray
    directions: FloatArray
    plain_loadings: FloatArray
    effects: FloatArray
    score_weights: FloatArray
    own_weights: FloatArray | None
    triangle: FloatArray | None
    names: NDArray[Any] | None

    @classmethod
    def of(
        cls,
        solved: SolvedSide,
        score_weights: FloatArray,
        side: Side,
        names: NDArray[Any] | None,
        dtype: np.dtype[Any],
    ) -> Self:
        """Build a side from its part of a solution over the standardised features, in a floating type."""
        W, R, P, B = solved
        triangle = _triangle(W, R, P)
        return cls(
            mean=side.mean,
            scale=side.scale,
            directions=R.astype(dtype, copy=False),
            plain_loadings=P.astype(dtype, copy=False),
            effects=(B * side.scale).astype(dtype, copy=False),
            score_weights=score_weights,
            own_weights=W.astype(dtype, copy=False) if triangle is None else None,
            triangle=triangle,
            names=names,
        )

    @property
    def n_features(self) -> int:
        return len(self.mean)

    @property
    def rotations(self) -> FloatArray:
        """Directions times the power (p, k)."""
        return self._in_own_type(self.directions * self.score_weights)

    @property
    def loadings(self) -> FloatArray:
        """Regression of the standardised features on the scores (p, k)."""
        undo = np.zeros_like(self.score_weights)
        np.divide(1.0, self.score_weights, out=undo, where=self.score_weights > 0)
        return self._in_own_type(self.plain_loadings * undo)

    @property
    def weights(self) -> FloatArray:
        """Weights of the standardised features (p, k), as the solver found them."""
        if self.triangle is None:
            assert self.own_weights is not None
            return self.own_weights
        return self._in_own_type(product(self.directions.astype(np.float64), self.triangle))

    def _in_own_type(self, A: FloatArray) -> FloatArray:
        return A.astype(self.directions.dtype, copy=False)

    def scores(self, rows: Any, name: str, *, weighted: bool = True) -> FloatArray:
        """Compute scores (n, k) of checked rows, named so in errors; without the power if not `weighted`."""
        maps = ScoreMaps(self.mean, self.scale, self.directions, self.score_weights if weighted else None)
        return rows.scores(maps, name)  # type: ignore[no-any-return]

    def predicted(self, scores: FloatArray) -> FloatArray:
        """Predict features (n, p) from the other side's scores (n, k) without the power."""
        return predictions(scores, self.effects, self.mean)

    def back(self, scores: FloatArray) -> FloatArray:
        """Map own scores (n, k) back to features (n, p), up to the part outside the components."""
        return predictions(scores, (self.loadings * self.scale[:, None]).T, self.mean)


@saved()
@dataclass(frozen=True, eq=False, repr=False)
class LinearModel(Value):
    """Two modalities in a shared space, with the moments of the training rows.

    `pair` holds these moments, for further batches and for residuals: None if they were never formed, or `left_out` of
    the file.
    """

    x: LinearSide
    y: LinearSide
    correlations: FloatArray
    singular_values: FloatArray
    shrinkage: tuple[float, float] | None
    power: float
    n_samples_seen: int
    weight_sum: float
    y_is_1d: bool
    pair: StandardizedPair | None
    left_out: bool = False

    @classmethod
    def of(
        cls,
        solution: LinearSolution,
        sides: tuple[Side, Side],
        names: tuple[NDArray[Any] | None, NDArray[Any] | None],
        dtype: np.dtype[Any],
        *,
        power: float,
        **known: Any,
    ) -> Self:
        """Build a model from a solution over the standardised features; `known` are the other fields."""
        score_weights = solution.singular_values**power
        x, y = (
            LinearSide.of(solved, score_weights, side, its_names, dtype)
            for solved, side, its_names in zip((solution.x, solution.y), sides, names, strict=True)
        )
        return cls(x, y, solution.correlations, solution.singular_values, power=float(power), **known)

    def __repr__(self) -> str:
        return (
            f"LinearModel(n_features_x={self.x.n_features}, n_features_y={self.y.n_features}, "
            f"n_components={self.n_components}, n_samples_seen={self.n_samples_seen})"
        )

    def _to_file(self, state: State, *, moments: bool) -> State:
        return state if moments or self.pair is None else state | {"pair": None, "left_out": True}

    @property
    def n_components(self) -> int:
        return len(self.singular_values)

    @property
    def coef(self) -> FloatArray:
        """Linear map (q, p) of the prediction of y."""
        coef = ((self.x.directions / self.x.scale[:, None]) @ self.y.effects).T
        return coef.astype(self.x.directions.dtype, copy=False)

    @property
    def intercept(self) -> FloatArray:
        """Prediction (q,) for a row of zeros."""
        return self.y.mean - ((self.x.mean / self.x.scale) @ self.x.directions) @ self.y.effects

    def known_pair(self) -> StandardizedPair:
        """Moments of the training rows; without them, raise an error that says why."""
        if self.pair is None:
            cause = f"of the features. {LEFT_OUT}" if self.left_out else f"of the features, {_NEVER_FORMED}"
            raise ValueError(f"This needs the covariances {cause}")
        return self.pair

    def feature_moments(self) -> PairMoments:
        """Moments of the features of all rows so far, to which those of further rows are added."""
        return self.known_pair().feature_moments()

    def residual_covariance(self, modality: str) -> FloatArray:
        """Compute the covariance (p, p) of the residuals of a modality's prediction on the training rows."""
        pair = self.known_pair()
        S = pair.covariances()
        cx, cy = self.shrinkage or (0.0, 0.0)
        own, other, S_other, S_own, S_cross, predictor, predicted, c = (
            (pair.y, pair.x, S.xx, S.yy, S.xy, self.x, self.y, cx)
            if modality == "y"
            else (pair.x, pair.y, S.yy, S.xx, S.xy.T, self.y, self.x, cy)
        )
        scale = predicted.scale
        R, B = predictor.directions.astype(np.float64), predicted.effects / scale
        A = other.to_coordinates(R) @ own.to_coordinates(B.T).T
        cross = S_cross.T @ A
        # Without shrinkage, least squares: the last two terms cancel, which would cost digits with large weights.
        C = own.to_features(S_own - cross if c == 0 else S_own - cross - cross.T + A.T @ S_other @ A)
        C = own.to_features(C.T) * scale * scale[:, None]
        return np.asarray((C + C.T) / 2)


def _triangle(W: FloatArray, R: FloatArray, P: FloatArray) -> FloatArray | None:
    """Compute T (k, k) with W = RT; None if W are directions or loadings, which are stored anyway, or no RT."""
    if np.array_equal(W, R) or np.array_equal(W, P):
        return None
    # PᵀR = I.
    T = product(P.T, W)
    is_exact = np.abs(product(R, T) - W).max() <= ROUNDING * np.abs(W).max()
    return T if is_exact else None


def predictions(scores: FloatArray, effects: FloatArray, mean: FloatArray) -> FloatArray:
    """Compute mean + scores @ effects, in the floating type of the scores."""
    return mapped(_predictions_of_array, scores, len(mean), scores.dtype, effects=effects, mean=mean)  # type: ignore[no-any-return]


def _predictions_of_array(scores: FloatArray, effects: FloatArray, mean: FloatArray) -> FloatArray:
    predicted = np.empty((len(scores), len(mean)), scores.dtype)
    for rows in row_slices(len(scores)):
        # Products use the finer type, as for scores.
        np.matmul(scores[rows], effects, out=predicted[rows], casting="same_kind")
    return np.add(predicted, mean, out=predicted, casting="same_kind")
