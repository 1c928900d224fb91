"""Has the built pages break what is long rather than hide its end.

The lines of a log, and frames, are broken where the page ends.
What is in columns, as a table is, would be torn by that: it scrolls.
Names in the cells of tables are broken behind a dot or an underscore.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

FIT = 95
"""So many characters of code are beside one another on a wide page."""
LANGUAGES = ("text", "console")
COLUMNS = re.compile(r"\S {3,}\S.* {3,}\S|[\u2500-\u257f]")
LONG_NAME = 16
"""So many characters, and no space."""


def wraps(text: str) -> bool:
    """Whether a text has lines that are too long, and none that are in columns."""
    lines = text.splitlines()
    return any(len(line) > FIT for line in lines) and not COLUMNS.search(text)


def pieces(name: str) -> list[str]:
    """A long name, cut where it may be broken; what is no name is one piece."""
    if len(name) < LONG_NAME or re.search(r"\s", name):
        return [name]
    return re.split(r"(?<=\w[._])(?=\w)", name)


class LongLines(SphinxPostTransform):
    """Gives such a text the class that ``_static/site.css`` knows, and cuts names."""

    default_priority = 200
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Go through the texts of one page."""
        for node in self.document.findall(nodes.literal_block):
            if node.get("language") in LANGUAGES and wraps(node.astext()):
                node["classes"].append("wraps")
        for cell in self.document.findall(nodes.entry):
            for code in cell.findall(nodes.literal):
                for text in list(code.findall(nodes.Text)):
                    text.parent.replace(text, self.cut(text.astext()))

    def cut(self, name: str) -> list[nodes.Node]:
        """The pieces of a name, and between them what lets a browser break it."""
        first, *others = pieces(name)
        cut: list[nodes.Node] = [nodes.Text(first)]
        for piece in others:
            cut += [nodes.raw("", "<wbr>", format="html"), nodes.Text(piece)]
        return cut


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx do this before it writes a page."""
    app.add_post_transform(LongLines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
