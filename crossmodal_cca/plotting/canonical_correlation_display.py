"""Display of the correlation of each pair of scores: on training rows, on held-out rows, and the edge of noise."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._aligner import METHODS, fitted_aligner, innermost
from .._checks import check_number
from .._typing import Axes
from ..inference import noise_edge as edge_of_noise
from ..linalg._solution import paired_correlations
from ..rows._numbers import as_numbers
from ._axes import add_legend, add_model, add_reference, count_on_x, y_range
from ._data import name_of, paired_scores, scores_of_rows
from ._display import NamedDisplay, display
from ._style import MARKED_UP_TO


@display
class CanonicalCorrelationDisplay(NamedDisplay):
    """Correlation of x- and y-scores per component: training, held-out, and the edge of noise.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.

    Parameters
    ----------
    training : ndarray of shape (n_components,) or None, default=None
        Correlation of each pair of scores on the training rows.
    held_out : ndarray of shape (n_components,) or None, default=None
        The same on rows outside the training set.
    noise_edge : float or None, default=None
        Largest training correlation that unrelated modalities of this size show; None for no line.

    See Also
    --------
    crossmodal_cca.inference.noise_edge : The edge of noise.

    Notes
    -----
    A gap between the two curves is overfitting. Training correlations below the edge of noise are what unrelated
    modalities show; the edge says nothing about held-out ones, whose chance is 0.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import CanonicalCorrelationDisplay
    >>> X, y = make_paired_latent(400, 10, 8, correlations=(0.9, 0.6), random_state=0)
    >>> cca = CCA(5).fit(X[:200], y[:200])
    >>> display = CanonicalCorrelationDisplay.from_estimator(cca, X[200:], y[200:])
    >>> display.held_out.shape, round(display.noise_edge, 3)
    ((5,), 0.415)
    """

    training: NDArray[Any] | None = None
    held_out: NDArray[Any] | None = None
    noise_edge: float | None = None

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the training correlations of a fitted aligner, and those of held-out pairs where given.

        The edge of noise is that of CCA on unweighted rows, with the numbers of features as ranks. Shrinkage lowers
        training correlations by an amount that depends on the data, PLS does not maximise correlation, and a kernel's
        features are as many as its rows: for these no edge is known, and none is drawn.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner, or a `CrossModalPipeline` around one.
        X : array-like of shape (n_pairs, n_features_x) or None, default=None
            Rows of the first modality, outside the training set; None for training correlations alone.
        y : array-like of shape (n_pairs, n_features_y) or None, default=None
            Paired rows of the second modality.

        Raises
        ------
        ValueError
            If only one of X and y is given, or as `from_predictions`.
        """
        if (X is None) != (y is None):
            raise ValueError(f"X and y go together: got only {'y' if X is None else 'X'}. Pass both or neither.")
        model = fitted_aligner(innermost(fitted_aligner(aligner)), needs=(*METHODS, "correlations_"))
        name = name_of(aligner, name)
        training, edge = model.correlations_, _edge_of(model)
        if X is None or y is None:
            return cls(training, None, edge, name=name).plot(ax)
        return cls.from_predictions(
            *scores_of_rows(aligner, X, y), training=training, noise_edge=edge, name=name, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        training: ArrayLike | None = None,
        noise_edge: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Correlate held-out pairs of scores and draw.

        Parameters
        ----------
        x_scores : array-like of shape (n_pairs, n_components)
            Scores of the first modality, at least two rows. A component that does not vary has correlation 0, as in
            the aligners' `score`.
        y_scores : array-like of shape (n_pairs, n_components)
            Scores of the second modality.
        training : array-like of shape (n_components,) or None, default=None
            Correlations on the training rows, such as `correlations_`.
        noise_edge : float in [0, 1] or None, default=None
            Edge of noise of the training correlations, from :func:`crossmodal_cca.inference.noise_edge`.

        Raises
        ------
        ValueError
            If the scores do not pair up or are fewer than two rows, there is not one training correlation for each
            component, or the edge is outside [0, 1].
        """
        x, y = paired_scores(x_scores, y_scores)
        if len(x) < 2:
            raise ValueError("Correlations need at least 2 pairs of scores, got 1.")
        if training is not None:
            training = np.asarray(as_numbers(training, "training"), dtype=float)
            if training.shape != x.shape[1:]:
                raise ValueError(
                    f"training must hold a correlation for each of the {x.shape[1]} components, got shape "
                    f"{training.shape}."
                )
        if noise_edge is not None:
            check_number(noise_edge, "noise_edge", low=0.0, high=1.0)
        return cls(training, paired_correlations(x, y), noise_edge, name=name).plot(ax)

    def _draw(self, ax: Axes, name: str | None) -> None:
        values = {"training": self.training, "held-out": self.held_out}
        curves = {
            label: None if value is None else (np.arange(1, len(value) + 1), value) for label, value in values.items()
        }
        n_components = max(len(value) for value in values.values() if value is not None)
        add_model(ax, curves, name, marker="o" if n_components <= MARKED_UP_TO else "", markersize=4)
        if self.noise_edge is not None:
            height = [self.noise_edge, self.noise_edge]
            label = f"noise edge of training, {self.noise_edge:.2f}"
            add_reference(ax, [0, 1], height, label, transform=ax.get_yaxis_transform())
        lowest, _ = y_range(ax)
        ax.set(
            ylim=(min(0.0, lowest * 1.05), 1.02),
            xlabel="component",
            ylabel="correlation of x- and y-scores",
            title="Canonical correlations",
        )
        count_on_x(ax)
        ax.grid(alpha=0.3)
        add_legend(ax, loc="best")


def _edge_of(model: Any) -> float | None:
    """Compute the edge of noise of a fitted aligner; None unless it is CCA without shrinkage."""
    if not np.array_equal(getattr(model, "shrinkage_", ()), (0.0, 0.0)):
        return None
    return edge_of_noise(int(model.n_samples_seen_), int(model.n_features_in_), len(model.y_mean_))
