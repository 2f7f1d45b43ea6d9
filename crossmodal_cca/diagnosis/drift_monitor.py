"""Has either side, the pairing or a stream changed since a reference?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._checks import check_number, check_random_state, check_whole_number
from .._errors import in_terms_of
from .._schemas import Schema, State, saved
from .._sklearn import telling_where
from ..alignment._fitted_aligner import FittedAlignerMixin
from ..alignment._views import View, ViewsMixin
from ._drift_family import family, unusual
from ._drift_model import DriftModel, MonitorSettings, fitted_monitor, measured_by
from ._drift_rows import CheckedRows

if TYPE_CHECKING:
    import pandas as pd

# Seed of every draw if `random_state` is None; it is documented.
SEED = 0


@saved()
class DriftMonitor(ViewsMixin, FittedAlignerMixin, BaseEstimator):
    """Tell whether new rows, their pairing, or a stream of them differ from a reference.

    `test` compares one batch with the reference, `update` goes through a stream, as long as it lasts. Both keep the
    rate of false alarms that was asked for: `test` for all its questions together, `update` for the whole stream.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``, whose space is monitored beside the features. An
        aligner that is not fitted yet is fitted to one half of the reference, which is then no reference any more.
        None: both modalities share a space already, or there is only one.
    false_alarm_rate : float in (0, 1), default=0.05
        Probability of an alarm although nothing has changed: for a batch, and for a whole stream.
    n_permutations : int >= 19, default=999
        Random exchanges of rows between reference and batch. The tests of a batch need at least
        n_tests / false_alarm_rate − 1 of them; there are up to 13.
    min_effect : float >= 0, default=0.0
        An effect below this raises no alarm in `test`, however certain it is. The units are those of the tests: see
        Notes.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the parts of the reference, of exchanges, and of ties; None for a fixed one. All draws after `fit` are
        settled by it.

    Attributes
    ----------
    aligner_ : estimator or None
        The aligner as it was in `fit`, or as it was fitted there.
    n_reference_rows_ : int
        Reference rows that batches are compared with. The others are those that means, directions and the bank of
        pairs come from, and, for an aligner that was fitted here, its training rows.
    alarm_ : bool
        Whether the stream has raised an alarm. It stays: an alarm is not taken back.
    alarm_at_ : int or None
        Number of the value of the stream, from 1, that raised it.
    stream_ : DataFrame
        Evidence of change over the stream, at up to 512 points. The index ``value`` counts what has been seen (rows,
        or groups); columns are ``all`` and the kinds of evidence, such as ``x means`` or ``pairing``: logarithms to
        base 10 of the largest evidence since the point before. An alarm is raised where ``all`` reaches
        −log10(false_alarm_rate).
    n_features_in_ : int
        Number of features of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X, if it has any.

    See Also
    --------
    crossmodal_cca.plotting.DriftDisplay : Draws the evidence over a stream.
    PairCheck : Finds wrong pairs among those of one table.

    Notes
    -----
    Reference rows must be held out from the fit of the aligner, which scores its training rows too well: each new row
    would then look changed. A warning says so where the scores show it.

    The reference is split, by whole groups. A quarter (at most 2,000 rows) settles what is measured: directions, means,
    and a bank of pairs. The rest is what batches are compared with, at most 1,000 rows of it, and 1,000 of the batch,
    where rows are exchanged. The coordinates of a row are its ten leading principal components and the ten leading
    dimensions of the shared space, in standard deviations (twenty components without an aligner; sparse rows have
    dimensions only); the components that explain 90 % tell odd rows. The tests, for either side:

    ===============  =============================================  ==========================================
    what             statistic                                      effect
    ===============  =============================================  ==========================================
    x distribution   unbiased MMD² at three widths of a kernel,     square root of the MMD², from 0 to 1.4
                     the largest standardised one
    x means          largest difference of means of coordinates     difference, in standard deviations
    x far rows       rows whose squared coordinates (T²) exceed     share of the batch beyond its expectation
                     nearly all of the reference
    x odd rows       rows of which the components leave too large   share of the batch beyond its expectation
                     a share (SPE)
    x mix            χ² of ten kinds of rows                        share that would have to change its kind
    x hubs           difference of how much the ten nearest items   difference, in standard deviations
                     of the bank are hubs
    pairing          fall of the mean closeness (CSLS) of pairs     fall, in standard deviations
    ===============  =============================================  ==========================================

    Every p-value but those of far and odd rows of independent rows comes from exchanges of rows between reference and
    batch, p = (1 + #{as large}) / (1 + n_permutations). The limit of far and odd rows is the k-th largest of the n
    reference rows, so the number of m independent rows beyond it is beta-binomial with parameters m, k, n + 1 − k.
    Groups are exchanged as a whole with groups of as many rows; larger ones of the reference give as many, at random.
    Holm's method corrects for all tests of a batch.

    For a stream, each value is ranked among all before it and part of the reference, in up to 100 bins with ties at
    random. Such conformal p-values are independent and uniform as long as nothing changes. Bets ε p^(ε−1) on small ones
    (and, for the other tail, 1 − p), from every start s with weight 1/((s + 1)(s + 2)), then multiply a stake of 1 to
    1/α with probability α at most (Ville 1939), however long the stream is. The memory needed does not grow.

    An unseen class of the same encoder can go unnoticed: its rows may have coordinates like those of other classes, and
    keep the correlations of their features. The guide has figures.

    References
    ----------
    Gretton, A. et al. (2012). A kernel two-sample test. JMLR 13.

    Schrab, A. et al. (2023). MMD aggregated two-sample test. JMLR 24.

    Volkhonskiy, D. et al. (2017). Inductive conformal martingales for change-point detection. COPA.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import DriftMonitor
    >>> X, y = make_paired_latent(1600, 12, 10, correlations=(0.9,) * 6, random_state=0)
    >>> cca = CCA(6).fit(X[:600], y[:600])
    >>> monitor = DriftMonitor(cca).fit(X[600:1300], y[600:1300])
    >>> batch_x, batch_y = X[1300:], y[1300:].copy()
    >>> bool((monitor.test(batch_x, batch_y)["verdict"] == "changed").any())
    False
    >>> batch_y[:60] = batch_y[:60][::-1]
    >>> table = monitor.test(batch_x, batch_y)
    >>> table.index[table["verdict"] == "changed"].to_list()
    ['pairing']
    """

    _stored: ClassVar[Schema] = {"model_": DriftModel}

    n_reference_rows_ = View("n_compared")
    alarm_, alarm_at_ = View(lambda model: model.stream.alarm_at > 0), View(lambda model: model.stream.alarm_at or None)
    stream_ = View(lambda model: model.stream.table())
    n_features_in_ = View("x.n_features")
    feature_names_in_, y_feature_names_in_ = View("x.names", optional=True), View("y_names", optional=True)
    _n_features_y = View("n_features_y")

    def __init__(
        self,
        aligner: Any = None,
        *,
        false_alarm_rate: float = 0.05,
        n_permutations: int = 999,
        min_effect: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.aligner = aligner
        self.false_alarm_rate = false_alarm_rate
        self.n_permutations = n_permutations
        self.min_effect = min_effect
        self.random_state = random_state

    def fit(self, X_ref: ArrayLike, y_ref: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Learn what is normal from rows that the aligner has not seen.

        Parameters
        ----------
        X_ref : array-like or sparse matrix of shape (n_rows, n_features_x)
            Rows of the first modality, held out from the fit of the aligner.
        y_ref : array-like or sparse matrix of shape (n_rows, n_features_y) or (n_rows,), default=None
            Their partners. None: the first modality alone is monitored.
        groups : array-like of shape (n_rows,), default=None
            Rows that are not independent, such as frames of a film. Batches then need groups, too.

        Returns
        -------
        self : DriftMonitor
            The fitted monitor, at the start of a stream.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, rows or groups are bad, or there are too few rows or groups.

        Warns
        -----
        UserWarning
            If the pairs are scored as well as training pairs of the aligner, and clearly better than held-out ones
            would be (without `y_ref` nothing shows that); or if the arguments have the same index labels in different
            orders.
        """
        rate = check_number(self.false_alarm_rate, "false_alarm_rate", low=0.0, high=1.0, positive=True, below=True)
        n_permutations = check_whole_number(self.n_permutations, "n_permutations", low=19)
        min_effect = check_number(self.min_effect, "min_effect", low=0.0)
        seed = SEED if self.random_state is None else int(check_random_state(self.random_state).randint(2**31 - 1))
        settings = MonitorSettings(rate, n_permutations, min_effect, seed)
        with in_terms_of(X="X_ref", y="y_ref"), telling_where(X=X_ref, y=y_ref):
            rows = CheckedRows.of_reference(self, X_ref, y_ref, groups)
            self.model_ = fitted_monitor(self.aligner, rows, settings)
        return self

    def test(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> pd.DataFrame:
        """Test whether a batch differs from the reference.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_rows, n_features_x), default=None
            New rows of the first modality; None to test the second one alone.
        y : array-like or sparse matrix of shape (n_rows, n_features_y) or (n_rows,), default=None
            New rows of the second modality, the partners of X if there is X.
        groups : array-like of shape (n_rows,), default=None
            Rows that are not independent; needed if the reference has groups. They are other groups than those of the
            reference, whatever their labels.

        Returns
        -------
        DataFrame
            One row a test. The index ``what`` names it (see Notes of the class). Columns: ``statistic``, ``effect``,
            ``p_value``, ``adjusted_p_value`` (Holm's, over the rows) and ``verdict``: "changed" (an alarm), "changed
            little" (certain, but below `min_effect`) or "no change seen". No p-value is 0.

        Raises
        ------
        ValueError, TypeError
            If rows or groups are bad, features are not those of the reference, or there are so few rows or groups that
            no test could reject at the rate asked for.
        """
        check_is_fitted(self)
        with telling_where(X=X, y=y):
            return family(self.model_, CheckedRows.of_batch(self, X, y, groups))

    def unusual_rows(self, X: ArrayLike | None = None, y: ArrayLike | None = None) -> pd.DataFrame:
        """List the rows of a batch that are far from the reference, or odd.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_rows, n_features_x), default=None
            Rows of the first modality; None for those of the second alone.
        y : array-like or sparse matrix of shape (n_rows, n_features_y) or (n_rows,), default=None
            Rows of the second modality.

        Returns
        -------
        DataFrame
            Rows beyond the limit of 1 % of the reference, the most unusual first. Columns: ``row`` (its number, from
            0), ``what`` ("x far rows", "x odd rows", and of y), ``value``, ``limit`` and ``p_value``: the share of
            reference rows, with this one, that are as large. About 1 % of normal rows are listed for each `what`.

        Raises
        ------
        ValueError, TypeError
            If rows are bad, or their features are not those of the reference.
        """
        check_is_fitted(self)
        with telling_where(X=X, y=y):
            return unusual(self.model_, CheckedRows.of_batch(self, X, y, None, grouped=False))

    def update(self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Take the next rows of a stream, in their order, and look at `alarm_`.

        Rows that are sorted by kind, as in many files, are a change from one kind to the next: shuffle them first, or
        `test` them as a batch.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_rows, n_features_x), default=None
            New rows of the first modality.
        y : array-like or sparse matrix of shape (n_rows, n_features_y) or (n_rows,), default=None
            New rows of the second modality, the partners of X if there is X.
        groups : array-like of shape (n_rows,), default=None
            Rows that are not independent, next to each other; needed if the reference has groups. A group counts as one
            value, that of one of its rows. A group that goes on from the last row of the call before counts once.

        Returns
        -------
        self : DriftMonitor
            The monitor after these rows. How a stream is cut into calls changes nothing but which row stands for a
            group that is cut.

        Raises
        ------
        ValueError, TypeError
            If rows or groups are bad, or features are not those of the reference; the monitor is then as before.
        """
        check_is_fitted(self)
        model: DriftModel = self.model_
        with telling_where(X=X, y=y):
            rows = CheckedRows.of_batch(self, X, y, groups)
            self.model_ = replace(model, stream=model.stream.after(measured_by(model), rows))
        return self

    def _to_file(self, state: State, *, moments: bool) -> State:
        # An aligner that a fit begins with is kept as it is.
        return state if "model_" in state and self.model_.fits_aligner else super()._to_file(state, moments=moments)

    def _from_file(self, state: State) -> None:
        if self.aligner is None:
            super()._from_file(state)

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)
