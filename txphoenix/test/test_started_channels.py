"""Channels of ``start_channel()`` that wait for the start, or for a ``connect()``.

Nobody waits for their joins, so they wait as long as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import LogLevel, capturedLogs

from txphoenix import Channel, SocketClient
from txphoenix.errors import AlreadyJoined, ChannelClosed, NotConnected
from txphoenix.runtime.deadlines import Deadlines
from txphoenix.testing import PhoenixServer

from .fallback_case import FallbackTestCase
from .log_case import told
from .network import NetworkTestCase, Room
from .started_case import OTHER, THIRD, StartedCase
from .support import TOPIC


class Odd(Channel):
    """A channel whose own start raises."""

    starts = 0

    def startService(self) -> None:
        """Raise."""
        type(self).starts += 1
        raise ValueError("odd")


class BeforeTheStartTests(StartedCase):
    """A channel that is made before its client is started."""

    def test_joined(self) -> None:
        """It joins once the client is started, and the log has no word of trouble."""
        client = self.make_client()
        with capturedLogs() as captured:
            channel = self.started(client, {"a": 1})
            settled = self.watch(client.channels.when_settled())
            client.startService()
            self.assert_joined(channel)
        self.assert_fired(settled, None)
        self.assertEqual(self.sent()[-1][4], {"a": 1})
        warned = [it for it in captured if it["log_level"] >= LogLevel.warn]
        self.assertEqual(warned, [])

    def test_connect(self) -> None:
        """``connect()`` is a start as well, and the only one without auto_connect."""
        client = self.make_client(auto_connect=False)
        channel = self.started(client)
        client.startService()
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "joining")
        client.connect()
        self.assert_joined(channel)

    def test_parent(self) -> None:
        """In the constructor of a service it waits for the start of the application."""

        class Rooms(MultiService):
            def __init__(self, client: SocketClient) -> None:
                super().__init__()
                client.setServiceParent(self)
                self.lobby = client.channels.start_channel(TOPIC)

        client = self.make_client()
        application = MultiService()
        rooms = Rooms(client)
        rooms.setServiceParent(application)
        self.memory.advance(60.0)
        self.assertEqual(rooms.lobby.state, "joining")
        application.privilegedStartService()
        application.startService()
        self.memory.flush()
        self.assertEqual(rooms.lobby.state, "joined")
        self.assertTrue(rooms.lobby.running)
        stopped = self.watch(application.stopService())
        self.memory.advance(client.options.close_timeout)
        self.assertEqual(len(stopped.fired), 1)
        self.assertEqual(rooms.lobby.state, "closed")
        self.assertFalse(rooms.lobby.running)

    def test_params(self) -> None:
        """Params that are a callable are asked for when the join is sent."""
        asked: list[dict[str, int]] = []

        def params() -> dict[str, int]:
            asked.append({"number": len(asked)})
            return asked[-1]

        self.memory.holds_connections = True
        client = self.make_client()
        channel = self.started(client, params)
        client.startService()
        self.memory.advance(60.0)
        self.assertEqual((channel.state, asked), ("joining", []))
        self.memory.release_connections()
        self.assert_joined(channel)
        self.assertEqual(asked, [{"number": 0}])
        self.assertEqual(self.sent()[-1][4], {"number": 0})

    def test_server_away(self) -> None:
        """However long the server is away, the connection alone is in trouble."""
        self.memory.is_listening = False
        client = self.make_client()
        channel = self.started(client)
        client.startService()
        self.memory.advance(600.0)
        self.assertEqual(channel.state, "joining")
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assert_joined(channel)

    def test_refused(self) -> None:
        """What the server refuses is told once by the log, and asked for again."""
        self.memory.refusal = {"reason": "not yet"}
        client = self.make_client()
        channel = self.started(client)
        with capturedLogs() as captured:
            client.startService()
            self.memory.flush()
            self.memory.advance(1.0)
        self.assertEqual(channel.state, "errored")
        lines = told(captured, LogLevel.warn)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("could not be joined, and is tried again", lines[0])
        self.memory.refusal = None
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "joined")

    def test_lost(self) -> None:
        """A loss before the answer costs no more than the next connection."""
        self.memory.answers = False
        client = self.make_client()
        channel = self.started(client)
        client.startService()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "errored")
        self.memory.is_listening = self.memory.answers = True
        self.memory.advance(0.5)
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_join(self) -> None:
        """``join()`` fails at once before the start, and takes nothing from it."""
        client = self.make_client()
        channel = self.started(client)
        for other in (channel, client.channel(TOPIC), client.channel(OTHER)):
            self.failureResultOf(other.join(), NotConnected)
        client.startService()
        self.assert_joined(channel)

    def test_second(self) -> None:
        """A second channel of the topic is closed, and the log says so once."""
        client = self.make_client()
        channel = self.started(client)
        with capturedLogs() as captured:
            second = client.channels.start_channel(TOPIC)
        self.assertEqual(second.state, "closed")
        [line] = told(captured, LogLevel.warn)
        self.assertIn(f"{TOPIC}: is not joined, and not tried again: ", line)
        client.startService()
        self.assert_joined(channel)
        self.failureResultOf(second.join(), AlreadyJoined)
        channel.leave()
        self.memory.flush()
        # What it was once started for is over: this join is its user's.
        self.memory.refusal = {"reason": "full"}
        joining = self.watch(second.join())
        self.memory.flush()
        self.assertEqual((second.state, len(joining.fired)), ("closed", 1))

    def test_join_channels(self) -> None:
        """A topic of ``join_channels`` that has a channel already has that one."""
        client = self.make_client(join_channels={TOPIC: {"a": 1}})
        channel = self.started(client, {"a": 2})
        client.startService()
        self.assert_joined(channel)
        self.assertEqual([message[4] for message in self.sent()], [{"a": 2}])

    def test_given_up(self) -> None:
        """It may be left or stopped before the start: then nothing of it is left."""
        ways: list[tuple[Callable[[SocketClient, Channel], Any], str]] = [
            (lambda _, channel: channel.leave(), "left"),
            (lambda client, _: client.leave(TOPIC), "left"),
            (lambda _, channel: channel.stop(), "stopped"),
            (lambda client, _: client.channels.terminate_channel(TOPIC), "stopped"),
            (lambda client, _: client.channels.terminate(), "stopped"),
        ]
        for give_up, reason in ways:
            client = self.make_client()
            channel = self.started(client)
            stopped = self.watch(channel.when_stopped())
            with capturedLogs() as captured:
                give_up(client, channel)
            self.assertEqual(told(captured), [])
            self.assert_fired(stopped, None)
            self.assert_closed(channel, reason)
            client.startService()
            self.memory.flush()
            self.assertEqual(self.events_sent(), [])

    def test_never_started(self) -> None:
        """The stop of a client that was never started ends it."""
        client = self.make_client()
        channel = self.started(client)
        stopped = self.watch(channel.when_stopped())
        received = self.watch(channel.receive())
        with capturedLogs() as captured:
            self.stop_client(client)
        self.assertEqual(told(captured), [])
        self.assert_fired(stopped, None)
        self.assertEqual(len(received.fired), 1)
        self.assert_closed(channel, "stopped")

    def test_push(self) -> None:
        """A push fails at once, as it does wherever no connection is wanted."""
        channel = self.started(self.make_client())
        self.failureResultOf(channel.push("echo", {}), NotConnected)
        self.assertRaises(NotConnected, channel.push_async, "echo", {})
        self.failureResultOf(channel.when_writable(), NotConnected)

    def test_state(self) -> None:
        """It is in the state of the client, from which another may take it over."""
        client = self.make_client()
        self.started(client, {"a": 1})
        client.put_state("topics", client.get_state("joined_channels"))
        expected = {TOPIC: {"status": "joining", "params": {"a": 1}}}
        self.assertEqual(client.get_state("topics"), expected)
        successor = self.make_client()
        for topic, known in client.get_state("topics").items():
            successor.channels.start_channel(topic, known["params"])
        self.stop_client(client)
        successor.startService()
        self.memory.flush()
        found = successor.get_state("joined_channels")
        self.assertEqual(found[TOPIC], {**expected[TOPIC], "status": "joined"})

    def test_odd_class(self) -> None:
        """What a channel's own start raises does not keep the client from starting."""
        client = self.make_client()
        odd = client.channels.start_channel(OTHER, channel_class=Odd)
        channel = self.started(client)
        client.startService()
        self.assert_joined(channel)
        self.assertEqual((odd.state, Odd.starts), ("joined", 1))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_ended_by_a_start(self) -> None:
        """One that the start of another ends is not started, or once if it rejoins."""
        starts: list[str] = []

        class Ending(Channel):
            def startService(self) -> None:
                super().startService()
                starts.append(self.topic)
                if self.topic == TOPIC:
                    client.channels.terminate_channel(OTHER)
                    client.channels.terminate_channel(THIRD)
                    client.channels.start_channel(THIRD, channel_class=lambda *_: third)

        client = self.make_client()
        for topic in (TOPIC, OTHER):
            client.channels.start_channel(topic, channel_class=Ending)
        third = client.channels.start_channel(THIRD, channel_class=Ending)
        client.startService()
        self.memory.flush()
        self.assertEqual(starts, [TOPIC, THIRD])
        self.assertEqual([channel.topic for channel in client.channels], [TOPIC, THIRD])

    def test_joined_by_its_stop(self) -> None:
        """One that its own stop joins again is in its new life, and asks for init()."""
        begun: list[Deferred[None]] = []

        class Again(Channel):
            def init(self, params: Any) -> Any:
                begun.append(Deferred())
                return begun[-1]

            def stopService(self) -> None:
                super().stopService()
                if len(begun) == 1:
                    self.join()

        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, channel_class=Again)
        first = self.watch(channel.receive())
        channel.stop()
        self.assert_failed(first, ChannelClosed)
        second = self.watch(channel.receive())
        self.assertTrue(begun[0].called)
        self.assertIs(channel.parent, client.channels)
        begun[1].callback(None)
        self.memory.flush()
        self.assertEqual((channel.state, len(begun)), ("joined", 2))
        self.assert_waits(second)
        channel.stop()
        self.assert_failed(second, ChannelClosed)
        self.assertEqual((channel.parent, bool(channel.running)), (None, False))

    def test_ended_by_its_start(self) -> None:
        """One that its own start ends leaves no time behind that runs for its join."""

        class Ending(Channel):
            def startService(self) -> None:
                super().startService()
                self.stop()

        client = self.connecting_client()
        calls = len(Deadlines.of(self.clock))
        channel = client.channel(TOPIC, channel_class=Ending)
        self.failureResultOf(channel.join(), ChannelClosed)
        self.assertEqual(len(Deadlines.of(self.clock)), calls)
        self.assertEqual(channel.state, "closed")

    def test_idle(self) -> None:
        """An idle client connects for it at once."""
        client = self.connected_client(disconnect_when_idle=5.0)
        self.memory.advance(5.0)
        self.assertTrue(client.get_state("idle"))
        channel = client.channels.start_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(channel.state, "joined")


