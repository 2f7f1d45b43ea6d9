"""Pairs of a deflated matrix are the leading ones whatever came before, and few of them need a decomposition."""

import numpy as np
import pytest
from scipy import linalg

from crossmodal_cca.linalg import _deflated_pairs as deflated
from crossmodal_cca.linalg._products import Covariances
from crossmodal_cca.linalg._solve_pls import solve_pls_canonical, solve_pls_regression

N = deflated.BASIS_FROM
DRAWN = np.random.default_rng(0)
NOISE = DRAWN.standard_normal((N, N + 20))
MIXED = NOISE @ NOISE.T / N + np.eye(N)
MATRICES = {
    "noise": (NOISE.T, np.eye(N + 20)),
    "wide": (NOISE, MIXED),
    "ties": (np.diag(np.repeat([3.0, 2.0, 1.0], [30, 40, N - 70])), np.eye(N)),
    # Nothing but a decomposition leads from one block to the other.
    "blocks": (linalg.block_diag(np.diag(np.linspace(9, 3, 60)), NOISE[60:, 80:] / 5), np.eye(N)),
    "steep": (NOISE[:, :N] * 10.0 ** -np.linspace(0, 14, N), MIXED),
    "of rank 5": (NOISE[:, :5] @ NOISE[:5], MIXED),
}


@pytest.mark.parametrize("solve", [solve_pls_regression, solve_pls_canonical])
@pytest.mark.parametrize("name", MATRICES)
def test_pairs_are_the_leading_ones(name, solve):
    C, Sx = MATRICES[name]
    S = Covariances(Sx, C, np.eye(C.shape[1]))
    found = solve(S, 70)
    # Regression uses up directions of x alone.
    assert len(found.singular_values) == (5 if name == "of rank 5" and solve is solve_pls_canonical else 70)
    C, left = C.copy(), np.linalg.norm(C)
    for j, d in enumerate(found.singular_values):
        if j % 7 == 0:
            leading = linalg.svdvals(C)[0]
            # The residual is at rounding level of the leading value, and deflation leaves that of the first.
            assert d == pytest.approx(leading, rel=1e-11, abs=1e-13 * left)
        w, v = found.x.weights[:, j], found.y.weights[:, j]
        p = Sx @ found.x.rotations[:, j]
        C = C - np.outer(p / (found.x.rotations[:, j] @ p), w @ C)
        if solve is solve_pls_canonical:
            C = C - np.outer(C @ v, v)


def test_most_pairs_need_no_decomposition(monkeypatch):
    sizes, products = [], []
    decompose, add = deflated.truncated_svd, deflated.DeflatedPairs._add
    monkeypatch.setattr(deflated, "truncated_svd", lambda C, k: sizes.append(k) or decompose(C, k))
    monkeypatch.setattr(deflated.DeflatedPairs, "_add", lambda *args: products.append(1) or add(*args))
    solve_pls_regression(Covariances(MIXED, NOISE, np.eye(N + 20)), 60)
    assert len(sizes) <= 4
    # A Lanczos iteration without a basis multiplies some hundred times for each.
    assert len(products) <= 60 * 40
