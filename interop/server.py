"""The server of all runs: it is told what to do, and keeps what went over the wire."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from txphoenix.testing import PhoenixServer, ServerChannel, ServerSession
from txphoenix.testing.process import ChannelProcess

from .application import CHANNELS, SOCKETS, connect

__all__ = ["InteropServer"]

_LONGEST_BETWEEN_POLLS = 60
"""How often it is looked whether a poll waits, 5 ms apart."""


class InteropServer(PhoenixServer):
    """The application over TCP.

    :ivar sessions: every session there was, the oldest first.
    :ivar batches: how many frames each POST of long-poll had.
    :ivar refusals: how many handshakes were refused by :meth:`refuse`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(CHANNELS, connect=connect, keep_frames=True, **options)
        for path, changes in SOCKETS.items():
            self.add_socket(path, **changes)
        self.sessions: list[ServerSession] = []
        self.batches: list[int] = []
        self.refusals = 0
        self._plans: defaultdict[str, deque[str]] = defaultdict(deque)
        self._held: list[Deferred[Any]] = []
        self._polls: set[Request] = set()
        site = cast(Site, self._connections.wrappedFactory)
        site.resource = _Watched(site.resource, self.batches, self._polls)

    def session_opened(self, session: ServerSession) -> None:
        """Keep the session."""
        self.sessions.append(session)
        super().session_opened(session)

    async def when_polled(self) -> None:
        """Wait until each session of long-poll has a poll that waits.

        A connection that is lost just between two polls is found out another way.
        A session that its client has left is not polled; it is not waited for long.
        """
        for _ in range(_LONGEST_BETWEEN_POLLS):
            sessions = [it for it in self.connections if _is_longpoll(it)]
            if len(self._polls) >= len(sessions):
                return
            await deferLater(cast(Any, self.reactor), 0.005)

    @property
    def frame_count(self) -> int:
        """How many frames there were."""
        return sum(len(session.frames) for session in self.sessions)

    def refusal_of(self, transport: str) -> int | None:
        """Count the refusals."""
        refusal = super().refusal_of(transport)
        self.refusals += refusal is not None
        return refusal

    def next_joins(self, topic: str, *plans: str) -> None:
        """Say what is to be done with the next joins of a ``gate:*`` topic.

        :param plans: ``"take"``, ``"refuse"``, ``"crash"``, or ``"hold"`` for one that
            is answered after :meth:`let_go`.
        """
        self._plans[topic].extend(plans)

    def plan_of(self, topic: str) -> str | Deferred[Any]:
        """What is to be done with a join."""
        plan = self._plans[topic].popleft() if self._plans[topic] else "take"
        if plan != "hold":
            return plan
        held: Deferred[Any] = Deferred()
        self._held.append(held)
        return held

    def let_go(self) -> int:
        """Take the joins that are held.

        :return: how many there were.
        """
        held, self._held = self._held, []
        for each in held:
            if not each.called:
                each.callback({})
        return len(held)

    def forget(self, topic: str) -> int:
        """Hold a topic joined no more, and tell nobody.

        :return: how many channels there were.
        """
        found = self.channels(topic)
        for channel in found:
            process = cast(ChannelProcess[ServerChannel], channel._process)
            process.end(None, {}, "forgotten")
        return len(found)


def _is_longpoll(session: ServerSession) -> bool:
    return session.socket.transport == "longpoll"


class _Watched(Resource):
    """Counts the frames of each publish, and knows the polls that wait."""

    isLeaf = True

    def __init__(self, inner: Any, batches: list[int], polls: set[Request]) -> None:
        super().__init__()
        self._inner = inner
        self._batches = batches
        self._polls = polls

    def render(self, request: Request) -> Any:
        """Answer as the other would."""
        if request.method == b"POST":
            content = cast(Any, request.content)
            self._batches.append(content.read().count(b"\n") + 1)
            content.seek(0)
        elif b"token" in cast(Any, request.args):
            self._polls.add(request)
            request.notifyFinish().addBoth(lambda _: self._polls.discard(request))
        return self._inner.render(request)
