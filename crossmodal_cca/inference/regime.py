"""Whether two modalities should be aligned, predicted from each other, or left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._checks import check_flag, check_of_sides, check_random_state, check_whole_number
from .._errors import about
from .._typing import FloatArray
from ..models._pair import standardized_columns
from ..rows._validation import checked_pair, warn_of_other_order
from ._canonical import check_varying
from ._exchange import Exchange
from ._labelled import labelled_rows
from ._routes import LABEL_LEVEL, LabelTest, Shared, Verdict, label_test, routes_of, shared_components, verdict_of
from ._singular_values import rank_of_rows

if TYPE_CHECKING:
    from pandas import DataFrame

# Fewest permutations with which a component can be significant.
_FEWEST = round(1 / LABEL_LEVEL) - 1
# The routes in words.
_IN_WORDS = {"align": "align the two modalities", "x_to_y": "predict y from X", "y_to_x": "predict X from y"}


class AlignmentRegime(NamedTuple):
    """The answer of `alignment_regime` in a sentence and by route, and the components it rests on."""

    sentence: str
    routes: DataFrame
    components: DataFrame


def alignment_regime(
    X: ArrayLike,
    y: ArrayLike,
    labels: ArrayLike,
    *,
    shrinkage: Any = 0.0,
    scale: bool = False,
    groups: ArrayLike | None = None,
    n_permutations: int = 999,
    random_state: Any = None,
) -> AlignmentRegime:
    """Tell, before any training, whether to align two modalities, predict one from the other, or leave them alone.

    Alignment finds what is most *correlated*, prediction what has most *predictable variance*. Either may be what
    labels speak of, the signal, or something else that both modalities show, a nuisance such as the site or the style.
    With the latter, training on pairs makes representations worse than those of one modality. Labels of a few hundred
    rows tell.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality, at least four.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.
    labels : array-like of shape (n_rows,) or (n_rows, n_labels)
        Classes of any kind, or numbers: one-dimensional numbers are classes if all of them are whole. Rows
        with NaN or None are unlabelled, and as in scikit-learn's semi-supervised estimators those of class −1.
    shrinkage : float in [0, 1], "oas", or pair of these (x, y), default=0.0
        Shrinkage of the covariances, as in `CCA`; needed if the ranks of both sides add up to more than the rows minus
        1. It moves components: features with little variance lose.
    scale : bool, default=False
        Whether features are scaled to variance 1. Prediction depends on their units, as its loss does.
    groups : array-like of shape (n_rows,), default=None
        Rows of one group stay together: whole groups are exchanged with others of as many rows, labels too.
    n_permutations : int >= 99, default=999
        Number of permutations of the pairs, and of the labels.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the permutations.

    Returns
    -------
    regime : AlignmentRegime
        Named tuple of

        - `sentence`: the answer in words;
        - `routes`: DataFrame with the rows "align", "x_to_y" (prediction of y from X) and "y_to_x". Columns: `answer`,
          "yes" if the route recovers the signal, "no", or "undecided"; `ratio`, the smallest singular value of the
          signal over the largest of the nuisances (infinity without nuisances, NaN without signal); `n_signal` and
          `n_nuisance`, numbers of components; `n_directions`, how many directions among them labels speak of;
          `detectable_r2`, the R² that a component needs to be significant (NaN without components);
        - `components`: DataFrame by route and component (from 1) of those above shuffled pairs. Columns:
          `singular_value` (ρ, the canonical correlation, for "align"; τ, in units of the predicted features, for the
          others), `p_value` (against shuffled pairs), `r2` (share of the component's variance that labels
          explain), `p_label` (against shuffled labels, corrected for all components) and `role`, "signal" or
          "nuisance".

    Raises
    ------
    TypeError, ValueError
        If the sides, labels or groups differ in rows, values are not finite, a side does not vary, the labels are all
        the same or too many for the labelled rows, there are too few rows to do without shrinkage, groups cannot be
        exchanged, or a parameter is out of its range.

    Warns
    -----
    UserWarning
        If fewer than 20 arrangements of the rows, or of the labelled ones, are possible, or tables have the same index
        labels in different orders.

    See Also
    --------
    alignment_test : Whether encoders agree at all.
    crossmodal_cca.plotting.AlignmentRegimeDisplay : Components by singular value and R².

    Notes
    -----
    With covariances S, the components of alignment are the singular triplets of C = S_xx^−½ S_xy S_yy^−½, those of the
    prediction of y from X the ones of S_xx^−½ S_xy. They count if they exceed the largest one of shuffled pairs, at
    .05. A component is called signal if labels explain more of its scores than of any component under shuffled labels
    (at .01, stepwise). The answer is "yes" if the smallest singular value of the signal is above the largest of the
    nuisances.

    It is "undecided" if labels speak of fewer directions (stepwise canonical correlations, at .01) than there are
    signal components, as signal and nuisance of nearly the same singular value mix; if labels are silent about all
    components but could not have shown one with an R² of .1; or if the noise of one side hides all components from this
    route, and not from another. A linear method sees linear components; labels say nothing of what they are not about.

    References
    ----------
    Kamai, Van Assel, Regev, Perets & Balestriero (2026), When to align, when to predict: a phase diagram for multimodal
    learning.
    Westfall & Young (1993), Resampling-based multiple testing.

    Examples
    --------
    The signal has half the correlation of a nuisance, but twice its predictable variance:

    >>> import numpy as np
    >>> from crossmodal_cca.inference import alignment_regime
    >>> rng = np.random.default_rng(0)
    >>> signal, nuisance = rng.normal(size=(2, 1000))
    >>> X, y = rng.normal(size=(2, 1000, 6))
    >>> for side in (X, y):
    ...     side[:, 0] = 2 * (signal + 1.2 * side[:, 0])
    ...     side[:, 1] = 0.4 * (nuisance + 0.3 * side[:, 1])
    >>> labels = np.where(np.arange(1000) < 200, signal > 0, -1)
    >>> regime = alignment_regime(X, y, labels, n_permutations=199, random_state=0)
    >>> regime.routes["answer"].to_dict()
    {'align': 'no', 'x_to_y': 'yes', 'y_to_x': 'yes'}
    >>> regime.sentence
    'To recover what the labels speak of, predict y from X or predict X from y. Do not align the two modalities.'
    """
    check_flag(scale, "scale")
    constraint = check_of_sides(shrinkage, "shrinkage", low=0.0, high=1.0, word="oas")
    check_whole_number(n_permutations, "n_permutations", low=_FEWEST)
    warn_of_other_order(X=X, labels=labels, groups=groups)
    with checked_pair(X, y, min_rows=4) as rows:
        sides = _centred(rows.X, "X", scale), _centred(rows.y, "y", scale)
    _check_ranks(sides, constraint)
    labelled = labelled_rows(labels, len(sides[0]))
    exchange = Exchange.of_rows(len(sides[0])) if groups is None else Exchange.within(len(sides[0]), groups, None)
    of_labels = Exchange.of_rows(len(labelled.rows))
    if groups is not None:
        with about("labels"):
            of_labels = Exchange.within(len(labelled.rows), exchange.codes[labelled.rows], None)
    for each in (exchange, of_labels):
        each.warn_of_few()
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
    routes = routes_of(*sides, constraint)
    shared = shared_components(routes, exchange, n_permutations, rng)
    tests = [label_test(s.scores[labelled.rows], labelled.labels, of_labels, n_permutations, rng) for s in shared]
    related = any(len(s.singular_values) for s in shared)
    verdicts = [verdict_of(s, t, related=related) for s, t in zip(shared, tests, strict=True)]
    return _regime([route.name for route in routes], shared, tests, verdicts)


def _centred(side: Any, name: str, scale: bool) -> FloatArray:
    A = side.dense(slice(None), np.float64, name)
    if scale:
        return standardized_columns(A, np.ones(len(A))).coordinates(A)
    return np.asarray(A - A.mean(axis=0))


def _check_ranks(sides: tuple[FloatArray, FloatArray], shrinkage: tuple[Any, Any]) -> None:
    """Refuse sides that do not vary, or that without shrinkage correlate perfectly however they are paired."""
    ranks = rank_of_rows(sides[0]), rank_of_rows(sides[1])
    check_varying(ranks)
    if 0 in shrinkage and sum(ranks) > len(sides[0]) - 1:
        raise ValueError(
            f"The ranks of X ({ranks[0]}) and y ({ranks[1]}) add up to more than the {len(sides[0])} rows minus 1, so "
            "without shrinkage some components would be perfect in any pairing. Pass shrinkage='oas', reduce the "
            "features, by PCA on either side for example, or add rows."
        )


def _regime(names: list[str], shared: list[Shared], tests: list[LabelTest], verdicts: list[Verdict]) -> AlignmentRegime:
    import pandas as pd

    routes = pd.DataFrame(
        {
            "answer": [v.answer for v in verdicts],
            "ratio": [v.ratio for v in verdicts],
            "n_signal": [int(t.is_signal.sum()) for t in tests],
            "n_nuisance": [int((~t.is_signal).sum()) for t in tests],
            "n_directions": [t.n_directions for t in tests],
            "detectable_r2": [t.detectable for t in tests],
        },
        index=pd.Index(names, name="route"),
    )
    places = [(name, j) for name, s in zip(names, shared, strict=True) for j in range(1, 1 + len(s.singular_values))]
    is_signal = np.concatenate([t.is_signal for t in tests])
    components = pd.DataFrame(
        {
            "singular_value": np.concatenate([s.singular_values for s in shared]),
            "p_value": np.concatenate([s.p_values for s in shared]),
            "r2": np.concatenate([t.r2 for t in tests]),
            "p_label": np.concatenate([t.p_values for t in tests]),
            "role": np.where(is_signal, "signal", "nuisance").astype(object),
        },
        index=pd.MultiIndex.from_tuples(places, names=["route", "component"])
        if places
        else pd.MultiIndex.from_arrays([[], []], names=["route", "component"]),
    )
    answers = {name: v.answer for name, v in zip(names, verdicts, strict=True)}
    return AlignmentRegime(_sentence(answers, related=bool(places)), routes, components)


def _sentence(answers: dict[str, str], *, related: bool) -> str:
    """Say the answers in words."""
    yes, no, undecided = (
        [_IN_WORDS[route] for route, answer in answers.items() if answer == kind] for kind in ("yes", "no", "undecided")
    )
    if not related:
        return "These pairs share nothing beyond shuffled pairs: neither alignment nor prediction has anything to find."
    if len(no) == len(answers):
        return (
            "Neither alignment nor prediction recovers what the labels speak of: cross-modal training is harmful. "
            "Leave each modality by itself."
        )
    parts = [
        f"To recover what the labels speak of, {_or(yes)}." if yes else "",
        f"Do not {_or(no)}." if no else "",
        f"These pairs and labels cannot tell whether to {_or(undecided)}." if undecided else "",
    ]
    return " ".join(part for part in parts if part)


def _or(routes: list[str]) -> str:
    *first, last = routes
    return f"{', '.join(first)} or {last}" if first else last
