"""Read columns of tables in files: CSV, JSON lines, Parquet, Feather and Arrow."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._place import Place, Refused

# Names that pandas gives columns without one: the first of a CSV file, and the index in a Parquet file.
UNNAMED = re.compile(r"Unnamed: 0|__index_level_\d+__|")


class CSV:
    """A table of texts, separated by commas or tabs, with the names of its columns in the first line."""

    has_types = False

    def __init__(self, place: Place) -> None:
        self._place = place
        self.names = [str(name) for name in self._read(nrows=0).columns]
        if all(map(_is_number, self.names)) and self.names != [str(i) for i in range(len(self.names))]:
            raise Refused(
                f"The first line of {place.file!r} holds numbers ({', '.join(self.names[:3])} …) and no names of "
                "columns; add a line with names before it."
            )

    def columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Read columns by name, as numbers or objects."""
        # All columns are read, so that lines of another length are noticed.
        frame = self._read()
        return {name: _of_objects(frame[name].to_numpy(), name, self._place) for name in names}

    def texts(self, name: str) -> list[Any]:
        """Read a column as it is written; None for empty fields."""
        column = self._read(dtype=str, keep_default_na=False)[name]
        return [text or None for text in column]

    def _read(self, **options: Any) -> Any:
        import pandas as pd

        with warnings.catch_warnings():
            # Rows longer than the header would lose their last fields.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                self._place.file,
                sep="\t" if self._place.ending == ".tsv" else ",",
                index_col=False,
                encoding="utf-8-sig",
                low_memory=False,
                **options,
            )


class JSONLines:
    """A table with one JSON object a line."""

    has_types = True

    def __init__(self, place: Place) -> None:
        self._place = place
        with open(place.file, encoding="utf-8-sig") as lines:
            self._rows = [self._row(line, number) for number, line in enumerate(lines, 1) if line.strip()]
        self.names = list(dict.fromkeys(name for row in self._rows for name in row))

    def _row(self, line: str, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f'line {number} holds no object, such as {{"id": 7}}')
        return row

    def columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Read columns by name, as numbers or objects."""
        return {name: _of_objects(_objects(self.texts(name)), name, self._place) for name in names}

    def texts(self, name: str) -> list[Any]:
        """Read a column; None for missing values."""
        return [row.get(name) for row in self._rows]


class Arrow:
    """A table of Parquet, Feather or Arrow; columns that are not compressed are memory-mapped."""

    has_types = True

    def __init__(self, place: Place) -> None:
        if find_spec("pyarrow") is None:
            raise ImportError(
                f"To read {place.file!r} pyarrow is needed: pip install 'crossmodal_cca[files]', or save the features "
                "as .npy."
            )
        import pyarrow as pa

        self._place = place
        if place.ending == ".parquet":
            from pyarrow.parquet import ParquetFile

            self._parquet: Any = ParquetFile(place.file, memory_map=True)
            self.names = list(self._parquet.schema_arrow.names)
            return
        source = pa.memory_map(place.file)
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            # Two formats share the ending: one for files, and one for streams, in which data sets are cached.
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
        self._parquet, self._table = None, table
        self.names = list(table.column_names)

    def columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Read columns by name, as numbers, objects, or (from lists) arrays of two dimensions."""
        table = self._of(names)
        return {name: self._values(table.column(name), name) for name in names}

    def texts(self, name: str) -> list[Any]:
        """Read a column; None for missing values."""
        values: list[Any] = self._of([name]).column(name).to_pylist()
        return values

    def _of(self, names: Sequence[str]) -> Any:
        return self._table if self._parquet is None else self._parquet.read(columns=list(names))

    def _values(self, column: Any, name: str) -> NDArray[Any]:
        import pyarrow as pa

        kind = column.type
        if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return self._rows_of_lists(column, name)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            numbers: NDArray[Any] = column.to_numpy()
            return numbers.astype(np.float64) if numbers.dtype == object else numbers
        return _objects(column.to_pylist())

    def _rows_of_lists(self, column: Any, name: str) -> NDArray[Any]:
        import pyarrow.compute as pc

        # One chunk is handed on as it is, without a copy.
        chunk = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        lengths = pc.list_value_length(chunk).to_numpy(zero_copy_only=False)
        _check_lengths(lengths, name, self._place)
        rows: NDArray[Any] = chunk.flatten().to_numpy(zero_copy_only=False)
        if rows.dtype.kind not in "fiub":
            raise Refused(
                f"Column {name!r} of {self._place.file!r} holds lists of {chunk.type.value_type}, not of numbers."
            )
        return rows.reshape(len(lengths), -1)


