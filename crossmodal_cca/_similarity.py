"""Similarities by name: how each is laid out for a matrix product, rounds, becomes a distance, and is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ._checks import check_choice
from ._typing import Array, FloatArray
from ._warn import warn

QueryLayout = Callable[[FloatArray], FloatArray]


class Layout(NamedTuple):
    """A gallery laid out so that ``queries(block) @ rows.T`` ranks its items as the similarity does."""

    rows: FloatArray  # (n_gallery, d)
    norms: FloatArray  # (n_gallery,), bounds of each column of that product
    queries: QueryLayout  # gives rows of unit length


class Similarity(ABC):
    """What makes an item near a query: a large value of it. An inner product, unless a class says otherwise."""

    name: ClassVar[str]
    label: ClassVar[str]  # of its values in a picture
    # Whether it is an inner product of embeddings, so that a bias is one more dimension.
    is_product: ClassVar[bool] = True
    # Whether each row is laid out by itself, so that parts of a gallery need nothing in common.
    by_row: ClassVar[bool] = False
    # A distance is this minus the similarity.
    at_distance_zero: ClassVar[float] = 0.0
    # Share of the magnitudes to which colours reach either way from 0; None where no value is a middle.
    color_reach: ClassVar[float | None]

    @abstractmethod
    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        """Lay out a gallery, which may be overwritten; a part of one like the layout of queries for another part."""

    @abstractmethod
    def matrix(self, x: Array, y: Array) -> FloatArray:
        """Similarity of every row of x to every row of y, for a picture."""

    def embedded(self, rows: FloatArray) -> FloatArray:
        """Rows of which the inner product (or distance) is the similarity; the rows given may be overwritten."""
        return rows

    def searchable(self, items: FloatArray) -> Layout:
        """Lay out embedded items, which stay as they are."""
        # Against unit queries no score exceeds the length of the item, so only that must not overflow.
        lengths = np.sqrt(np.einsum("ij,ij->i", items, items, dtype=np.float64))
        return Layout(items, lengths, unit_rows)

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

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        # A zero item counts as length 1: its cosine is 0, and the others' rounding around 0 ties with it.
        return Layout(unit_rows(gallery), np.ones(len(gallery), gallery.dtype), unit_rows)

    def embedded(self, rows: FloatArray) -> FloatArray:
        return unit_rows(rows)

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from sklearn.metrics.pairwise import cosine_similarity

        return np.asarray(cosine_similarity(x, y))


class Dot(Similarity):
    """The inner product."""

    name, label = "dot", "inner product"
    color_reach = 0.995  # one large value would dim all others

    def laid_out(self, gallery: FloatArray, like: Any = None) -> Layout:
        layout = like or _DotLayout(_largest(gallery))
        gallery /= layout.unit
        return Layout(gallery, _norms(gallery), layout)

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
        unit = _largest(gallery) if like is None else like.unit
        gallery /= unit
        squares = np.einsum("ij,ij->i", gallery, gallery)
        if like is None:
            lengths = np.sqrt(squares)
            like = _EuclideanLayout(centre, unit, float(np.median(lengths)) or float(lengths.mean()) or 1.0)
        gallery = np.column_stack((gallery, squares / (-2 * like.m))).astype(gallery.dtype, copy=False)
        return Layout(gallery, _norms(gallery), like)

    def searchable(self, items: FloatArray) -> Layout:
        return self.laid_out(items.copy())

    def of_pairs(self, queries: FloatArray, items: FloatArray) -> FloatArray:
        queries -= items
        return np.asarray(-np.sqrt(np.einsum("ij,ij->i", queries, queries)))

    def matrix(self, x: Array, y: Array) -> FloatArray:
        from sklearn.metrics.pairwise import euclidean_distances

        return np.asarray(-euclidean_distances(x, y))


SIMILARITIES: dict[str, Similarity] = {each.name: each for each in (Cosine(), Dot(), Euclidean())}


def similarity_named(name: Any, parameter: str = "metric") -> Similarity:
    """The similarity of a name that a user gave for the parameter."""
    check_choice(name, parameter, SIMILARITIES)
    return SIMILARITIES[name]


# Layouts of queries are classes, so that what holds them can be pickled.
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
            f"{len(zero)} of the {len(rows)} rows of {name} are zero throughout (from 0: {which}). Such a row has no "
            "direction: its cosine with any other counts as 0. Leave it out, or see where it comes from."
        )


def tie_width(rows: FloatArray, norms: FloatArray) -> FloatArray:
    """Half-width of a tie at each gallery item's score, for unit queries and items of these norms, shape (n_gallery,).

    Identical gallery rows do get scores several eps apart: the matrix product sums differently at the edges
    of its tiles. A sum of d terms makes d rounding errors, each uniform up to eps/2 times the partial sum; if
    these grow steadily to the full score (the worst case: all terms of one sign), the errors' standard
    deviation is eps/2·√(d/3)/√3 = √d·eps/6. Then √d·eps is four standard deviations of the difference of two
    such sums. The 4 eps more cover the scaling of both vectors and sums too short for statistics.
    """
    width = (4 + np.sqrt(rows.shape[1])) * np.finfo(rows.dtype).eps
    return np.asarray(width * norms, rows.dtype)


def _or_one(sizes: FloatArray) -> FloatArray:
    """Sizes to divide by: 1 instead of 0."""
    return np.where(sizes > 0, sizes, sizes.dtype.type(1))


def _norms(rows: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def _largest(rows: FloatArray) -> Any:
    """Largest magnitude, to divide by so that no product overflows."""
    return _or_one(np.maximum(rows.max(), -rows.min()))
