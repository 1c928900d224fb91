"""The way of a message through a client, out and in, drawn as SVG.

::

    python -m txphoenix.test.way_picture > docs/way.svg

The functions, their order and their layers are those of the two tables in
``CONTRIBUTING.md``; the words for users are here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import txphoenix

from .drawing import WIDTH, Drawing

__all__ = ["CONTRIBUTING", "WORDS", "picture", "way"]

CONTRIBUTING: Final = Path(txphoenix.__file__).parent.parent / "CONTRIBUTING.md"

WORDS: Final = {
    "Pushes.push": "checks it; keeps what has to wait for the join",
    "Pushes.write": "gives it a ref, and waits for the reply",
    "Link.send": "is there a connection? is it too large?",
    "V2Frames.encode": "makes the frame, in JSON or binary",
    "FastFrameProtocol.send_frame": "masks it; all of one moment go together",
    "WriteBuffer.write": "writes, or keeps what the server is slow for",
    "FastTLSTransport.dataReceived": "over wss, decrypts what was read",
    "PhoenixClientProtocol.dataReceived": "takes the bytes that were read",
    "FastFrameProtocol.consumeData": "makes frames of them",
    "frame_receivers": "reads the JSON; most hooks are called here",
    "Pushes.take": "a reply ends here: its push is found",
    "V2Frames.to_message": "of all else a Message is made",
    "MessageRouter.message_received": "to the channel of its topic, or the heartbeat",
    "dispatch": "to the channel's life, presences, hooks, queue",
}
"""Class and function, as in the tables, and what is said of it."""

_LEFT, _HEIGHT, _GAP = 16, 46, 16


def way(direction: str) -> list[tuple[str, str]]:
    """The functions of one of the tables, each with its layer.

    :param direction: ``"in"`` or ``"out"``.
    """
    text = CONTRIBUTING.read_text("utf-8")
    begin = {"in": "\nA message on its way in,", "out": "\nAnd out:"}[direction]
    _, rest = text.split(begin)
    table = rest[rest.index("\n| ") :].split("\n\n")[0]
    return [
        (layer, function)
        for layer, function in re.findall(r"^\| (\w+) \| `([\w.]+)` \|", table, re.M)
    ]


def picture() -> str:
    """Draw it."""
    drawing = Drawing(
        "way",
        "The way of a message, out and in",
        "A push goes out, from the top: "
        + "; ".join(f"{name}: {WORDS[name]}" for name in map(_short, _names("out")))
        + ". What the server sends comes in: "
        + "; ".join(f"{name}: {WORDS[name]}" for name in map(_short, _names("in")))
        + ".",
    )
    y = _end(drawing, 16, "your program: channel.push()", "box")
    y = _part(drawing, y, "out")
    y = _end(drawing, y, "the Phoenix server", "server")
    y = _part(drawing, y, "in")
    y = _end(drawing, y, "your program: hooks, handle_in, Deferreds", "box")
    return drawing.drawn(y)


def _names(direction: str) -> list[str]:
    return [function for _, function in way(direction)]


def _short(name: str) -> str:
    """A dotted name without its modules."""
    *_, owner, last = name.split(".")
    return f"{owner}.{last}" if owner[0].isupper() else last


def _part(drawing: Drawing, y: float, direction: str) -> float:
    middle = WIDTH / 2
    for layer, name in way(direction):
        drawing.way([(middle, y - _GAP), (middle, y - 2)], direction)
        drawing.box(_LEFT, y, WIDTH - 2 * _LEFT, _HEIGHT, "ours")
        drawing.words(_LEFT + 12, y + 19, _short(name), "code")
        drawing.words(
            WIDTH - 28, y + 19, layer, "small", f"{direction}-word", anchor="end"
        )
        drawing.words(_LEFT + 12, y + 36, WORDS[_short(name)], "small")
        y += _HEIGHT + _GAP
    drawing.way([(middle, y - _GAP), (middle, y - 2)], direction)
    return y


def _end(drawing: Drawing, y: float, text: str, kind: str) -> float:
    drawing.box(_LEFT, y, WIDTH - 2 * _LEFT, 30, kind)
    drawing.words(WIDTH / 2, y + 20, text, "small", "head", anchor="middle")
    return y + 30 + _GAP


if __name__ == "__main__":
    sys.stdout.write(picture())
