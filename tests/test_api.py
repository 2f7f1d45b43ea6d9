"""Backstops: what is public is listed, documented and described; what the README shows runs."""

import ast
import contextlib
import importlib
import inspect
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

import crossmodal_cca

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    "crossmodal_cca",
    "crossmodal_cca.datasets",
    "crossmodal_cca.diagnosis",
    "crossmodal_cca.inference",
    "crossmodal_cca.io",
    "crossmodal_cca.metrics",
    "crossmodal_cca.plotting",
    "crossmodal_cca.retrieval",
    "crossmodal_cca.transfer",
)
PUBLIC = [
    (module, name)
    for module in MODULES
    for name in importlib.import_module(module).__all__
    if not inspect.ismodule(getattr(importlib.import_module(module), name))
]


def parameters_of(call):
    return [p for p in inspect.signature(call).parameters if p not in ("self", "cls", "args", "kwargs")]


def methods_of(thing):
    """Public methods of a class that are this package's own."""
    found = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else []
    return [call for name, call in found if not name.startswith("_") and call.__module__.startswith("crossmodal_cca")]


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_everything_public_is_on_the_api_page(module, name):
    assert re.search(rf"^\s*{name}$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_everything_public_describes_its_parameters_and_has_an_example(module, name):
    thing = getattr(importlib.import_module(module), name)
    doc = inspect.getdoc(thing)
    assert doc is not None
    assert "Examples\n--------" in doc
    for parameter in parameters_of(thing):
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)* : ", doc, re.MULTILINE), parameter
    for method in methods_of(thing):
        method_doc = inspect.getdoc(method)
        assert method_doc, method.__name__
        for parameter in parameters_of(method):
            assert re.search(rf"^(\w+, |\*\*)*{parameter}(, \w+)*( :|$)", method_doc, re.MULTILINE), (
                method.__name__,
                parameter,
            )


def stated_defaults(doc):
    """Defaults by name of the parameters that a docstring describes; several names share one, or have one each."""
    stated = {}
    for names, text in re.findall(r"^(\w+(?:, \w+)*) : .*?default=(.+)$", doc, re.MULTILINE):
        together, value = names.split(", "), ast.literal_eval(text.replace(" and ", ", "))
        values = value if len(together) > 1 and isinstance(value, tuple) else [value] * len(together)
        stated |= zip(together, values, strict=True)
    return stated


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_defaults_are_those_that_are_documented(module, name):
    thing = getattr(importlib.import_module(module), name)
    for call in (thing, *methods_of(thing)):
        parameters = inspect.signature(call).parameters
        for parameter, value in stated_defaults(inspect.getdoc(call) or "").items():
            default = parameters[parameter].default
            assert (type(default), default) == (type(value), value), (call.__qualname__, parameter)


def documented_calls():
    """Each public function, class and method of a class, with its documentation."""
    for module, name in PUBLIC:
        thing = getattr(importlib.import_module(module), name)
        yield name, thing
        if inspect.isclass(thing):
            for method_name, method in inspect.getmembers(thing, callable):
                if not method_name.startswith("_") and method.__module__.startswith("crossmodal_cca"):
                    yield f"{name}.{method_name}", method


@pytest.mark.parametrize(("name", "call"), documented_calls())
def test_defaults_are_those_of_the_documentation(name, call):
    signature = inspect.signature(call).parameters
    for names, default in re.findall(r"^(\w+(?:, \w+)*) : .*default=(.*)$", inspect.getdoc(call) or "", re.MULTILINE):
        names, value = names.split(", "), ast.literal_eval(default)
        # "n, m : …, default=20, 15", or one value for both.
        separate = len(names) > 1 and isinstance(value, tuple) and not default.startswith("(")
        for parameter, its in zip(names, value if separate else [value] * len(names), strict=True):
            ours = signature[parameter].default
            assert (type(ours), ours) == (type(its), its), parameter


def test_names_of_the_package_are_all_listed():
    assert set(dir(crossmodal_cca)) >= set(crossmodal_cca.__all__)
    assert {name for name in vars(crossmodal_cca) if not name.startswith("_")} - set(crossmodal_cca.__all__) <= {
        "alignment",
        "cli",
        "kernels",
        "linalg",
        "models",
        "reporting",
        "rows",
        "import_module",
        "Any",
        "TYPE_CHECKING",
    }
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        crossmodal_cca.nothing  # noqa: B018


def test_the_example_of_the_readme_runs_and_prints_what_it_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code.group(1), "README.md", "exec"), {})
    assert printed.getvalue().split() == shown.group(1).split()
    assert len([line for line in code.group(1).splitlines() if line]) <= 12


def test_importing_a_class_loads_no_more_than_it_needs():
    """No module of another library that scikit-learn's own cross-decomposition does without, and none of searches."""
    code = "import sys; {0}; print(*sys.modules)"
    ours, base = (
        set(
            subprocess.run(
                [sys.executable, "-c", code.format(m)], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        for m in ("from crossmodal_cca import CCA", "import sklearn.cross_decomposition")
    )
    parts = [name.split(".") for name in ours - base]
    assert {part[0] for part in parts} == {"crossmodal_cca"}
    assert {part[1] for part in parts if len(part) > 2} == {"alignment", "linalg", "models", "rows"}
