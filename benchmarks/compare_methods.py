"""Does `compare_aligners` pick a method that is as good as the best on rows that it has never seen, and how soon?

The methods are compared on the training part of each data set (those of `alignment_quality.py`), all models fitted to
it with the settings chosen there, and measured on the test part. `held out` is the quality that the comparison gives,
`test` that on the test part; `difference` is the quality of the method picked minus that of the best one on the test
part, with the upper end of its interval, paired by query: the target is −.02 or above. `seconds` are those of the whole
comparison; on all emoji, with every default, the target is three minutes on two cores.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from alignment_quality import Problem, problems
from harness import SEED, Row, Target, parse_arguments, report

import crossmodal_cca as cm
from crossmodal_cca.metrics import compare_aligners

APART = Target(">=", -0.02)
SECONDS = Target("<=", 180)


def rows_of(problem: Problem) -> list[Row]:
    print(f"… {problem.name}", file=sys.stderr, flush=True)
    measure = "mean_average_precision" if problem.labels is not None else "hit_rate_at_10"
    ids = {} if problem.labels is None else {"x_ids": problem.labels, "y_ids": problem.labels}
    start = time.perf_counter()
    table = compare_aligners(
        *problem.train, measure=measure, groups=problem.groups, **ids, random_state=SEED, verbose=1
    )
    seconds = time.perf_counter() - start
    tested = on_test_part(problem, table, measure)
    picked = tested.loc[table.attrs["picked"]]
    rows: list[Row] = [
        {"problem": problem.name, "method": name, "quality": row["quality"], "test": tested.loc[name, "quality"]}
        | {"low": tested.loc[name, "low"], "high": tested.loc[name, "high"]}
        | {"seconds": row["seconds_to_choose"] + row["seconds_to_fit"], "settings": row["settings"]}
        for name, row in table.iterrows()
    ]
    high = float(picked["difference_high"])
    verdict = {"target": str(APART), "met": APART.met_by(high)}
    last = {"difference": picked["difference"], "low": picked["difference_low"], "high": high, "seconds": seconds}
    rows.append({"problem": problem.name, "method": f"picked: {picked.name}", **last, **verdict})
    return rows


def on_test_part(problem: Problem, table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Compare the models of the settings chosen, fitted to the training part, on the test part."""
    X, y = (np.concatenate(sides) for sides in zip(problem.train, problem.test, strict=True))
    n = len(problem.train[0])
    names = {name: getattr(cm, name) for name in cm.__all__}
    chosen = table["settings"][table["settings"] != "rows as they are"]
    models = {name: eval(settings, dict(names)) for name, settings in chosen.items()}
    ids = {}
    if problem.labels is not None and problem.test_labels is not None:
        labels = np.concatenate([problem.labels, problem.test_labels])
        ids = {"x_ids": labels, "y_ids": labels}
    split = [(np.arange(n), np.arange(n, len(X)))]
    return compare_aligners(X, y, models, cv=split, measure=measure, **ids, random_state=SEED)


def all_emoji() -> Row:
    emoji = cm.datasets.load_emoji()
    start = time.perf_counter()
    compare_aligners(emoji.image, emoji.text, groups=emoji.base_name, random_state=SEED, verbose=1)
    seconds = time.perf_counter() - start
    row: Row = {"problem": "all emoji, every default", "method": "compare_aligners", "seconds": seconds}
    return row | {"target": f"{SECONDS} s", "met": SECONDS.met_by(seconds)}


def main() -> None:
    arguments = parse_arguments(__doc__, "compare_methods")
    rows = [row for problem in problems(arguments.quick) for row in rows_of(problem)]
    if not arguments.quick:
        rows.append(all_emoji())
    report(rows, arguments)


if __name__ == "__main__":
    main()
