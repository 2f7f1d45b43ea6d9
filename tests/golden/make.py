"""Make the golden files that are missing: one for each saved class in its version, and what it answered then.

    PYTHONPATH=. python tests/golden/make.py

A file that is there is never made again: it stands for what people have saved. After a change of a schema (its version
is then another), this adds files of the new version beside the old ones, which must go on being read.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from everything import TABLE  # noqa: E402


def versions_in(path):
    """Names of all objects in a file, with their versions."""
    with zipfile.ZipFile(path) as archive:
        tree = json.loads(archive.read("header.json"))
    found = set()

    def look(node):
        if isinstance(node, dict):
            if "object" in node:
                found.add((node["object"], node["version"]))
            for each in node.values():
                look(each)
        elif isinstance(node, list):
            for each in node:
                look(each)

    look(tree)
    return found


def golden_files():
    return sorted(path for path in FOLDER.iterdir() if path.suffix == "")


def answers(row, loaded):
    """What calls return that give one array of numbers, by the call."""
    found = {}
    for call in row.calls:
        if call.name != "sample_y":
            result = call.on(loaded)
            if isinstance(result, np.ndarray) and result.dtype.kind in "fiu":
                found[str(call)] = result
    return found


def main():
    known = set().union(*map(versions_in, golden_files()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        for name, row in TABLE.items():
            if not hasattr(row.thing, "save"):
                continue
            thing = row.made()
            try:
                thing.save(path)
            except TypeError:  # what holds parts of other packages
                continue
            if not versions_in(path) <= known:
                version = max(v for cls, v in versions_in(path) if cls == type(thing).__name__)
                target = FOLDER / f"{name}-{version}"
                assert not target.exists(), target
                target.write_bytes(path.read_bytes())
                np.savez_compressed(FOLDER / f"{target.name}.npz", **answers(row, thing))
                known |= versions_in(path)
                print(target.name, target.stat().st_size)


if __name__ == "__main__":
    main()
