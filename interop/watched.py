"""What is kept of a server of a run: what went over the wire, and who polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from txphoenix.testing import PhoenixServer, ServerSession

__all__ = ["Watched"]

if TYPE_CHECKING:
    _Server = PhoenixServer
else:
    _Server = object

_LONGEST_BETWEEN_POLLS = 60
"""How often it is looked whether a poll waits, 5 ms apart."""


class Watched(_Server):
    """Goes before the class of a server: ``class MyServer(Watched, PhoenixServer)``.

    :ivar sessions: every session there was, the oldest first.
    :ivar batches: how many frames each POST of long-poll had.
    :ivar refusals: how many handshakes were refused by :meth:`refuse`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, keep_frames=True, **options)
        self.sessions: list[ServerSession] = []
        self.batches: list[int] = []
        self.refusals = 0
        self._polls: set[Request] = set()
        site = cast(Site, self._connections.wrappedFactory)
        site.resource = _WatchedResource(site.resource, self.batches, self._polls)

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


def _is_longpoll(session: ServerSession) -> bool:
    return session.socket.transport == "longpoll"


class _WatchedResource(Resource):
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