def table_of(place: Place) -> CSV | JSONLines | Arrow:
    """Open the table in a file."""
    if place.ending in (".csv", ".tsv"):
        return CSV(place)
    return JSONLines(place) if place.ending in (".jsonl", ".ndjson") else Arrow(place)


def _of_objects(values: NDArray[Any], name: str, place: Place) -> NDArray[Any]:
    """Convert lists, or texts of lists, to an array of two dimensions; leave numbers and other objects as they are."""
    if values.dtype != object or not len(values):
        return values if values.dtype.kind in "fiubO" else _objects(values.tolist())
    if isinstance(values[0], str) and values[0].lstrip().startswith("["):
        values = _objects([_list_in(text, row, name, place) for row, text in enumerate(values)])
    if not isinstance(values[0], list | np.ndarray):
        kinds = {type(value) for value in values}
        if not kinds <= {int, float, bool, type(None)}:
            return values
        return np.array(values.tolist()) if len(kinds) == 1 else values.astype(np.float64)
    _check_lengths(np.array([len(v) if isinstance(v, list | np.ndarray) else np.nan for v in values]), name, place)
    try:
        return np.array(values.tolist(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise Refused(
            f"Column {name!r} of {place.file!r} holds lists of other things than numbers: {error}."
        ) from error


def _list_in(text: Any, row: int, name: str, place: Place) -> Any:
    """Parse the numbers in a text such as "[0.1, 2]" or "[0.1 2]"."""
    if not isinstance(text, str):
        return None
    inner = text.strip().removeprefix("[").removesuffix("]")
    try:
        return np.array(inner.replace(",", " ").split(), dtype=np.float64)
    except ValueError:
        raise Refused(
            f"Column {name!r} of {place.file!r} has no list of numbers in row {row}, counted from 0, but {text[:40]!r}."
        ) from None


def _check_lengths(lengths: NDArray[Any], name: str, place: Place) -> None:
    lengths = np.asarray(lengths, dtype=np.float64)
    other = np.flatnonzero(lengths != lengths[:1])
    if not len(lengths) or len(other) or not lengths[0] > 0:
        row = int(other[0]) if len(other) else 0
        found = "nothing" if not len(lengths) or np.isnan(lengths[row]) else f"{int(lengths[row])} numbers"
        expected = f"row 0 has {int(lengths[0])}" if len(other) and lengths[0] > 0 else "each row needs some"
        raise Refused(
            f"Column {name!r} of {place.file!r} must hold lists of one length, but has {found} in row {row}, counted "
            f"from 0; {expected}."
        )


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    return np.fromiter(values, dtype=object, count=len(values))


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def is_mixed(values: NDArray[Any], has_types: bool) -> bool:
    """Say whether some objects are numbers and some are not; a column of texts is mixed if most are numbers."""
    if has_types:
        return len({isinstance(value, str) for value in values if value is not None}) == 2
    present = [value for value in values if value is not None and value == value]
    return 2 * sum(map(_is_number, present)) > len(present)


def first_other(values: NDArray[Any], has_types: bool) -> tuple[int, Any]:
    """Find the first object that is no number, and its row."""
    kinds = has_types and any(not isinstance(value, str) for value in values)
    others = (row for row, value in enumerate(values) if not _is_number(value) or (kinds and isinstance(value, str)))
    row = next(others, 0)
    return row, values[row]
