"""Sections about where the figures come from: the split, settings, versions, files, and how to repeat it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from ._contents import Code, Content, Table, Text
from ._evidence import Evidence

# Packages whose versions are stated.
_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib")


def numbers_of_split(evidence: Evidence) -> dict[str, Any]:
    """Return the sizes of the parts, and the seed."""
    question = evidence.question
    return {
        "n_pairs": question.n_pairs,
        "n_groups": int(question.items.groups.max()) + 1,
        "n_train": len(evidence.train),
        "n_held_out": len(evidence.test),
        "n_left_out": question.n_pairs - len(evidence.train) - len(evidence.test),
        "n_queries": {side: len(rows) for side, rows in evidence.gallery.rows.items()},
        "test_size": question.test_size,
        "random_state": question.random_state,
    }


def contents_of_split(evidence: Evidence) -> list[Content]:
    """Say which pairs were held out, and what the others served for."""
    sizes, question = numbers_of_split(evidence), evidence.question
    given = (
        "as given" if any(each is not None for each in question.given(slice(None)).values()) else "pairs of equal rows"
    )
    chosen = (
        "The method and its settings were chosen among the training pairs alone, by cross-validation inside of them"
        if evidence.comparison is not None
        else "The model was given, with its settings"
    )
    sentences = [
        f"There are {sizes['n_pairs']:,} pairs in {sizes['n_groups']:,} groups ({given}). Whole groups, a share of "
        f"{question.test_size:g}, were held out at random (seed {question.random_state}): {sizes['n_train']:,} pairs "
        f"to fit to, {sizes['n_held_out']:,} to measure on.",
        f"{chosen}; it was fitted to the training pairs, and no held-out pair took part in anything but the figures.",
        f"A gallery holds each item once: {sizes['n_queries']['x']:,} of {question.names[0]}, "
        f"{sizes['n_queries']['y']:,} of {question.names[1]}.",
    ]
    if sizes["n_left_out"]:
        sentences.append(
            f"All this is on {question.max_pairs:,} pairs at most, groups drawn at random: {sizes['n_left_out']:,} "
            "further pairs were left out (max_pairs, --at-most)."
        )
    return [Text(" ".join(sentences))]


def numbers_of_origin(evidence: Evidence) -> dict[str, Any]:
    """Return settings, versions, fingerprints, and the call or command."""
    from .. import __version__

    versions = {"crossmodal_cca": __version__, "Python": platform.python_version()}
    return {
        "model": evidence.settings,
        "repeat": evidence.origin.repeat,
        "sha256": evidence.origin.fingerprints,
        "versions": versions | {name: version(name) for name in _PACKAGES},
    }


def contents_of_origin(evidence: Evidence) -> list[Content]:
    """Show settings, versions, fingerprints, and the call or command."""
    found = numbers_of_origin(evidence)
    return [
        Text("This makes the page again:"),
        Code(found["repeat"]),
        Text("The model:"),
        Code(found["model"]),
        Table("Fingerprints", ["", "SHA-256"], [list(each) for each in found["sha256"].items()]),
        Table("Versions", ["package", "version"], [list(each) for each in found["versions"].items()]),
    ]
