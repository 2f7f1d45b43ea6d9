"""A stepwise permutation test of canonical correlations, or of the singular values of an aligner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.parallel import Parallel, delayed

from .._checks import check_n_components, check_n_jobs, check_random_state, check_whole_number
from .._progress import Progress
from .._typing import FloatArray
from ..linalg._svd import rank_tolerance
from ..models._pair import standardized_columns
from ..rows._stored import PairedRows
from ..rows._validation import checked_pair, warn_of_other_order
from ._canonical import canonical_pairs_of_sides, component_index
from ._exchange import Exchange
from ._nuisance import without_nuisance
from ._side_rows import unit_columns
from ._singular_values import SingularValueStep, check_testable, components_of_aligner
from ._wilks import WilksStep, wilks_steps

if TYPE_CHECKING:
    from pandas import DataFrame

# Permutations per task of a worker.
_AT_ONCE = 25


# The test of one component.
Step = SingularValueStep | WilksStep


class Sides(NamedTuple):
    """Centred rows of both sides, (n, p) and (n, q), with units of the features, and their exchange.

    Such rows span at most `degrees_of_freedom` dimensions.
    """

    x: FloatArray
    y: FloatArray
    x_unit: FloatArray
    y_unit: FloatArray
    exchange: Exchange
    degrees_of_freedom: int

    @property
    def about_mean(self) -> bool:
        """Whether the rows are orthogonal to a column of ones."""
        return self.degrees_of_freedom < len(self.x)

    def scaled(self, scale: bool) -> tuple[FloatArray, FloatArray]:
        """Scale the features of the rows to variance 1, or to their own units."""
        x, y = (
            unit_columns(Z) * np.sqrt(self.degrees_of_freedom) if scale else Z * unit
            for Z, unit in ((self.x, self.x_unit), (self.y, self.y_unit))
        )
        return x, y


def permutation_test(
    X: ArrayLike,
    y: ArrayLike,
    n_permutations: int = 999,
    *,
    aligner: Any = None,
    nuisance: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    blocks: ArrayLike | None = None,
    n_components: int | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DataFrame:
    """Test canonical correlations, or the components of an aligner, one after another by permutation of the pairing.

    Row j of the table tests that the population has fewer than j correlations that are not zero. Rows need not be
    normal nor many, but exchangeable: no time series, and repeated measures of one subject only as `groups`.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality, at least three.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.
    n_permutations : int >= 1, default=999
        Number of permutations; the smallest p-value is 1 / (n_permutations + 1).
    aligner : CCA, PLSSVD, PLSCanonical or PLSRegression, default=None
        Model to test by its singular values; the parameters are taken (all but `power` and `solver`), it
        need not be fitted and never is. It may have more features than rows. None: canonical correlations without
        shrinkage, of which the ranks of both sides together may not be more than the rows minus 1.
    nuisance : array-like of shape (n_rows, n_nuisance) or (n_rows,), default=None
        Variables, such as age or site, whose linear effect on both sides is removed first: numbers; for labels, one
        indicator column each.
    groups : array-like of shape (n_rows,), default=None
        Rows of one group (the visits of a subject, the captions of a picture) stay together: a whole group is exchanged
        with another of as many rows, first row with first row and so on in the order given. A group that is the only
        one of its size stays where it is.
    blocks : array-like of shape (n_rows,), default=None
        Rows (with `groups`, whole groups) are exchanged only within a block, such as a site.
    n_components : int or None, default=None
        Number of components to test, from the first on; None for those of the aligner, or all that are possible. The
        statistics of canonical correlations use all of them in any case.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the permutations; the same one gives the same table for any `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads among which the permutations are shared; None for one, −1 for all cores.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    DataFrame
        A row for each component, counted from 1: ``correlation`` (of the pair of scores), ``statistic``,
        ``p_uncorrected`` (the share of permutations, the observed one among them, with as large a statistic) and
        ``p_value``, their running maximum: rejecting every component whose ``p_value`` is at most α makes one or more
        false rejections with probability α.

    Raises
    ------
    TypeError, ValueError
        If the sides (or the nuisance variables, groups or blocks) differ in rows, values are not finite, a side does
        not vary, a number is out of its range, groups cross blocks, nothing can be exchanged, the aligner has no such
        test, or, without an aligner, the ranks are so high that any data correlate perfectly.

    Warns
    -----
    UserWarning
        If fewer than 20 arrangements of the rows are possible, or `aligner` finds fewer components than asked for.

    See Also
    --------
    canonical_correlation_tests : Wilks' and other parametric tests.

    Notes
    -----
    The statistic of component j is −Σ_{i ≥ j} ln(1 − r_i²). Its null distribution comes from the canonical variates
    from j on, completed to full bases of either side (U_j and V_j, orthonormal): under a permutation Π of the rows
    their correlations are the singular values of U_jᵀ Π V_j. Permuting the raw rows instead would compare weak
    correlations with those of data that have lost the strong ones as well, and would reject true nulls. Squared
    correlations that differ by less than 1e-9 count as equal, and a correlation of 1 as −ln 1e-9.

    Both U_j and V_j are orthogonal to the earlier variates of either side, so they lie in fewer dimensions than rows.
    Permuted as they are, they would make the null distribution too narrow. So they are first expressed in n − 1 − k
    rows (k = j − 1), by a semi-orthogonal basis of what is orthogonal to the mean and to the sum of each earlier pair
    of variates: an addition to the published procedure, which rejects a little too often after strong components.
    Nuisance variables are removed by such a basis, too: Theil's, whose rows stay as close as possible to residuals of
    rows of the data. With nuisance variables or for j > 1 the test is exact only for normal rows or many of them.

    With `groups` or `blocks` rows must stay what they are. Nuisance variables are then removed in each block, and among
    groups of each size, by themselves: those of all rows of a group from each of its rows, whole groups being left out
    for it (Theil's basis of the groups). So groups stay exchangeable, at the price of many degrees of freedom, and the
    correlations are those within blocks. For j > 1 the variates are permuted as they are; the sums of earlier variates
    are taken away once more from what was permuted (as Freedman & Lane do in regression), and r are the correlations of
    what is left. Without nuisance variables the test of the first component is exact.

    With an aligner the statistic is the singular value d_j. X̃ and Ỹ being the centred (and scaled) rows and L Lᵀ the
    metric of CCA's constraint, d_j is compared with the largest singular value of A_jᵀ Π B_j, A_j = X̃ L_x⁻ᵀ and
    B_j = Ỹ L_y⁻ᵀ without the first j − 1 singular directions; of PLS, of the rows themselves without what the model
    has taken away before component j. These lie in fewer dimensions than rows, too, and are expressed in as many (with
    groups or blocks, what a permutation loses to the other dimensions is made up for). The constraint is the same for
    all permutations, as it does not depend on the pairing, so the test of the first component is exact; those after a
    strong one are approximate. Values that differ by less than 1e-10 of the largest possible one count as equal.

    References
    ----------
    Winkler, Renaud, Smith & Nichols (2020), Permutation inference for canonical correlation analysis. NeuroImage 220.
    Theil (1965), The analysis of disturbances in regression analysis.
    Freedman & Lane (1983), A nonstochastic interpretation of reported significance levels.
    Winkler, Webster, Vidaurre, Nichols & Smith (2015), Multi-level block permutation. NeuroImage 123.
    McIntosh & Lobaugh (2004), Partial least squares analysis of neuroimaging data. NeuroImage 23.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca import PLSSVD
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import permutation_test
    >>> X, y = make_paired_latent(200, 6, 5, correlations=(0.9, 0.5), random_state=0)
    >>> table = permutation_test(X, y, 199, random_state=0)
    >>> (table["p_value"] <= 0.05).tolist()
    [True, True, False, False, False]

    Four visits of each of 50 subjects, and a model of covariance instead of correlation:

    >>> subjects = np.repeat(np.arange(50), 4)
    >>> table = permutation_test(X, y, 199, aligner=PLSSVD(3), groups=subjects, random_state=0)
    >>> (table["p_value"] <= 0.05).tolist()
    [True, True, False]
    """
    import pandas as pd

    n_permutations = check_whole_number(n_permutations, "n_permutations")
    check_n_components(n_components)
    check_n_jobs(n_jobs)
    if aligner is not None:
        check_testable(aligner)
    warn_of_other_order(X=X, nuisance=nuisance, groups=groups, blocks=blocks)
    with checked_pair(X, y, min_rows=3) as rows:
        sides = _sides(rows, nuisance, groups, blocks)
    if aligner is None:
        table, steps = _canonical_steps(sides, n_components)
    else:
        table, steps = _steps_of_aligner(aligner, sides, n_components)
    sides.exchange.warn_of_few()
    p = (1 + _counts(steps, len(table["statistic"]), n_permutations, random_state, n_jobs, verbose)) / (
        1 + n_permutations
    )
    table |= {"p_uncorrected": p, "p_value": np.maximum.accumulate(p)}
    return pd.DataFrame(table, index=component_index(len(p)))


def _sides(rows: PairedRows, nuisance: ArrayLike | None, groups: Any, blocks: Any) -> Sides:
    """Centre and standardise both sides, and remove nuisance variables."""
    n = rows.n_rows
    free = groups is None and blocks is None
    exchange = Exchange.of_rows(n) if free else Exchange.within(n, groups, blocks)
    (x, x_unit), (y, y_unit) = _standardized(rows.X, "X"), _standardized(rows.y, "y")
    if nuisance is None:
        return Sides(x, y, x_unit, y_unit, exchange, n - 1)
    (x_left, y_left), exchange = without_nuisance([x, y], nuisance, exchange)
    for Z, before in ((x_left, x), (y_left, y)):
        # A feature that nuisance variables explain leaves rounding errors, which must not be standardised.
        lengths, lengths_before = np.linalg.norm(Z, axis=0), np.linalg.norm(before, axis=0)
        Z[:, lengths <= rank_tolerance(n, np.finfo(float).eps) * lengths_before] = 0.0
    return Sides(x_left, y_left, x_unit, y_unit, exchange, len(x_left))


def _standardized(A: Any, name: str) -> tuple[FloatArray, FloatArray]:
    """Standardise rows; return also the standard deviations."""
    rows = A.dense(slice(None), np.float64, name)
    side = standardized_columns(rows, np.ones(len(rows)))
    return side.coordinates(rows), side.scale


Columns = dict[str, FloatArray]


def _canonical_steps(sides: Sides, n_components: int | None) -> tuple[Columns, Iterator[Step]]:
    """Return columns of the table and steps for the first canonical correlations without shrinkage."""
    pairs = canonical_pairs_of_sides(sides.x, sides.y)
    if pairs.rank_x + pairs.rank_y > sides.degrees_of_freedom:
        raise ValueError(
            f"The ranks of X ({pairs.rank_x}) and y ({pairs.rank_y}) add up to more than the "
            f"{sides.degrees_of_freedom} degrees of freedom of the rows, so some correlations are exactly 1 for any "
            "data and there is nothing to test. Pass aligner=CCA(shrinkage=0.5) or a PLS model to test their singular "
            "values, reduce the features, by PCA on either side for example, or add rows."
        )
    possible = len(pairs.correlations)
    k = possible if n_components is None else n_components
    if k > possible:
        raise ValueError(f"n_components={k} is more than the {possible} possible: the smaller rank of the two sides.")
    with np.errstate(divide="ignore"):
        terms = -np.log(1 - pairs.correlations**2)
    columns = {"correlation": pairs.correlations[:k], "statistic": np.cumsum(terms[::-1])[::-1][:k]}
    return columns, wilks_steps(sides.x, sides.y, pairs, k, sides.exchange, about_mean=sides.about_mean)


def _steps_of_aligner(aligner: Any, sides: Sides, n_components: int | None) -> tuple[Columns, Iterator[Step]]:
    """Return columns of the table and steps for the singular values of an aligner."""
    found = components_of_aligner(aligner, *sides.scaled(aligner.scale), n_components, sides.degrees_of_freedom)
    columns = {"correlation": found.solution.correlations, "statistic": found.solution.singular_values}
    return columns, found.steps(sides.exchange, about_mean=sides.about_mean)


def _counts(
    steps: Iterator[Step], k: int, n_permutations: int, random_state: Any, n_jobs: int | None, verbose: int
) -> FloatArray:
    """Count, for each step, the permutations with at least as large a statistic as the original order."""
    seed = check_random_state(random_state).randint(2**31)
    parts = [range(i, min(i + _AT_ONCE, n_permutations)) for i in range(0, n_permutations, _AT_ONCE)]
    # Threads suffice for matrix products, and need no copies of the rows.
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    counts = np.zeros(k)
    with Progress("permutations", k * n_permutations, verbose) as progress:
        for j, step in enumerate(steps):
            counted = workers(delayed(_count)(step, (seed, j), part) for part in parts)
            for part, count in zip(parts, counted, strict=True):
                counts[j] += count
                progress.update(j * n_permutations + part.stop)
    return counts


def _count(step: Step, seed: tuple[int, int], permutations: range) -> int:
    # One generator for each part of the permutations, so that the distribution over workers does not matter.
    rng = np.random.default_rng([*seed, permutations.start])
    return step.count([step.exchange.draw(rng) for _ in permutations])
