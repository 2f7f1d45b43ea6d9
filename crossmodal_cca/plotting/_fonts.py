"""Fonts for characters that the pictures' own font lacks, such as emoji, or their names instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from .._warn import warn

# Joiners, variation selectors and skin tones, which modify the character before them and have no glyph of their own.
_MODIFIERS = frozenset("\u200d\ufe0e\ufe0f" + "".join(map(chr, range(0x1F3FB, 0x1F400))))


def writable(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return texts that installed fonts can show, and the families of these fonts.

    Characters that no installed font has are replaced by their Unicode names; a warning says which font to install.
    """
    import matplotlib as mpl

    found = [str(text) for text in texts]
    families = list(mpl.rcParams["font.family"])
    missing = set("".join(found)) - _signs_of(families) - {"\n"}
    if not missing:
        return found, families
    for family in _families_with(missing - _MODIFIERS):
        families.append(family)
        missing -= _signs_of([family])
    unknown = missing - _MODIFIERS
    if unknown:
        warn(
            f"No installed font has {' '.join(sorted(unknown)[:5])}{' …' if len(unknown) > 5 else ''}: their names are "
            'written instead. Install a font that has them (for emoji "Noto Emoji"; a colour font cannot be drawn), or '
            "pass other texts."
        )
    spelled = str.maketrans(dict.fromkeys(_MODIFIERS, "") | {sign: f" {_name(sign)} " for sign in unknown})
    return [" ".join(text.translate(spelled).split()) if missing & set(text) else text for text in found], families


def _name(sign: str) -> str:
    return unicodedata.name(sign, f"U+{ord(sign):04X}").lower()


def _families_with(signs: set[str]) -> list[str]:
    """Choose families of installed fonts that together have as many of the characters as possible."""
    from matplotlib.font_manager import fontManager

    # A font of last resort shows the same box for every character.
    installed = {
        font.name: font.fname
        for font in sorted(fontManager.ttflist, key=lambda font: font.name)
        if (font.weight, font.style) == (400, "normal") and "Last Resort" not in font.name
    }
    wanted, families = set(signs), list[str]()
    while wanted:
        best = max(installed, key=lambda family: len(wanted & _signs_in(installed[family])))
        found = wanted & _signs_in(installed[best])
        if not found:
            break
        families.append(best)
        wanted -= found
    return families


def _signs_of(families: Iterable[str]) -> set[str]:
    """Return the characters that the installed fonts of these families can draw."""
    from matplotlib.font_manager import FontProperties, findfont

    return set().union(*(_signs_in(str(findfont(FontProperties(family=[family])))) for family in families))


@cache
def _signs_in(file: str) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    font = FT2Font(file)
    # Bitmap colour fonts have the characters, but matplotlib cannot draw them.
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
