"""Similarities by name: how each is laid out for a matrix product, rounds, becomes a distance, and is shown."""

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
Units = tuple[float, float]  # of queries and of items


class Layout(NamedTuple):
    """A gallery laid out so that ``queries(block) @ rows.T`` ranks its items as the similarity does."""

    rows: FloatArray  # (n_gallery, d)
    norms: FloatArray  # (n_gallery,), bounds of each column of that product
    queries: QueryLayout  # gives rows of unit length, unless the layout is exact
    exact: bool = False  # whether no product rounds

    @property
    def width(self) -> FloatArray:
        """How far rounding takes each item's score at most, shape (n_gallery,)."""
        return np.zeros_like(self.norms) if self.exact else tie_width(self.rows, self.norms)


class Similarity(ABC):
    """What makes an item near a query: a large value of it. An inner product, unless a class says otherwise."""

    name: ClassVar[str]
    label: ClassVar[str]  # of its values in a picture
    # Whether it is an inner product of embeddings, so that a bias is one more dimension.
    is_product: ClassVar[bool] = True
    # Whether each row is laid out by itself, so that parts of a gallery need nothing in common.
    by_row: ClassVar[bool] = False
    # Whether a zero row has no similarity in its own right.
    needs_direction: ClassVar[bool] = False
    # A distance is this minus the similarity.
    at_distance_zero: ClassVar[float] = 0.0
    # Share of the magnitudes to which colours reach either way from 0; None where no value is a middle.
    color_reach: ClassVar[float | None]

    @abstractmethod
    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        """Lay out a gallery, which may be overwritten; a part of one like the layout of queries for another part."""

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        """Lay out rows such as codes and counts so that no product rounds; None where it would."""
        return None

    @abstractmethod
    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        """Similarity of rows in double precision, pair by pair, and how far it is rounded.

        It depends on the two rows alone, in units of their sides that keep it from overflow; both may be overwritten.
        """

    @abstractmethod
    def matrix(self, x: Array, y: Array) -> FloatArray:
        """Similarity of every row of x to every row of y, for a picture."""

    def embedded(self, rows: FloatArray) -> FloatArray:
        """Rows of which the inner product (or distance) is the similarity; the rows given may be overwritten."""
        return rows

    def searchable(self, items: FloatArray, like: Any = None) -> Layout:
        """Lay out embedded items, which stay as they are; further ones like the layout of queries for the first."""
        # Against unit queries no score exceeds the length of the item, so only that must not overflow.
        return Layout(items, np.sqrt(_squares(items)).astype(items.dtype), unit_rows)

    def of_pairs(self, queries: FloatArray, items: FloatArray) -> FloatArray:
        """Similarity of embedded queries and items, row by row; the queries may be overwritten."""
        return np.asarray(np.einsum("ij,ij->i", queries, items))

    def distances(self, similarities: FloatArray) -> FloatArray:
        """Small where the similarity is large."""
        return self.at_distance_zero - similarities


class Cosine(Similarity):
    """Of the angle between the rows."""

    name, label = "cosine", "cosine similarity"
    by_row, at_distance_zero, color_reach = True, 1.0, 1.0
    needs_direction = True

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        # A zero item counts as length 1: its cosine is 0, and the others' rounding around 0 ties with it.
        return Layout(unit_rows(gallery), np.ones(len(gallery), gallery.dtype), unit_rows)

    def laid_out_exactly(self, queries: Array, gallery: Array, dtype: Any) -> Layout | None:
        # Items of one length are ranked by their inner products.
        layout = SIMILARITIES["dot"].laid_out_exactly(queries, gallery, dtype)
        return layout if layout is not None and np.ptp(_squares(layout.rows)) == 0 else None

    def in_double(self, queries: FloatArray, items: FloatArray, units: Units) -> tuple[FloatArray, FloatArray]:
        values = np.einsum("ij,ij->i", unit_rows(queries), unit_rows(items))
        return values, tie_width(items, np.ones(len(items)))

    def embedded(self, rows: FloatArray) -> FloatArray:
        return unit_rows(rows)

    def distances(self, similarities: FloatArray) -> FloatArray:
        # What is rounded across an end is at the end.
        return np.asarray(np.clip(super().distances(similarities), 0.0, 2.0))

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from sklearn.metrics.pairwise import cosine_similarity

        return np.asarray(np.clip(cosine_similarity(x, y), -1.0, 1.0))


