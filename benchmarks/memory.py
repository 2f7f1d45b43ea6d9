"""How much memory do a fit and a ranking need beyond their inputs?

Targets, each in a fresh process, as peak resident memory minus resident memory just before the call, when the inputs
exist and a small warm-up has run:

- CCA and PLSSVD on 100,000 rows of 1,280 float32 features, 768 and 512 of either side, and 1,280 of each: at most
  400 MB.
- retrieval_ranks of 30,000 × 30,000 × 128 float32: at most 500 MB, and of 100,000 × 100,000: at most 1,000 MB; the
  whole similarity matrices would take 3,600 and 40,000 MB. The first ten of the former by CrossModalIndex: at most
  500 MB.
- KernelCCA on 8,000 rows of 50 and 40 float64 features, solved exactly: at most 2,560 MB, five kernel matrices.
- KernelCCA with 1,000 landmarks on 64 and 48 float64 features: at most 600 MB, for 25,000 rows as for 100,000.
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
    "retrieval_ranks, 100000 of 128": (100_000, (128, 128), 1_000),
    "CrossModalIndex, 128": (30_000, (128, 128), 500),
    "KernelCCA, 50 and 40": (8_000, (50, 40), 2_560),
    "KernelCCA with landmarks, 64 and 48": (25_000, (64, 48), 600),
    "KernelCCA with landmarks, four times the rows": (100_000, (64, 48), 600),
}
SLOW = ("retrieval_ranks, 100000 of 128", "KernelCCA, 50 and 40", "KernelCCA with landmarks, four times the rows")
LANDMARKS = 1_000
# Rows of the warm-up: enough for KernelCCA to take the route that it takes for many.
WARM_UP_ROWS = 400


def resident_bytes() -> int:
    """Resident memory now; where there is no /proc, its peak so far, which the inputs dominate."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else peak_bytes()


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def subject(kind: str, n_rows: int) -> Callable[[Any, Any], Any]:
    import crossmodal_cca as cm

    if kind == "retrieval_ranks":
        return cm.metrics.retrieval_ranks
    if kind == "CrossModalIndex":
        return lambda X, Y: cm.retrieval.CrossModalIndex().fit(Y).kneighbors(X)
    if kind == "KernelCCA with landmarks":
        m = min(LANDMARKS, n_rows // 2)
        return cm.KernelCCA(16, approximation="nystroem", n_landmarks=m, random_state=SEED).fit
    return {"CCA": cm.CCA(32).fit, "PLSSVD": cm.PLSSVD(32).fit, "KernelCCA": cm.KernelCCA(8).fit}[kind]


def pair(kind: str, n_rows: int, widths: tuple[int, int]) -> tuple[Any, Any]:
    """White noise in float32; for kernels what they are for, in float64."""
    import numpy as np
    from pairs import nonlinear_factors

    if kind.startswith("KernelCCA"):
        return nonlinear_factors(n_rows, *widths)
    rng = np.random.default_rng(SEED)
    X, Y = (rng.standard_normal((n_rows, width), dtype=np.float32) for width in widths)
    return X, Y


def megabytes(case: str, n_rows: int) -> tuple[float, float]:
    """Inputs of one case, and what running it adds in this process, which should be fresh: a peak stays for good."""
    kind, widths = case.split(",")[0], CASES[case][1]
    # The warm-up pages in libraries and thread buffers, which are not the call's own.
    subject(kind, WARM_UP_ROWS)(*pair(kind, WARM_UP_ROWS, (64, 64)))
    X, Y = pair(kind, n_rows, widths)
    run = subject(kind, n_rows)
    before = resident_bytes()
    run(X, Y)
    return (X.nbytes + Y.nbytes) / MB, (peak_bytes() - before) / MB


def measured_row(case: str, quick: bool) -> Row:
    n_rows, _, most = CASES[case]
    n_rows = n_rows // 10 if quick else n_rows
    # This process stays small on purpose: on Linux a child's recorded peak starts at its parent's.
    statement = f"from memory import megabytes; print(*megabytes({case!r}, {n_rows}))"
    child = [sys.executable, "-c", statement]
    printed = subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=FOLDER).stdout
    inputs, added = map(float, printed.split())
    target = Target("<=", most)
    return {
        "problem": case,
        "rows": n_rows,
        "input_MB": inputs,
        "added_MB": added,
        "target": str(target),
        "met": target.met_by(added),
    }


def main() -> None:
    arguments = parse_arguments(__doc__, "memory")
    cases = [case for case in CASES if not (arguments.brief and case in SLOW)]
    report([measured_row(case, arguments.quick) for case in cases], arguments)


if __name__ == "__main__":
    main()
