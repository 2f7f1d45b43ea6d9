"""The function that makes a report."""

from __future__ import annotations

import hashlib
import inspect
from numbers import Integral
from typing import Any

import numpy as np

from .._checks import check_flag, check_number, check_random_state, check_verbose, check_whole_number
from .._errors import in_terms_of
from .._ids import checked_ids
from .._names_in_docs import with_names
from .._similarity import similarity_named
from .._sklearn import telling_where
from ..alignment._items import Items
from ..metrics._directions import check_names
from ..metrics.measures import ChosenMeasure
from ..rows._blocks import row_slices
from ..rows._stored import PairedRows
from ..rows._validation import check_pair, warn_of_other_order
from ._captions import Captions
from ._evidence import gather
from ._page import Report
from ._question import Origin, Question


@with_names
def report(
    X: Any,
    y: Any,
    *,
    aligner: Any = None,
    baseline: Any = None,
    reference: Any = None,
    x_ids: Any = None,
    y_ids: Any = None,
    groups: Any = None,
    labels: Any = None,
    x_captions: Any = None,
    y_captions: Any = None,
    examples: bool = True,
    names: tuple[str, str] = ("x", "y"),
    measure: str = "hit_rate_at_10",
    similarity: str = "cosine",
    test_size: float = 0.2,
    max_pairs: int | None = 10_000,
    n_shuffles: int = 20,
    random_state: Any = 0,
    verbose: int = 0,
) -> Report:
    """Report whether two modalities share a space that helps, which method finds it, and how good it is.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_pairs, n_features_x)
        Rows of the first modality.
    y : array-like or sparse matrix of shape (n_pairs, n_features_y)
        Rows of the second, paired with those of X.
    aligner : estimator, default=None
        The model to report on; it is cloned and need not be fitted. None: the best of those that `compare_aligners`
        compares by cross-validation among the training pairs.
    baseline : estimator, default=None
        The model that this one would replace, for the queries that get worse; it is cloned and fitted to the training
        pairs. None: the rows as they are if both sides have as many features and find partners that way, or else
        PLS-SVD with a chosen number of components (for sparse rows nothing).
    reference : tuple (X_ref, y_ref) of array-like or sparse matrix, default=None
        Other pairs, of the same features, that the held-out pairs are compared with; not those of X and y.
    x_ids, y_ids : array-like of shape (n_pairs,), default=None
        Ids of the items; rows of equal ids belong together. None for both: row i to row i, and copies of it.
    groups : array-like of shape (n_pairs,), default=None
        Pairs that must not be separated. None: those with an item in common.
    labels : array-like of shape (n_pairs,), default=None
        Class of each pair, for figures by class.
    x_captions, y_captions : array-like of str or dataframe of shape (n_pairs,) or (n_pairs, n_columns), default=None
        Texts that the searches show for the items. A column of paths to pictures is shown as small copies, one of
        addresses as links, and nothing is fetched.
    examples : bool, default=True
        Whether searches are shown, if there are captions or ids.
    names : tuple of two str, default=("x", "y")
        Names of the modalities.
    measure : str, default="hit_rate_at_10"
        Measure that decides, by name: any but the median rank.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the gallery.
    test_size : float in (0, 1), default=0.2
        Share of the pairs that is held out, in whole groups.
    max_pairs : int >= 2 or None, default=10000
        Most pairs that are used, groups drawn at random from more, so that a page ends in minutes; the page says how
        many are left out. None: all of them. Values, columns and ids are looked at in all rows anyway.
    n_shuffles : int >= 1, default=20
        Fits to wrong pairs.
    random_state : int, RandomState, Generator or None, default=0
        Seed of what is drawn: the split, the wrong pairs, and the searches shown. The page says which number it was.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    Report
        A page with the attributes ``verdict`` ("helps", "cannot tell" or "does not help"), ``numbers`` (all numbers, by
        section) and ``model`` (fitted to the training pairs). ``to_html(path)`` writes one file that needs no network,
        ``to_markdown()`` returns a text, and notebooks show it as itself.

    Raises
    ------
    ValueError, TypeError
        If rows are bad, ids, groups, labels or captions are not one for each pair, or a setting is out of its range.

    See Also
    --------
    crossmodal_cca.diagnosis.data_report : The findings about the data.
    crossmodal_cca.metrics.retrieval_report : The figures on held-out pairs.
    crossmodal_cca.metrics.shuffled_pair_control : The fits to wrong pairs.

    Notes
    -----
    The verdict follows a table of rules (see the guide). It rests on the mean of the measure over the held-out queries
    of both directions, with Wilson's interval over independent groups of pairs; on chance; on fits to wrong pairs; and
    on copies across the split.

    Examples
    --------
    >>> import crossmodal_cca
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(400, 20, 15, random_state=0)
    >>> page = crossmodal_cca.report(X, y, aligner=CCA(3, shrinkage=0.1), n_shuffles=5)
    >>> page.verdict
    'helps'
    >>> page.to_html("report.html")  # doctest: +SKIP
    """
    asked = {name: value for name, value in locals().items() if name not in ("X", "y")}
    with telling_where(X=X, y=y):
        rows = check_pair(X, y, min_rows=2, accept_sparse=True)
    asked["random_state"] = _seed(random_state)
    return made(X, y, rows, asked, Origin(_call(asked), {"X": _fingerprint(rows.X), "y": _fingerprint(rows.y)}))


