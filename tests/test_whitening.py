"""Whitened sides by their definition: TᵀAT = I, the rank, and the reciprocal condition number of A = (1 − c)·S + cI."""

import numpy as np
import pytest
from linear_models import pairs

from crossmodal_cca.kernels._kernel import BLOCK_ENTRIES, block_rows
from crossmodal_cca.linalg._products import Covariances
from crossmodal_cca.linalg._svd import reciprocal_condition
from crossmodal_cca.linalg._whitening import ranks_of_covariances, whiten_covariances, whiten_rows

X, Y = (Z / Z.std(axis=0, ddof=1) for Z in (A - A.mean(axis=0) for A in pairs(300, 8, 6)))
DEGREES = len(X) - 1
SIDES = {
    "independent": X,
    "redundant": np.column_stack([X, X[:, 0]]),
    "one constant": np.column_stack([X, np.zeros(len(X))]),
    "many": pairs(400, 120, 4)[0][:300],  # beyond the order up to which extreme eigenvalues are computed
}
RANKS = {"independent": 8, "redundant": 8, "one constant": 8, "many": 120}


def side(name):
    Z = SIDES[name] - SIDES[name].mean(axis=0)
    deviation = Z.std(axis=0, ddof=1)
    return Z / np.where(deviation > 0, deviation, 1.0)


def whiten(route, Z, shrinkage):
    p, q = Z.shape[1], Y.shape[1]
    if route == "rows":
        return whiten_rows((Z / np.sqrt(DEGREES), Y / np.sqrt(DEGREES)), (shrinkage, 0.0), (p, q))
    S = Covariances(Z.T @ Z / DEGREES, Z.T @ Y / DEGREES, Y.T @ Y / DEGREES)
    return whiten_covariances(S, (shrinkage, 0.0), (p, q))


@pytest.mark.parametrize("route", ["covariances", "rows"])
@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_whitened_sides_follow_the_definition(route, name, shrinkage):
    Z = side(name)
    found = whiten(route, Z, shrinkage)
    S = Z.T @ Z / DEGREES
    p = len(S)
    A = (1 - shrinkage) * S + shrinkage * np.trace(S) / p * np.eye(p)
    T = found.x.weights(np.eye(found.x.rank if not found.x.is_factor else p))
    varying = np.diagonal(S) > 0
    if shrinkage == 0:
        assert found.x.rank == RANKS[name]
        assert found.x.complete == (name != "redundant")
    whitened = T.T @ A @ T
    kept = np.abs(T).sum(axis=0) > 0
    np.testing.assert_allclose(whitened, np.diag(kept.astype(float)), atol=1e-10)
    cross = T.T @ (Z.T @ Y / DEGREES)
    np.testing.assert_allclose(
        found.cross @ found.cross.T, cross @ np.linalg.inv(Y.T @ Y / DEGREES) @ cross.T, atol=1e-10
    )
    if name != "one constant" or shrinkage == 0:
        values = np.linalg.eigvalsh(A[np.ix_(varying, varying)])
        values = values[values > 1e-10]
        expected = values[0] / values[-1]
        # A few steps of a power iteration come from the inside of the spectrum, never beyond its ends.
        if name == "many" and found.x.is_factor:
            assert expected * (1 - 1e-9) <= found.x.rcond < 2 * expected
        else:
            assert found.x.rcond == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", SIDES)
def test_ranks_alone_are_those_of_the_whiteners(name):
    Z = side(name)
    S = Covariances(Z.T @ Z / DEGREES, Z.T @ Y / DEGREES, Y.T @ Y / DEGREES)
    assert ranks_of_covariances(S) == (RANKS[name], Y.shape[1])


@pytest.mark.parametrize("p", [1, 5, 100])
def test_the_reciprocal_condition_of_a_factor_is_that_of_its_product(p):
    L = np.tril(np.random.default_rng(p).standard_normal((p, p))) / p + np.eye(p)
    assert reciprocal_condition(L) == pytest.approx(1 / np.linalg.cond(L @ L.T), rel=1e-6)


@pytest.mark.parametrize("widths", [(1,), (300,), (50, 4_000), (10_000, 3), (10**7,), (0,)])
def test_blocks_of_kernel_values_stay_within_their_size(widths):
    rows = block_rows(*widths)
    assert 256 <= rows <= 8192
    assert rows * max(widths) <= BLOCK_ENTRIES or rows == 256
    assert (rows + 1) * max(widths) > BLOCK_ENTRIES or rows == 8192
