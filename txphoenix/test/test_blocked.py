"""A program that is blocked for longer than its deadlines, over real TCP.

The hooks of these tests do sleep, for being blocked is what they are about.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import HeartbeatTimeout, PushTimeout
from txphoenix.runtime.deadlines import Deadlines, Timer
from txphoenix.testing import PhoenixServer, ServerChannel, ok
from txphoenix.transports.http import HTTPSession
from txphoenix.transports.treq_session import TreqSession

from .network import TOPIC, NetworkTestCase, reactor

TIMEOUT = 0.1
BLOCKED = 0.3


class BusyRoom(ServerChannel):
    """A room that answers, and has much to say before it does."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do as the event says."""
        if event == "fill":
            for number in range(payload["count"]):
                self.push("filler", {"number": number, "text": "x" * payload["size"]})
        return None if event == "silent" else ok(payload)


class BlockedTests(NetworkTestCase):
    """A hook that takes longer than a deadline, while the answer has long come."""

    async def connect(self, **options: Any) -> tuple[SocketClient, Channel]:
        """A client with a joined channel."""
        self.server = PhoenixServer({"rooms:*": BusyRoom}, **options.pop("server", {}))
        await self.server.start()
        self.addCleanup(self.server.stop, drain=False)
        client = self.client(self.server.url, **options)
        channel = client.channel(TOPIC)
        await channel.join()
        return client, channel

    def block(self) -> None:
        """Be blocked."""
        time.sleep(BLOCKED)

    async def test_push(self) -> None:
        """A push whose answer has come does not time out."""
        _, channel = await self.connect()
        push = channel.push("echo", {"a": 1}, timeout=TIMEOUT)
        # It is sent with the turn, and the answer is read after the block.
        reactor.callLater(0, reactor.callLater, 0, self.block)
        self.assertEqual(await push, {"a": 1})

    async def test_much_before_it(self) -> None:
        """Nor does it if megabytes, of many reads, have come before the answer."""
        _, channel = await self.connect()
        channel.on("filler", lambda payload: None)
        # That is a third of the reads that are waited for, as the server is slow on a
        # busy machine.
        push = channel.push("fill", {"count": 200, "size": 10_000}, timeout=TIMEOUT)
        reactor.callLater(0, reactor.callLater, 0, self.block)
        self.assertEqual((await push)["count"], 200)

    async def test_heartbeat(self) -> None:
        """The connection lives on: a heartbeat is answered while a hook blocks."""
        client, channel = await self.connect(
            heartbeat_interval=0.05, heartbeat_timeout=TIMEOUT
        )
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        channel.on("block", lambda payload: self.block())
        for _ in range(4):
            self.server.broadcast(TOPIC, "block", {})
            await self.sleep(0.06)
        self.assertEqual(reasons, [])
        self.assertTrue(client.connected)

    async def test_ping(self) -> None:
        """A ping is answered."""
        client, _ = await self.connect()
        ping = client.ping(timeout=TIMEOUT)
        reactor.callLater(0, reactor.callLater, 0, self.block)
        await ping

    async def test_join_and_leave(self) -> None:
        """So are a join and a leave."""
        client, _ = await self.connect()
        await client.reconfigure(timeout=TIMEOUT)
        join = client.join("rooms:other")
        reactor.callLater(0, reactor.callLater, 0, self.block)
        _, channel = await join
        reasons: list[object] = []
        channel.on_close(reasons.append)
        left = channel.leave()
        reactor.callLater(0, reactor.callLater, 0, self.block)
        await left
        self.assertEqual(reasons, ["left"])

    async def test_connect(self) -> None:
        """An attempt to connect succeeds, though the program was blocked in it."""
        client, _ = await self.connect(connect_timeout=TIMEOUT)
        errors: list[Exception] = []
        client.on_error(errors.append)
        await client.disconnect()
        client.connect()
        reactor.callLater(0, reactor.callLater, 0, self.block)
        await client.when_connected()
        self.assertEqual(errors, [])

    async def test_request(self) -> None:
        """A request of long-poll is answered."""
        root = Resource()
        root.putChild(b"", Data(b"answer", "text/plain"))
        site = Site(root)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(site)
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        for kind in (HTTPSession, TreqSession):
            session = kind(reactor, endpoint, timeout=TIMEOUT, limit=1000)
            self.addCleanup(session.close)
            request = session.request("GET", "http://127.0.0.1/", Headers())
            reactor.callLater(0, reactor.callLater, 0, self.block)
            self.assertEqual((await request).body, b"answer")

    async def test_none_came(self) -> None:
        """Where no answer has come, a push times out all the same, and soon."""
        _, channel = await self.connect()
        push = self.failure_of(channel.push("silent", timeout=TIMEOUT))
        reactor.callLater(0, reactor.callLater, 0, self.block)
        self.assertIsInstance(await push, PushTimeout)

    async def test_mute(self) -> None:
        """A server that is mute is found out by the heartbeat."""
        client, _ = await self.connect(
            heartbeat_interval=0.05, heartbeat_timeout=TIMEOUT
        )
        closed = self.next_call(client.on_close)
        self.server.pause()
        reactor.callLater(0.06, self.block)
        self.assertIsInstance(await closed, HeartbeatTimeout)


class TurnsTests(SynchronousTestCase):
    """How long a deadline that is late is not believed."""

    def setUp(self) -> None:
        """Have a clock that counts as a reactor."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.deadlines._turns = 100
        self.turns = 0
        self.expired: list[tuple[str, int]] = []

    def turn(self) -> None:
        """Count the turns of the reactor."""
        self.turns += 1
        if self.turns < 300:
            self.clock.callLater(0, self.turn)

    def set(self, name: str, duration: float) -> Timer:
        """Set a deadline that tells after how many turns it expires."""
        timer = Timer(lambda: self.expired.append((name, self.turns)))
        self.deadlines.set(timer, duration)
        return timer

    def test_in_time(self) -> None:
        """One that comes in time is believed at once."""
        self.set("a", 5.0)
        self.clock.callLater(5.005, self.turn)
        self.clock.advance(5.005)
        self.assertEqual(self.expired, [("a", 0)])

    def test_late(self) -> None:
        """One that comes late is believed after a hundred turns, and so are others."""
        self.set("a", 5.0)
        self.set("b", 5.0)
        self.clock.callLater(6.0, self.turn)
        self.clock.advance(6.0)
        (_, turns), (_, same) = self.expired
        self.assertTrue(95 <= turns <= 105, turns)
        self.assertEqual(turns, same)
        self.assertEqual(len(self.deadlines), 0)

    def test_answered_meanwhile(self) -> None:
        """What is answered in one of these turns does not expire."""
        first, _, later = self.set("a", 5.0), self.set("b", 5.0), self.set("c", 9.0)
        self.clock.callLater(6.0, self.clock.callLater, 0, first.unset)
        self.clock.advance(6.0)
        self.assertEqual([name for name, _ in self.expired], ["b"])
        self.assertTrue(later.is_set)

    def test_all_answered(self) -> None:
        """Nothing is left of them if all are answered."""
        timer = self.set("a", 5.0)
        self.clock.callLater(6.0, self.clock.callLater, 0, timer.unset)
        self.clock.advance(6.0)
        self.assertEqual(self.expired, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.set("b", 5.0)
        self.clock.advance(5.0)
        self.assertEqual([name for name, _ in self.expired], ["b"])