def made(X: Any, y: Any, rows: PairedRows, asked: dict[str, Any], origin: Origin) -> Report:
    """Make a report from checked rows and the arguments of `report`; `rows` are those of X and y."""
    with telling_where(X=X, y=y):
        return Report(gather((X, y), _question(X, y, rows, asked), origin, asked["aligner"], asked["baseline"]))


def defaults() -> dict[str, Any]:
    """Return the arguments of `report` besides the rows, by name, as they are if nothing is said."""
    parameters = inspect.signature(report).parameters
    return {name: each.default for name, each in parameters.items() if name not in ("X", "y")}


def _question(X: Any, y: Any, rows: PairedRows, asked: dict[str, Any]) -> Question:
    """Check what was asked."""
    of_x, of_y = ("groups", "x_ids", "labels", "x_captions"), ("y_ids", "y_captions")
    warn_of_other_order(X=X, **{name: asked[name] for name in of_x})
    warn_of_other_order(y=y, **{name: asked[name] for name in of_y})
    check_names(asked["names"])
    check_flag(asked["examples"], "examples")
    check_verbose(asked["verbose"])
    similarity_named(asked["similarity"])
    measure = ChosenMeasure.named(asked["measure"])
    if measure.measure.aggregate != "mean":
        raise ValueError(f"measure must be a mean over queries, such as 'hit_rate_at_10'; got {asked['measure']!r}.")
    n, most = rows.n_rows, asked["max_pairs"]

    def ids(name: str) -> Any:
        return None if asked[name] is None else checked_ids(asked[name], name, n, "X")

    return Question(
        widths=(rows.X.shape[1], rows.y.shape[1]),
        is_sparse=rows.X.is_sparse or rows.y.is_sparse,
        items=Items.of(rows, asked["groups"], asked["x_ids"], asked["y_ids"], None, retrieval=True),
        ids={"x": ids("x_ids"), "y": ids("y_ids")},
        groups=ids("groups"),
        labels=ids("labels"),
        captions={side: Captions.of(asked[f"{side}_captions"], f"{side}_captions", n) for side in "xy"},
        names=tuple(asked["names"]),
        measure=measure.name,
        similarity=asked["similarity"],
        test_size=check_number(asked["test_size"], "test_size", low=0.0, high=1.0, positive=True, below=True),
        max_pairs=n if most is None else check_whole_number(most, "max_pairs", low=2),
        n_shuffles=check_whole_number(asked["n_shuffles"], "n_shuffles"),
        random_state=asked["random_state"],
        examples=asked["examples"],
        reference=_reference(asked["reference"], rows),
        verbose=asked["verbose"],
    )


def _reference(given: Any, rows: PairedRows) -> tuple[Any, Any] | None:
    """Check that other pairs have the features of these."""
    if given is None:
        return None
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TypeError(f"reference must be two tables, X and y of other pairs; got {type(given).__name__}.")
    X, y = given
    with in_terms_of(X="reference[0]", y="reference[1]"), telling_where(X=X, y=y):
        other = check_pair(X, y, min_rows=2, accept_sparse=True)
    for name, own, its in (("X", rows.X, other.X), ("y", rows.y, other.y)):
        if own.shape[1] != its.shape[1]:
            raise ValueError(
                f"reference has {its.shape[1]} features of {name}, and {name} has {own.shape[1]}; pass features of the "
                "same encoder."
            )
    return X, y


def _seed(random_state: Any) -> int:
    """Return a whole number as seed; of another source, one that it draws."""
    rng = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(rng.randint(2**31 - 1))


def _call(asked: dict[str, Any]) -> str:
    """Write the call that was made; rows and columns go by their names."""
    shown = []
    for name, default in defaults().items():
        value = asked[name]
        if name == "verbose" or value is default or value is None:
            continue
        is_column = name == "reference" or (hasattr(value, "__len__") and not isinstance(value, str | tuple))
        if is_column or value != default:
            shown.append(f"{name}={name if is_column else repr(value)}")
    return f"crossmodal_cca.report({', '.join(['X', 'y', *shown])})"


def _fingerprint(rows: Any) -> str:
    """Compute SHA-256 of the values of rows."""
    digest = hashlib.sha256(str(rows.shape).encode())
    for part in row_slices(rows.n_rows):
        block: Any = rows.read(part, rows.dtype)
        parts = [getattr(block, name) for name in ("indptr", "indices", "data")] if rows.is_sparse else [block]
        for each in parts:
            digest.update(np.ascontiguousarray(each).view(np.uint8).data)
    return digest.hexdigest()
