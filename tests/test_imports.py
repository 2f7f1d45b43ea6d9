"""Modules import each other one way only, and the mathematics knows nobody."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "crossmodal_cca"
FILES = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
NAMES = {name.removesuffix(".__init__") for name in FILES}


def imports_of(name):
    """Modules that a module imports from anywhere in it, also inside of functions; not those for types alone."""
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    folder = name.rsplit(".", 1)[0].split(".")
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            home = ".".join([*above, *([node.module] if node.module else [])])
            inner = [f"{home}.{each.name}" for each in node.names if f"{home}.{each.name}" in NAMES]
            yield from inner or [home]


def test_no_module_imports_itself_by_way_of_others():
    """A folder's `__init__` stands for nothing here but its own file."""
    known = {name: [each for each in imports_of(name) if each in FILES] for name in FILES}
    done, path = set(), []

    def visit(name):
        if name in path:
            pytest.fail(f"a circle: {' → '.join([*path[path.index(name) :], name])}")
        if name not in done:
            path.append(name)
            for each in known[name]:
                visit(each)
            path.pop()
            done.add(name)

    for name in known:
        visit(name)


def test_files_know_no_estimator():
    allowed = {"crossmodal_cca", "crossmodal_cca._archive", "crossmodal_cca._schemas", "crossmodal_cca._checks"}
    ours = {each for each in imports_of("crossmodal_cca._files") if each.startswith("crossmodal_cca")}
    assert ours <= allowed | {"crossmodal_cca._aligner"}
