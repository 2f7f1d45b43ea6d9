"""Contents of sections: texts, tables, pictures and searches, each as HTML and as Markdown.

Every text may be the user's own: it is escaped here, and nowhere else.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ._figures import svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Signs that neither HTML nor a file in UTF-8 can hold: control characters and halves of characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Signs that Markdown, or the HTML in it, would read as marks.
_MARKS = re.compile(r"([\\`*_{}\[\]#|<>~$&]|^[-+=]|(?<=^\d)[.)])")
# Characters from which on a cell counts as a sentence.
_SENTENCE = 30


def escaped(text: object) -> str:
    """Return a text as HTML, inside of elements and of attributes."""
    return html.escape(_UNWRITABLE.sub("\ufffd", str(text)), quote=True)


def plain(text: object) -> str:
    """Return a text as Markdown in one line."""
    return _MARKS.sub(r"\\\1", " ".join(_UNWRITABLE.sub("\ufffd", str(text)).split()))


class Content(Protocol):
    """A part of a section."""

    def html(self) -> str:
        """Return the part as HTML."""

    def markdown(self) -> str:
        """Return the part as Markdown."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str

    def html(self) -> str:
        """Return the paragraph as HTML."""
        return f"<p>{escaped(self.text)}</p>"

    def markdown(self) -> str:
        """Return the paragraph as Markdown."""
        return plain(self.text)


@dataclass(frozen=True)
class Headline:
    """The verdict, large."""

    word: str
    text: str

    def html(self) -> str:
        """Return the verdict as HTML, in a box whose colour goes with the word."""
        kind = escaped(self.word.replace(" ", "-"))
        return f'<div class="verdict {kind}"><strong>{escaped(self.word)}</strong><p>{escaped(self.text)}</p></div>'

    def markdown(self) -> str:
        """Return the verdict as Markdown."""
        return f"**{plain(self.word)}**: {plain(self.text)}"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    texts: Sequence[str]

    def html(self) -> str:
        """Return the list as HTML."""
        return "<ul>" + "".join(f"<li>{escaped(text)}</li>" for text in self.texts) + "</ul>"

    def markdown(self) -> str:
        """Return the list as Markdown."""
        return "\n".join(f"- {plain(text)}" for text in self.texts)


@dataclass(frozen=True)
class Table:
    """A table of texts under a caption; the first columns may name the rows."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_names: int = 1

    def html(self) -> str:
        """Return the table as HTML, which scrolls by itself where it is too wide."""
        head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{self._cells(row)}</tr>" for row in self.rows)
        label = escaped(self.caption)
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table><caption>{label}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _cells(self, row: Sequence[str]) -> str:
        names = "".join(f'<th scope="row">{escaped(text)}</th>' for text in row[: self.n_names])
        return names + "".join(map(self._cell, row[self.n_names :]))

    @staticmethod
    def _cell(text: str) -> str:
        # A sentence keeps some width where the page is narrow, and the table scrolls.
        mark = ' class="sentence"' if len(text) > _SENTENCE else ""
        return f"<td{mark}>{escaped(text)}</td>"

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        texts = [[text if text == "---" else plain(text) for text in line] for line in lines]
        return f"{plain(self.caption)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in texts)


@dataclass(frozen=True)
class Picture:
    """A picture with a text that stands for it; it is drawn, as SVG, where it is shown."""

    draw: Callable[[Axes], object]
    alt: str
    size: tuple[float, float] = (6.4, 4.2)  # inches

    def html(self) -> str:
        """Return the picture as HTML; it is part of the page."""
        data = base64.b64encode(svg_of(self.draw, self.size)).decode("ascii")
        return f'<img class="picture" alt="{escaped(self.alt)}" src="data:image/svg+xml;base64,{data}">'

    def markdown(self) -> str:
        """Return what stands for the picture."""
        return f"(picture: {plain(self.alt)})"


@dataclass(frozen=True)
class Code:
    """A command or a call, as it is typed."""

    text: str

    def html(self) -> str:
        """Return the code as HTML."""
        return f'<pre class="scroll" tabindex="0"><code>{escaped(self.text)}</code></pre>'

    def markdown(self) -> str:
        """Return the code as Markdown."""
        text = _UNWRITABLE.sub("\ufffd", self.text)
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        return f"{fence}\n{text}\n{fence}"


@dataclass(frozen=True)
class Caption:
    """The caption of one item: texts, an address that is linked, a picture of some bytes."""

    texts: Sequence[str]
    addresses: Sequence[str] = ()
    thumbnails: Sequence[tuple[str, bytes]] = ()  # name of the file, JPEG

    def html(self) -> str:
        """Return the item as HTML."""
        pictures = "".join(
            f'<img class="thumbnail" alt="{escaped(name)}" src="data:image/jpeg;base64,'
            f'{base64.b64encode(data).decode("ascii")}">'
            for name, data in self.thumbnails
        )
        texts = "".join(f"<bdi>{escaped(text)}</bdi> " for text in self.texts)
        links = "".join(f'<a rel="noreferrer" href="{escaped(each)}">{escaped(each)}</a> ' for each in self.addresses)
        return f"{pictures}{texts}{links}".rstrip()

    def markdown(self) -> str:
        """Return the item as Markdown."""
        return ", ".join(map(plain, self.words))

    @property
    def words(self) -> list[str]:
        """Return what it says without its pictures: texts, addresses and names of files."""
        return [*self.texts, *self.addresses, *(name for name, _ in self.thumbnails)]


@dataclass(frozen=True)
class Search:
    """A query, its first results with whether each is right, and the rank of its partner."""

    query: Caption
    results: Sequence[tuple[Caption, bool]]
    rank: str


@dataclass(frozen=True)
class Searches:
    """Several searches under a heading."""

    heading: str
    searches: Sequence[Search]

    def html(self) -> str:
        """Return the searches as HTML."""
        return f"<h3>{escaped(self.heading)}</h3>" + "".join(map(self._html_of, self.searches))

    @staticmethod
    def _html_of(search: Search) -> str:
        marks = {True: ('class="hit"', '<span class="mark">✓ right:</span> '), False: ("", "")}
        items = "".join(f"<li {marks[right][0]}>{marks[right][1]}{each.html()}</li>" for each, right in search.results)
        return (
            f'<div class="search"><div class="query">{search.query.html()}<br><small>{escaped(search.rank)}</small>'
            f"</div><ol>{items}</ol></div>"
        )

    def markdown(self) -> str:
        """Return the searches as Markdown."""
        lines = [f"### {plain(self.heading)}", ""]
        for search in self.searches:
            found = "; ".join(each.markdown() + (" ✓" if right else "") for each, right in search.results)
            lines.append(f"- {search.query.markdown()} ({plain(search.rank)}): {found}")
        return "\n".join(lines)
