"""Read features and ids from files."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_flag
from ..rows._blocks import row_slices
from ..rows._stored import DenseRows
from ._arrays import array_of
from ._named_columns import UNNAMED, first_other, is_mixed, table_of
from ._place import Place, Refused

# Endings of files of arrays, which have no named columns.
_ARRAYS = (".npy", ".npz")


def read_features(path: str | os.PathLike[str], *, allow_nan: bool = False) -> NDArray[Any]:
    """Read the rows of one modality from a file.

    Parameters
    ----------
    path : str or path
        A file: ``.npy``, ``.npz``, ``.csv``, ``.tsv``, JSON lines (``.jsonl``, ``.ndjson``), ``.parquet``,
        ``.feather`` or ``.arrow``. Behind it, after a colon, may stand the key of an array (``file.npz:images``), the
        column that holds lists (``file.parquet:embedding``; in CSV also texts such as ``"[0.1, 0.2]"``), a column of
        numbers, or a pattern of their names (``file.csv:pixel*``). Without it the features are all columns of numbers,
        or the only one of lists; columns of texts are left out.
    allow_nan : bool, default=False
        Take NaN and infinite numbers as they are, to look for them.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        Numbers of the file's type. The array is read-only and stays in the file (a memory map) for ``.npy``, and for
        lists of one length in uncompressed ``.feather`` and ``.arrow``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is damaged, or holds no features: texts, NaN (the message says in which row and column), no such
        key, a column without a name or of whole numbers that are all different: they are ids or numbers of rows, and
        count as features only if they are asked for by name.
    ImportError
        If Parquet, Feather or Arrow is read without pyarrow (the extra ``files``).

    See Also
    --------
    read_ids : The column that says what the rows are.
    pair_by_id : Joins two files by it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crossmodal_cca.io import read_features, read_ids
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "sounds.csv"
    ...     _ = file.write_text("id,pitch,length\\n007,0.5,1\\n008,0.25,1\\n")
    ...     read_features(f"{file}:[pl]*"), read_ids(f"{file}:id")
    (array([[0.5 , 1.  ],
           [0.25, 1.  ]]), array(['007', '008'], dtype='<U3'))
    """
    check_flag(allow_nan, "allow_nan")
    place = Place.of(path)
    with place.reading():
        array, names = (array_of(place), None) if place.ending in _ARRAYS else _columns_of_features(place)
        array = _two_dimensional(array, place)
    if not allow_nan:
        _check_finite(array, names, place)
    return array


def read_ids(path: str | os.PathLike[str]) -> NDArray[np.str_]:
    """Read a column of ids, labels or captions from a file, as the texts that they are.

    Parameters
    ----------
    path : str or path
        As for :func:`read_features`: a file, with the name of the column (or key) behind a colon unless it has one
        alone.

    Returns
    -------
    ndarray of str of shape (n_rows,)
        "00391895" keeps its zeros, and whole numbers are written without a point, so that ids of two files are equal
        where they look equal.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError, ImportError
        As :func:`read_features`; also where an id is missing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from crossmodal_cca.io import read_ids
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "ids.npy", [391895, 522418])
    ...     read_ids(Path(folder) / "ids.npy").tolist()
    ['391895', '522418']
    """
    place = Place.of(path)
    with place.reading():
        values = _array_of_ids(place) if place.ending in _ARRAYS else _column_of_ids(place)
        texts = [_as_text(value, row, place) for row, value in enumerate(values)]
    return np.array(texts, dtype=np.str_)


def _two_dimensional(array: NDArray[Any], place: Place) -> NDArray[Any]:
    """Check rows of numbers; a single column counts as one feature."""
    if array.dtype.kind not in "fiub":
        held = "texts" if array.dtype.kind in "US" else f"values of type {array.dtype}"
        raise Refused(f"{place.file!r} holds {held}; features are numbers.")
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise Refused(
            f"{place.file!r} holds numbers of shape {array.shape}; features need rows and columns, "
            "(n_rows, n_features)."
        )
    return array[:, None] if array.ndim == 1 else array


def _check_finite(array: NDArray[Any], names: list[str] | None, place: Place) -> None:
    if array.dtype.kind != "f":
        return
    first, n_bad, stored = None, 0, DenseRows(array)
    for rows in row_slices(len(array), max(1, 2**21 // array.shape[1])):
        bad = ~np.isfinite(stored.read(rows, array.dtype))
        if bad.any():
            n_bad += int(bad.any(axis=1).sum())
            if first is None:
                row, column = np.argwhere(bad)[0]
                first = rows.start + int(row), int(column)
    if first is not None:
        row, column = first
        where = column if names is None or len(names) != array.shape[1] else repr(names[column])
        raise ValueError(
            f"{place.file!r} has {array[row, column]} in row {row}, column {where} (counted from 0), and {n_bad} such "
            "row(s) in all; fill or drop them."
        )


def _columns_of_features(place: Place) -> tuple[NDArray[Any], list[str]]:
    table = table_of(place)
    names = _named(table.names, place)
    read = table.columns(names)
    for name, values in read.items():
        _check_column(name, values, place, has_types=table.has_types)
    lists = [name for name, values in read.items() if values.ndim == 2]
    numbers = [name for name, values in read.items() if values.ndim == 1 and values.dtype != object]
    if len(lists) == 1 and not numbers:
        return read[lists[0]], lists
    if lists:
        raise Refused(
            f"{place.file!r} has lists in {_listed(lists)} and numbers in {_listed(numbers) or 'no column'}; say "
            f"which are the features, as in '{place.file}:{lists[0]}'."
        )
    if not numbers:
        raise Refused(f"{place.file!r} has no columns of numbers; its columns are {_listed(table.names)}.")
    if place.key is None:
        for name in numbers:
            _refuse_id(name, read[name], place)
    return np.column_stack([read[name] for name in numbers]), numbers


def _named(names: list[str], place: Place) -> list[str]:
    """Find the columns that are asked for, by name or by a pattern of names."""
    if place.key is None or place.key in names:
        return names if place.key is None else [place.key]
    chosen = [name for name in names if fnmatchcase(name, place.key)]
    if not chosen:
        raise Refused(f"{place.file!r} has no column {place.key!r}; its columns are {_listed(names)}.")
    return chosen


def _check_column(name: str, values: NDArray[Any], place: Place, *, has_types: bool) -> None:
    """Refuse texts among numbers, and a column of texts that is asked for."""
    if values.dtype == object and (place.key == name or is_mixed(values, has_types)):
        row, other = first_other(values, has_types)
        raise Refused(
            f"Column {name!r} of {place.file!r} has {other!r} in row {row}, counted from 0; features are numbers. Mend "
            "it, or name the columns that are features."
        )


def _refuse_id(name: str, values: NDArray[Any], place: Place) -> None:
    """Refuse numbers of rows and ids, which nobody means as features."""
    what = "has no name, so it seems to number the rows" if UNNAMED.fullmatch(name) else ""
    if values.dtype.kind in "iu" and 1 < len(values) == len(np.unique(values)):
        what = what or "holds whole numbers that are all different, as ids are"
    if what:
        raise Refused(
            f"Column {name!r} of {place.file!r} {what}; it is no feature. Leave it out, or name the columns that are "
            f"features, such as '{place.file}:{name}' for this one or a pattern of names, '{place.file}:pixel*'."
        )


def _array_of_ids(place: Place) -> list[Any]:
    array = array_of(place)
    if array.ndim != 1:
        raise Refused(f"{place.file!r} holds an array of shape {array.shape}; ids are one for each row, (n_rows,).")
    values: list[Any] = array.tolist()
    return values


def _column_of_ids(place: Place) -> list[Any]:
    table = table_of(place)
    key = table.names[0] if place.key is None and len(table.names) == 1 else place.key
    if key is None:
        raise Refused(
            f"{place.file!r} has the columns {_listed(table.names)}; say which, as in '{place.file}:{table.names[0]}'."
        )
    if key not in table.names:
        raise Refused(f"{place.file!r} has no column {key!r}; its columns are {_listed(table.names)}.")
    return table.texts(key)


def _as_text(value: Any, row: int, place: Place) -> str:
    """Convert an id to text; 3.0 becomes 3, as whole numbers turn into floats if one of the column is missing."""
    if value is None or value != value or value == "":
        raise Refused(f"{place.file!r} has no id in row {row}, counted from 0; drop the row, or give it one.")
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | dict):
        raise Refused(f"{place.file!r} has {value!r:.40} in row {row}, counted from 0; an id is a text or a number.")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" … ({len(names)} in all)" if len(names) > 8 else "")
