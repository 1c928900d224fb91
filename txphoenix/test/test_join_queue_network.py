"""Joins that take their time, over real TCP."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, JoinTimeout
from txphoenix.testing import PhoenixServer, ServerChannel
from txphoenix.testing.session import ServerSession

from .network import NetworkTestCase, reactor

SLOW = 0.6


class SlowRoom(ServerChannel):
    """A room of which one topic takes longer than a join's time."""

    def join(self, params: Any) -> Any:
        """Be joined now, or later."""
        return self.wait() if self.topic == "rooms:slow" else {}

    def wait(self) -> Deferred[dict[str, Any]]:
        """Take the time."""
        return deferLater(reactor, SLOW, dict)


class Server(PhoenixServer):
    """The server; it remembers its latest session."""

    session: ServerSession

    def session_opened(self, session: ServerSession) -> None:
        """Remember it."""
        self.session = session
        super().session_opened(session)


class SlowJoinTests(NetworkTestCase):
    """One channel of 41 takes twice as long to join as a join's time is."""

    transport = "websocket"

    async def connect(self, **options: Any) -> SocketClient:
        """A connected client whose joins have 0.3 seconds."""
        self.server = Server({"rooms:*": SlowRoom}, keep_frames=True)
        await self.server.start()
        self.addCleanup(self.server.stop, drain=False)
        client = self.client(
            self.server.url, timeout=0.3, transport=self.transport, **options
        )
        await client.when_connected()
        return client

    def events(self) -> list[str]:
        """The events of what has come on the latest connection."""
        session = self.server.session
        return [
            session.codec.decode(frame.data, frame.is_binary).event
            for frame in session.frames
            if not frame.is_sent
        ]

    async def test_rejoin(self) -> None:
        """All are back once the work is done, and each join was sent once."""
        topics = ["rooms:slow", *(f"rooms:{number}" for number in range(40))]
        client = await self.connect(join_channels=topics)
        channels: list[Channel] = list(client.channels)
        errors: list[BaseException] = []
        for channel in channels:
            channel.on_error(errors.append)
        await self.until(lambda: all(each.is_joined for each in channels))
        await client.reconfigure(params={"a": "1"})
        self.assertTrue(all(each.is_joined for each in channels))
        self.assertEqual({type(error) for error in errors}, {ConnectionClosed})
        self.assertEqual(len(errors), 41, "of the connection that was replaced")
        events = self.events()
        self.assertEqual(events.count("phx_join"), 41)
        self.assertNotIn("phx_leave", events)

    async def test_first_joins(self) -> None:
        """One that somebody waits for fails in its time, and those behind it do not."""
        # On a machine that stands still for a moment, a time's end may come too late.
        joined: Deferred[Any] = Deferred()
        self.patch(SlowRoom, "wait", lambda _: joined)
        client = await self.connect()
        slow = self.failure_of(client.join("rooms:slow"))
        others = [client.join(f"rooms:{number}") for number in range(3)]
        self.assertIsInstance(await slow, JoinTimeout)
        joined.callback({})
        for other in others:
            response, _ = await other
            self.assertEqual(response, {})
        await self.until(lambda: "phx_leave" in self.events())


class LongPollTests(SlowJoinTests):
    """The same over long-poll."""

    transport = "longpoll"
