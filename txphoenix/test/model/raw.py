"""What the user has the client push by itself, past the channels.

Nobody waits for it: who is told nothing is told that it goes out, once and in order, if
the connection stays.
"""

from __future__ import annotations

from typing import NamedTuple

from txphoenix import BufferFull, Message, NotConnected

from .link import Link
from .promises import Promise, Promises
from .server import RAW, ModelServer
from .topic import Topic

__all__ = ["RawPushes"]


class _Marks(NamedTuple):
    """What would have to be as it was for a message to have arrived."""

    topic: str
    losses: int
    goodbyes: int
    troubles: int


class RawPushes:
    """The messages that were given to ``SocketClient.push()``.

    :param promises: are told.
    """

    def __init__(self, promises: Promises, server: ModelServer, link: Link) -> None:
        self._promises = promises
        self._server = server
        self._link = link
        # Those that are to arrive, unless something happens.
        self._due: dict[int, _Marks] = {}

    def push(self, topic: Topic, number: int) -> None:
        """Push one."""
        link = self._link
        client, is_wanted = link.client, link.is_wanted
        may_arrive = topic.is_undisturbed or (
            topic.phase == "wanted" and not client.connected
        )
        marks = self._marks(topic)
        try:
            client.push(Message(None, None, topic.name, RAW, {"n": number}))
        except NotConnected as error:
            what = f"push() of the client: {error!r}"
            self._promises.hold(Promise.TOLD, not is_wanted, what)
        except BufferFull:
            pass
        else:
            if may_arrive:
                self._due[number] = marks

    def check(self, topic: Topic) -> None:
        """Those of a topic have arrived, for it is joined and all is quiet."""
        marks = self._marks(topic)
        for number, before in list(self._due.items()):
            if before.topic == topic.name:
                del self._due[number]
                is_there = before != marks or number in self._server.raw_seen
                what = f"message {number} of the client has not arrived"
                topic.hold(Promise.NOTHING_LOST, is_there, what)

    def _marks(self, topic: Topic) -> _Marks:
        link = self._link
        return _Marks(topic.name, link.losses, link.goodbyes, topic.troubles)
