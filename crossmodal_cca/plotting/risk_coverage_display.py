"""Display of the errors among answers by the share of queries answered."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._sklearn import check_array
from .._typing import Axes
from ._axes import add_legend, add_model, add_reference, y_range
from ._display import NamedDisplay, display


@display
class RiskCoverageDisplay(NamedDisplay):
    """Share of wrong answers when only the most confident queries are answered, by the share that is.

    Make one with `from_estimator` or `from_predictions`. The dotted line answers at random.

    Parameters
    ----------
    coverage : ndarray of shape (n_points,)
        Share of queries answered, increasing; queries of equal confidence are answered together.
    risk : ndarray of shape (n_points,)
        Share of wrong answers among those.

    See Also
    --------
    crossmodal_cca.retrieval.SearchConfidence : The confidence, and a threshold with a guarantee.

    Examples
    --------
    >>> from crossmodal_cca.plotting import RiskCoverageDisplay
    >>> display = RiskCoverageDisplay.from_predictions([0.9, 0.8, 0.4, 0.2], [True, True, True, False])
    >>> display.risk.tolist()
    [0.0, 0.0, 0.0, 0.25]
    """

    coverage: NDArray[Any]
    risk: NDArray[Any]

    @classmethod
    def from_estimator(
        cls, search: Any, queries: ArrayLike, *, query_ids: ArrayLike | None = None, **options: Any
    ) -> Self:
        """Search, and draw errors by confidence.

        Parameters
        ----------
        search : SearchConfidence
            A fitted one.
        queries : array-like of shape (n_queries, n_features)
            Queries, other ones than in its fit.
        query_ids : array-like of shape (n_queries,), default=None
            Their ids, compared with those of the gallery. None: 0, 1, …
        """
        right = search.is_right(queries, query_ids)
        return cls.from_predictions(search.confidence(queries), right, **options)

    @classmethod
    def from_predictions(
        cls, confidence: ArrayLike, right: ArrayLike, *, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw errors by confidence.

        Parameters
        ----------
        confidence : array-like of shape (n_queries,)
            Confidence in the answer to each query; only its order counts.
        right : array-like of bool of shape (n_queries,)
            Whether the answer is right.

        Raises
        ------
        ValueError
            If the two differ in length, or hold anything that is not finite.
        """
        values = check_array(confidence, ensure_2d=False, dtype="numeric", input_name="confidence")
        hits = check_array(right, ensure_2d=False, dtype="numeric", input_name="right")
        if values.ndim != 1 or values.shape != hits.shape:
            raise ValueError(
                f"confidence and right must have one entry for each query; got shapes {values.shape} and {hits.shape}."
            )
        order = np.argsort(-values, kind="stable")
        ends = 1 + np.flatnonzero(np.append(np.diff(values[order]) < 0, True))
        errors = np.cumsum(hits[order] == 0)[ends - 1]
        return cls(ends / len(values), errors / ends, name=name).plot(ax)

    def _draw(self, ax: Axes, name: str | None) -> None:
        add_model(ax, {"errors": (self.coverage, self.risk)}, name)
        add_reference(ax, [0, 1], [self.risk[-1]] * 2, f"{name}: all answered" if name else "all answered")
        ax.set(xlabel="share of queries answered", ylabel="share of wrong answers", title="Risk by coverage")
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1.05 * y_range(ax)[1] or 1.0)
        ax.grid(alpha=0.3)
        add_legend(ax)
