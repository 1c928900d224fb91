"""What the pictures of ``docs/howitworks.rst`` are drawn with: boxes, words and arrows.

A picture is as wide as a phone shows without making it small, and asks nothing of the
network.
Several may stand in one page, so that each has its name before its ids and classes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

__all__ = ["WIDTH", "Drawing"]

WIDTH: Final = 440

_STYLE = """<style>
  .NAME { color-scheme: light dark; }
  .NAME text { fill: #23262e; }
  .NAME .NAME-small { font-size: 12px; }
  .NAME .NAME-head { font-weight: bold; }
  .NAME .NAME-code { font-family: monospace; font-size: 12px; }
  .NAME .NAME-page { fill: #ffffff; stroke: #d3d6dd; }
  .NAME .NAME-box { fill: #f3f4f7; stroke: #8a8f98; }
  .NAME .NAME-ours { fill: #f1ecfb; stroke: #5b3fa0; }
  .NAME .NAME-part { fill: #ffffff; stroke: #5b3fa0; }
  .NAME .NAME-server { fill: #fdeee7; stroke: #b8450f; }
  .NAME .NAME-out, .NAME .NAME-in, .NAME .NAME-line { fill: none; stroke-width: 1.5; }
  .NAME .NAME-out { stroke: #5b3fa0; }
  .NAME .NAME-in { stroke: #b8450f; }
  .NAME .NAME-line { stroke: #8a8f98; }
  .NAME .NAME-out-tip { fill: #5b3fa0; }
  .NAME .NAME-in-tip { fill: #b8450f; }
  .NAME .NAME-out-word { fill: #5b3fa0; }
  .NAME .NAME-in-word { fill: #a63c0a; }
  @media (prefers-color-scheme: dark) {
    .NAME text { fill: #e6e7eb; }
    .NAME .NAME-page { fill: #1a1c21; stroke: #3b3f48; }
    .NAME .NAME-box { fill: #2a2d34; stroke: #9aa0aa; }
    .NAME .NAME-ours { fill: #2c2542; stroke: #b7a2f0; }
    .NAME .NAME-part { fill: #1a1c21; stroke: #b7a2f0; }
    .NAME .NAME-server { fill: #40261a; stroke: #ff9c6b; }
    .NAME .NAME-out { stroke: #b7a2f0; }
    .NAME .NAME-in { stroke: #ff9c6b; }
    .NAME .NAME-line { stroke: #9aa0aa; }
    .NAME .NAME-out-tip { fill: #c4b3f4; }
    .NAME .NAME-in-tip { fill: #ffab80; }
    .NAME .NAME-out-word { fill: #c4b3f4; }
    .NAME .NAME-in-word { fill: #ffab80; }
  }
</style>"""
_TIP = (
    '<marker id="{name}-{kind}-end" viewBox="0 0 8 8" refX="7" refY="4"'
    ' markerWidth="6" markerHeight="6" orient="auto">'
    '<path d="M0 0L8 4L0 8z" class="{name}-{kind}-tip"/></marker>'
)


class Drawing:
    """One picture.

    :param name: is before its ids and classes.
    :param title: what it shows, in a few words.
    :param what: the same in sentences, for who does not see it.
    """

    def __init__(self, name: str, title: str, what: str) -> None:
        self._name = name
        self._title = title
        self._what = what
        self._lines: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, kind: str = "box"
    ) -> None:
        """Draw a box.

        :param kind: ``box``, ``ours``, ``part`` or ``server``.
        """
        self._lines.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8"'
            f' class="{self._name}-{kind}"/>'
        )

    def words(
        self, x: float, y: float, text: str, *kinds: str, anchor: str = "start"
    ) -> None:
        """Write a line.

        :param kinds: ``small``, ``head``, ``code``, ``out-word``, ``in-word``.
        """
        names = " ".join(f"{self._name}-{kind}" for kind in kinds)
        named = f' class="{names}"' if names else ""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._lines.append(
            f'<text x="{x:g}" y="{y:g}"{placed}{named}>{escape(text)}</text>'
        )

    def paragraph(self, x: float, y: float, text: str, letters: int) -> float:
        """Write small lines.

        :param letters: how many are in a line at most.
        :return: where a line after them would be.
        """
        for line in textwrap.wrap(text, letters):
            self.words(x, y, line, "small")
            y += 16
        return y

    def way(
        self,
        points: Iterable[tuple[float, float]],
        kind: str = "line",
        title: str = "",
    ) -> None:
        """Draw a line from point to point.

        :param kind: ``out`` and ``in`` have a tip; ``line`` has none.
        :param title: what a mouse that rests on it is told.
        """
        path = "L".join(f"{x:g} {y:g}" for x, y in points)
        tip = "" if kind == "line" else f' marker-end="url(#{self._name}-{kind}-end)"'
        inside = f"><title>{escape(title)}</title></path>" if title else "/>"
        self._lines.append(
            f'<path d="M{path}" class="{self._name}-{kind}"{tip}{inside}'
        )

    def drawn(self, height: float) -> str:
        """The picture, as the text of an SVG file."""
        name = self._name
        tips = "".join(_TIP.format(name=name, kind=kind) for kind in ("out", "in"))
        head = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}"'
                f' viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
                f' role="img" aria-labelledby="{name}-title {name}-what"'
                ' font-family="sans-serif" font-size="13">'
            ),
            f'<title id="{name}-title">{escape(self._title)}</title>',
            f'<desc id="{name}-what">{escape(self._what)}</desc>',
            _STYLE.replace("NAME", name),
            f"<defs>{tips}</defs>",
            (
                f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}"'
                f' rx="10" class="{name}-page"/>'
            ),
        ]
        return "\n".join([*head, *self._lines, "</svg>", ""])
