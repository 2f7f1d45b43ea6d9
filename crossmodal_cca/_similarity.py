"""The table of similarities: layout for matrix products, rounding, distance and display of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ._checks import check_choice
from ._errors import as_typed
from ._typing import Array, FloatArray
from ._warn import warn
from .rows._blocks import row_slices

QueryLayout = Callable[[FloatArray], FloatArray]
Units = tuple[float, float]  # units of the queries and of the items


class Layout(NamedTuple):
    """A gallery laid out so that ``queries(block) @ rows.T`` ranks its items as the similarity does."""

    rows: FloatArray  # (n_gallery, d)
    norms: FloatArray  # (n_gallery,), bounds of the columns of that product
    queries: QueryLayout  # returns rows of unit length, unless the layout is exact
    exact: bool = False  # whether no product rounds

    @property
    def width(self) -> FloatArray:
        """Largest rounding error of each item's score, shape (n_gallery,)."""
        return np.zeros_like(self.norms) if self.exact else tie_width(self.rows, self.norms)


class Similarity(ABC):
    """Similarity of queries and items, large for near ones: an inner product, unless a class says otherwise."""

    name: ClassVar[str]
    label: ClassVar[str]  # label of the values in a picture
    # Whether it is an inner product of embeddings, so that a bias can be one more dimension.
    is_product: ClassVar[bool] = True
    # Whether each row is laid out by itself, without quantities shared by the whole gallery.
    by_row: ClassVar[bool] = False
    # Whether a zero row has no similarity in its own right.
    needs_direction: ClassVar[bool] = False
    # Value of the similarity at distance zero: the distance is this minus the similarity.
    at_distance_zero: ClassVar[float] = 0.0
    # Quantile of the magnitudes at which the colour scale ends on either side of 0; None for scales without a middle.
    color_reach: ClassVar[float | None]

    @abstractmethod
    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        """Lay out a gallery, which may be overwritten; `like` is the query layout of another part of it."""

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        """Lay out rows such as codes and counts so that no product rounds; None if one would."""
        return None

    @abstractmethod
    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        """Compute the similarity of rows in double precision, pair by pair, and its rounding error.

        It depends on the two rows alone. The units of both sides prevent overflow. Both arrays may be overwritten.
        """

    @abstractmethod
    def matrix(self, x: Array, y: Array) -> FloatArray:
        """Compute the similarity of every row of x to every row of y, for a picture."""

    def embedded(self, rows: FloatArray) -> FloatArray:
        """Return rows whose inner product (or distance) is the similarity; the rows passed may be overwritten."""
        return rows

    def searchable(self, items: FloatArray, like: Any = None) -> Layout:
        """Lay out embedded items, which are not changed; `like` is the query layout of earlier items of the index."""
        # With unit queries no score exceeds the length of the item, so only the lengths must not overflow.
        return Layout(items, np.sqrt(_squares(items)).astype(items.dtype), unit_rows)

    def of_pairs(self, queries: FloatArray, items: FloatArray) -> FloatArray:
        """Compute the similarity of embedded queries and items, row by row; the queries may be overwritten."""
        return np.asarray(np.einsum("ij,ij->i", queries, items))

    def distances(self, similarities: FloatArray) -> FloatArray:
        """Convert similarities to distances."""
        return self.at_distance_zero - similarities


class Cosine(Similarity):
    """The cosine of the angle between the rows."""

    name, label = "cosine", "cosine similarity"
    by_row, at_distance_zero, color_reach = True, 1.0, 1.0
    needs_direction = True

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        # A zero item gets length 1: its cosine is 0, and scores that round to about 0 tie with it.
        return Layout(unit_rows(gallery), np.ones(len(gallery), gallery.dtype), unit_rows)

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        # Items of equal length are ranked by their inner products.
        layout = SIMILARITIES["dot"].laid_out_exactly(queries, gallery, dtype)
        return layout if layout is not None and np.ptp(_squares(layout.rows)) == 0 else None

    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        values = np.einsum("ij,ij->i", unit_rows(queries), unit_rows(items))
        return values, tie_width(items, np.ones(len(items)))

    def embedded(self, rows: FloatArray) -> FloatArray:
        return unit_rows(rows)

    def distances(self, similarities: FloatArray) -> FloatArray:
        # Values rounded beyond ±1 are set to ±1.
        return np.asarray(np.clip(super().distances(similarities), 0.0, 2.0))

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from sklearn.metrics.pairwise import cosine_similarity

        return np.asarray(np.clip(cosine_similarity(x, y), -1.0, 1.0))


