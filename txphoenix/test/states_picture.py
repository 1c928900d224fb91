"""The table of a channel's states, drawn as SVG.

::

    python -m txphoenix.test.states_picture > docs/channel-states.svg

Every cell of the table that does anything is in the picture: an arrow where the state
changes, and a line in the state's box where it does not.
What is fixed here is where the boxes stand, and the way of each arrow.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Final, NamedTuple

from txphoenix.protocol.channel_states import LIFE, Action, Input, State

from .drawing import Drawing

__all__ = ["picture"]

_LINE: Final = 15
# Left, top, width and height of each state's box.
_BOXES: Final = {
    State.CLOSED: (16, 16, 408, 62),
    State.JOINING: (40, 196, 156, 62),
    State.LEAVING: (244, 196, 156, 62),
    State.ERRORED: (40, 402, 156, 78),
    State.JOINED: (244, 402, 156, 78),
}


class _Way(NamedTuple):
    """The way of an arrow: its points, and where its words are."""

    points: tuple[tuple[int, int], ...]
    x: int
    y: int
    anchor: str = "start"
    letters: int = 14


_WAYS: Final = {
    (State.CLOSED, State.JOINING): _Way(((120, 78), (120, 194)), 114, 174, "end"),
    (State.JOINING, State.CLOSED): _Way(((160, 196), (160, 80)), 167, 150),
    (State.JOINING, State.LEAVING): _Way(((196, 227), (242, 227)), 220, 220, "middle"),
    (State.JOINING, State.JOINED): _Way(((180, 258), (270, 400)), 236, 332),
    (State.JOINING, State.ERRORED): _Way(((100, 258), (100, 400)), 94, 334, "end"),
    (State.ERRORED, State.JOINING): _Way(((140, 402), (140, 260)), 146, 334),
    (State.ERRORED, State.CLOSED): _Way(((40, 440), (26, 440), (26, 80)), 33, 100),
    (State.JOINED, State.ERRORED): _Way(
        ((244, 440), (198, 440)), 220, 433, "middle", 6
    ),
    (State.JOINED, State.LEAVING): _Way(((330, 402), (330, 260)), 336, 334),
    (State.JOINED, State.CLOSED): _Way(
        ((400, 440), (414, 440), (414, 80)), 407, 100, "end"
    ),
    (State.LEAVING, State.CLOSED): _Way(((300, 196), (300, 80)), 307, 134, letters=12),
}
_HEIGHT: Final = 528


def picture() -> str:
    """The picture, as the text of an SVG file."""
    arrows: dict[tuple[State, State], list[tuple[Input, Action]]] = {}
    stays: dict[State, list[tuple[Input, Action]]] = {state: [] for state in State}
    for (old, given), (new, action) in LIFE.table.items():
        if new is not old:
            arrows.setdefault((old, new), []).append((given, action))
        elif action is not Action.IGNORE:
            stays[old].append((given, action))
    drawing = Drawing("states", "The states of a channel", _in_words(arrows))
    for (old, new), cells in arrows.items():
        _draw_arrow(drawing, old, new, cells)
    for state, cells in stays.items():
        _draw_box(drawing, state, cells)
    told = "an arrow: what happens; in a box: what else is done there"
    drawing.words(220, 508, told, "small", anchor="middle")
    return drawing.drawn(_HEIGHT)


def _in_words(arrows: dict[tuple[State, State], list[tuple[Input, Action]]]) -> str:
    return "; ".join(
        f"from {old} to {new}: {', '.join(given for given, _ in cells)}"
        for (old, new), cells in arrows.items()
    )


def _draw_box(
    drawing: Drawing, state: State, stays: list[tuple[Input, Action]]
) -> None:
    left, y, width, height = _BOXES[state]
    drawing.box(left, y, width, height, "ours")
    middle = left + width / 2
    y += 20
    drawing.words(middle, y, state, "head", anchor="middle")
    for given, action in stays:
        y += _LINE
        drawing.words(middle, y, f"{given}: {action}", "small", anchor="middle")


def _draw_arrow(
    drawing: Drawing, old: State, new: State, cells: list[tuple[Input, Action]]
) -> None:
    way = _WAYS[old, new]
    said = "; ".join(f"{given}: {action}" for given, action in cells)
    drawing.way(way.points, "out", f"{old} to {new}: {said}")
    y = way.y
    for line in textwrap.wrap(", ".join(given for given, _ in cells), way.letters):
        drawing.words(way.x, y, line, "small", "in-word", anchor=way.anchor)
        y += 24 if way.letters == 6 else _LINE


if __name__ == "__main__":
    sys.stdout.write(picture())
