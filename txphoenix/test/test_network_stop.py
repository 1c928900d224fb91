"""Decision 4 on the real reactor: after a stop it holds nothing of the client's.

Every state is in :mod:`.test_stop`; here are those in which sockets, TLS and name
resolution have a part.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ChannelClosed,
    HeartbeatTimeout,
    NotConnected,
    PushInterrupted,
)
from txphoenix.testing.tls import self_signed

from .network import TOPIC, NetworkTestCase


class Silent(Protocol):
    """A server that takes connections and says nothing."""


class StopTests(NetworkTestCase):
    """``stopService()`` and ``disconnect()`` in the states of a real connection."""

    async def check(
        self, start: Callable[[], Awaitable[SocketClient]], waits: bool = True
    ) -> None:
        """End the client that ``start`` brings into a state, in both ways.

        :param waits: whether somebody waits for the connection.
        """
        for end in (SocketClient.stopService, SocketClient.disconnect):
            client = await start()
            waiting = client.when_connected()
            await end(client)
            if waits:
                self.assertIsInstance(await self.failure_of(waiting), NotConnected)
            await self.assert_nothing_held()
            await client.stopService()

    async def test_connected(self) -> None:
        """It is connected, and pushes wait for their replies."""
        server = await self.serve()
        pushes: list[Deferred[Any]] = []

        async def start() -> SocketClient:
            client = self.client(server.url)
            _, room = await client.join(TOPIC)
            pushes.append(room.push("silent"))
            await server.when_received("silent")
            return client

        await self.check(start, waits=False)
        for push in pushes:
            self.assertIsInstance(await self.failure_of(push), PushInterrupted)

    async def test_pushed_before_an_abort(self) -> None:
        """A connection that is given up sends nothing more, not even earlier pushes."""
        server = await self.serve(keep_frames=True)
        client = self.client(server.url, reconnect=False)
        _, room = await client.join(TOPIC)
        (session,) = server.connections
        gone = server.when_disconnected()
        # In a turn of the reactor of its own: the join is told in the middle of a read.
        await deferLater(reactor, 0)
        push = room.push("late")
        client.connection.drop(HeartbeatTimeout(1.0))
        self.assertIsInstance(await self.failure_of(push), PushInterrupted)
        await gone
        received = [str(frame) for frame in session.frames]
        self.assertIn("phx_join", received[0])
        self.assertFalse([frame for frame in received if "late" in frame])

    async def test_server_that_does_not_answer(self) -> None:
        """The server does not answer the close: it is left in time."""
        server = await self.serve()

        async def start() -> SocketClient:
            server.resume()
            client = self.client(server.url, close_timeout=0.05)
            await client.join(TOPIC)
            server.pause()
            return client

        await self.check(start, waits=False)
        server.resume()

    async def test_handshaking(self) -> None:
        """The server has taken the connection and not answered the handshake."""
        port = await self.listen(Silent)

        async def start() -> SocketClient:
            client = self.client(f"ws://127.0.0.1:{port}/socket")
            connector: Any = client.connection._factory.connector
            await self.until(lambda: connector.protocol is not None)
            return client

        await self.check(start)

    async def test_tls_handshaking(self) -> None:
        """TLS has begun, and nothing follows."""
        port = await self.listen(Silent)

        async def start() -> SocketClient:
            client = self.client(f"wss://127.0.0.1:{port}/socket")
            connector: Any = client.connection._factory.connector
            await self.until(lambda: connector.protocol is not None)
            return client

        await self.check(start)

    async def test_tls(self) -> None:
        """A connection over TLS ends as one without."""
        credentials = self_signed()
        server = await self.serve(tls=credentials.server)
        tls = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)

        async def start() -> SocketClient:
            client = self.client(server.url, tls=tls)
            await client.join(TOPIC)
            return client

        await self.check(start, waits=False)

    async def test_resolving(self) -> None:
        """The host's name is being looked up."""
        self._before = self.held()

        async def start() -> SocketClient:
            client = self.client("ws://nobody.invalid/socket")
            self.assertEqual(client.status, "connecting")
            return client

        await self.check(start)

    async def test_tcp_connecting(self) -> None:
        """TCP's own handshake is not answered."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            address = listening.getsockname()
            # Nobody accepts these, and there is no room for others.
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                self.addCleanup(filler.close)
                filler.setblocking(False)
                filler.connect_ex(address)
            await self.sleep(0.05)
            self._before = self.held()

            async def start() -> SocketClient:
                client = self.client(f"ws://127.0.0.1:{address[1]}/socket")
                await self.sleep(0.05)
                self.assertEqual(client.status, "connecting")
                return client

            await self.check(start)

    async def test_waiting_to_retry(self) -> None:
        """The next attempt is planned."""
        server = await self.serve()
        await server.stop()
        self._before = self.held()

        async def start() -> SocketClient:
            client = self.client(server.url, backoff=lambda attempt: 1000.0)
            await self.next_call(client.on_error)
            return client

        await self.check(start)

    async def test_paused(self) -> None:
        """Reading is paused, with more in the system's buffers than is read."""
        server = await self.serve()

        async def start() -> SocketClient:
            client = self.client(server.url, receive_buffer=5, close_timeout=10)
            _, room = await client.join(TOPIC)
            first = room.receive()
            for n in range(2000):
                server.broadcast(TOPIC, "news", [n, "x" * 1000])
            await first
            inbox: Any = room._membership.inbox
            await self.until(lambda: len(inbox) >= 5)
            return client

        await self.check(start, waits=False)

    async def test_connect_again(self) -> None:
        """It works again afterwards, as often as one likes."""
        server = await self.serve()
        client = self.client(server.url)
        _, room = await client.join(TOPIC)
        for _ in range(3):
            await client.disconnect()
            await self.assert_nothing_held()
            client.connect()
            await self.until(lambda: room.state == "joined")
        self.assertEqual(await room.push("echo", 1), 1)


class RestartTests(NetworkTestCase):
    """A client that is started again before it has stopped."""

    async def test_join(self) -> None:
        """A channel that is joined before the old stop has ended lives."""
        server = await self.serve()
        client = self.client(server.url)
        _, old = await client.join("rooms:old")
        for restart in (SocketClient.startService, SocketClient.connect):
            ended = old.when_stopped()
            never = client.channel("rooms:never").when_stopped()
            stopped = client.stopService()
            restart(client)
            joined = client.join(TOPIC)
            await stopped
            await ended
            await never
            _, room = await joined
            self.assertEqual(await room.push("echo", {"n": 1}), {"n": 1})
            self.assertEqual((old.state, room.state), ("closed", "joined"))
            old = room
            await old.leave()
            await old.join()

    async def test_leave_join_leave(self) -> None:
        """The last word about a topic counts on a real server too."""
        server = await self.serve()
        client = self.client(server.url)
        _, room = await client.join(TOPIC)
        first, joined, last = room.leave(), room.join(), room.leave()
        self.assertIsInstance(await self.failure_of(joined), ChannelClosed)
        await first
        await last
        self.assertEqual((room.state, server.channels(TOPIC)), ("closed", []))
