"""How much memory do a fit and a ranking need beyond their inputs?

Targets, each in a fresh process, as peak resident memory minus resident memory just before the call, when the inputs
exist and a small warm-up has run:

- CCA and PLSSVD on 100,000 rows of 1,280 float32 features, 768 and 512 of either side, and 1,280 of each: at most
  400 MB.
- retrieval_ranks of 30,000 × 30,000 × 128 float32: at most 500 MB; the whole similarity matrix would take 3,600 MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import FOLDER, SEED, Row, Target, parse_arguments, report

MB = 10**6
# Name of what is measured: (rows, features of either side, most MB).
CASES = {
    "CCA, 768 and 512": (100_000, (768, 512), 400),
    "CCA, 1280 and 1280": (100_000, (1_280, 1_280), 400),
    "PLSSVD, 768 and 512": (100_000, (768, 512), 400),
    "PLSSVD, 1280 and 1280": (100_000, (1_280, 1_280), 400),
    "retrieval_ranks, 128": (30_000, (128, 128), 500),
}


def resident_bytes() -> int:
    """Resident memory now; where there is no /proc, its peak so far, which the inputs dominate."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else peak_bytes()


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def subject(case: str) -> Callable[[Any, Any], Any]:
    import crossmodal_cca as cm

    kind = case.split(",")[0]
    if kind == "retrieval_ranks":
        return cm.metrics.retrieval_ranks
    return {"CCA": cm.CCA(32), "PLSSVD": cm.PLSSVD(32)}[kind].fit


def added_megabytes(case: str, n_rows: int) -> float:
    """Run one case in this process, which should be fresh: its peak so far must not exceed its inputs."""
    import numpy as np

    run = subject(case)
    rng = np.random.default_rng(SEED)
    # The warm-up pages in libraries and thread buffers, which are not the call's own.
    run(*(rng.standard_normal((200, 64), dtype=np.float32) for _ in range(2)))
    X, Y = (rng.standard_normal((n_rows, width), dtype=np.float32) for width in CASES[case][1])
    before = resident_bytes()
    run(X, Y)
    return (peak_bytes() - before) / MB


def measured_row(case: str, quick: bool) -> Row:
    n_rows, widths, most = CASES[case]
    n_rows = n_rows // 10 if quick else n_rows
    # This process stays small on purpose: on Linux a child's recorded peak starts at its parent's.
    statement = f"from memory import added_megabytes; print(added_megabytes({case!r}, {n_rows}))"
    child = [sys.executable, "-c", statement]
    added = float(subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=FOLDER).stdout)
    target = Target("<=", most)
    return {
        "problem": case,
        "rows": n_rows,
        "input_MB": sum(widths) * n_rows * 4 / MB,
        "added_MB": added,
        "target": str(target),
        "met": target.met_by(added),
    }


def main() -> None:
    arguments = parse_arguments(__doc__, "memory")
    report([measured_row(case, arguments.quick) for case in CASES], arguments)


if __name__ == "__main__":
    main()
