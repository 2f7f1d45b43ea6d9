"""The table of measures: public functions made of formulas, and measures chosen by name.

A measure is one definition, in ``first_match.py`` or ``all_matches.py``: a formula decorated by
``retrieval_measure``.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, update_wrapper
from typing import Any, Literal, Protocol

import numpy as np

from .._checks import check_choice, check_whole_number
from .._docstrings import complete, documented
from .._typing import Array, Cutoff
from ._inputs import RetrievalProblem, prepare
from ._shared_texts import OF_SEARCH, RAISES, RETURNS, TIES
from .ranks import RelevantCounts, evaluate

Formula = Callable[..., Array]
Reducer = Callable[[RelevantCounts], Array]


def _is_default(value: Any) -> bool:
    return isinstance(value, str) and value == "default"


@dataclass(frozen=True)
class Measure:
    """A formula, its options with their defaults, and the settings of `retrieval_measure`."""

    formula: Formula
    options: Mapping[str, Any]
    # Whether the formula needs only the counts of each query's best relevant item.
    best_only: bool = False
    # Aggregate of the values of all queries.
    aggregate: Literal["mean", "median"] = "mean"
    greater_is_better: bool = True
    # Allowed values of options of type str.
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def sign(self) -> float:
        """Sign that makes greater values better."""
        return 1.0 if self.greater_is_better else -1.0

    def reducer(self, **options: Any) -> Reducer:
        """Return the formula with its options filled in; "default" stands for the measure's own default."""
        given = {name: value for name, value in options.items() if not _is_default(value)}
        for name in given:
            if name not in self.options:
                measure = self.formula.__name__
                allowed = f"only {' and '.join(self.options)}" if self.options else "it has no options"
                raise TypeError(f"{measure} takes no {name} here, {allowed}; got {name}={given[name]!r}.")
        filled = {**self.options, **given}
        if "k" in filled:
            check_whole_number(filled["k"], "k", none="the whole list")
        for name, choices in self.choices.items():
            check_choice(filled[name], name, choices)
        return partial(self.formula, **filled)


# Measures by name.
MEASURES: dict[str, Measure] = {}


class MeasureFunction(Protocol):
    """Signature of the public function of a measure: shared parameters and the options of the measure."""

    __name__: str

    def __call__(
        self,
        queries: Any,
        gallery: Any,
        *,
        query_ids: Any = None,
        gallery_ids: Any = None,
        relevance: Any = None,
        similarity: str = "cosine",
        exclude: Any = None,
        **options: Any,
    ) -> float:
        """Compute the measure over the queries that have a relevant item."""


