"""How long does the import take?

Target: `from crossmodal_cca import CCA` at most 1.2 times `import sklearn.cross_decomposition`, which it builds on.
Whole fresh processes, taking turns; medians.
"""

from __future__ import annotations

import subprocess
import sys

from harness import FOLDER, Target, Task, compare, parse_arguments, report

OURS, SKLEARN = "from crossmodal_cca import CCA", "import sklearn.cross_decomposition"


def fresh_process(statement: str, target: Target | None = None) -> Task:
    return Task(lambda: subprocess.run([sys.executable, "-c", statement], check=True, cwd=FOLDER), target)


def main() -> None:
    arguments = parse_arguments(__doc__, "import_time")
    tasks = {
        SKLEARN: fresh_process(SKLEARN),
        OURS: fresh_process(OURS, Target("<=", 1.2)),
        # The interpreter's own start is in both times; this shows how much that is.
        "pass": fresh_process("pass"),
    }
    report(compare("whole process", tasks, repeats=3 if arguments.quick else 15), arguments)


if __name__ == "__main__":
    main()
