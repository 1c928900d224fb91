"""Tests over real TCP: endpoints, faults of the network, and slow readers."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Protocol

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    HeartbeatTimeout,
    PushInterrupted,
)
from txphoenix.testing import PhoenixServer

from .network import NO_IPV6, TOPIC, NetworkTestCase, reactor
from .test_secrets import SecretKeeper


class EndpointTests(NetworkTestCase):
    """Decision 1: the ways to reach a server."""

    async def converse(self, client: SocketClient) -> None:
        """Join, push and leave, and stop without a trace."""
        response, channel = await client.join(TOPIC, {"a": 1})
        self.assertEqual(response, {"a": 1})
        self.assertEqual(await channel.push("echo", {"b": "ü"}), {"b": "ü"})
        self.assertEqual(await channel.push("echo", b"\x00\xff"), b"\x00\xff")
        self.assertGreater(await client.ping(), 0)
        await channel.leave()
        await client.stopService()
        await self.assert_nothing_held()

    async def test_address(self) -> None:
        """By the address in the URL."""
        server = await self.serve()
        await self.converse(self.client(server.url))

    async def test_host_name(self) -> None:
        """By a name, on whichever of its addresses the server listens."""
        server = await self.serve()
        url = server.url.replace("127.0.0.1", "localhost")
        await self.converse(self.client(url))

    async def test_http(self) -> None:
        """An ``http`` URL is read as ``ws``."""
        server = await self.serve()
        await self.converse(self.client(server.http_url))

    async def test_ipv6(self) -> None:
        """By an address of IPv6."""
        server = await self.serve(interface="::1")
        await self.converse(self.client(server.url))

    test_ipv6.skip = NO_IPV6  # type: ignore[attr-defined]

    async def test_unix_socket(self) -> None:
        """By a UNIX socket, whatever host the URL names."""
        _, path = await self.serve_unix()
        for endpoint in (f"unix:{path}", f"unix:path={path}"):
            await self.converse(self.client("ws://phoenix/socket", endpoint=endpoint))

    async def test_description(self) -> None:
        """By the description of an endpoint."""
        server = await self.serve()
        endpoint = f"tcp:127.0.0.1:{server.port}"
        await self.converse(self.client("ws://phoenix/socket", endpoint=endpoint))

    async def test_object_and_callable(self) -> None:
        """By an endpoint of the user's, or what makes one for each attempt."""
        server = await self.serve()
        asked: list[Any] = []

        def make(reactor: Any, host: str, port: int, tls: Any) -> TCP4ClientEndpoint:
            asked.append((host, port, tls))
            return TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)

        await self.converse(self.client("ws://phoenix:7/socket", endpoint=make))
        self.assertEqual(asked, [("phoenix", 7, None)])
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
        await self.converse(self.client("ws://phoenix/socket", endpoint=endpoint))


class Silent(Protocol):
    """A server that takes connections and says nothing."""


