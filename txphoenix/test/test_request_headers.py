"""Tests of :mod:`txphoenix.transports.request_headers`, and of the requests themselves.

The requests are read as they come, over real TCP.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
)
from twisted.trial.unittest import SynchronousTestCase

from txphoenix._version import __version__
from txphoenix.errors import ConfigurationError
from txphoenix.protocol.url import parse
from txphoenix.testing.tls import self_signed
from txphoenix.transports.request_headers import request_headers

from .local_names import LocalNamesMixin
from .network import NetworkTestCase, reactor
from .raw_server import RawServer

TRANSPORTS = ("websocket", "longpoll")
OPENED = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"
    b'{"status":410,"token":"t","messages":[]}  '
)
"""How long-poll opens."""


class RequestHeadersTests(SynchronousTestCase):
    """:func:`request_headers`."""

    def headers(self, **given: str) -> dict[str, str]:
        """The headers of a request with those of the user, in their order."""
        return request_headers(
            parse("ws://host:1/s"), given, {"Pragma": "no-cache", "Accept": "x"}
        )

    def test_own(self) -> None:
        """Without the user's there are the client's, and ``Host`` comes first."""
        self.assertEqual(
            list(self.headers().items()),
            [
                ("Host", "host:1"),
                ("User-Agent", f"txphoenix/{__version__}"),
                ("Pragma", "no-cache"),
                ("Accept", "x"),
            ],
        )

    def test_given(self) -> None:
        """The user's take the client's place, whatever their case, or come after."""
        self.assertEqual(
            list(self.headers(hOST="a", X="1", PRAGMA="p", Y="2").items()),
            [
                ("hOST", "a"),
                ("User-Agent", f"txphoenix/{__version__}"),
                ("PRAGMA", "p"),
                ("Accept", "x"),
                ("X", "1"),
                ("Y", "2"),
            ],
        )


class RequestTestCase(LocalNamesMixin, NetworkTestCase):
    """A test that reads requests as they come."""

    async def requests(
        self, url: str, credentials: Any = None, **options: Any
    ) -> dict[str, list[tuple[str, str]]]:
        """The headers of the first request of each transport, in their order.

        :param url: whatever the client shall be told; it comes to the server here.
        """
        return {
            transport: await self._request(transport, url, credentials, options)
            for transport in TRANSPORTS
        }

    async def _request(
        self, transport: str, url: str, credentials: Any, options: Any
    ) -> list[tuple[str, str]]:
        raw = RawServer()
        if transport == "longpoll":
            raw.answer = OPENED
        server: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        if credentials is not None:
            server = SSL4ServerEndpoint(
                reactor, 0, credentials.server, interface="127.0.0.1"
            )
        port = await server.listen(raw)
        client = self.client(
            url,
            endpoint=TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port),
            transport=transport,
            # The raw server knows no farewell.
            close_timeout=0.01,
            **options,
        )
        await self.until(lambda: raw.connections and raw.connections[0].request)
        await client.stopService()
        await port.stopListening()
        lines = raw.connections[0].request.decode("utf-8").split("\r\n")[1:]
        return [
            (name, value) for name, _, value in (it.partition(": ") for it in lines)
        ]

    def values(self, headers: list[tuple[str, str]], name: str) -> list[str]:
        """The values of a header, whatever the case of its name."""
        return [value for found, value in headers if found.lower() == name.lower()]


class HostTests(RequestTestCase):
    """``Host``: RFC 6455 section 4.1, RFC 9110 section 7.2."""

    async def assert_host(self, url: str, host: str, **options: Any) -> None:
        """On each transport the first header is ``Host``, with that value, once."""
        for transport, headers in (await self.requests(url, **options)).items():
            with self.subTest(url=url, transport=transport):
                self.assertEqual(self.values(headers, "host"), [host])
                self.assertEqual(headers[0][0], "Host")

    async def test_plain(self) -> None:
        """The port is there where it is not that of the scheme."""
        for url, host in (
            ("ws://example.org/socket", "example.org"),
            ("http://example.org:80/socket", "example.org"),
            ("ws://example.org:443/socket", "example.org:443"),
            ("ws://EXAMPLE.org:4000/socket", "example.org:4000"),
            ("ws://10.0.0.1/socket", "10.0.0.1"),
            ("ws://10.0.0.1:8080/socket", "10.0.0.1:8080"),
            ("ws://[::1]/socket", "[::1]"),
            ("ws://[::1]:8080/socket", "[::1]:8080"),
            ("ws://[::ffff:10.0.0.1]/socket", "[::ffff:10.0.0.1]"),
            ("ws://[fe80::1%25eth0]:80/socket", "[fe80::1]"),
            ("ws://[fe80::1%25eth0]:81/socket", "[fe80::1]:81"),
            ("ws://bücher.example/socket", "xn--bcher-kva.example"),
            ("ws://my_service./socket", "my_service"),
        ):
            await self.assert_host(url, host)

    async def test_secure(self) -> None:
        """The same with TLS, whose port is 443."""
        for name, url, host in (
            ("example.org", "wss://example.org/socket", "example.org"),
            ("example.org", "https://example.org:443/socket", "example.org"),
            ("example.org", "wss://example.org:80/socket", "example.org:80"),
            ("::1", "wss://[::1]:443/socket", "[::1]"),
            ("fe80::1", "wss://[fe80::1%25eth0]/socket", "[fe80::1]"),
        ):
            credentials = self_signed(name)
            self.trust(credentials)
            await self.assert_host(url, host, credentials=credentials)

    async def test_given(self) -> None:
        """The user's own goes out instead, once."""
        for name in ("Host", "hOsT"):
            found = await self.requests(
                "ws://127.0.0.1:4000/socket", headers={name: "chat.example"}
            )
            for headers in found.values():
                self.assertEqual(self.values(headers, "host"), ["chat.example"])