def retrieval_measure(**settings: Any) -> Callable[[Formula], MeasureFunction]:
    """Decorate a formula: register it as a measure with its settings, and return the public function.

    The formula takes counts and returns a value per query; its keyword-only arguments are the options of the measure.
    Its docstring is that of the public function, completed by what measures share. The settings are those fields of
    `Measure` that have a default.
    """

    def function_of(formula: Formula) -> MeasureFunction:
        name = formula.__name__
        own = [p for p in inspect.signature(formula).parameters.values() if p.kind is p.KEYWORD_ONLY]
        MEASURES[name] = Measure(formula, {option.name: option.default for option in own}, **settings)
        _, queries, gallery, *shared, _ = inspect.signature(MeasureFunction.__call__).parameters.values()
        signature = inspect.Signature([queries, gallery, *own, *shared], return_annotation=float)

        def function(*args: Any, **kwargs: Any) -> float:
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() {error}") from None
            given.apply_defaults()
            chosen = ChosenMeasure.named(name, **{option.name: given.arguments.pop(option.name) for option in own})
            problem = prepare(**given.arguments)
            return chosen.aggregate(values_of_kept(problem, [chosen])[0])

        # Help, doctest, pickle and Sphinx look for a function with the name and module of the formula.
        update_wrapper(function, formula, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        function.__signature__ = signature  # type: ignore[attr-defined]
        function.__doc__ = complete(function, OF_SEARCH, {"References": TIES}, {"Returns": RETURNS, "Raises": RAISES})
        return function

    return function_of


@dataclass(frozen=True)
class ChosenMeasure:
    """A measure with its options, and its name in tables, such as ``hit_rate_at_10``."""

    name: str
    measure: Measure
    reducer: Reducer

    @classmethod
    def named(cls, name: Any, **options: Any) -> "ChosenMeasure":
        """Choose a measure by name or function; the name may include the cut-off instead of ``k``."""
        base = name if isinstance(name, str) else getattr(name, "__name__", repr(name))
        stated = re.fullmatch(r"(\w+)_at_(\d+)", base)
        if stated:
            k = options.get("k", "default")
            if not _is_default(k) and k != int(stated[2]):
                raise ValueError(f"{base!r} says k={stated[2]} already, got k={k!r} too.")
            options = options | {"k": int(stated[2])}
            base = stated[1] if stated[1] in MEASURES else f"{stated[1]}_at_k"
        if base not in MEASURES:
            kind = ValueError if isinstance(name, str) or callable(name) else TypeError
            raise kind(
                f"measure must be one of {sorted(MEASURES)}, the function of that name, or a name with its cut-off, "
                f"such as 'hit_rate_at_5'; got {name!r}."
            )
        measure = MEASURES[base]
        k = options.get("k", "default")
        k = measure.options.get("k") if _is_default(k) else k
        full = base if k is None else f"{base.removesuffix('_at_k')}_at_{k}"
        return cls(full, measure, measure.reducer(**options))

    def aggregate(self, values: Array) -> float:
        """Aggregate the values of all queries."""
        return float(np.median(values) if self.measure.aggregate == "median" else np.mean(values))


def evaluate_measures(problem: RetrievalProblem, measures: Sequence[ChosenMeasure], verbose: int = 0) -> Array:
    """Compute several measures in one pass, shape (len(measures), n_queries); NaN for queries left out."""
    best_only = all(chosen.measure.best_only for chosen in measures)
    return evaluate(problem, [chosen.reducer for chosen in measures], best_only=best_only, verbose=verbose)


def values_of_kept(problem: RetrievalProblem, measures: Sequence[ChosenMeasure], verbose: int = 0) -> Array:
    """Compute several measures for the queries that have a relevant item, shape (len(measures), n_kept)."""
    return evaluate_measures(problem, measures, verbose)[:, problem.kept]


@documented(OF_SEARCH)
def per_query(
    measure: str | Callable[..., float],
    /,
    queries: Any,
    gallery: Any,
    *,
    k: Cutoff = "default",
    gain: str = "default",
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
    verbose: int = 0,
) -> Array:
    """Compute a retrieval measure for every single query.

    Parameters
    ----------
    measure : str or callable
        One of this package's measures or its name, such as ``"mean_average_precision"``, also with a cut-off, such as
        ``"hit_rate_at_5"``; by position only.
    gain : {"linear", "exponential"}, default="default"
        For :func:`ndcg_at_k`.

    Returns
    -------
    ndarray of shape (n_queries,)
        NaN for a query without a relevant item. The mean of the others (for the median rank: the median) is
        the measure.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if the measure is unknown or takes no k.

    See Also
    --------
    compare_retrieval : Compares two models on the same queries.
    query_report : Ranks and values of every query in a table.

    Examples
    --------
    >>> from crossmodal_cca.metrics import per_query
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> per_query("mean_reciprocal_rank", images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1])
    array([1. , 0.5])
    """
    chosen = ChosenMeasure.named(measure, k=k, gain=gain)
    problem = prepare(queries, gallery, query_ids, gallery_ids, similarity, relevance, exclude)
    return np.asarray(evaluate_measures(problem, [chosen], verbose)[0])
