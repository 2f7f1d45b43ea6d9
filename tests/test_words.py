"""One word for one thing: the old words are gone, and names of modules say what they are."""

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "crossmodal_cca").rglob("*.py"))
SPOKEN = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs").rglob("*.py"))]
EVERYWHERE = [*LIBRARY, *SPOKEN, *sorted((ROOT / "benchmarks").glob("*.py")), *sorted((ROOT / "tests").glob("*.py"))]
# What other packages call things, with all that stands in the brackets before the word.
FOREIGN = re.compile(
    r"(KNeighbors\w*|NearestNeighbors|pairwise_kernels|pairwise_distances|cdist|pdist)\([^()]*$", re.DOTALL
)
OLD = {
    r"\bmetric=": "similarity= or measure=",
    r"\bmetric : ": "similarity or measure",
    r"n_bootstrap": "n_resamples",
    r"\b[xy] ?→ ?[xy]\b": "x to y",
    r"(?<!ast\.)(?<![a-z])[Ww]alk(s|ed|ing)?(?![a-z])": "pass over the rows",
    r"stacklevel=[0-9]": "the stack level that _warn.py finds",
}


@pytest.mark.parametrize("old", OLD)
def test_old_words_are_gone(old):
    found = []
    for path in EVERYWHERE:
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(old, text):
            if not FOREIGN.search(text[max(0, match.start() - 200) : match.start()]):
                found.append(f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}")
    assert not found, f"say {OLD[old]}"


def test_sentences_start_with_their_subject():
    """A sentence that starts with one of these words and asks nothing has to be read twice."""
    start = re.compile(r'(?:"""|# |[\w`]\.\s+)(?:Of|What|Where)\b[^.?]*[.?]')
    found = [f"{path}: {match[0]}" for path in LIBRARY for match in start.finditer(path.read_text(encoding="utf-8"))]
    assert [text for text in found if not text.endswith("?")] == []


def test_a_constant_says_what_it_is():
    """Every constant has a comment above it or beside it."""
    constant = re.compile(r"_?[A-Z][A-Z_0-9]+(: .+)? = ")
    pairs = [pair for path in LIBRARY for pair in pairwise(path.read_text(encoding="utf-8").splitlines())]
    found = [(above, line) for above, line in pairs if constant.match(line)]
    assert len(found) > 20
    assert [line for above, line in found if not above.startswith("#") and "#" not in line] == []


def exported(folder):
    """Names that the folder's `__init__` lists."""
    listed = re.search(r"__all__ = \[(.*?)\]", (folder / "__init__.py").read_text(encoding="utf-8"), re.DOTALL)
    return set(re.findall(r'"(\w+)"', listed[1])) if listed else set()


def test_a_module_without_a_public_name_has_an_underscore():
    for path in LIBRARY:
        if path.stem.startswith("_"):
            continue
        defined = set(re.findall(r"^(?:class|def) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert defined & exported(path.parent), path


def test_no_two_modules_have_one_name():
    places = defaultdict(list)
    for path in LIBRARY:
        if not path.stem.startswith("__"):
            places[path.stem.strip("_")].append(path)
        elif path.stem == "__init__" and path.parent.name != "crossmodal_cca":
            places[path.parent.name].append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