class FailureTests(NetworkTestCase):
    """Servers that are not there, or not as they should be."""

    async def refusal(self, url: str, **options: Any) -> Exception:
        """The error of the one attempt to connect."""
        self._before = self._before or self.held()
        client = self.client(url, reconnect=False, **options)
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, ConnectionFailed)
        await client.stopService()
        await self.assert_nothing_held()
        return error

    async def test_nobody_listens(self) -> None:
        """A refused connection says so."""
        server = await self.serve()
        await server.stop()
        self._before = set()
        error = await self.refusal(server.url)
        self.assertIn("ConnectionRefusedError", str(error))

    async def test_unknown_host(self) -> None:
        """A name that nobody has says so."""
        error = await self.refusal("ws://nobody.invalid/socket")
        self.assertIn("nobody.invalid", str(error))

    async def test_silent_handshake(self) -> None:
        """A server that takes the connection and never answers is left in time."""
        port = await self.listen(Silent)
        error = await self.refusal(f"ws://127.0.0.1:{port}/socket", connect_timeout=0.1)
        self.assertIsInstance(error, ConnectTimeout)

    async def test_silent_tls(self) -> None:
        """So is one whose TLS hangs."""
        port = await self.listen(Silent)
        error = await self.refusal(
            f"wss://127.0.0.1:{port}/socket", connect_timeout=0.1
        )
        self.assertIsInstance(error, ConnectTimeout)

    async def test_other_server(self) -> None:
        """A web server that has no such socket refuses with its status."""
        server = await self.serve()
        error = await self.refusal(server.url_of("/other"))
        assert isinstance(error, HandshakeRefused)
        self.assertEqual(error.status, 404)

    async def test_proxy_that_refuses(self) -> None:
        """What a proxy says reaches the user, and its password does not."""
        server = await self.serve()
        keeper = SecretKeeper(self, ["s3cret", b64encode(b"me:s3cret").decode()])
        url = server.url.replace("ws://", "http://me:s3cret@").removesuffix("/socket")
        error = await self.refusal("ws://example.org/socket", proxy=url)
        keeper.keep_error(error)
        keeper.assert_kept()


class FaultTests(NetworkTestCase):
    """Decision 2 on a bad network: every fault is found, told, and got over."""

    async def connected(self, **options: Any) -> None:
        """A client that has joined a room through a fault proxy."""
        self.server = await self.serve()
        self.proxy = await self.stand_between(self.server)
        self.network = self.client(self.proxy.url(self.server.url), **options)
        _, self.room = await self.network.join(TOPIC)

    async def assert_back(self) -> None:
        """The client comes back, joins again, and can be spoken to."""
        await self.until(lambda: self.room.state == "joined" and self.network.connected)
        self.assertEqual(await self.room.push("echo", {"back": True}), {"back": True})

    async def test_half_open(self) -> None:
        """A connection that is only believed in is found out by a heartbeat."""
        await self.connected(heartbeat_interval=0.1, heartbeat_timeout=0.5)
        lost = self.next_call(self.network.on_close)
        self.proxy.to_client.hold()
        self.proxy.to_server.hold()
        push = self.room.push("echo", timeout=20)
        self.assertIsInstance(await lost, HeartbeatTimeout)
        error = await self.failure_of(push)
        assert isinstance(error, PushInterrupted)
        self.assertIsInstance(error.cause, HeartbeatTimeout)
        self.proxy.to_client.release()
        self.proxy.to_server.release()
        await self.assert_back()

    async def test_reset(self) -> None:
        """A reset is a loss with the code 1006."""
        await self.connected()
        lost = self.next_call(self.network.on_close)
        self.proxy.cut(reset=True)
        error = await lost
        self.assertEqual((type(error), error.code), (ConnectionClosed, 1006))
        await self.assert_back()

    async def test_cut_in_a_frame(self) -> None:
        """What a cut leaves of a frame is no message."""
        await self.connected()
        messages: list[Any] = []
        errors: list[Exception] = []
        self.room.on("news", messages.append)
        self.network.on_error(errors.append)
        self.server.broadcast(TOPIC, "news", {"whole": True})
        await self.until(lambda: messages)
        lost = self.next_call(self.network.on_close)
        self.proxy.to_client.cut_after = 0
        self.proxy.to_client.inject(b"\x81\x40[null,null,")
        self.server.broadcast(TOPIC, "news", {"cut": True})
        self.assertEqual((await lost).code, 1006)
        self.proxy.to_client.cut_after = None
        await self.assert_back()
        self.assertEqual(messages, [{"whole": True}])
        self.assertEqual(errors, [])

    async def test_byte_by_byte(self) -> None:
        """Bytes that come and go one at a time make the same messages."""
        self.server = await self.serve()
        self.proxy = await self.stand_between(self.server)
        self.proxy.to_client.segment_size = self.proxy.to_server.segment_size = 1
        client = self.client(self.proxy.url(self.server.url))
        _, room = await client.join(TOPIC)
        pushes = [room.push("echo", {"n": n, "ü": "ß" * n}) for n in range(20)]
        for n, push in enumerate(pushes):
            self.assertEqual(await push, {"n": n, "ü": "ß" * n})

    async def test_not_reached(self) -> None:
        """A network that is gone for a while is tried until it is back."""
        await self.connected()
        await self.proxy.refuse()
        errors: list[Exception] = []
        self.network.on_error(errors.append)
        self.proxy.cut()
        await self.until(lambda: len(errors) > 2)
        await self.proxy.start()
        await self.assert_back()

    async def test_restart(self) -> None:
        """A restarted server is found again, and a push kept meanwhile is sent."""
        await self.connected()
        lost = self.next_call(self.network.on_close)
        # After 1012 the delay is longer by design: this is what its option is for.
        await self.network.reconfigure(reconnect_interval=0.2)
        await self.server.restart()
        self.assertEqual((await lost).code, 1012)
        self.assertEqual(await self.room.push("echo", {"kept": 1}), {"kept": 1})


