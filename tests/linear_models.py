"""The table that drives the tests of linear models: each setting, and the laws it obeys."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from crossmodal_cca import CCA, PLSSVD, PLSCanonical, PLSRegression
from crossmodal_cca.datasets import make_paired_latent


@dataclass(frozen=True)
class Model:
    """An estimator and what may be done to its data without changing its shared space."""

    estimator: Any
    invertible: bool = False  # any invertible linear map of either side
    rotation: bool = False  # any orthogonal map of either side
    side_units: bool = False  # another unit for a whole side
    feature_units: bool = False  # another unit for each feature
    symmetric: bool = True  # swapping the sides swaps the results
    wide: bool = True  # one solution with fewer rows than features (plain CCA has many, all with correlation 1)


TABLE = {
    "cca": Model(CCA(3), wide=False, invertible=True, side_units=True, feature_units=True),
    "cca-moments": Model(CCA(3, solver="moments"), wide=False, invertible=True, side_units=True, feature_units=True),
    "cca-svd": Model(CCA(3, solver="svd"), wide=False, invertible=True, side_units=True, feature_units=True),
    "cca-unscaled": Model(
        CCA(3, scale=False), wide=False, invertible=True, rotation=True, side_units=True, feature_units=True
    ),
    "cca-shrunk": Model(CCA(3, shrinkage=0.4), side_units=True, feature_units=True),
    "cca-shrunk-svd": Model(CCA(3, shrinkage=0.4, solver="svd"), side_units=True, feature_units=True),
    "cca-shrunk-unscaled": Model(CCA(3, shrinkage=0.4, scale=False), rotation=True, side_units=True),
    "cca-shrunk-apart": Model(
        CCA(3, shrinkage=(0.2, 0.7), power=1.0), side_units=True, feature_units=True, symmetric=False
    ),
    "cca-oas": Model(CCA(3, shrinkage="oas", scale=False), rotation=True, side_units=True),
    "pls-svd": Model(PLSSVD(3), side_units=True, feature_units=True),
    "pls-svd-unscaled": Model(PLSSVD(3, scale=False), rotation=True, side_units=True),
    "pls-canonical": Model(PLSCanonical(3), side_units=True, feature_units=True),
    "pls-canonical-unscaled": Model(PLSCanonical(3, scale=False), rotation=True, side_units=True),
    "pls-canonical-power": Model(PLSCanonical(3, power=1.0), side_units=True, feature_units=True),
    "pls-regression": Model(PLSRegression(3), side_units=True, feature_units=True, symmetric=False),
    "pls-regression-unscaled": Model(PLSRegression(3, scale=False), rotation=True, side_units=True, symmetric=False),
}


def models(law: str | None = None) -> Any:
    """Parametrise a test with the models that obey a law, or with all."""
    rows = {name: m for name, m in TABLE.items() if law is None or getattr(m, law)}
    return pytest.mark.parametrize("model", [pytest.param(m.estimator, id=name) for name, m in rows.items()])


def pairs(n: int = 300, p: int = 8, q: int = 6, seed: int = 0, dtype: Any = np.float64) -> tuple[Any, Any]:
    """Well-conditioned pairs with three population correlations apart from each other and from zero."""
    X, y = make_paired_latent(n, p, q, correlations=(0.9, 0.7, 0.5), condition=5.0, random_state=seed)
    return (X + 1.0).astype(dtype), (y - 2.0).astype(dtype)


def same_space(a: Any, b: Any, rows_a: tuple[Any, Any], rows_b: tuple[Any, Any], tol: float = 1e-10) -> None:
    """Two fitted models give the same scores on the same rows (given in each model's own features).

    Component by component up to a sign common to both sides and, for a change of a side's unit, a factor per side.
    """
    for scores_a, scores_b in zip(a.transform(*rows_a), b.transform(*rows_b), strict=True):
        scores_a, scores_b = (S / np.linalg.norm(S) for S in (scores_a, scores_b))
        signs = np.sign(np.sum(scores_a * scores_b, axis=0))
        np.testing.assert_allclose(scores_a, scores_b * signs, atol=tol)
    np.testing.assert_allclose(a.correlations_, b.correlations_, atol=tol)