class Dot(Similarity):
    """The inner product."""

    name, label = "dot", "inner product"
    color_reach = 0.995  # a quantile, since one large value would make all others pale

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        layout = like or _DotLayout(unit_of(gallery))
        gallery /= layout.unit
        return Layout(gallery, _norms(gallery), layout)

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        units = _units_without_rounding(queries, gallery, dtype)
        if units is None:
            return None
        rows = gallery.astype(dtype) / dtype.type(units[1])
        return Layout(rows, _norms(rows), _ExactLayout(units[0]), exact=True)

    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        queries /= units[0]
        items /= units[1]
        return np.einsum("ij,ij->i", queries, items), tie_width(items, _norms(queries) * _norms(items))

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from sklearn.metrics.pairwise import linear_kernel

        return np.asarray(linear_kernel(x, y))


class Euclidean(Similarity):
    """Minus the Euclidean distance."""

    name, label, color_reach = "euclidean", "negative Euclidean distance", None
    is_product = False

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        """−‖q − g‖² ranks as 2q·g − ‖g‖², a dot product of [q, m] and [g, −‖g‖²/(2m)].

        A common shift leaves distances unchanged, so both sides are centred to keep ‖g‖² from costing digits. Any m > 0
        is correct; a typical length keeps both terms of similar size in any unit. Centre and length are medians: a mean
        could be dominated by one far item, and all others would tie.
        """
        centre = np.median(gallery, axis=0).astype(gallery.dtype) if like is None else like.centre
        gallery -= centre
        unit = unit_of(gallery) if like is None else like.unit
        gallery /= unit
        squares = _squares(gallery)
        if like is None:
            lengths = np.sqrt(squares)
            like = _EuclideanLayout(centre, unit, float(np.median(lengths)) or float(lengths.mean()) or 1.0)
        gallery = np.column_stack((gallery, squares / (-2 * like.m))).astype(gallery.dtype, copy=False)
        return Layout(gallery, _norms(gallery), like)

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        units = _units_without_rounding(queries, gallery, dtype, squares=True)
        if units is None:
            return None
        rows = gallery.astype(dtype) / dtype.type(units[1])
        rows = np.column_stack((rows, _squares(rows) / -2)).astype(dtype, copy=False)
        return Layout(rows, _norms(rows), _ExactLayout(units[0], 1.0), exact=True)

    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        queries -= items
        queries /= max(units)
        values = -_norms(queries)
        return values, tie_width(items, -values)

    def searchable(self, items: FloatArray, like: Any = None) -> Layout:
        return self.laid_out(items.copy(), like)

    def of_pairs(self, queries: FloatArray, items: FloatArray) -> FloatArray:
        queries -= items
        return np.asarray(-np.sqrt(np.einsum("ij,ij->i", queries, queries)))

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from scipy.spatial.distance import cdist

        return np.asarray(-cdist(x, y))


# Similarities by name.
SIMILARITIES: dict[str, Similarity] = {each.name: each for each in (Cosine(), Dot(), Euclidean())}


def similarity_named(name: Any, parameter: str = "similarity") -> Similarity:
    """Return the similarity of this name, or raise an error that names the user's parameter."""
    check_choice(name, parameter, SIMILARITIES)
    return SIMILARITIES[name]


# Layouts of queries are classes, so that objects that hold them can be pickled.
@dataclass(frozen=True)
class _ExactLayout:
    """Layout of queries for a gallery without rounding; `more` multiplies the term that an item adds to a product."""

    unit: Any
    more: float | None = None

    def __call__(self, block: FloatArray) -> FloatArray:
        block = block / self.unit
        return block if self.more is None else np.column_stack((block, np.full(len(block), self.more)))


@dataclass(frozen=True)
class _DotLayout:
    """Layout of queries for the gallery of `Dot`."""

    unit: Any

    def __call__(self, block: FloatArray) -> FloatArray:
        return unit_rows(block)


@dataclass(frozen=True)
class _EuclideanLayout:
    """Layout of queries for the gallery of `Euclidean`."""

    centre: FloatArray
    unit: Any
    m: float

    def __call__(self, block: FloatArray) -> FloatArray:
        return unit_rows(np.column_stack(((block - self.centre) / self.unit, np.full(len(block), self.m))))


