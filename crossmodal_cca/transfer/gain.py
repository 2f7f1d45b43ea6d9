"""Summarise a few-shot experiment: means with intervals, and whether transfer helps, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import check_choice, check_confidence_level
from .._typing import DataFrame
from ..metrics._intervals import Clusters, interval_of_mean
from .few_shot import COLUMNS, ROW_COLUMNS

# Measures of a report.
MEASURES = ("balanced_accuracy", "accuracy")
# Units that intervals are taken over, and the rows that they cover.
OVER = {"episodes": "these rows", "rows": "new rows"}
# Label of the rows for all classes together.
ALL_CLASSES = "all classes"


def few_shot_report(
    episodes: DataFrame, *, measure: str = "balanced_accuracy", confidence_level: float = 0.95
) -> DataFrame:
    """Compute the mean accuracy of each model at each number of shots, with intervals over the episodes.

    Parameters
    ----------
    episodes : DataFrame
        Table that `few_shot_episodes` returns.
    measure : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
        Mean of the recalls of the classes, or share of test rows recognised.
    confidence_level : float in (0, 1), default=0.95
        Confidence level of the intervals.

    Returns
    -------
    DataFrame of shape (n_models * n_shots, 6)
        Rows: ``(model, shots)``. Columns: ``value``, ends ``low`` and ``high`` of the interval; ``majority``, the
        score of always predicting the commonest class of the test rows; ``n_episodes``; ``n_test``, mean number of test
        rows.

    Raises
    ------
    ValueError, TypeError
        If the table is not of `few_shot_episodes`, or a parameter is out of its range.

    See Also
    --------
    transfer_gain : Differences, whose intervals are much narrower than those of two models suggest.

    Notes
    -----
    Intervals are Student's t over the episodes, within [0, 1]. They cover other draws of shots and splits of the same
    rows, but not new rows or another data set. If all episodes are entirely right, or all entirely wrong, they are
    Wilson's intervals of as many single trials.

    Examples
    --------
    >>> import pandas as pd
    >>> from crossmodal_cca.transfer import few_shot_report
    >>> recalls = [("head", 1, e, c, r, 10) for e, c, r in [(0, "a", 0.8), (0, "b", 0.6), (1, "a", 0.9), (1, "b", 0.7)]]
    >>> columns = ["model", "shots", "episode", "class", "recall", "n_rows"]
    >>> few_shot_report(pd.DataFrame(recalls, columns=columns))[["value", "majority"]].round(2)
                 value  majority
    model shots
    head  1       0.75       0.5
    """
    _check_episodes(episodes)
    check_choice(measure, "measure", MEASURES)
    scores = _episode_scores(_by_class(episodes), measure)
    by_model = scores.groupby(["model", "shots"], sort=False)
    report = _with_interval(by_model["value"], confidence_level)
    report[["low", "high"]] = report[["low", "high"]].clip(0.0, 1.0)
    for i, (_, of_model) in enumerate(by_model["value"]):
        values = of_model.to_numpy()
        if np.ptp(values) == 0 and values[0] in (0.0, 1.0):
            report.iloc[i, 1:3] = interval_of_mean(values, np.arange(len(values)), confidence_level)
    return report.assign(
        majority=by_model["majority"].mean(), n_episodes=by_model.size(), n_test=by_model["n_rows"].mean()
    )


def transfer_gain(
    episodes: DataFrame, model: str, baseline: str, *, over: str = "episodes", confidence_level: float = 0.95
) -> DataFrame:
    """Decide whether a model beats a baseline, for all classes together and for each class.

    Parameters
    ----------
    episodes : DataFrame
        Table that `few_shot_episodes` returns.
    model : str
        Name of the model, such as the cross-modal route.
    baseline : str
        Name of the model it is compared with, such as raw features of one modality.
    over : {"episodes", "rows"}, default="episodes"
        Source of variation in the intervals. "episodes": other draws of shots and test rows from the rows at hand, on
        which one model may be better by luck. "rows": new rows from the same source, as shots and as test rows; this
        needs a table of single rows (``few_shot_episodes(..., per="row")``).
    confidence_level : float in (0, 1), default=0.95
        Confidence level of the intervals.

    Returns
    -------
    DataFrame of shape (n_shots * (n_classes + 1), 9)
        Rows: ``(shots, class)``; first "all classes", by balanced accuracy, then each class by its recall. Columns:
        ``baseline`` and ``value``, the two means; ``difference``, with ends ``low`` and ``high`` of its interval;
        ``n_better`` and ``n_worse``, episodes, or rows over all their episodes; ``verdict``: "helps" or "hurts" where
        the interval leaves out 0, otherwise "unclear"; ``interval_for``: "these rows" or "new rows", for which the
        interval and the verdict hold.

    Raises
    ------
    ValueError, TypeError
        If the table is not of `few_shot_episodes`, or of classes although ``over="rows"``; if the two models have no
        number of shots in common; or if a parameter is out of its range.

    See Also
    --------
    crossmodal_cca.plotting.TransferGainDisplay : A picture of it.

    Notes
    -----
    Differences are paired by episode, or by test row. Over episodes the intervals are Student's t, as in
    `few_shot_report`. One of two equally good models is then often called better (in half of the data sets, with 8
    shots and 20 episodes): on these rows it is better. Over rows the variance is ::

        var(means of the test rows) + var(episodes) · (1 / n_episodes + f / (1 − f))

    with f the share of the rows of the smallest class that are shots of one episode: episodes share shots, so more
    episodes do not make up for more rows. With groups, the first part is the variance of groups, and Student's degrees
    of freedom come from the smaller number, that of episodes or of groups. If the shots are always the same rows, f is
    1, and nothing is known about other shots.

    Intervals are not corrected for the number of classes: at a level of 0.95, one in twenty classes without a
    difference has a verdict other than "unclear".

    References
    ----------
    Nadeau, C. & Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52.

    Examples
    --------
    >>> import pandas as pd
    >>> from crossmodal_cca.transfer import transfer_gain
    >>> recalls = {"raw": (0.5, 0.6, 0.4), "shared": (0.7, 0.9, 0.6)}
    >>> rows = [(m, 1, e, "a", r, 10) for m, values in recalls.items() for e, r in enumerate(values)]
    >>> columns = ["model", "shots", "episode", "class", "recall", "n_rows"]
    >>> gain = transfer_gain(pd.DataFrame(rows, columns=columns), "shared", "raw")
    >>> gain[["difference", "verdict"]].round(2)
                       difference verdict
    shots class
    1     all classes        0.23   helps
          a                  0.23   helps
    """
    check_choice(over, "over", OVER)
    _check_episodes(episodes)
    if over == "rows" and not {*ROW_COLUMNS} <= {*episodes.columns}:
        raise ValueError(
            "over='rows' needs a table of single test rows: few_shot_episodes(..., per='row'); this one is of classes."
        )
    if (episodes["class"] == ALL_CLASSES).any():
        raise ValueError(f"A class cannot be called {ALL_CLASSES!r}, as the mean over all is here; rename it.")
    for name in (model, baseline):
        if not (episodes["model"] == name).any():
            raise ValueError(f"{name!r} is not among the models {episodes['model'].unique().tolist()}.")
    pairs = _paired(_by_class(episodes), model, baseline)
    if pairs.empty:
        raise ValueError(f"{model!r} and {baseline!r} have no number of shots in common.")
    by_case = pairs.groupby(["shots", "class"], sort=False)
    gain = by_case[["baseline", "value"]].mean()
    interval = _with_interval(by_case["difference"], confidence_level).rename(columns={"value": "difference"})
    gain = gain.join(interval)
    gain["n_better"] = by_case["difference"].agg(lambda d: int((d > 0).sum()))
    gain["n_worse"] = by_case["difference"].agg(lambda d: int((d < 0).sum()))
    if over == "rows":
        by_row = _for_new_rows(episodes, model, baseline, by_case["difference"], confidence_level)
        gain = by_row.loc[gain.index, gain.columns]
    gain["verdict"] = np.select([gain["low"] > 0, gain["high"] < 0], ["helps", "hurts"], "unclear")
    gain["interval_for"] = OVER[over]
    return gain.sort_index(level="shots", sort_remaining=False, kind="stable")


def _by_class(episodes: DataFrame) -> DataFrame:
    """Convert a table of single test rows into one of classes."""
    if "row" not in episodes.columns:
        return episodes
    by_class = episodes.groupby(list(COLUMNS[:4]), sort=False)
    return by_class.agg(recall=("recall", "mean"), n_rows=("n_rows", "sum")).reset_index()


def _paired(episodes: DataFrame, model: str, baseline: str) -> DataFrame:
    """Pair the values of both models, and their difference, by number of shots, class (or all classes) and episode."""
    import pandas as pd

    overall = _episode_scores(episodes, "balanced_accuracy").rename(columns={"value": "recall"})
    both = pd.concat([overall.assign(**{"class": ALL_CLASSES}), episodes], ignore_index=True)
    keys = ["shots", "class", "episode"]
    one, other = (both[both["model"] == name].set_index(keys)["recall"] for name in (model, baseline))
    pairs = one.to_frame("value").join(other.rename("baseline"), how="inner")
    return pairs.assign(difference=pairs["value"] - pairs["baseline"])


def _for_new_rows(episodes: DataFrame, model: str, baseline: str, by_case: Any, confidence_level: float) -> DataFrame:
    """Compute the gain with intervals over test rows; `by_case` are the differences over episodes."""
    import pandas as pd

    keys = ["shots", "class", "row"]
    one, other = (episodes[episodes["model"] == name].groupby(keys)["recall"].mean() for name in (model, baseline))
    rows = one.to_frame("value").join(other.rename("baseline"), how="inner").reset_index()
    rows["difference"] = rows["value"] - rows["baseline"]
    rows = rows.merge(episodes[["row", "group", "n_pool"]].drop_duplicates("row"), on="row")
    spread = by_case.agg(["var", "count"]).to_dict("index")
    gain = {}
    for shots, of_shots in rows.groupby("shots"):
        # With zero shots, the pools may be empty.
        share = min(shots / max(of_shots["n_pool"].min(), 1), 1.0)
        for name, part in ((ALL_CLASSES, of_shots), *of_shots.groupby("class")):
            variance, n_episodes = spread[shots, name].values()
            of_episodes = variance * (1 / n_episodes + share / (1 - share)) if share < 1 else np.inf
            gain[shots, name] = _gain_of_rows(part, of_episodes, n_episodes, confidence_level)
    return pd.DataFrame.from_dict(gain, orient="index").rename_axis(["shots", "class"])


def _gain_of_rows(
    rows: DataFrame, of_episodes: float, n_episodes: int, confidence_level: float
) -> dict[str, float | int]:
    """Average the classes' gains, with an interval from the variance of the test rows and that of the episodes."""
    from scipy.stats import t

    by_class = rows.groupby("class")
    weight = 1 / (by_class["row"].transform("size") * by_class.ngroups)
    means = {name: float(np.sum(weight * rows[name])) for name in ("baseline", "value", "difference")}
    clusters = Clusters(rows["group"].factorize()[0])
    rest = rows["difference"] - by_class["difference"].transform("mean")
    of_rows = clusters.variance_of_mean((len(rows) * weight * rest).to_numpy())
    freedom = min(float(n_episodes), clusters.effective_number) - 1
    half = t.ppf((1 + confidence_level) / 2, freedom) * np.sqrt(of_rows + of_episodes) if freedom > 0 else np.inf
    return means | {
        "low": max(means["difference"] - half, -1.0),
        "high": min(means["difference"] + half, 1.0),
        "n_better": int((rows["difference"] > 0).sum()),
        "n_worse": int((rows["difference"] < 0).sum()),
    }


