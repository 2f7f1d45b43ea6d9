"""`search`: find the nearest items of a gallery."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator
from typing import Any

from ._options import add_ids, add_output, whole_number
from ._result import Result, check_output, written

# Name of the command.
NAME = "search"
# One line in the list of commands.
SUMMARY = "find the items of a gallery of one modality that are nearest to queries of the other"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca search emoji/model emoji/words.npy emoji/pictures.npy -k 3 -o emoji/hits.csv "
    "--x-ids emoji/emoji.csv:emoji --y-ids emoji/emoji.csv:name"
)
# Columns of the table of results.
_COLUMNS = ("query", "rank", "id", "distance")
# Queries searched at a time.
_QUERIES_AT_ONCE = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("model", metavar="MODEL", help="what fit wrote")
    parser.add_argument("gallery", metavar="GALLERY", help="features to search in")
    parser.add_argument("queries", metavar="QUERIES", help="features to search with, of the other modality")
    parser.add_argument(
        "-k", type=whole_number, default=10, metavar="N", help="items for each query (default: %(default)s)"
    )
    parser.add_argument(
        "--modality", choices=("x", "y"), default="y", help="modality of the gallery (default: %(default)s)"
    )
    add_ids(parser)
    add_output(parser, "CSV", "where to write the table (default: print it)", required=False)


def run(arguments: argparse.Namespace) -> Result:
    """Search, and write or print a table of query, rank, id and distance."""
    if arguments.output is not None:
        check_output(arguments.output, arguments.force)
    from .. import load
    from ..io import read_features
    from ..retrieval import CrossModalIndex
    from ._sides import check_width, ids_of

    model = load(arguments.model)
    gallery, queries = read_features(arguments.gallery), read_features(arguments.queries)
    of_gallery, of_queries = ("x", "y") if arguments.modality == "x" else ("y", "x")
    check_width(model, gallery, of_gallery, "GALLERY")
    check_width(model, queries, of_queries, "QUERIES")
    ids = ids_of(getattr(arguments, f"{of_gallery}_ids"), len(gallery), "GALLERY")
    names = ids_of(getattr(arguments, f"{of_queries}_ids"), len(queries), "QUERIES")
    index = CrossModalIndex(model, modality=arguments.modality).fit(gallery, ids)
    hits = _hits(index, queries, names, arguments.k)
    if arguments.output is None:
        found = list(hits)
        table = [",".join(_COLUMNS), *(_line(hit) for hit in found)]
        return Result("\n".join(table), {"hits": [dict(zip(_COLUMNS, hit, strict=True)) for hit in found]})
    with written(arguments.output) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        try:
            csv.writer(text).writerows([_COLUMNS])
            csv.writer(text).writerows(hits)
        finally:
            text.detach()  # the caller closes the file
    n = len(queries)
    return Result(
        f"{arguments.output}: the {arguments.k} nearest of {len(gallery)} items for each of {n} queries",
        {"hits": str(arguments.output), "n_queries": n, "n_gallery": len(gallery)},
    )


def _hits(index: Any, queries: Any, names: Any, k: int) -> Iterator[tuple[Any, int, Any, float]]:
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        found = index.kneighbors(queries[start : start + _QUERIES_AT_ONCE], k)
        for query, (distances, ids) in enumerate(zip(*(part.tolist() for part in found), strict=True), start):
            name = query if names is None else str(names[query])
            for rank, (distance, item) in enumerate(zip(distances, ids, strict=True), 1):
                yield name, rank, item, distance


def _line(hit: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(hit)
    return text.getvalue()
