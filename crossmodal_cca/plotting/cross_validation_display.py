"""Display of the cross-validated score against the number of components."""

from __future__ import annotations

from dataclasses import KW_ONLY
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._typing import Axes
from ._axes import MODEL, add_legend_beside, count_on_log_x, count_on_x, entry
from ._display import Display, display
from ._style import LINES, MARKED_UP_TO, ink, scale_of_colors

# Number of values of a parameter above which only those with the highest scores are shown.
CURVES_UP_TO = 9


@display
class CrossValidationDisplay(Display):
    """Score over the folds against the number of components, one curve for each shrinkage or ridge, and each width.

    A curve shows the best of the other parameters; curves of widths (`gamma` of kernels) are dashed.

    Make one with `from_cv_results`.

    Parameters
    ----------
    results : dict
        ``cv_results_`` of a cross-validated aligner.
    best_index : int
        Place of the chosen setting.
    scoring : str, default="score"
        Name of the scores.

    Examples
    --------
    >>> from crossmodal_cca import CCACV
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import CrossValidationDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> display = CrossValidationDisplay.from_cv_results(CCACV(4, cv=3).fit(X, y))
    >>> display.ax_.get_ylabel()
    'correlation'
    """

    results: dict[str, Any]
    best_index: int
    _: KW_ONLY
    scoring: str = "score"

    @classmethod
    def from_cv_results(cls, search: Any, *, ax: Axes | None = None) -> Self:
        """Draw the scores by which a fitted search has chosen.

        Parameters
        ----------
        search : CCACV, PLSRegressionCV, KernelCCACV or GridSearchCV
            Fitted, with `n_components` among what it has searched.

        Raises
        ------
        ValueError
            If the search has no numbers of components.
        """
        check_is_fitted(search, "cv_results_")
        if "param_n_components" not in search.cv_results_:
            raise ValueError("search must have searched n_components, as CCACV does; its cv_results_ have none.")
        scoring = (
            search.scoring if isinstance(search.scoring, str) else str(getattr(search.scoring, "measure", "score"))
        )
        return cls(search.cv_results_, search.best_index_, scoring=scoring).plot(ax)

    def _draw(self, ax: Axes) -> None:
        params, means = self.results["params"], np.asarray(self.results["mean_test_score"])
        n_folds = sum(name.startswith("split") and name.endswith("_test_score") for name in self.results)
        errors = np.asarray(self.results["std_test_score"]) / np.sqrt(max(n_folds - 1, 1))
        handles = []
        for (name, values), line, cmap in zip(_parameters(params).items(), LINES, ("viridis", "plasma"), strict=False):
            handles += self._draw_curves(ax, name, values, line, cmap)
        chosen = ax.errorbar(
            params[self.best_index]["n_components"],
            means[self.best_index],
            errors[self.best_index],
            fmt="o",
            color=ink(ax),
            mfc="none",
            ms=10,
            capsize=4,
            label="chosen, ± 1 standard error",
            zorder=3,
        )
        ax.set(xlabel="components", ylabel=self.scoring.replace("_", " "), title=f"Score on {n_folds} held-out folds")
        if max(p["n_components"] for p in params) > 50:
            count_on_log_x(ax)
        else:
            count_on_x(ax)
        ax.grid(alpha=0.3)
        add_legend_beside(ax, [*handles, chosen], fontsize="small")

    def _draw_curves(self, ax: Axes, name: str, values: list[Any], line: str, cmap: str) -> list[Any]:
        """Draw a curve per value of a parameter, at the best of the other parameters; return entries of the legend."""
        params, means = self.results["params"], np.asarray(self.results["mean_test_score"])
        ks = np.array([p["n_components"] for p in params])
        marker = "." if len(set(ks)) <= MARKED_UP_TO else ""
        rows = {}
        for value in values:
            of_value = np.array([p.get(name) == value for p in params])
            tops = (np.flatnonzero(of_value & (ks == k)) for k in np.unique(ks[of_value]))
            rows[value] = [max(top, key=means.__getitem__) for top in tops]
        best = sorted(values, key=lambda value: -means[rows[value]].max())[:CURVES_UP_TO]
        shown = [value for value in values if value in best]
        curves = [
            ax.plot(ks[rows[v]], means[rows[v]], line, marker=marker, color=color, label=_shown(v), gid=MODEL)[0]
            for v, color in zip(shown, scale_of_colors(ax, cmap, len(shown)), strict=True)
        ]
        heading = name if len(shown) == len(values) else f"{name}, the best {len(shown)} of {len(values)}"
        return [entry(heading), *curves] if name else []


def _parameters(params: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the parameters of the curves: shrinkage or ridge, and widths if several were tried."""
    names = [name for name in ("shrinkage", "regularization", "gamma") if any(name in p for p in params)]
    values = {name: list(dict.fromkeys(p.get(name) for p in params)) for name in names}
    return {name: of for name, of in values.items() if name != "gamma" or len(of) > 1} or {"": [None]}


def _shown(value: Any) -> str:
    """Format a number or word, or a pair for both sides."""
    sides = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"{v:.3g}" if isinstance(v, Real) else str(v).lower() for v in sides)