class Dot(Similarity):
    """The inner product."""

    name, label = "dot", "inner product"
    color_reach = 0.995  # one large value would dim all others

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
    """Minus the distance."""

    name, label, color_reach = "euclidean", "negative Euclidean distance", None
    is_product = False

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        """−‖q − g‖² ranks as 2q·g − ‖g‖², a dot product of [q, m] and [g, −‖g‖²/(2m)].

        Distances do not see a common shift, so both sides are centred, or ‖g‖² would eat the digits. Any m > 0 is
        right; a typical length keeps both terms alike, whatever the unit. Medians, because one item far away would
        decide a mean, and all others would tie.
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


SIMILARITIES: dict[str, Similarity] = {each.name: each for each in (Cosine(), Dot(), Euclidean())}


def similarity_named(name: Any, parameter: str = "similarity") -> Similarity:
    """The similarity of a name that a user gave for the parameter."""
    check_choice(name, parameter, SIMILARITIES)
    return SIMILARITIES[name]


# Layouts of queries are classes, so that what holds them can be pickled.
@dataclass(frozen=True)
class _ExactLayout:
    """Queries for a gallery of which no product rounds; `more` stands before what an item adds to each product."""

    unit: Any
    more: float | None = None

    def __call__(self, block: FloatArray) -> FloatArray:
        block = block / self.unit
        return block if self.more is None else np.column_stack((block, np.full(len(block), self.more)))


@dataclass(frozen=True)
class _DotLayout:
    """Queries for the gallery of `Dot`."""

    unit: Any

    def __call__(self, block: FloatArray) -> FloatArray:
        return unit_rows(block)


@dataclass(frozen=True)
class _EuclideanLayout:
    """Queries for the gallery of `Euclidean`."""

    centre: FloatArray
    unit: Any
    m: float

    def __call__(self, block: FloatArray) -> FloatArray:
        return unit_rows(np.column_stack(((block - self.centre) / self.unit, np.full(len(block), self.m))))


def unit_rows(rows: FloatArray) -> FloatArray:
    """Scale rows to unit length in place; zero rows stay zero."""
    # By the largest entry first, or squares could overflow or vanish.
    rows /= _or_one(np.maximum(rows.max(axis=1), -rows.min(axis=1)))[:, None]
    rows /= _or_one(_norms(rows))[:, None]
    return rows


def warn_of_zero_rows(rows: Array, name: str) -> None:
    """Say which rows of an argument are zero throughout: they have no direction for a cosine."""
    # Few rows begin with a zero, so that this costs next to nothing.
    suspects = np.flatnonzero(rows[:, 0] == 0)
    zero = suspects[~rows[suspects].any(axis=1)]
    if len(zero):
        which = ", ".join(map(str, zero[:5])) + (", …" if len(zero) > 5 else "")
        warn(
            f"{len(zero)} of the {len(rows)} rows of {as_typed(name)} are zero throughout (from 0: {which}). Such a "
            "row has no direction: its cosine with any other counts as 0. Leave it out, or see where it comes from."
        )


def tie_width(rows: FloatArray, norms: FloatArray) -> FloatArray:
    """How far rounding takes each item's score, for unit queries and items of these norms, shape (n_gallery,).

    Scores tie, or are in doubt, within the widths of both. Identical gallery rows do get scores several eps apart: the
    matrix product sums differently at the edges of its tiles. A sum of d terms makes d rounding errors, each uniform up
    to eps/2 times the partial sum; if these grow steadily to the full score (the worst case: all terms of one sign),
    the errors' standard deviation is eps/2·√(d/3)/√3 = √d·eps/6, and four of these are 2/3·√d·eps. The 3 eps more cover
    the scaling of both vectors and sums too short for statistics.
    """
    width = (3 + 2 / 3 * np.sqrt(rows.shape[1])) * np.finfo(rows.dtype).eps
    return np.asarray(width * norms, rows.dtype)


def _units_without_rounding(queries: Array, gallery: Array, dtype: Any, squares: bool = False) -> Units | None:
    """Units of the two sides in which no sum of products rounds, one for both with `squares`: minus half an item's.

    That is so where all entries are whole multiples of a step, and sums of magnitudes have no more digits, counted in
    steps of both sides, than the floating type.
    """
    digits = np.finfo(dtype).nmant  # and one more, for the halves
    # Nearly always the first row of a side says no: in its own unit it is at least 1 long.
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
    # A step below the smallest number is none.
    counted = rows.astype(np.float64) / (step or 1.0)
    return bool((counted == np.rint(counted)).all())


def _longest(rows: Array, unit: Any) -> float:
    """Largest length of a row, in a unit."""
    return float(max(_norms(rows[part].astype(np.float64) / unit).max() for part in row_slices(len(rows))))


def _or_one(sizes: FloatArray) -> FloatArray:
    """Sizes to divide by: 1 instead of 0."""
    return np.where(sizes > 0, sizes, sizes.dtype.type(1))


def _squares(rows: FloatArray) -> FloatArray:
    """Squared lengths, in double precision: a single one would lose digits in the sum."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))


def _norms(rows: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def unit_of(rows: Array) -> float:
    """What to divide by, so that no product overflows: a power of two, so that no division rounds."""
    largest = max(float(rows.max()), -float(rows.min()))
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1)) if largest else 1.0
