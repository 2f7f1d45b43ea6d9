"""Rows that tell floating types apart: each pair of sides holds values of single precision, given in any wider type."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from linear_models import pairs

EPS = float(np.finfo(np.float64).eps)
N_TRAIN, N_NEW = 180, 60
N = N_TRAIN + N_NEW


def _latent(rng: Any) -> Any:
    """Two standardised factors, the first stronger than the second where sides share them."""
    return rng.normal(size=(N, 2)) * [1.0, 0.7]


def well_conditioned(rng: Any) -> tuple[Any, Any]:
    """Nothing to complain of."""
    return pairs(N, 8, 4)


def indicators(rng: Any) -> tuple[Any, Any]:
    """Complete sets of 0/1 columns of three and four levels: each row of either side sums to one."""
    codes = rng.integers(0, 3, N)
    others = np.where(rng.uniform(size=N) < 0.6, codes, rng.integers(0, 4, N))
    return np.eye(3)[codes], np.eye(4)[others]


def more_indicators(rng: Any) -> tuple[Any, Any]:
    """The same of five and four levels, kept with different probability, which sets three components apart."""
    codes = rng.choice(5, N, p=(0.1, 0.15, 0.2, 0.25, 0.3))
    kept = rng.uniform(size=N) < np.array([0.95, 0.9, 0.5, 0.2, 0.1])[codes]
    others = np.where(kept, codes % 4, rng.integers(0, 4, N))
    return np.eye(5)[codes], np.eye(4)[others]


def shares(rng: Any) -> tuple[Any, Any]:
    """Rows that sum to one up to the rounding of single precision."""
    F = _latent(rng)
    sides = (np.exp(F @ rng.normal(size=(2, p)) + 0.7 * rng.normal(size=(N, p))) for p in (20, 15))
    x, y = (A / A.sum(axis=1, keepdims=True) for A in sides)
    return x, y


def sixty_fourths(rng: Any) -> tuple[Any, Any]:
    """Rows that sum to one exactly."""
    F = _latent(rng)
    sides = (np.exp(F @ rng.normal(size=(2, p)) + 0.5 * rng.normal(size=(N, p))) for p in (4, 5))
    x, y = (np.array([rng.multinomial(64, row / row.sum()) for row in A]) / 64 for A in sides)
    return x, y


def thermometers(rng: Any) -> tuple[Any, Any]:
    """Celsius, Fahrenheit and Kelvin, read to a hundredth; y knows their differences."""
    t, e, f = rng.normal(15, 8, size=N), *rng.normal(size=(2, N))
    X = np.column_stack([t, 1.8 * t + 32 + 0.01 * e, t + 273.15 + 0.01 * f])
    return X, np.column_stack([e + 0.3 * rng.normal(size=N), f + t / 16 + rng.normal(size=N)])


def spectra(rng: Any) -> tuple[Any, Any]:
    """Smooth curves: path length, offset, and small bands of two analytes."""
    w = np.linspace(0, 1, 40)
    analytes = rng.uniform(size=(N, 2))
    bands = np.exp(-((w - np.array([[0.7], [0.2]])) ** 2) / 0.002)
    X = (1 + 0.3 * rng.normal(size=(N, 1))) * np.exp(-((w - 0.4) ** 2) / 0.05) + 0.2 * rng.normal(size=(N, 1))
    return X + 1e-2 * analytes @ bands + 1e-5 * rng.normal(size=X.shape), analytes + 0.05 * rng.normal(size=(N, 2))


def years(rng: Any) -> tuple[Any, Any]:
    """A trend over calendar years, the months, and two rates."""
    year, month = rng.integers(1970, 2025, N), rng.integers(1, 13, N)
    rates = rng.normal(size=(N, 2))
    X = np.column_stack([year, month, rates])
    Y = np.column_stack(
        [(year - 1990) / 10 + rng.normal(size=N), rates[:, 0] + month / 6 + rng.normal(size=N), rng.normal(size=N)]
    )
    return X, Y


def prices(rng: Any) -> tuple[Any, Any]:
    """One price in three currencies, each rounded to its smallest coin; y knows what rounding adds."""
    euro = np.exp(rng.normal(4, 0.5, N)).round(2)
    X = np.column_stack([euro, (1.0837 * euro).round(2), (157.31 * euro).round()])
    rest = 200 * (X[:, 1] - 1.0837 * euro)
    return X, np.column_stack([rest + 0.3 * rng.normal(size=N), np.log(euro) + 0.5 * rng.normal(size=N)])


def exact_units(rng: Any) -> tuple[Any, Any]:
    """A length in three units that divide each other exactly, and two further features."""
    F = _latent(rng)
    length = F[:, :1] + rng.normal(size=(N, 1))
    # Sixteen bits leave room for factors that are powers of two.
    length = length.astype(np.float16).astype(float)
    X = np.hstack([length, 1024 * length, length / 4, F + rng.normal(size=(N, 2))])
    return X, F @ rng.normal(size=(2, 3)) + rng.normal(size=(N, 3))


def wild_row(rng: Any) -> tuple[Any, Any]:
    """One training row holds a code for "missing" in every column."""
    X, Y = (A.copy() for A in pairs(N, 5, 3))
    X[7], Y[7] = -9999, -9999
    return X, Y


def far_from_zero(rng: Any) -> tuple[Any, Any]:
    """Means of a million, standard deviations of one: single precision leaves steps of a sixteenth."""
    X, Y = pairs(N, 8, 4)
    return X + 1e6, Y - 1e6


def subnormal(rng: Any) -> tuple[Any, Any]:
    """Values so small that single precision has only some digits left for them."""
    X, Y = pairs(N, 6, 4)
    return 1e-40 * X, 1e-40 * Y


def more_features_than_rows(rng: Any) -> tuple[Any, Any]:
    """Twenty-four training rows of thirty and twenty-eight features."""
    X, Y = pairs(24 + N_NEW, 30, 28, seed=3)
    return X, Y


def many_more_features_than_rows(rng: Any) -> tuple[Any, Any]:
    """Twenty training rows of sixty and fifty features."""
    return pairs(20 + N_NEW, 60, 50, seed=4)


DATA = {
    made.__name__: made
    for made in (
        *(well_conditioned, indicators, more_indicators, shares, sixty_fourths, thermometers, spectra, years, prices),
        *(exact_units, wild_row, far_from_zero, subnormal, more_features_than_rows, many_more_features_than_rows),
    )
}
# Also in half precision: values that it can hold, and that are data in it.
HALF = (
    "well_conditioned",
    "indicators",
    "more_indicators",
    "sixty_fourths",
    "years",
    "wild_row",
    "more_features_than_rows",
)
CASES = {name: (made, np.float32) for name, made in DATA.items()}
CASES |= {f"{name}-half": (DATA[name], np.float16) for name in HALF}
WIDE = tuple(case for case in CASES if "more_features" in case)
TALL = tuple(case for case in CASES if case not in WIDE)


class Rows(NamedTuple):
    """Training rows of both sides, and new ones."""

    X: Any
    y: Any
    new_X: Any
    new_y: Any

    def double(self) -> "Rows":
        """The same values in double precision."""
        return Rows(*(A.astype(np.float64) for A in self))


@cache
def rows(case: str) -> Rows:
    """The rows of a case in its own narrow type."""
    made, dtype = CASES[case]
    X, y = (A.astype(dtype) for A in made(np.random.default_rng(5)))
    return Rows(X[:-N_NEW], y[:-N_NEW], X[-N_NEW:], y[-N_NEW:])


def standardised(A: Any) -> Any:
    """Features about their means, at unit variance, in double precision."""
    C = A.astype(np.float64)
    C = C - C.mean(axis=0)
    return C / C.std(axis=0)


class Directions(NamedTuple):
    """A side's features at unit variance, decomposed: singular values relative to the largest, and which are kept.

    `lengths` say how far out the rows lie when all directions kept are scaled to unit variance.
    """

    values: Any
    kept: Any
    lengths: Any


def directions(A: Any) -> Directions:
    """Decompose a side; directions of the size of rounding are not kept."""
    U, s, _ = np.linalg.svd(standardised(A), full_matrices=False)
    kept = s > np.sqrt(A.shape[1] * EPS) * s[0]
    return Directions(s / s[0], kept, np.linalg.norm(U[:, kept], axis=1) * np.sqrt(len(A)))


def condition(*sides: Any) -> float:
    """2-norm condition of the correlation matrix of the worse side, null directions left out."""
    return max(float(d.values[d.kept].min() ** -2) for d in map(directions, sides))