class DisconnectedTests(StartedCase):
    """A channel that is made, or on its way, when the client was told to disconnect."""

    def test_made_after(self) -> None:
        """``disconnect()`` is the user's word: it joins after ``connect()``."""
        client = self.connected_client()
        client.disconnect()
        self.memory.flush()
        channel = self.started(client)
        self.memory.advance(60.0)
        self.assertEqual((client.status, channel.state), ("disconnected", "joining"))
        self.failureResultOf(client.channels.when_settled(), NotConnected)
        client.connect()
        self.assert_joined(channel)

    def test_disconnect(self) -> None:
        """On its way, wherever it is, it waits for ``connect()`` without a word."""
        for is_sent in (False, True):
            self.memory.answers = False
            self.memory.holds_connections = not is_sent
            client = self.make_client()
            channel = self.started(client)
            client.startService()
            self.memory.flush()
            with capturedLogs() as captured:
                closed = self.watch(client.disconnect())
                self.memory.advance(60.0)
            self.assert_fired(closed, None)
            self.assertEqual(told(captured, LogLevel.warn), [])
            self.assertEqual(channel.state, "errored" if is_sent else "joining")
            self.memory.answers = True
            self.memory.release_connections()
            client.connect()
            self.assert_joined(channel)
            self.stop_client(client)

    def test_not_tried_again(self) -> None:
        """So does it where the options allow no other attempt."""
        self.memory.is_listening = False
        client = self.make_client(reconnect=False)
        channel = self.started(client)
        client.startService()
        self.memory.flush()
        self.assertEqual((client.status, channel.state), ("disconnected", "joining"))
        self.memory.is_listening = True
        client.connect()
        self.assert_joined(channel)

    def test_behind_leave(self) -> None:
        """One that waits for a leave does so through a disconnect, however long."""
        client = self.connected_client()
        first = self.joined_channel(client=client)
        self.memory.answers = False
        first.leave(timeout=30.0)
        channel = client.channels.start_channel(TOPIC)
        self.memory.advance(20.0)
        self.assertEqual((first.state, channel.state), ("leaving", "closed"))
        client.disconnect()
        self.memory.flush()
        self.assertEqual((first.state, channel.state), ("closed", "joining"))
        self.memory.answers = True
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")


