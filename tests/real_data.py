"""Real data that lies beside the repository and is never committed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def load(name: str) -> dict[str, Any]:
    """Arrays of a data set, or a skipped test where the folder is absent."""
    path = FOLDER / name / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
