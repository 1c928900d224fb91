"""Where a message goes that the client has received, drawn as SVG.

::

    python -m txphoenix.test.received_picture > docs/received.svg

The picture is the table :data:`PLACES`; ``test_received.py`` sends to each place.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Final, NamedTuple

from .drawing import WIDTH, Drawing

__all__ = ["PLACES", "Place", "picture"]


class Place(NamedTuple):
    """Where a message may go.

    :ivar name: names its test.
    :ivar question: what is asked; nothing for the last place, where the rest goes.
    :ivar answer: the answer that leads there; with the other the next is asked.
    :ivar head: what has the message then, or counts it.
    :ivar words: more of it.
    :ivar kind: ``ours`` where a program has it, ``box`` where the client has use for
        it, ``server`` where it is dropped.
    """

    name: str
    question: str
    answer: str
    head: str
    words: str
    kind: str


PLACES: Final = (
    Place(
        "no_message",
        "Is it a message?",
        "no",
        "dropped",
        "client.on_error is told; dropped_frames",
        "server",
    ),
    Place(
        "heartbeat",
        "Is its topic Phoenix's own, phoenix?",
        "yes",
        "heartbeat, ping()",
        "the server is there",
        "box",
    ),
    Place(
        "on_topic",
        "Is it of a topic that client.on_topic alone asks for?",
        "yes",
        "client.on_topic",
        "all hooks of the topic",
        "ours",
    ),
    Place(
        "unrouted",
        "Is there a channel for its topic?",
        "no",
        "dropped",
        "unrouted_messages",
        "server",
    ),
    Place(
        "stale",
        "Is it for an earlier join of the channel?",
        "yes",
        "dropped",
        "stale_messages",
        "server",
    ),
    Place(
        "reply",
        "Is it a reply?",
        "yes",
        "the Deferred",
        "of the join, the push, the leave",
        "ours",
    ),
    Place(
        "life",
        "Is it phx_close or phx_error?",
        "yes",
        "the channel's life",
        "on_close; or on_error, and a rejoin",
        "box",
    ),
    Place(
        "presence",
        "Does it bring presences, and has the channel a Presence?",
        "yes",
        "Presence",
        "its hooks, and those of on() for this event",
        "ours",
    ),
    Place(
        "undecoded",
        "Has the event a decoder that does not take it?",
        "yes",
        "channel.on_error",
        "DecodeError; it is dropped",
        "server",
    ),
    Place(
        "hook",
        "Has channel.on() a hook for the event?",
        "yes",
        "channel.on",
        "all hooks of the event, in order",
        "ours",
    ),
    Place(
        "handle_in",
        "Has the channel's class a handle_in?",
        "yes",
        "handle_in",
        "of your class",
        "ours",
    ),
    Place(
        "receive",
        "Does somebody wait in receive() or async for?",
        "yes",
        "receive()",
        "who waits longest has it",
        "ours",
    ),
    Place(
        "queue",
        "Is there room in the queue (receive_buffer)?",
        "yes",
        "the queue",
        "for the next receive()",
        "ours",
    ),
    Place(
        "paused",
        "Has receive() been called before?",
        "yes",
        "the queue, full",
        "the server has to wait",
        "ours",
    ),
    Place(
        "overflow",
        "",
        "",
        "the queue",
        "the oldest is dropped; dropped_messages",
        "server",
    ),
)
"""The places, in the order in which they are asked."""

_OTHER: Final = {"yes": "no", "no": "yes"}
_LEFT, _ASKED, _GOAL, _HEIGHT, _GAP = 16, 214, 276, 52, 20
_MIDDLE = 80


def picture() -> str:
    """Draw it."""
    drawing = Drawing(
        "received",
        "Where a received message goes",
        "The first answer that fits decides. "
        + " ".join(
            f"{place.question or 'Otherwise:'} {place.answer}: {place.head},"
            f" {place.words}."
            for place in PLACES
        ),
    )
    drawing.box(_LEFT, 16, WIDTH - 2 * _LEFT, 30, "server")
    middle = WIDTH / 2
    drawing.words(
        middle, 36, "a frame from the server", "small", "head", anchor="middle"
    )
    y, answer = 46.0 + _GAP, ""
    for place in PLACES:
        drawing.way([(_MIDDLE, y - _GAP), (_MIDDLE, y - 2)], "in")
        drawing.words(_MIDDLE + 8, y - 6, answer, "small", "in-word")
        if not place.question:
            _draw_goal(drawing, place, _LEFT, y, WIDTH - 2 * _LEFT)
        else:
            drawing.box(_LEFT, y, _ASKED, _HEIGHT)
            lines = textwrap.wrap(place.question, 34)
            for number, line in enumerate(lines):
                below = y + 30 + 17 * number - 8 * (len(lines) - 1)
                drawing.words(_LEFT + 12, below, line, "small")
            across = y + _HEIGHT / 2
            drawing.way([(_LEFT + _ASKED, across), (_GOAL - 2, across)], "in")
            at = (_LEFT + _ASKED + _GOAL) / 2 - 3
            drawing.words(
                at, across - 6, place.answer, "small", "in-word", anchor="middle"
            )
            _draw_goal(drawing, place, _GOAL, y, WIDTH - _LEFT - _GOAL)
            answer = _OTHER[place.answer]
        y += _HEIGHT + _GAP
        if place is PLACES[0]:
            y = _draw_passing(drawing, y, answer)
            answer = ""
    return drawing.drawn(y - _GAP + 16)


def _draw_goal(
    drawing: Drawing, place: Place, x: float, y: float, width: float
) -> None:
    drawing.box(x, y, width, _HEIGHT, place.kind)
    lines = textwrap.wrap(place.words, 25 if width < 200 else 60)
    y += 30 - 7 * len(lines)
    drawing.words(x + 10, y, place.head, "small", "head")
    for line in lines:
        y += 15
        drawing.words(x + 10, y, line, "small")


def _draw_passing(drawing: Drawing, y: float, answer: str) -> float:
    """Draw those who are told of each message, wherever it goes."""
    drawing.way([(_MIDDLE, y - _GAP), (_MIDDLE, y - 2)], "in")
    drawing.words(_MIDDLE + 8, y - 6, answer, "small", "in-word")
    drawing.box(_LEFT, y, WIDTH - 2 * _LEFT, 34, "ours")
    drawing.words(_LEFT + 12, y + 21, "client.on_message", "small", "head")
    drawing.words(_LEFT + 144, y + 21, "is told, wherever it goes", "small")
    return y + 34 + _GAP


if __name__ == "__main__":
    sys.stdout.write(picture())
