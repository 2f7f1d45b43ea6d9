"""The page: sections as HTML in one file, as Markdown, and in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from .._archive import replaced_when_complete
from .._json import as_json
from ._contents import Content, escaped, plain
from ._evidence import Evidence
from ._sections import SECTIONS, Section

# Version of the layout of the numbers.
NUMBERS_VERSION = 1


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A page of sections about two tables, the verdict first; :func:`crossmodal_cca.report` makes it."""

    evidence: Evidence

    @property
    def verdict(self) -> str:
        """Verdict: "helps", "cannot tell" or "does not help"."""
        return self.evidence.verdict.word

    @property
    def model(self) -> Any:
        """The model that the page is about, fitted to the training pairs."""
        return self.evidence.model

    @property
    def numbers(self) -> dict[str, Any]:
        """All numbers of the page, by section."""
        found = {section.key: section.numbers(self.evidence) for section in self._sections}
        return {"report": NUMBERS_VERSION} | {key: each for key, each in found.items() if each is not None}

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the page as one HTML file, which needs no other file and no network.

        Parameters
        ----------
        path : str or path
            The file; an earlier one is replaced once the new one is complete.
        """
        with replaced_when_complete(Path(path)) as file:
            file.write(self._html().encode("utf-8"))

    def to_markdown(self) -> str:
        """Return the page as Markdown, with texts in place of pictures.

        Returns
        -------
        str
            The page.
        """
        parts = [f"# {plain(self._heading)}"]
        for section, contents in self._contents():
            parts += [f"## {section.title}", *(content.markdown() for content in contents)]
        return "\n\n".join(parts) + "\n"

    def __repr__(self) -> str:
        return f"<Report: {self.verdict}; {self.evidence.verdict.reason}>"

    def _repr_html_(self) -> str:
        # A document of its own, so that its style stays inside and the notebook's outside.
        return (
            f'<iframe title="{escaped(self._heading)}" sandbox="allow-popups" srcdoc="{escaped(self._html())}" '
            'style="width: 100%; height: 40rem; border: 1px solid #888"></iframe>'
        )

    @property
    def _heading(self) -> str:
        return " and ".join(self.evidence.question.names)

    @property
    def _sections(self) -> list[Section]:
        return [section for section in SECTIONS if section.applies(self.evidence)]

    def _contents(self) -> Iterator[tuple[Section, list[Content]]]:
        for section in self._sections:
            yield section, section.contents(self.evidence)

    def _html(self) -> str:
        from .. import __version__

        folder, links, parts = files(__package__), [], []
        for section, contents in self._contents():
            links.append(f'<li><a href="#{section.key}">{section.title}</a></li>')
            inner = "\n".join(content.html() for content in contents)
            parts.append(f'<section id="{section.key}">\n<h2>{section.title}</h2>\n{inner}\n</section>')
        return Template(folder.joinpath("page.html").read_text("utf-8")).substitute(
            title=escaped(f"{self._heading}: {self.verdict}"),
            heading=escaped(self._heading),
            css=folder.joinpath("page.css").read_text("utf-8"),
            links="".join(links),
            sections="\n".join(parts),
            version=__version__,
            # JSON is ASCII; these signs could end the element, or begin a comment.
            numbers=as_json(self.numbers).replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"),
        )
