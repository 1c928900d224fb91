"""Tests of what attempts to connect that fail leave behind, over TCP."""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import DNSLookupError

from txphoenix.testing.tls import self_signed

from .endings import EndingsTestCase, Saying
from .local_names import find_names_at


class FailedWebSocketTests(EndingsTestCase):
    """A WebSocket that does not open."""

    options: dict[str, Any] = {}

    async def say(self, answer: bytes | None, **options: Any) -> None:
        """Connect to a server that says one thing."""

        class Server(Saying):
            pass

        Server.answer = answer
        port = await self.listen(Server)
        self.make_clients(f"ws://127.0.0.1:{port}/s", **self.options, **options)
        await self.fail_often()

    async def test_refused(self) -> None:
        """The server refuses the handshake."""
        server = await self.serve()
        server.refuse(403)
        self.make_clients(server.url, headers={"X-Secret": "s"}, **self.options)
        await self.fail_often()

    async def test_hangs_up(self) -> None:
        """The server hangs up."""
        await self.say(b"")

    async def test_garbage(self) -> None:
        """The server does not speak HTTP."""
        await self.say(b"220 mail.example.org ESMTP\r\n\r\n")

    async def test_headers_without_end(self) -> None:
        """The server sends more headers than there may be."""
        await self.say(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 9_000)

    async def test_silent(self) -> None:
        """The server says nothing."""
        await self.say(None, connect_timeout=0.1)

    async def test_nobody_listens(self) -> None:
        """There is no server."""
        server = await self.serve()
        url = server.url
        await server.stop()
        self.make_clients(url, **self.options)
        await self.fail_often()

    async def test_not_trusted(self) -> None:
        """The server's certificate is not trusted."""
        server = await self.serve(tls=self_signed().server)
        self.make_clients(server.url, **self.options)
        await self.fail_often()

    async def test_no_such_name(self) -> None:
        """The server's name is not known."""
        find_names_at(self)
        self.make_clients(
            "ws://nowhere.invalid/s",
            endpoint=lambda reactor, host, port, tls: HostnameEndpoint(
                reactor, host, port
            ),
            **self.options,
        )
        await self.fail_often()

    async def test_callable_raises(self) -> None:
        """A callable of the user's raises."""

        async def params() -> dict[str, str]:
            await self.sleep(0)
            raise DNSLookupError()

        self.make_clients("ws://127.0.0.1:1/s", params=params, **self.options)
        await self.fail_often()


class FailedLongPollTests(FailedWebSocketTests):
    """A session of long-poll that does not open."""

    options = {"transport": "longpoll"}

    async def test_answer_too_large(self) -> None:
        """The server's answer has too many bytes."""
        body = bytes(1 << 20)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
        await self.say(head + body)

    async def test_no_session(self) -> None:
        """The server answers, and opens no session."""
        await self.say(b'HTTP/1.1 200 OK\r\n\r\n{"status":410}')


class FailedFallbackTests(FailedWebSocketTests):
    """A WebSocket, and a session of long-poll in its place, that do not open."""

    options = {"longpoll_fallback": 0.05}
