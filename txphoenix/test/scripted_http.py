"""An HTTP server in memory whose answers the test writes.

::

    server = ScriptedHTTP()
    server.client().startService()    # its first request waits
    server.open_session()             # as Phoenix does
    poll = server.take("GET")
    poll.say(200, messages=['[null,null,"a","b",{}]'])
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from txphoenix import SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.testing import MemoryServer
from txphoenix.testing.connections import Connections

__all__ = ["Asked", "ScriptedHTTP"]


class Asked:
    """A request that waits for its answer.

    :ivar body: what came with it.
    :ivar is_lost: whether the client has given it up.
    """

    def __init__(self, server: ScriptedHTTP, request: Request) -> None:
        self._server = server
        self._request = request
        self.method = request.method.decode("ascii")
        self.uri = request.uri.decode("ascii")
        content: Any = request.content
        self.body: bytes = content.read()
        self.is_lost = False
        request.notifyFinish().addErrback(self._lost)

    def _lost(self, _reason: Any) -> None:
        self.is_lost = True

    def header(self, name: str) -> str | None:
        """The value of a header, if there is one."""
        return self._request.getHeader(name)

    def say(self, status: int, **values: Any) -> None:
        """Answer as Phoenix does."""
        self.answer(200, json.dumps({"status": status, **values}).encode("utf-8"))

    def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        """Answer with any status, body and headers (``_`` for ``-`` in their names)."""
        self._write(code, body, headers)
        self._request.finish()
        self._server.flush()

    def write(self, code: int, body: bytes, **headers: str) -> None:
        """Write a part of an answer."""
        self._write(code, body, headers)
        self._server.flush()

    def _write(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._request.setResponseCode(code)
        for name, value in headers.items():
            self._request.setHeader(name.replace("_", "-"), value)
        self._request.write(body)

    def hang_up(self) -> None:
        """End the connection without an answer, or in the middle of it."""
        channel: Any = self._request.channel
        channel.transport.abortConnection()
        self._server.flush()


class ScriptedHTTP(MemoryServer):
    """The server.

    :ivar asked: the requests that wait, the oldest first.
    """

    def __init__(self) -> None:
        super().__init__({})
        self.asked: list[Asked] = []
        self._server_factory = Connections(Site(_Script(self), reactor=self.clock))

    def client(self, **options: Any) -> SocketClient:
        """A client that is not started."""
        return SocketClient(
            options.pop("url", self.url),
            reactor=self.clock,
            **{
                "transport": "longpoll",
                "endpoint": self.endpoint,
                "backoff": steps([0.5]),
                **options,
            },
        )

    def open_session(self, token: str = "the-token") -> Asked:
        """Answer the first request as Phoenix does, and take the poll that follows."""
        self.take("GET").say(410, token=token, messages=[])
        return self.take("GET")

    def take(self, method: str) -> Asked:
        """The oldest request of a method, of those that wait."""
        self.flush()
        taken = next(asked for asked in self.asked if asked.method == method)
        self.asked.remove(taken)
        return taken


class _Script(Resource):
    isLeaf = True

    def __init__(self, server: ScriptedHTTP) -> None:
        super().__init__()
        self._server = server

    def render(self, request: Request) -> int:
        self._server.asked.append(Asked(self._server, request))
        return NOT_DONE_YET
