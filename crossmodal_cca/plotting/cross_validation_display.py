"""Cross-validated score against the number of components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._axes import given_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class CrossValidationDisplay:
    """Score over the folds against the number of components, one curve for each shrinkage or ridge.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    results : dict
        ``cv_results_`` of a cross-validated aligner.
    best_index : int
        Place of the chosen setting.
    scoring : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from crossmodal_cca import CCACV
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import CrossValidationDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> display = CrossValidationDisplay.from_estimator(CCACV(4, cv=3).fit(X, y))
    >>> display.ax_.get_ylabel()
    'correlation'
    """

    def __init__(self, results: dict[str, Any], best_index: int, *, scoring: str = "score") -> None:
        self.results = results
        self.best_index = best_index
        self.scoring = scoring

    @classmethod
    def from_estimator(cls, search: Any, *, ax: Axes | None = None) -> Self:
        """Draw the scores by which a fitted search has chosen.

        Parameters
        ----------
        search : CCACV, PLSRegressionCV or KernelCCACV
            Fitted.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : CrossValidationDisplay
            The display, drawn.
        """
        check_is_fitted(search, "cv_results_")
        scoring = (
            search.scoring if isinstance(search.scoring, str) else str(getattr(search.scoring, "measure", "score"))
        )
        return cls.from_predictions(search.cv_results_, search.best_index_, scoring=scoring, ax=ax)

    @classmethod
    def from_predictions(
        cls, results: dict[str, Any], best_index: int, *, scoring: str = "score", ax: Axes | None = None
    ) -> Self:
        """Draw a table of cross-validated scores.

        Parameters
        ----------
        results : dict
            As ``cv_results_``, with ``param_n_components``.
        best_index : int
            Place of the setting to mark.
        scoring : str, default="score"
            What the scores are.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : CrossValidationDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the table has no numbers of components.
        """
        if "param_n_components" not in results:
            raise ValueError("results must have param_n_components, as cv_results_ of CCACV has.")
        return cls(results, best_index, scoring=scoring).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw a curve for each shrinkage or ridge, the best of the other parameters in it, and mark the choice.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : CrossValidationDisplay
            The display.
        """
        import matplotlib as mpl

        ax = given_or_new(ax)
        params, means = self.results["params"], np.asarray(self.results["mean_test_score"])
        n_folds = sum(name.startswith("split") for name in self.results)
        errors = np.asarray(self.results["std_test_score"]) / np.sqrt(max(n_folds - 1, 1))
        smoothing = next((name for name in ("shrinkage", "regularization") if name in params[0]), None)
        values = list(dict.fromkeys(p.get(smoothing) for p in params))
        colors = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(values)))
        ks = np.array([p["n_components"] for p in params])
        for value, color in zip(values, colors, strict=True):
            of_value = np.array([p.get(smoothing) == value for p in params])
            best = [max(np.flatnonzero(of_value & (ks == k)), key=means.__getitem__) for k in np.unique(ks[of_value])]
            label = None if smoothing is None else f"{smoothing} {_shown(value)}"
            ax.plot(ks[best], means[best], ".-", color=color, label=label)
        chosen = params[self.best_index]
        ax.errorbar(
            chosen["n_components"],
            means[self.best_index],
            errors[self.best_index],
            fmt="o",
            color="black",
            mfc="none",
            ms=10,
            capsize=4,
            label="chosen, ± 1 standard error",
            zorder=3,
        )
        ax.set(
            xlabel="components",
            ylabel=self.scoring,
            title=f"Score on {n_folds} held-out folds",
            xscale="log" if ks.max() > 50 else "linear",
        )
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _shown(value: Any) -> str:
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else f"{value:g}"
