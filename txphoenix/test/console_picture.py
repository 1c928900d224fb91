"""A session with the console, and its screen drawn as SVG.

::

    python -m txphoenix.test.console_picture > docs/console.svg

The console runs at a pseudo-terminal, and what is drawn is what pyte has on its screen.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import Any, Final
from xml.sax.saxutils import escape

from pyte.screens import Char
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from txphoenix.testing import ChatRoom, PhoenixServer

from .terminal_program import Cleaning, TerminalProgram, run_at_terminal

__all__ = ["picture", "session"]

ROWS, COLUMNS = 20, 80
_WIDTH, _HEIGHT = 8.2, 18
_LEFT, _TOP = 14, 14
# What the picture says in place of the port that the system has given.
_PORT: Final = "4000"

_STYLE = """<style>
  svg { color-scheme: light dark; }
  .page { fill: #ffffff; stroke: #d3d6dd; }
  text { fill: #23262e; white-space: pre; }
  .bold { font-weight: bold; }
  .red { fill: #b42318; }
  .green { fill: #1f6b3a; }
  .cyan { fill: #0b6478; }
  .bar { fill: #23262e; }
  .on-bar { fill: #ffffff; }
  .menu { fill: #d9dce3; }
  .on-menu { fill: #23262e; }
  .cursor { fill: none; stroke: #5b3fa0; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #1a1c21; stroke: #3b3f48; }
    text { fill: #e6e7eb; }
    .red { fill: #ff9c8f; }
    .green { fill: #7fd6a0; }
    .cyan { fill: #7cc9dd; }
    .bar { fill: #e6e7eb; }
    .on-bar { fill: #1a1c21; }
    .menu { fill: #3b3f48; }
    .on-menu { fill: #e6e7eb; }
    .cursor { stroke: #b7a2f0; }
  }
</style>"""


async def session(case: Cleaning, state: str) -> tuple[TerminalProgram, int]:
    """Have a person join, push, and look for an event, while somebody else talks.

    :param state: the directory for the history.
    :return: the console, and the port of the server.
    """
    server = await PhoenixServer({"rooms:*": ChatRoom}).start()
    case.addCleanup(server.stop)
    console = run_at_terminal(
        case,
        *("-m", "txphoenix", "console", server.url),
        size=(ROWS, COLUMNS),
        environment={"XDG_STATE_HOME": state},
    )
    await console.see("connected to")
    await console.see_line(">")
    console.enter('join rooms:lobby {"user_id": "ann"}')
    await console.see("ok rooms:lobby {")
    console.enter('push rooms:lobby new_msg {"body": "hello"}')
    await console.see("ok rooms:lobby new_msg {}")
    console.type("push rooms:lobby ")
    await console.see_line("> push rooms:lobby")
    server.broadcast("rooms:lobby", "new_msg", {"user_id": "bob", "body": "hi, ann"})
    await console.see("hi, ann")
    server.broadcast("rooms:lobby", "typing", {"user_id": "bob"})
    await console.see('typing {"user_id": "bob"}')
    console.type("\t")
    await console.wait(lambda: console.lines[-3].strip() == "typing", "a menu")
    await console.see_bottom("rooms:lobby joined")
    return console, server.port


def picture(console: TerminalProgram, port: int) -> str:
    """The screen as the text of an SVG file."""
    count = len(console.lines)
    width, height = 2 * _LEFT + COLUMNS * _WIDTH, 2 * _TOP + count * _HEIGHT
    cursor = console.screen.cursor
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} '
                f'{height:g}" width="{width:g}" height="{height:g}" role="img" '
                'aria-labelledby="title what" '
                'font-family="ui-monospace, monospace" font-size="13">'
            ),
            '<title id="title">The console on a terminal</title>',
            (
                '<desc id="what">Commands, their replies and messages, with a line '
                "being typed below them, a menu of events, and a line that tells the "
                "state of the connection.</desc>"
            ),
            _STYLE,
            (
                f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" '
                'rx="10" class="page"/>'
            ),
            *(part for y in range(count) for part in _row(console, y, port)),
            (
                f'<rect x="{_LEFT + cursor.x * _WIDTH:g}" '
                f'y="{_TOP + cursor.y * _HEIGHT + 1:g}" width="{_WIDTH:g}" '
                f'height="{_HEIGHT - 2}" class="cursor"/>'
            ),
            "</svg>",
            "",
        ]
    )


def _row(console: TerminalProgram, y: int, port: int) -> list[str]:
    cells = [console.screen.buffer[y][x] for x in range(COLUMNS)]
    at = str(console.screen.display[y]).find(f":{port}/") + 1
    if at:
        new = [cells[at]._replace(data=digit) for digit in _PORT]
        cells[at : at + len(str(port))] = new
        cells += [cells[-1]] * (COLUMNS - len(cells))
    parts = []
    x = 0
    for (back, front), run in groupby(cells, _classes):
        text = "".join(cell.data for cell in run)
        left, wide = _LEFT + x * _WIDTH, len(text) * _WIDTH
        top = _TOP + y * _HEIGHT
        x += len(text)
        if back:
            parts.append(
                f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" '
                f'height="{_HEIGHT}" class="{back}"/>'
            )
        if text.strip():
            parts.append(
                f'<text x="{left:g}" y="{top + 13:g}" textLength="{wide:g}" '
                f'lengthAdjust="spacingAndGlyphs" class="{front}">{escape(text)}</text>'
            )
    return parts


def _classes(cell: Char) -> tuple[str, str]:
    """The classes of what is behind a character, and of itself."""
    weight = " bold" if cell.bold else ""
    if cell.reverse:
        return "bar", f"on-bar{weight}"
    if cell.bg != "default":
        return "menu", f"on-menu{weight}"
    return "", ("plain" if cell.fg == "default" else cell.fg) + weight


class _Cleanups:
    """Those of the program."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()

    def addCleanup(self, function: Any) -> None:
        """Call it in the end."""

        async def clean_up() -> None:
            done = function()
            if isinstance(done, Deferred):
                await done

        self.stack.push_async_callback(clean_up)


async def main(_reactor: object) -> None:
    """Print the picture."""
    cleanups = _Cleanups()
    with TemporaryDirectory() as state:
        async with cleanups.stack:
            console, port = await session(cleanups, os.path.abspath(state))
            sys.stdout.write(picture(console, port))


if __name__ == "__main__":
    react(main)
