"""The option ``exact_url``: a socket at whatever path, over real TCP."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, HandshakeRefused
from txphoenix.options.options import Options
from txphoenix.protocol.url import connect_url
from txphoenix.testing import PhoenixServer

from .network import TOPIC, NetworkTestCase

TRANSPORTS = ("websocket", "longpoll")


class ConnectURLTests(NetworkTestCase):
    """:func:`connect_url` with ``exact``."""

    def test_path(self) -> None:
        """The path is kept, whatever it ends in; params and ``vsn`` go to the query."""
        for path in ("", "/", "/a", "/a/", "/websocket", "/a/longpoll/", "/ü//b"):
            for transport, scheme in (("websocket", "ws"), ("longpoll", "http")):
                url = connect_url(
                    f"ws://host{path}?x=1&vsn=9",
                    transport=transport,  # type: ignore[arg-type]
                    params={"x": "2", "y": [3]},
                    exact=True,
                )
                expected = path.replace("ü", "%C3%BC")
                self.assertEqual(
                    url, f"{scheme}://host{expected}?x=2&y%5B%5D=3&vsn=2.0.0"
                )


class OptionTests(NetworkTestCase):
    """The option, and those that it does not go with."""

    def test_fallback(self) -> None:
        """One path is not that of two transports, so that there is no fallback."""
        made = Options(url="ws://host/a", longpoll_fallback=2.5)
        exact = Options(url="ws://host/a", exact_url=True)
        for refused in (
            lambda: Options(url="ws://host", exact_url=True, longpoll_fallback=2.5),
            lambda: made.replace(exact_url=True),
            lambda: exact.replace(longpoll_fallback=2.5),
        ):
            error = self.assertRaises(ConfigurationError, refused)
            self.assertIn("longpoll_fallback must be None if exact_url", str(error))
        made.replace(exact_url=True, longpoll_fallback=None)

    def test_flag(self) -> None:
        """It is True or False."""
        for value in (1, None, "yes", "/a"):
            error = self.assertRaises(
                ConfigurationError, SocketClient, "ws://host", exact_url=value
            )
            self.assertIn("exact_url must be True or False", str(error))


class PathTests(NetworkTestCase):
    """A server whose transports are where Phoenix does not have them."""

    async def server_at(self, path: str) -> PhoenixServer:
        """A server with both transports below that path."""
        self.connected: list[Any] = []

        def connect(params: Any, socket: Any) -> None:
            self.connected.append((socket.transport, socket.path, params))

        return await self.serve(
            websocket_path=path, longpoll_path=f"/poll{path}", connect=connect
        )

    async def converse(self, client: SocketClient) -> None:
        """Join, push, and stop."""
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        await client.stopService()

    async def test_key(self) -> None:
        """``websocket: [path: "/:key"]``: the key is one of the parameters."""
        server = await self.server_at("/:key")
        for transport, below in (("websocket", "/a%20b"), ("longpoll", "/poll/a%20b")):
            client = self.client(
                f"{server.url}{below}?x=1",
                exact_url=True,
                transport=transport,
                params={"y": "2"},
            )
            await self.converse(client)
            self.assertEqual(
                self.connected.pop(),
                (
                    transport,
                    f"/socket{below}",
                    {"x": "1", "y": "2", "vsn": "2.0.0", "key": "a b"},
                ),
            )

    async def test_other_names(self) -> None:
        """The path may be any, and the URL may come from a callable."""
        server = await self.server_at("/")
        for transport, below in (("websocket", ""), ("longpoll", "/poll")):
            for url in (
                f"{server.url}{below}",
                lambda below=below: f"{server.url}{below}",
                lambda below=below: succeed(f"{server.url}{below}"),
            ):
                client = self.client(url, exact_url=True, transport=transport)
                await self.converse(client)
                self.assertEqual(
                    self.connected.pop()[:2], (transport, f"/socket{below}")
                )

    async def test_without(self) -> None:
        """Without the option the name of the transport is appended, and not found."""
        server = await self.server_at("/:key")
        client = self.client(f"{server.url}/a", reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual(getattr(error, "status", None), 404)

    async def test_reconfigure(self) -> None:
        """To change it takes a new connection."""
        server = await self.server_at("/websocket")
        client = self.client(f"{server.url}/websocket")
        await client.when_connected()
        await client.reconfigure(exact_url=True)
        self.assertTrue(client.connected)
        self.assertEqual(
            [path for _, path, _ in self.connected], ["/socket/websocket"] * 2
        )

    async def test_kept_over_a_loss(self) -> None:
        """Each attempt takes the URL as it is."""
        server = await self.server_at("/:key")
        client = self.client(f"{server.url}/a", exact_url=True)
        await client.when_connected()
        server.drop()
        await self.until(lambda: len(self.connected) > 1)
        self.assertEqual({path for _, path, _ in self.connected}, {"/socket/a"})
