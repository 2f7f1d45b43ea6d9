"""What a few-shot experiment says: means with intervals, and whether transfer helps, class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_choice, check_confidence_level
from .few_shot import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("balanced_accuracy", "accuracy")
ALL_CLASSES = "all classes"


def few_shot_report(
    episodes: pd.DataFrame, *, metric: str = "balanced_accuracy", confidence_level: float = 0.95
) -> pd.DataFrame:
    """Mean accuracy of each model at each number of shots, with intervals over the episodes.

    Parameters
    ----------
    episodes : DataFrame
        What `few_shot_episodes` returns.
    metric : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
        Mean of the recalls of the classes, or share of test rows recognised.
    confidence_level : float in (0, 1), default=0.95
        Of the intervals.

    Returns
    -------
    DataFrame of shape (n_models * n_shots, 6)
        Rows: ``(model, shots)``. Columns: ``value``, ends ``low`` and ``high`` of the interval; ``majority``, what
        always saying the commonest class of the test rows scores; ``n_episodes``; ``n_test``, mean number of test
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
    Intervals are Student's t over the episodes: what other draws of shots and splits of the same rows would give.
    They do not cover another data set.

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
    check_choice(metric, "metric", METRICS)
    scores = _episode_scores(episodes, metric)
    by_model = scores.groupby(["model", "shots"], sort=False)
    report = _with_interval(by_model["value"], confidence_level)
    return report.assign(
        majority=by_model["majority"].mean(), n_episodes=by_model.size(), n_test=by_model["n_rows"].mean()
    )


def transfer_gain(episodes: pd.DataFrame, model: str, baseline: str, *, confidence_level: float = 0.95) -> pd.DataFrame:
    """Say whether a model beats a baseline, for all classes together and for each of them.

    Parameters
    ----------
    episodes : DataFrame
        What `few_shot_episodes` returns.
    model : str
        Name of the model, such as the cross-modal route.
    baseline : str
        Name of what it is compared with, such as raw features of one modality.
    confidence_level : float in (0, 1), default=0.95
        Of the intervals.

    Returns
    -------
    DataFrame of shape (n_shots * (n_classes + 1), 8)
        Rows: ``(shots, class)``; first "all classes", by balanced accuracy, then each class by its recall. Columns:
        ``baseline`` and ``value``, the two means; ``difference``, with ends ``low`` and ``high`` of its interval;
        ``n_better`` and ``n_worse``, episodes; ``verdict``: "helps" or "hurts" where the interval leaves out 0,
        otherwise "unclear".

    Raises
    ------
    ValueError
        If the table is not of `few_shot_episodes`, or the two have no number of shots in common.

    See Also
    --------
    crossmodal_cca.plotting.TransferGainDisplay : A picture of it.

    Notes
    -----
    Differences are paired by episode; intervals are Student's t, as in `few_shot_report`, each for itself: of twenty
    classes without a difference one is called other than "unclear".

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
    import pandas as pd

    _check_episodes(episodes)
    if (episodes["class"] == ALL_CLASSES).any():
        raise ValueError(f"A class cannot be called {ALL_CLASSES!r}, as the mean over all is here; rename it.")
    overall = _episode_scores(episodes, "balanced_accuracy").rename(columns={"value": "recall"})
    both = pd.concat([overall.assign(**{"class": ALL_CLASSES}), episodes], ignore_index=True)
    keys = ["shots", "class", "episode"]
    one, other = (both[both["model"] == name].set_index(keys)["recall"] for name in (model, baseline))
    for name, found in ((model, one), (baseline, other)):
        if found.empty:
            raise ValueError(f"{name!r} is not among the models {episodes['model'].unique().tolist()}.")
    pairs = one.to_frame("value").join(other.rename("baseline"), how="inner")
    if pairs.empty:
        raise ValueError(f"{model!r} and {baseline!r} have no number of shots in common.")
    pairs["difference"] = pairs["value"] - pairs["baseline"]
    by_class = pairs.groupby(["shots", "class"], sort=False)
    gain = by_class[["baseline", "value"]].mean()
    interval = _with_interval(by_class["difference"], confidence_level).rename(columns={"value": "difference"})
    gain = gain.join(interval)
    gain["n_better"] = by_class["difference"].agg(lambda d: int((d > 0).sum()))
    gain["n_worse"] = by_class["difference"].agg(lambda d: int((d < 0).sum()))
    gain["verdict"] = np.select([gain["low"] > 0, gain["high"] < 0], ["helps", "hurts"], "unclear")
    return gain.sort_index(level="shots", sort_remaining=False, kind="stable")


def _episode_scores(episodes: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A row for each model, number of shots and episode: value, that of the majority class, and test rows."""
    weights = episodes["n_rows"] if metric == "accuracy" else 1.0
    parts = episodes.assign(weight=weights, value=episodes["recall"] * weights)
    by_episode = parts.groupby(["model", "shots", "episode"], sort=False)
    scores = by_episode[["value", "weight", "n_rows"]].sum()
    scores["value"] /= scores["weight"]
    scores["majority"] = by_episode["weight"].max() / scores["weight"]
    return scores.drop(columns="weight").reset_index()


def _with_interval(by_case: Any, confidence_level: float) -> pd.DataFrame:
    """Mean of each group of episodes, and the ends of Student's interval."""
    from scipy.stats import t

    check_confidence_level(confidence_level)
    table = by_case.agg(["mean", "sem", "count"])
    half = t.ppf((1 + confidence_level) / 2, np.maximum(table["count"] - 1, 1)) * table["sem"]
    ends = {"low": table["mean"] - half, "high": table["mean"] + half}
    with_interval: pd.DataFrame = table[["mean"]].rename(columns={"mean": "value"}).assign(**ends)
    return with_interval


def _check_episodes(episodes: Any) -> None:
    missing = set(COLUMNS).difference(getattr(episodes, "columns", ()))
    if missing or len(episodes) == 0:
        raise ValueError(
            f"episodes must be a table of few_shot_episodes, with columns {COLUMNS}; {sorted(missing)} missing."
        )