class OnceTests(RequestTestCase):
    """What client, Autobahn and user may each say is said once, by the user."""

    async def test_given(self) -> None:
        """The user's value goes out, in whatever case its name is, and alone."""
        given = {
            "user-agent": "mine/1",
            "ORIGIN": "https://example.org",
            "cookie": "a=1; b=2",
            "Pragma": "x",
            "cache-Control": "max-age=0",
            "ACCEPT": "text/x",
            "accept-encoding": "identity",
            "accept-Language": "de",
            "Authorization": "Bearer x",
            "X-Phoenix-AuthToken": "mine",
            "Content-Type": "text/y",
        }

        async def later() -> dict[str, str]:
            return given

        for supplied in (given, lambda: given, lambda: succeed(given), later):
            found = await self.requests(
                "ws://example.org/socket", headers=supplied, auth_token="ours"
            )
            for transport, headers in found.items():
                for name, value in given.items():
                    with self.subTest(transport=transport, name=name):
                        self.assertEqual(self.values(headers, name), [value])

    async def test_not_given(self) -> None:
        """Without it, each header comes once as well."""
        for transport, headers in (
            await self.requests("ws://example.org/socket", auth_token="ours")
        ).items():
            names = [name.lower() for name, _ in headers]
            self.assertEqual(sorted(names), sorted(set(names)), transport)
            self.assertEqual(
                self.values(headers, "user-agent"), [f"txphoenix/{__version__}"]
            )

    async def test_utf_8(self) -> None:
        """Values are sent as UTF-8."""
        found = await self.requests(
            "ws://example.org/socket", headers={"X-Name": "Zoë \u2603"}
        )
        for headers in found.values():
            self.assertEqual(self.values(headers, "x-name"), ["Zoë \u2603"])

    async def test_refused(self) -> None:
        """What only the client can write is refused, out of a callable as well."""
        for name in ("Upgrade", "connection", "Sec-WebSocket-Key", "Content-Length"):
            for transport in TRANSPORTS:
                client = self.client(
                    "ws://127.0.0.1:1/socket",
                    headers=lambda name=name: {name: "x"},
                    transport=transport,
                    reconnect=False,
                )
                error = await self.failure_of(client.when_connected())
                self.assertIs(type(error), ConfigurationError)
                self.assertIn(f"the client writes {name!r} itself", str(error))
