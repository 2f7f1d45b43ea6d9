"""Do encoders agree on the same items beyond chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_choice, check_confidence_level, check_number, check_random_state, check_whole_number
from .._errors import in_terms_of
from .._names_in_docs import with_names
from .._progress import Progress
from .._similarity import similarity_named
from .._sklearn import tell_where
from .._typing import FloatArray
from ..rows._validation import check_pair, warn_of_other_order
from ._agreement import AGREEMENTS, Agreement, Settings
from ._exchange import Exchange

if TYPE_CHECKING:
    from pandas import DataFrame

# Largest difference of two values of a measure that count as equal, relative to the largest possible value.
_EQUAL = 1e-10


@with_names
def alignment_test(
    X: ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | Mapping[str, ArrayLike],
    *,
    measure: str = "mutual_knn",
    n_neighbors: int = 10,
    similarity: str = "cosine",
    shrinkage: float | str = "oas",
    groups: ArrayLike | None = None,
    n_permutations: int = 999,
    confidence_level: float = 0.95,
    random_state: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Test whether encoders agree on the same items beyond chance, for one pair of them or a grid.

    Wide encoders seem to agree even on shuffled items, and the best of many layers looks good in any case. So values
    are compared with those of permuted items, and in a grid with the largest of all cells.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x), or dict of such arrays
        Rows of one encoder, at least four; or of several encoders (or layers) by their names, which are texts. Nothing
        is trained: encoders need not share a space or a width.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,), or dict of such arrays
        Rows of the other encoders, of the same items.
    measure : {"mutual_knn", "cka", "cca"}, default="mutual_knn"
        Mean share of common items among the nearest neighbours of each item; debiased linear CKA; or the sum of the
        squared singular values of `CCA`, which without shrinkage are canonical correlations.
    n_neighbors : int >= 1, default=10
        Neighbours of each item, for "mutual_knn"; fewer than the items outside of its group.
    similarity : <similarities>, default="cosine"
        Similarity whose neighbours these are.
    shrinkage : float in [0, 1] or "oas", default="oas"
        Shrinkage of every encoder, for "cca". Without any, an encoder with as many features as rows agrees equally with
        everything, and is refused.
    groups : array-like of shape (n_rows,), default=None
        Items of one group (the frames of a clip) stay together: a whole group is exchanged with another of as many
        items, in the order given. They are no neighbours of each other.
    n_permutations : int >= 1, default=999
        Number of permutations, the same ones for all cells; the smallest p-value is 1 / (n_permutations + 1).
    confidence_level : float in (0, 1), default=0.95
        Probability that no cell of unrelated encoders exceeds its threshold; at least
        1 / (1 − confidence_level) − 1 permutations are needed.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the permutations, and of the order of equally near neighbours.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    DataFrame
        A row for each pair of encoders, by their names (x, y), which are "X" and "y" for arrays. Columns:

        - `value`: of the measure;
        - `chance`: its mean over the permutations;
        - `threshold`: what no cell of unrelated encoders exceeds with the confidence level, in the units of this cell;
        - `effect`: max(0, (value − threshold) / (largest possible value − threshold)), in [0, 1];
        - `p_uncorrected`: of this cell by itself;
        - `p_value`: corrected for all cells; the effect is 0 if it is above 1 − confidence_level.

    Raises
    ------
    TypeError, ValueError
        If encoders differ in rows, values are not finite, names are no texts, groups cannot be exchanged, a parameter
        is out of its range, or an encoder has nothing to agree with.

    Warns
    -----
    UserWarning
        If fewer than 20 arrangements of the items are possible, tables have the same index labels in different orders,
        or rows are zero where the cosine ranks.

    See Also
    --------
    permutation_test : How many components are related.
    alignment_regime : Whether training on the pairs would recover what labels say.
    crossmodal_cca.plotting.AlignmentTestDisplay : The grid as a picture.

    Notes
    -----
    All values of a cell, the observed one among them, are standardised, s = (value − mean) / SD. The p-value of a cell
    is the share of permutations, the observed order among them, in which the *largest* s of all cells is at least its
    own. An encoder's neighbours, and its whitening, do not depend on the pairing, so the test is exact at any width.
    Items that are equally near come in random order: in that of the rows, copies would count as agreement.

    Time for n items and k neighbours grows with nk² per cell and permutation once the lists are found, and with npq for
    the other measures, or with n² for at most twice as many items as features. Products of all pairs of items are kept
    in that case alone, where they are about as large as the rows.

    References
    ----------
    Gröger, Wen & Brbić (2026), Revisiting the Platonic Representation Hypothesis: an Aristotelian view.
    Huh, Cheung, Wang & Isola (2024), The Platonic Representation Hypothesis (mutual nearest neighbours).
    Song, Smola, Gretton, Bedo & Borgwardt (2012), Feature selection via dependence maximization (unbiased estimate).
    Westfall & Young (1993), Resampling-based multiple testing (the largest cell).

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.inference import alignment_test
    >>> emoji = load_emoji(subset="test")
    >>> encoders = {"pictures": emoji.image, "shuffled": np.random.default_rng(0).permutation(emoji.image)}
    >>> table = alignment_test(encoders, {"names": emoji.text}, n_permutations=99, random_state=0)
    >>> (table["p_value"] <= 0.05).tolist()
    [True, False]
    """
    check_choice(measure, "measure", AGREEMENTS)
    kind = similarity_named(similarity)
    check_number(shrinkage, "shrinkage", low=0.0, high=1.0, word="oas")
    level = check_confidence_level(confidence_level)
    check_whole_number(n_permutations, "n_permutations")
    rank = _rank(level, n_permutations)
    xs, ys = _encoders(X, "X"), _encoders(y, "y")
    widths = _check_encoders(xs, ys)
    n = len(xs[0].rows)
    warn_of_other_order(X=xs[0].given, groups=groups)
    exchange = Exchange.of_rows(n) if groups is None else Exchange.within(n, groups, None)
    _check_neighbors(n_neighbors, measure, n - int(exchange.sizes.max()))
    exchange.warn_of_few()
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
    agreement = AGREEMENTS[measure](Settings(widths, exchange.codes, n_neighbors, kind, shrinkage))
    x_kept, y_kept = ([encoder.kept(agreement, rng) for encoder in encoders] for encoders in (xs, ys))
    values = _values(agreement, x_kept, y_kept, exchange, n_permutations, rng, verbose)
    largest = np.array([[agreement.largest(a, b) for b in y_kept] for a in x_kept])
    table = _table(values.reshape(1 + n_permutations, -1), largest.ravel(), rank)
    return _named(table, [e.name for e in xs], [e.name for e in ys], agreement)