def unit_rows(rows: FloatArray) -> FloatArray:
    """Scale rows to unit length in place; zero rows stay zero."""
    # Divided by the largest entry first, since squares could overflow or underflow.
    rows /= _or_one(np.maximum(rows.max(axis=1), -rows.min(axis=1)))[:, None]
    rows /= _or_one(_norms(rows))[:, None]
    return rows


def warn_of_zero_rows(rows: Array, name: str) -> None:
    """Warn of rows of an argument that are all zero: they have no direction for a cosine."""
    # Few rows begin with a zero, so this check is cheap.
    suspects = np.flatnonzero(rows[:, 0] == 0)
    zero = suspects[~rows[suspects].any(axis=1)]
    if len(zero):
        which = ", ".join(map(str, zero[:5])) + (", …" if len(zero) > 5 else "")
        warn(
            f"{len(zero)} of the {len(rows)} rows of {as_typed(name)} are zero throughout (from 0: {which}). Such a "
            "row has no direction: its cosine with any other counts as 0. Leave it out, or see where it comes from."
        )


def tie_width(rows: FloatArray, norms: FloatArray) -> FloatArray:
    """Bound the rounding error of each item's score, for unit queries and items of these norms, shape (n_gallery,).

    Scores within the sum of both widths tie, or are in doubt. Identical gallery rows get scores several eps apart: the
    matrix product sums differently at the edges of its tiles. A sum of d terms makes d rounding errors, each uniform up
    to eps/2 times the partial sum; if these grow steadily to the full score (the worst case: all terms of one sign),
    the errors' standard deviation is eps/2·√(d/3)/√3 = √d·eps/6, and four of these are 2/3·√d·eps. The 3 eps more cover
    the scaling of both vectors and sums too short for statistics.
    """
    width = (3 + 2 / 3 * np.sqrt(rows.shape[1])) * np.finfo(rows.dtype).eps
    return np.asarray(width * norms, rows.dtype)


def _units_without_rounding(queries: Array, gallery: Array, dtype: Any, squares: bool = False) -> Units | None:
    """Find units of the two sides in which no sum of products rounds; one unit for both if `squares` are subtracted.

    That holds if all entries are whole multiples of a step, and sums of magnitudes, counted in steps of both sides,
    have no more digits than the floating type. `squares` is for scores minus half an item's square.
    """
    digits = np.finfo(dtype).nmant  # the implicit digit is left for the halves
    # The first row of a side nearly always rules it out: in its own unit it is at least 1 long.
    if not all(_are_multiples(side[:1], unit_of(side[:1]) * 2.0 ** -(digits // 2)) for side in (queries, gallery)):
        return None
    units = unit_of(queries), unit_of(gallery)
    if squares:
        units = (max(units), max(units))
    sides = tuple(zip((queries, gallery), units, strict=True))
    query_length, length = (_longest(side, unit) for side, unit in sides)
    reach = query_length * length + (length**2 / 2 if squares else 0.0)
    step = 2.0 ** -np.floor((digits - np.log2(max(reach, 1.0))) / 2)
    fits = all(_are_multiples(side[rows], unit * step) for side, unit in sides for rows in row_slices(len(side)))
    return units if fits else None


def _are_multiples(rows: Array, step: float) -> bool:
    # There is no step below the smallest number.
    counted = rows.astype(np.float64) / (step or 1.0)
    return bool((counted == np.rint(counted)).all())


def _longest(rows: Array, unit: Any) -> float:
    """Compute the largest length of a row, in a unit."""
    return float(max(_norms(rows[part].astype(np.float64) / unit).max() for part in row_slices(len(rows))))


def _or_one(sizes: FloatArray) -> FloatArray:
    """Replace sizes of 0 by 1, for a division."""
    return np.where(sizes > 0, sizes, sizes.dtype.type(1))


def _squares(rows: FloatArray) -> FloatArray:
    """Compute squared lengths in double precision; sums in single precision would lose digits."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))


def _norms(rows: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def unit_of(rows: Array) -> float:
    """Return a divisor that prevents overflow of products: a power of two, so that no division rounds."""
    largest = max(float(rows.max()), -float(rows.min()))
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1)) if largest else 1.0
