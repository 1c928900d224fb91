"""The layers of the packages, drawn as SVG from the contracts in ``pyproject.toml``.

::

    python -m txphoenix.test.layers_picture > docs/layers.svg

Which box is where, and what stands in it, is what the contract says; the few words that
go with a name are here.
"""

from __future__ import annotations

import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import txphoenix

__all__ = ["layers", "picture"]

PACKAGE = Path(txphoenix.__file__).parent
CONTRACTS = PACKAGE.parent / "pyproject.toml"

_WIDTH = 740
_LEFT, _RIGHT = 20, 660
_TOP = 20
_HEIGHT, _GAP = 50, 14
# A row of more than so many is drawn as one box.
_MOST = 2
_LETTERS = 88
_WORDS = {
    "test": "the tests",
    "__main__": "python -m txphoenix",
    "tap": "twistd txphoenix",
    "cli": "the command txphoenix",
    "service": "what twistd runs",
    "client": "SocketClient: one connection, and its state",
    "testing": "a Phoenix server for tests",
    "channels": "what a topic does",
    "transports": "what carries frames",
    "options": "every option, declared once",
    "telemetry": "events, and who handles them",
    "runtime": "hooks, deadlines, waiters, the log: Twisted without sockets",
    "protocol": "messages, serializers, URLs, backoff: neither Twisted nor I/O",
    "errors": "every error",
    "decode_error": "what decoders do not take",
    "error_base": "what errors have in common",
    "error_texts": "what errors say",
    "legible": "how values are shown to people",
    "_version": "which release this is",
}
_STYLE = """<style>
  svg { color-scheme: light dark; }
  .page { fill: #ffffff; stroke: #d3d6dd; }
  text { fill: #23262e; }
  .name { font-weight: bold; font-size: 14px; }
  .package { fill: #f1ecfb; stroke: #5b3fa0; }
  .module { fill: #f3f4f7; stroke: #8a8f98; }
  .arrow { fill: none; stroke: #b8450f; stroke-width: 2; }
  .tip { fill: #b8450f; }
  .way { fill: #a63c0a; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #1a1c21; stroke: #3b3f48; }
    text { fill: #e6e7eb; }
    .package { fill: #2c2542; stroke: #b7a2f0; }
    .module { fill: #2a2d34; stroke: #9aa0aa; }
    .arrow { stroke: #ff9c6b; }
    .tip { fill: #ff9c6b; }
    .way { fill: #ffab80; }
  }
</style>"""
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5"'
    ' markerHeight="5" orient="auto"><path d="M0 0L8 4L0 8z" class="tip"/></marker>'
    "</defs>"
)


def layers() -> list[list[str]]:
    """The names in each layer, from the highest down, as the contract has them."""
    settings = tomllib.loads(CONTRACTS.read_text("utf-8"))
    (contract,) = [
        it
        for it in settings["tool"]["importlinter"]["contracts"]
        if it["type"] == "layers"
    ]
    # The contract has those in brackets that it does not miss.
    return [
        [name.strip(" ()") for name in layer.split("|")] for layer in contract["layers"]
    ]


def picture() -> str:
    """The picture, as the text of an SVG file."""
    rows = layers()
    bottom = _TOP + len(rows) * (_HEIGHT + _GAP)
    height = bottom + 28
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            f' width="{_WIDTH}" height="{height}" role="img"'
            ' aria-labelledby="title what" font-family="sans-serif" font-size="12"'
            ' text-anchor="middle">'
        ),
        '<title id="title">The layers of txphoenix</title>',
        (
            '<desc id="what">From the highest down: '
            f"{'; '.join(', '.join(row) for row in rows)}. "
            "Each imports from those below it alone.</desc>"
        ),
        _STYLE,
        _TIP,
        (
            f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="10"'
            ' class="page"/>'
        ),
    ]
    for number, row in enumerate(rows):
        lines += _row(row, _TOP + number * (_HEIGHT + _GAP))
    lines += _arrow(bottom - _GAP)
    said = "Boxes side by side do not import each other."
    lines.append(_text((_LEFT + _RIGHT) // 2, bottom + 8, said, "words"))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(names: list[str], y: int) -> Iterator[str]:
    if len(names) > _MOST:
        lines = textwrap.wrap(", ".join(names), _LETTERS)
        yield _box(_LEFT, _RIGHT, y, "module")
        first = y + 29 - 8 * (len(lines) - 1)
        for number, line in enumerate(lines):
            yield _text((_LEFT + _RIGHT) // 2, first + 16 * number, line, "names")
        return
    width = (_RIGHT - _LEFT - _GAP * (len(names) - 1)) // len(names)
    for number, name in enumerate(names):
        left = _LEFT + number * (width + _GAP)
        kind = "package" if (PACKAGE / name).is_dir() else "module"
        yield _box(left, left + width, y, kind)
        yield _text(left + width // 2, y + 21, name, "name")
        yield _text(left + width // 2, y + 38, _WORDS[name], "words")


def _box(left: int, right: int, y: int, kind: str) -> str:
    return (
        f'<rect x="{left}" y="{y}" width="{right - left}" height="{_HEIGHT}" rx="8"'
        f' class="{kind}"/>'
    )


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{text}</text>'


def _arrow(bottom: int) -> Iterator[str]:
    x = (_RIGHT + _WIDTH) // 2 - 6
    middle = (_TOP + bottom) // 2
    yield f'<path d="M{x} {_TOP}V{bottom}" class="arrow" marker-end="url(#tip)"/>'
    yield (
        f'<text x="{x + 18}" y="{middle}" class="way"'
        f' transform="rotate(90 {x + 18} {middle})">imports</text>'
    )


if __name__ == "__main__":
    sys.stdout.write(picture())