def _rank(level: float, n_permutations: int) -> int:
    """Return the place, from 1, of the critical value among the sorted values of all permutations and the observed."""
    # Rounding of the product must not move it: .95·20 is 19.
    rank = int(np.ceil(round(level * (n_permutations + 1), 9)))
    if rank > n_permutations:
        raise ValueError(
            f"n_permutations={n_permutations} cannot give a p-value of 1 − confidence_level = {1 - level:g}: pass at "
            f"least {int(np.ceil(round(1 / (1 - level), 6))) - 1}."
        )
    return rank


class _Encoder:
    """An encoder by its name in tables and in errors, with its rows as given and, once they are checked, as stored."""

    def __init__(self, name: str, argument: str, typed: str, given: Any) -> None:
        self.name, self.argument, self.typed, self.given = name, argument, typed, given
        self.rows: Any = None

    def kept(self, agreement: Agreement, rng: np.random.Generator) -> Any:
        with _told(self):
            return agreement.kept(self.rows, self.argument, rng)


@contextmanager
def _told(*encoders: _Encoder) -> Iterator[None]:
    """Tell errors by the names of encoders, with the place of values that are not finite."""
    with in_terms_of(**{e.argument: e.typed for e in encoders if e.typed != e.argument}):
        try:
            yield
        except ValueError as error:
            tell_where(error, **{e.argument: e.given for e in encoders})
            raise


def _encoders(given: Any, argument: str) -> list[_Encoder]:
    if not isinstance(given, Mapping):
        return [_Encoder(argument, argument, argument, given)]
    if not given:
        raise ValueError(f"{argument} is an empty dict; it must hold the rows of at least one encoder by its name.")
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"{argument} must be rows, or a dict of rows by the encoder's name, a text; got {name!r}.")
    return [_Encoder(name, argument, f"{argument}[{name!r}]", rows) for name, rows in given.items()]