class LongPollTests(FallbackTestCase):
    """The same over long-poll, and after the fallback to it."""

    def test_transports(self) -> None:
        """It joins over whatever the connection comes to be."""
        for options in ({"transport": "longpoll"}, {"longpoll_fallback": 2.0}):
            self.memory.is_deaf = "longpoll_fallback" in options
            client = self.make_client(fast_http=self.fast_http, **options)
            channel = client.channels.start_channel(TOPIC)
            self.memory.advance(60.0)
            client.startService()
            settled = self.watch(client.channels.when_settled())
            self.memory.wait_for(settled.fired.__len__)
            self.assertEqual(
                (channel.state, self.transports()[-1]), ("joined", "longpoll")
            )
            self.stop_client(client)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    @inlineCallbacks
    def test_service(self) -> Any:
        """A service that makes its channels in its constructor has them joined."""
        server = PhoenixServer({"rooms:*": Room})
        yield server.start()
        self.addCleanup(server.stop)

        class Rooms(MultiService):
            def __init__(self) -> None:
                super().__init__()
                self.client = SocketClient(server.url)
                self.client.setServiceParent(self)
                self.lobby = self.client.channels.start_channel(TOPIC)

        rooms = Rooms()
        self.addCleanup(rooms.stopService)
        state = rooms.lobby.state
        rooms.startService()
        yield rooms.client.channels.when_settled()
        self.assertEqual((state, rooms.lobby.state), ("joining", "joined"))