class SlowReaderTests(NetworkTestCase):
    """Decision 10: a reader that is slower than the server."""

    async def test_slow_reader(self) -> None:
        """Reading pauses as TCP has it, nothing is lost, and heartbeats go on."""
        server = await self.serve(keep_frames=False)
        client = self.client(
            server.url,
            receive_buffer=50,
            heartbeat_interval=0.3,
            # A reader who takes nothing is waited for as long as both, however busy
            # the machine is meanwhile.
            heartbeat_timeout=60,
        )
        _, room = await client.join(TOPIC)
        closed: list[Exception] = []
        client.on_close(closed.append)
        first = room.receive()
        # More than any buffer of the system's takes.
        count, payload = 3000, "x" * 10_000
        for n in range(count):
            server.broadcast(TOPIC, "news", [n, payload])
        self.assertEqual((await first).payload[0], 0)
        inbox: Any = room._membership.inbox
        await self.until(lambda: len(inbox) >= 50)
        # What was read when it paused is handed out before another heartbeat goes.
        await server.when_received("heartbeat")
        received = len(inbox)
        self.assertLess(received, 500)
        for _ in range(5):
            await server.when_received("heartbeat")
        self.assertEqual(len(inbox), received)
        numbers = [(await room.receive()).payload[0] for _ in range(count - 1)]
        self.assertEqual(numbers, list(range(1, count)))
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        self.assertEqual(closed, [])
        self.assertEqual(inbox.dropped, 0)

    async def test_stopped_while_paused(self) -> None:
        """A reader that never comes back does not keep the client from stopping."""
        server = await self.serve()
        client = self.client(server.url, receive_buffer=5, close_timeout=5)
        _, room = await client.join(TOPIC)
        await self.assert_paused(server, room)
        await client.stopService()
        await self.assert_nothing_held()

    async def assert_paused(self, server: PhoenixServer, room: Any) -> None:
        """Have the reading paused."""
        first = room.receive()
        for n in range(1000):
            server.broadcast(TOPIC, "news", [n, "x" * 1000])
        await first
        await self.until(lambda: len(room._membership.inbox) >= 5)

    async def test_lost_while_paused(self) -> None:
        """A connection that is lost while paused is found when reading goes on."""
        server = await self.serve()
        client = self.client(server.url, receive_buffer=5)
        _, room = await client.join(TOPIC)
        await self.assert_paused(server, room)
        server.drop()
        numbers: list[int] = []

        async def read() -> None:
            while True:
                numbers.append((await room.receive()).payload[0])

        lost = self.next_call(client.on_close)
        reading = Deferred.fromCoroutine(read())
        await lost
        reading.cancel()
        await self.failure_of(reading)
        self.assertEqual(numbers, list(range(1, 1 + len(numbers))))
        await self.until(lambda: client.connected)
