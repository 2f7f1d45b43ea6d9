"""Every model once more in 50 digits, by a slow route that shares nothing with the package.

Written from the definitions: generalised eigenproblems for CCA, kernel CCA and PLSSVD, deflation of the rows themselves
(NIPALS) for the other two. Matrices are numpy arrays of mpmath's numbers; float64, float32 and float16 rows enter as
they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import MPContext

MP = MPContext()
MP.dps = 50

exact = np.vectorize(MP.mpf, otypes=[object])
_sqrt = np.vectorize(MP.sqrt, otypes=[object])
_exp = np.vectorize(MP.exp, otypes=[object])

Rows = tuple[Any, Any]


@dataclass(frozen=True)
class Scored:
    """What a fitted model makes of rows: scores (n, k) of both sides, predictions of y (n, q), beside y itself.

    `separations` (k,) are the distances of the singular values from all others, which say how definite scores are.
    """

    singular_values: Any
    separations: Any
    x_scores: Any
    y_scores: Any
    predictions: Any
    y: Any

    @property
    def correlations(self) -> Any:
        """Correlation of each pair of scores."""
        t, u = _centred(self.x_scores), _centred(self.y_scores)
        return (t * u).sum(axis=0) / _sqrt((t * t).sum(axis=0) * (u * u).sum(axis=0))

    @property
    def r2(self) -> Any:
        """R² of the predictions, averaged over the features of y."""
        left = ((self.y - self.predictions) ** 2).sum(axis=0)
        return (1 - left / (_centred(self.y) ** 2).sum(axis=0)).mean()


# A model is fitted to the first rows, and scores the second ones.
Model = Callable[[Rows, Rows], Scored]


def cca(c: float, k: int) -> Model:
    """Maximise aᵀSxy b subject to aᵀ[(1 − c)Sxx + cτI]a = 1, τ = trace(Sxx)/p, and the same for b.

    Predictions are ridge regression restricted to the scores, with effects (1 − c)·WᵀSxy.
    """
    c = MP.mpf(c)

    def model(train: Rows, rows: Rows) -> Scored:
        X, Y, Xn, Yn, features = _standardized(train, rows)
        A, B = ((1 - c) * S + c * np.trace(S) / len(S) * _eye(S) for S in (_cov(X, X), _cov(Y, Y)))
        W, d, gaps, V = _leading_pairs(A, _cov(X, Y), B, k)
        return Scored(d, gaps, Xn @ W, Yn @ V, features(Xn @ W @ ((1 - c) * W.T @ _cov(X, Y))), exact(rows[1]))

    return model


def pls_svd(k: int) -> Model:
    """Maximise aᵀSxy b subject to aᵀa = bᵀb = 1. Predictions are least squares on the scores."""

    def model(train: Rows, rows: Rows) -> Scored:
        X, Y, Xn, Yn, features = _standardized(train, rows)
        W, d, gaps, V = _leading_pairs(None, _cov(X, Y), None, k)
        T = X @ W
        return Scored(d, gaps, Xn @ W, Yn @ V, features(Xn @ W @ _inverse(T.T @ T) @ T.T @ Y), exact(rows[1]))

    return model


def pls_canonical(k: int) -> Model:
    """NIPALS, mode A: w and v lead XᵀY; t = Xw, u = Yv; X ← X − t(Xᵀt)ᵀ/t², Y ← Y − u(Yᵀu)ᵀ/u².

    New rows are deflated by the loadings of the training rows. Predictions are least squares on the t, which are
    orthogonal.
    """

    def model(train: Rows, rows: Rows) -> Scored:
        X, Y, Xn, Yn, features = _standardized(train, rows)
        targets, predicted, found = Y, 0, []
        for _ in range(k):
            w, d, gaps, v = _leading_pairs(None, _cov(X, Y), None, 1)
            t, u, tn, un = X @ w, Y @ v, Xn @ w, Yn @ v
            predicted = predicted + tn @ _effects(t, targets)
            Xn, Yn = Xn - tn @ _effects(t, X), Yn - un @ _effects(u, Y)
            X, Y = X - t @ _effects(t, X), Y - u @ _effects(u, Y)
            found.append((d, gaps, tn, un))
        d, gaps, T, U = (np.hstack(columns) for columns in zip(*found, strict=True))
        return Scored(d, gaps, T, U, features(predicted), exact(rows[1]))

    return model


def pls_regression(k: int) -> Model:
    """NIPALS for PLS2: w leads XᵀY; t = Xw, g = Yᵀt/t²; X ← X − t(Xᵀt)ᵀ/t², Y ← Y − tgᵀ.

    Predictions are the sum of the tgᵀ; y-scores regress a y-row on the g.
    """

    def model(train: Rows, rows: Rows) -> Scored:
        X, Y, Xn, Yn, features = _standardized(train, rows)
        found = []
        for _ in range(k):
            w, d, gaps, _ = _leading_pairs(None, _cov(X, Y), None, 1)
            t, tn = X @ w, Xn @ w
            g = _effects(t, Y)
            Xn = Xn - tn @ _effects(t, X)
            X, Y = X - t @ _effects(t, X), Y - t @ g
            found.append((d, gaps, tn, g.T))
        d, gaps, T, G = (np.hstack(columns) for columns in zip(*found, strict=True))
        return Scored(d, gaps, T, Yn @ G @ _inverse(G.T @ G), features(T @ G.T), exact(rows[1]))

    return model


def kernel_cca(train: Rows, kernel: str, gamma: float, regularization: float, k: int) -> Scored:
    """Kernel CCA of the training rows, with ε = regularization · trace(K) of the centred kernel K of either side.

    With any K = FFᵀ and a = Fᵀα, maximising αᵀKxKyβ subject to αᵀKx(Kx + εI)α = n − 1 is CCA of the features F with
    the constraint aᵀ(FᵀF + εI)a = n − 1. Predictions are ridge regression restricted to the scores.
    """
    X, Y = map(exact, train)
    F, G = (_kernel_features(Z, kernel, MP.mpf(gamma)) for Z in (X, Y))
    A, B = (S + MP.mpf(regularization) * np.trace(S) * _eye(S) for S in (_cov(F, F), _cov(G, G)))
    W, d, gaps, V = _leading_pairs(A, _cov(F, G), B, k)
    return Scored(d, gaps, F @ W, G @ V, F @ W @ _cov(F @ W, Y) + Y.mean(axis=0), Y)


def _kernel_features(Z: Any, kernel: str, gamma: Any) -> Any:
    """F with FFᵀ the centred kernel: the centred rows themselves, or a Cholesky factor where the kernel is rbf."""
    if kernel == "linear":
        return _centred(Z)
    n = len(Z)
    K = _exp(-gamma * ((Z[:, None] - Z) ** 2).sum(axis=-1))
    # Centring takes one direction from K. In the other n − 1, contrasts of a row with those before it, it is definite.
    H = np.array([[MP.mpf((i < j) - j * (i == j)) / MP.sqrt(j * (j + 1)) for j in range(1, n)] for i in range(n)])
    return H @ _cholesky(H.T @ K @ H)


def _leading_pairs(A: Any, C: Any, B: Any, k: int) -> tuple[Any, Any, Any, Any]:
    """The k leading (a, d, separation of d, b) of  aᵀCb → max, aᵀAa = bᵀBb = 1; None is the identity.

    d² are the eigenvalues of B⁻¹CᵀA⁻¹C, found in the symmetric form L⁻¹CᵀA⁻¹C L⁻ᵀ with B = LLᵀ; a = A⁻¹Cb/d.
    """
    AC = C if A is None else _inverse(A) @ C
    M = C.T @ AC
    L = None if B is None else _inverse(_cholesky(B))
    values, Z = MP.eigsy(MP.matrix((M if L is None else L @ M @ L.T).tolist()))
    # Ascending; of what should be zero, rounding may be below.
    d, Z = _sqrt(np.maximum(_array(values).ravel(), 0))[::-1], _array(Z)[:, ::-1][:, :k]
    V = Z if L is None else L.T @ Z
    # Directions of the longer side that have no partner stand at zero.
    others = np.append(d, [MP.mpf(0)] * (C.shape[0] > C.shape[1]))
    gaps = np.array([np.delete(abs(others - d[j]), j).min() for j in range(k)])
    return AC @ V / d[:k], d[:k], gaps, V


def _standardized(train: Rows, rows: Rows) -> tuple[Any, Any, Any, Any, Callable[[Any], Any]]:
    """Both sides of both rows in units of the training rows' means and deviations, and y's way back."""
    (X, Y), new = map(exact, train), map(exact, rows)
    means, scales = zip(*((Z.mean(axis=0), _sqrt(np.diagonal(_cov(Z, Z)))) for Z in (X, Y)), strict=True)
    sides = [(Z - means[i % 2]) / scales[i % 2] for i, Z in enumerate([X, Y, *new])]
    return *sides, lambda Z: Z * scales[1] + means[1]


def _centred(Z: Any) -> Any:
    return Z - Z.mean(axis=0)


def _cov(X: Any, Y: Any) -> Any:
    return _centred(X).T @ _centred(Y) / (len(X) - 1)


def _effects(t: Any, Y: Any) -> Any:
    """Least-squares effects (1, q) of one score t (n, 1) on the columns of Y."""
    return t.T @ Y / (t.T @ t)


def _eye(S: Any) -> Any:
    return exact(np.eye(len(S)))


def _array(M: Any) -> Any:
    return np.array(M.tolist(), dtype=object)


def _inverse(A: Any) -> Any:
    return _array(MP.matrix(A.tolist()) ** -1)


def _cholesky(A: Any) -> Any:
    return _array(MP.cholesky(MP.matrix(A.tolist())))