def _episode_scores(episodes: DataFrame, measure: str) -> DataFrame:
    """Return a row for each model, number of shots and episode: value, value of the majority class, and test rows."""
    weights = episodes["n_rows"] if measure == "accuracy" else 1.0
    parts = episodes.assign(weight=weights, value=episodes["recall"] * weights)
    by_episode = parts.groupby(["model", "shots", "episode"], sort=False)
    scores = by_episode[["value", "weight", "n_rows"]].sum()
    scores["value"] /= scores["weight"]
    scores["majority"] = by_episode["weight"].max() / scores["weight"]
    return scores.drop(columns="weight").reset_index()


def _with_interval(by_case: Any, confidence_level: float) -> DataFrame:
    """Compute the mean of each group of episodes, and the ends of Student's interval."""
    from scipy.stats import t

    check_confidence_level(confidence_level)
    table = by_case.agg(["mean", "sem", "count"])
    half = t.ppf((1 + confidence_level) / 2, np.maximum(table["count"] - 1, 1)) * table["sem"]
    ends = {"low": table["mean"] - half, "high": table["mean"] + half}
    with_interval: DataFrame = table[["mean"]].rename(columns={"mean": "value"}).assign(**ends)
    return with_interval


def _check_episodes(episodes: Any) -> None:
    missing = set(COLUMNS).difference(getattr(episodes, "columns", ()))
    if missing or len(episodes) == 0:
        raise ValueError(
            f"episodes must be a table of few_shot_episodes, with columns {COLUMNS}; {sorted(missing)} missing."
        )
