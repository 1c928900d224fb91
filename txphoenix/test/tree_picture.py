"""The parts of a client, and what stops what, drawn as SVG.

::

    python -m txphoenix.test.tree_picture > docs/tree.svg

A client in memory has joined a topic; its services are walked, and the parts of
:data:`PARTS` looked up in them.
What is fixed here is which parts are shown, and the words that go with them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final, NamedTuple

from twisted.application.service import IService

from txphoenix import Channel, SocketClient
from txphoenix.channels import ChannelManager

from .drawing import WIDTH, Drawing
from .support import TOPIC, ScriptedServer
from .support import Room as ServerRoom

__all__ = ["PARTS", "Row", "joined_client", "picture", "rows"]

# Class -> where in one of it the parts are that are no services.
PARTS: Final = {
    "Connection": ("link.transport", "link.heartbeat"),
    "Channel": (
        "_membership.joins",
        "_membership.pushes",
        "_membership.hooks",
        "_membership.presences",
        "_membership.inbox",
    ),
}
_WORDS: Final = {
    "SocketClient": "the service that you start and stop",
    "SocketState": "what get_state() tells",
    "Connection": "opens, and opens again after a loss",
    "PhoenixClientProtocol": "one WebSocket at a time, or long-poll",
    "Heartbeat": "asks whether the server is there",
    "ChannelManager": "which topic is whose; restarts the crashed",
    "Channel": "one topic; or a class of yours",
    "Joins": "the join under way, and the next",
    "Pushes": "wait for the join, or for a reply",
    "ChannelHooks": "on(), on_error(), on_close()",
    "PresenceHistory": "who is there, for a Presence",
    "Inbox": "waits for receive() and async for",
}
_LEFT, _INDENT, _HEIGHT, _GAP = 16, 24, 46, 8


class Row(NamedTuple):
    """A part.

    :ivar depth: how many parts it is in.
    :ivar name: of a service, its name.
    :ivar kind: its class, as the reference has it.
    :ivar is_service: whether it is a Twisted service.
    """

    depth: int
    name: str
    kind: str
    is_service: bool


def joined_client() -> tuple[ScriptedServer, SocketClient]:
    """A client in memory that has joined a topic."""
    server = ScriptedServer({"rooms:*": ServerRoom})
    client = SocketClient(server.url, reactor=server.clock, endpoint=server.endpoint)
    client.startService()
    channel = client.channel(TOPIC, channel_class=Channel)
    channel.on("new_msg", print)
    channel.on("presence_diff", print)
    channel.join()
    server.flush()
    return server, client


def rows(client: SocketClient) -> list[Row]:
    """The parts of a client, each before its own."""
    return list(_rows(client, 0))


def _rows(service: Any, depth: int) -> Iterator[Row]:
    # Users know it by what it has for them, and that is in the reference.
    cls = ChannelManager if isinstance(service, ChannelManager) else type(service)
    kind = cls.__name__
    yield Row(depth, service.name or "", kind, IService.providedBy(service))
    for place in PARTS.get(kind, ()):
        part = attrgetter(place)(service)
        yield Row(depth + 1, "", type(part).__name__, IService.providedBy(part))
    for child in service if hasattr(service, "__iter__") else ():
        yield from _rows(child, depth + 1)


def picture() -> str:
    """Draw it."""
    server, client = joined_client()
    parts = rows(client)
    client.stopService()
    server.flush()
    drawing = Drawing(
        "tree",
        "The parts of a client, and what stops what",
        "Your application has a SocketClient among its services. In that are, from the"
        f" top: {', '.join(part.kind for part in parts[1:])}. Stopping a service stops"
        " what is in it.",
    )
    y = 16
    drawing.box(_LEFT, y, WIDTH - 2 * _LEFT, 30)
    drawing.words(_LEFT + 12, y + 20, "your application, or the reactor", "small")
    # Where the box of each depth ends, from which lines lead down.
    below = {0: y + 30}
    y += 30 + _GAP
    for part in parts:
        depth = part.depth + 1
        left = _LEFT + _INDENT * depth
        rail = left - _INDENT + 10
        drawing.way([(rail, below[part.depth]), (rail, y + 23), (left, y + 23)])
        kind = "ours" if part.is_service else "part"
        drawing.box(left, y, WIDTH - _LEFT - left, _HEIGHT, kind)
        drawing.words(left + 12, y + 19, part.kind, "head")
        if part.name:
            drawing.words(WIDTH - _LEFT - 12, y + 19, part.name, "code", anchor="end")
        drawing.words(left + 12, y + 36, _WORDS[part.kind], "small")
        below[depth] = y + _HEIGHT
        below[part.depth] = y + 23
        y += _HEIGHT + _GAP
    y += 18
    drawing.box(_LEFT, y - 13, 28, 17, "ours")
    drawing.words(_LEFT + 38, y, "a service: stopService() stops all in it", "small")
    y += 22
    drawing.box(_LEFT, y - 13, 28, 17, "part")
    drawing.words(_LEFT + 38, y, "made and ended by the service it is in", "small")
    return drawing.drawn(y + 18)


if __name__ == "__main__":
    sys.stdout.write(picture())