def _check_encoders(xs: Sequence[_Encoder], ys: Sequence[_Encoder]) -> list[int]:
    """Check all rows, each encoder beside the first one of the other side; return their widths."""
    for x, y in [(x, ys[0]) for x in xs] + [(xs[0], y) for y in ys[1:]]:
        with _told(x, y):
            pair = check_pair(x.given, y.given, min_rows=4)
        x.rows, y.rows = pair.X, pair.y
    return [encoder.rows.n_features for encoder in (*xs, *ys)]


def _check_neighbors(n_neighbors: Any, measure: str, n_others: int) -> None:
    """Refuse so many neighbours that each list holds all items outside of the own group."""
    check_whole_number(n_neighbors, "n_neighbors")
    if measure == "mutual_knn" and n_neighbors >= n_others:
        raise ValueError(
            f"n_neighbors must be less than the {n_others} items outside of the own group (the item itself, without "
            f"groups), or all lists hold the same items; got {n_neighbors}."
        )


def _values(
    agreement: Agreement,
    xs: Sequence[Any],
    ys: Sequence[Any],
    exchange: Exchange,
    n_permutations: int,
    rng: np.random.Generator,
    verbose: int,
) -> FloatArray:
    """Compute all cells in the order given and under each permutation, (1 + n_permutations, n_x, n_y)."""
    values = np.empty((1 + n_permutations, len(xs), len(ys)))
    order: NDArray[np.intp] = np.arange(len(exchange.rows))
    with Progress("permutations", n_permutations, verbose) as progress:
        for b in range(len(values)):
            for j, side in enumerate(ys):
                moved = agreement.moved(side, order)
                values[b, :, j] = [agreement.value(x, moved) for x in xs]
            progress.update(b)
            order = exchange.draw(rng)
    return values


class _Columns(NamedTuple):
    """Columns of the table, each (n_cells,)."""

    value: FloatArray
    chance: FloatArray
    threshold: FloatArray
    effect: FloatArray
    p_uncorrected: FloatArray
    p_value: FloatArray


def _table(values: FloatArray, largest: FloatArray, rank: int) -> _Columns:
    """Compare the observed cells, values[0], with the permuted ones, values[1:], each cell of its own largest value."""
    observed, permuted = values[0], values[1:]
    rounding = _EQUAL * largest
    p_uncorrected = (1 + np.sum(permuted >= observed - rounding, axis=0)) / len(values)
    # All values alike, the observed ones too, are standardised: this makes the test exact.
    mean, spread = _centre_and_spread(values, rounding)
    maxima = np.sort(((permuted - mean) / spread).max(axis=1))
    n_smaller = np.searchsorted(maxima, (observed - rounding - mean) / spread)
    p_value = (1 + len(maxima) - n_smaller) / len(values)
    # A strong cell would raise its own threshold, so that is found without the observed values.
    chance, spread = _centre_and_spread(permuted, rounding)
    maxima = np.sort(((permuted - chance) / spread).max(axis=1))
    threshold = chance + np.where(np.isinf(spread), 0.0, spread) * maxima[rank - 1]
    room = largest - threshold
    is_above = (n_smaller >= rank) & (room > rounding)
    effect = np.divide(observed - threshold, room, out=np.zeros_like(room), where=is_above)
    return _Columns(observed, chance, threshold, np.clip(effect, 0.0, 1.0), p_uncorrected, p_value)


def _centre_and_spread(values: FloatArray, rounding: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute the mean and standard deviation of each cell; infinite for one that no permutation changes."""
    spread = values.std(axis=0)
    return values.mean(axis=0), np.where(spread <= rounding, np.inf, spread)


def _named(columns: _Columns, x_names: list[str], y_names: list[str], agreement: Agreement) -> DataFrame:
    import pandas as pd

    index = pd.MultiIndex.from_product([x_names, y_names], names=["x", "y"])
    table = pd.DataFrame(columns._asdict(), index=index)
    table.attrs["measure"] = agreement.label
    return table
