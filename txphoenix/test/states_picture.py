"""The table of a channel's states, drawn as SVG.

::

    python -m txphoenix.test.states_picture > docs/channel-states.svg

Every cell of the table that does anything is in the picture: an arrow where the state
changes, and a line in the state's box where it does not.
What is fixed here is where the boxes stand, and how far each arrow bends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from txphoenix.protocol.channel_states import LIFE, Action, Input, State

__all__ = ["picture"]

_WIDTH, _HEIGHT = 860, 560
_HALF = 92
_LINE = 15
_CENTRES = {
    State.CLOSED: (110, 290),
    State.JOINING: (430, 290),
    State.JOINED: (750, 290),
    State.LEAVING: (430, 120),
    State.ERRORED: (430, 470),
}
# How far an arrow's middle is off the straight line, to its left; 0 for the others.
_BENDS = {
    (State.CLOSED, State.JOINING): 26.0,
    (State.JOINING, State.CLOSED): 26.0,
    (State.JOINING, State.ERRORED): 40.0,
    (State.ERRORED, State.JOINING): 40.0,
    (State.JOINED, State.CLOSED): -250.0,
}
_STYLE = """<style>
  svg { color-scheme: light dark; }
  .page { fill: #ffffff; stroke: #d3d6dd; }
  text { fill: #23262e; }
  .state { font-weight: bold; font-size: 14px; }
  .box { fill: #f1ecfb; stroke: #5b3fa0; }
  .arrow { fill: none; stroke: #5b3fa0; stroke-width: 1.5; }
  .tip { fill: #5b3fa0; }
  .given { fill: #a63c0a; paint-order: stroke; stroke: #ffffff; stroke-width: 5px; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #1a1c21; stroke: #3b3f48; }
    text { fill: #e6e7eb; }
    .box { fill: #2c2542; stroke: #b7a2f0; }
    .arrow { stroke: #b7a2f0; }
    .tip { fill: #b7a2f0; }
    .given { fill: #ffab80; stroke: #1a1c21; }
  }
</style>"""
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
    ' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="tip"/></marker>'
    "</defs>"
)


def picture() -> str:
    """The picture, as the text of an SVG file."""
    arrows: dict[tuple[State, State], list[tuple[Input, Action]]] = {}
    stays: dict[State, list[tuple[Input, Action]]] = {state: [] for state in State}
    for (old, given), (new, action) in LIFE.table.items():
        if new is not old:
            arrows.setdefault((old, new), []).append((given, action))
        elif action is not Action.IGNORE:
            stays[old].append((given, action))
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
            f' width="{_WIDTH}" height="{_HEIGHT}" role="img"'
            ' aria-labelledby="title what" font-family="sans-serif" font-size="12"'
            ' text-anchor="middle">'
        ),
        '<title id="title">The states of a channel</title>',
        f'<desc id="what">{_in_words(arrows)}</desc>',
        _STYLE,
        _TIP,
        (
            f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"'
            ' class="page"/>'
        ),
    ]
    for (old, new), cells in arrows.items():
        lines += _arrow(old, new, cells)
    for state, cells in stays.items():
        lines += _box(state, cells)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _in_words(arrows: dict[tuple[State, State], list[tuple[Input, Action]]]) -> str:
    return "; ".join(
        f"from {old} to {new}: {', '.join(given for given, _ in cells)}"
        for (old, new), cells in arrows.items()
    )


def _box(state: State, stays: list[tuple[Input, Action]]) -> Iterator[str]:
    x, y = _CENTRES[state]
    half = _half_height(state)
    yield (
        f'<rect x="{x - _HALF}" y="{y - half}" width="{2 * _HALF}"'
        f' height="{2 * half}" rx="8" class="box"/>'
    )
    y += 20 - half
    yield f'<text x="{x}" y="{y}" class="state">{state}</text>'
    for given, action in stays:
        y += _LINE
        yield f'<text x="{x}" y="{y}">{given}: {action}</text>'


def _half_height(state: State) -> int:
    stays = sum(
        old is state and new is old and action is not Action.IGNORE
        for (old, _), (new, action) in LIFE.table.items()
    )
    return (32 + _LINE * stays) // 2


def _arrow(old: State, new: State, cells: list[tuple[Input, Action]]) -> Iterator[str]:
    bend = _BENDS.get((old, new), 0.0)
    (x1, y1), (x2, y2) = _CENTRES[old], _CENTRES[new]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    # What pulls the curve off the straight line: a curve goes half the way to it.
    pull_x = (x1 + x2) / 2 + 2 * bend * (y2 - y1) / length
    pull_y = (y1 + y2) / 2 - 2 * bend * (x2 - x1) / length
    begin, end = _edge(old, (pull_x, pull_y)), _edge(new, (pull_x, pull_y))
    middle_x = (begin[0] + 2 * pull_x + end[0]) / 4
    middle_y = (begin[1] + 2 * pull_y + end[1]) / 4
    said = "; ".join(f"{given}: {action}" for given, action in cells)
    yield (
        f'<path d="M{begin[0]:.0f} {begin[1]:.0f}Q{pull_x:.0f} {pull_y:.0f}'
        f' {end[0]:.0f} {end[1]:.0f}" class="arrow" marker-end="url(#tip)">'
        f"<title>{old} to {new}: {said}</title></path>"
    )
    given = ", ".join(given for given, _ in cells)
    place = f'x="{middle_x:.0f}" y="{middle_y + 4:.0f}"'
    yield f'<text {place} class="given">{given}</text>'


def _edge(state: State, towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's middle to a point leaves the box."""
    x, y = _CENTRES[state]
    across, down = towards[0] - x, towards[1] - y
    part = min(
        _HALF / abs(across) if across else 9.0,
        _half_height(state) / abs(down) if down else 9.0,
    )
    return x + across * part, y + down * part


if __name__ == "__main__":
    sys.stdout.write(picture())
