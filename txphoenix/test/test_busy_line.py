"""Tests over real TCP of connections that are slow, and of those that are dead."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import gatherResults
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import LoopingCall

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import HeartbeatTimeout, PushTimeout
from txphoenix.testing import FaultProxy, ServerChannel, error, ok
from txphoenix.testing.tls import self_signed

from .network import TOPIC, NetworkTestCase, OwnTime, reactor

# Several times as long as a heartbeat may take to be answered.
RATE = 800_000
SIZE = 1_600_000


class Archive(ServerChannel):
    """Sends as much as it is asked for, and takes whatever it is given."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer."""
        if event == "get":
            return ok({"body": "x" * payload["size"]})
        return ok({"size": len(payload["body"])}) if event == "put" else error({})


class LineTestCase(NetworkTestCase):
    """A client behind a proxy, with heartbeats in quick succession."""

    OPTIONS: dict[str, Any] = {
        "heartbeat_interval": 0.2,
        "heartbeat_timeout": 0.5,
        "timeout": 25.0,
    }

    async def start(self, secure: bool = False, **options: Any) -> None:
        """A client that has joined by way of a proxy with little room of its own."""
        credentials = self_signed() if secure else None
        server = await self.serve(
            channels={"rooms:*": Archive}, tls=credentials and credentials.server
        )
        # The heartbeats' short times are to be no machine's that stands still.
        self.time = OwnTime()
        self.addCleanup(self.time.begin().stop)
        self.proxy: FaultProxy = await self.stand_between(server, 2**16, self.time)
        if credentials is not None:
            options["tls"] = optionsForClientTLS(
                "127.0.0.1", trustRoot=credentials.trust_root
            )
        url = self.proxy.url(server.url)
        options |= {"reactor": self.time, **self.OPTIONS}
        self.made: SocketClient = self.client(url, **options)
        self.lost: list[Exception] = []
        self.made.on_close(self.lost.append)
        _, self.room = await self.made.join(TOPIC)

    async def finish(self) -> None:
        """The connection was never lost, and is still good."""
        self.assertEqual(self.lost, [])
        await self.made.stopService()
        await self.proxy.stop()
        await self.assert_nothing_held()
        self.assertEqual(self.time.getDelayedCalls(), [])


class BusyLineTests(LineTestCase):
    """A line on which something moves is not dead, however late an answer is."""

    async def test_download(self) -> None:
        """A long message comes slowly; heartbeats are answered behind it."""
        for secure in (False, True):
            await self.start(secure)
            self.proxy.to_client.rate = RATE
            answer = await self.room.push("get", {"size": SIZE})
            self.assertEqual(len(answer["body"]), SIZE)
            await self.finish()

    async def test_upload(self) -> None:
        """A long message goes slowly, and heartbeats go behind it."""
        for secure in (False, True):
            await self.start(secure)
            self.proxy.to_server.rate = RATE
            answer = await self.room.push("put", {"body": "x" * SIZE})
            self.assertEqual(answer, {"size": SIZE})
            await self.finish()

    async def test_parts_of_records(self) -> None:
        """Under TLS a record may come more slowly than a silence may last.

        It is read when it is whole, and until then its parts are signs of life.
        """
        await self.start(secure=True)
        self.proxy.to_client.rate = 20_000
        answer = await self.room.push("get", {"size": 40_000})
        self.assertEqual(len(answer["body"]), 40_000)
        await self.finish()

    async def test_without_fast_frames(self) -> None:
        """So it is where frames take Autobahn's way."""
        await self.start(fast_frames=False)
        self.proxy.to_server.rate = self.proxy.to_client.rate = RATE
        await self.room.push("put", {"body": "x" * SIZE})
        await self.room.push("get", {"size": SIZE})
        await self.finish()

    async def test_many_messages(self) -> None:
        """Many messages at once are as long as a long one, in either direction."""
        await self.start()
        self.proxy.to_server.rate = RATE
        puts = [self.room.push("put", {"body": "x" * 16_000}) for _ in range(100)]
        await gatherResults(puts)
        self.proxy.to_client.rate = RATE
        await gatherResults(
            [self.room.push("get", {"size": 16_000}) for _ in range(100)]
        )
        await self.finish()

    async def test_ping(self) -> None:
        """A ping has its own time, and what it fails for is no end."""
        await self.start()
        self.proxy.to_server.rate = RATE
        put = self.room.push("put", {"body": "x" * SIZE})
        self.assertIsInstance(
            await self.failure_of(self.made.ping(0.3)), HeartbeatTimeout
        )
        await put
        await self.finish()

    async def test_fallback(self) -> None:
        """The WebSocket of a client with a fallback is no other."""
        await self.start(longpoll_fallback=10.0)
        self.proxy.to_client.rate = RATE
        await self.room.push("get", {"size": SIZE})
        await self.finish()


class DeadLineTests(LineTestCase):
    """A peer that is mute is found, whatever its system still takes."""

    async def assert_lost(self) -> None:
        """The connection is given up for its heartbeat."""
        reason = await self.next_call(self.made.on_close)
        self.assertIsInstance(reason, HeartbeatTimeout)

    def push_on(self, room: Channel) -> None:
        """Push a little all the time, until the test is over."""
        pushing = LoopingCall(
            lambda: room.is_joined and room.push("put", {"body": ""}).addErrback(str)
        )
        pushing.clock = reactor
        pushing.start(0.02)
        self.addCleanup(pushing.stop)

    async def test_stopped_process(self) -> None:
        """One that has been stopped, while its system acknowledges what is pushed."""
        await self.start(reconnect=False)
        self.push_on(self.room)
        await self.sleep(0.1)
        self.proxy.to_server.stall()
        self.proxy.to_client.hold()
        await self.assert_lost()

    async def test_stopped_within_an_upload(self) -> None:
        """One that is stopped with more under way than its system takes."""
        await self.start(reconnect=False)
        self.proxy.to_server.rate = RATE
        put = self.room.push("put", {"body": "x" * SIZE}, timeout=20.0)
        await self.sleep(0.4)
        self.proxy.to_server.stall()
        await self.assert_lost()
        await self.failure_of(put)

    async def test_stopped_within_a_download(self) -> None:
        """One that falls silent in the middle of a message."""
        await self.start(reconnect=False)
        self.proxy.to_client.rate = RATE
        get = self.room.push("get", {"size": SIZE}, timeout=20.0)
        await self.sleep(0.4)
        self.proxy.to_client.hold()
        await self.assert_lost()
        await self.failure_of(get)

    async def test_late_answer(self) -> None:
        """A push that nobody answers times out, and the line stays."""
        await self.start()
        self.proxy.to_client.rate = RATE
        get = self.room.push("get", {"size": SIZE}, timeout=0.7)
        self.assertIsInstance(await self.failure_of(get), PushTimeout)
        await self.room.push("get", {"size": 1})
        await self.finish()
