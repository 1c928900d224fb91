"""Tests of :mod:`txphoenix.client.connection_events`.

Who is told of what, and in which order.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.logger import capturedLogs, formatEvent, globalLogPublisher

from txphoenix import telemetry
from txphoenix.client.connection_observer import ConnectionObserver
from txphoenix.client.connection_telemetry import ConnectionTelemetry
from txphoenix.client.state import SocketState
from txphoenix.errors import ConnectionClosed, ConnectionFailed, NotConnected
from txphoenix.protocol.channel_states import State

from .support import TOPIC, ClientTestCase


class Noting(ConnectionObserver):
    """Notes what it is told, and the status that the state has by then.

    :param told: where it notes it.
    :param state: the client's.
    """

    def __init__(self, told: list[Any], state: SocketState) -> None:
        self.told = told
        self.state = state

    def note(self, *what: Any) -> None:
        """Note it."""
        self.told.append((*what, self.state.status))

    def connection_connecting(self) -> None:
        """Note it."""
        self.note("connecting")

    def connection_opened(self, duration: float) -> None:
        """Note it."""
        self.note("opened")

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Note it."""
        self.note("lost", was_asked)

    def connection_failed(self, reason: Exception) -> None:
        """Note it."""
        self.note("failed", type(reason).__name__)

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """Note it."""
        self.note("retrying", attempt)

    def connection_given_up(self) -> None:
        """Note it."""
        self.note("given up")

    def heartbeat_sent(self) -> None:
        """Note it."""
        self.note("beat")

    def heartbeat_answered(self, round_trip: float) -> None:
        """Note it."""
        self.note("answered")

    def frame_dropped(self, reason: Exception) -> None:
        """Note it."""
        self.note("dropped")


class Closing(ConnectionObserver):
    """Closes the connection as soon as it is open.

    :param client: whose it is.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def connection_opened(self, duration: float) -> None:
        """Close it."""
        self.client.disconnect()


class EventsTestCase(ClientTestCase):
    """A client with one observer more."""

    def setUp(self) -> None:
        """Make it, and note whatever its hooks are told."""
        super().setUp()
        self.told: list[Any] = []
        self.client: Any = self.make_client(heartbeat_interval=10.0)
        self.observe(Noting(self.told, self.client.state))
        self.client.on_open(lambda: self.told.append("on_open"))
        self.client.on_close(lambda _: self.told.append("on_close"))
        self.client.on_error(lambda _: self.told.append("on_error"))

    def observe(self, observer: ConnectionObserver) -> None:
        """Have an observer more, behind all others."""
        events = self.client.connection._listener
        for part in (events, events._router, events._waiting):
            part._observers = (*part._observers, observer)

    def take_told(self) -> list[Any]:
        """What was noted since this was asked last."""
        told, self.told[:] = self.told[:], []
        return told


class OrderTests(EventsTestCase):
    """What the observers are told, and when."""

    def test_observers(self) -> None:
        """The state is told before telemetry; the log is no observer's business."""
        events = self.client.connection._listener
        kinds = [type(each) for each in events._observers]
        self.assertEqual(kinds, [SocketState, ConnectionTelemetry, Noting])

    def test_opened_and_lost(self) -> None:
        """Observers know before hooks, and who waits is told last."""
        waiting = self.client.when_connected()
        waiting.addCallback(lambda _: self.told.append("waited"))
        self.client.startService()
        self.memory.flush()
        self.assertEqual(
            self.take_told(),
            [
                ("connecting", "connecting"),
                ("opened", "connected"),
                "on_open",
                "waited",
            ],
        )
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(
            self.take_told(),
            [
                ("lost", False, "disconnected"),
                "on_close",
                ("retrying", 1, "disconnected"),
            ],
        )

    def test_failed(self) -> None:
        """A failure is an observer's first, then the hooks', then of who waits."""
        waiting = self.client.when_connected(fail_after_failures=1)
        waiting.addErrback(lambda _: self.told.append("waited"))
        self.memory.is_listening = False
        self.client.startService()
        self.memory.flush()
        self.assertEqual(
            self.take_told(),
            [
                ("connecting", "connecting"),
                ("failed", "ConnectionFailed", "disconnected"),
                "on_error",
                "waited",
                ("retrying", 1, "disconnected"),
            ],
        )

    def test_given_up(self) -> None:
        """An attempt that the user gives up has failed for observers alone."""
        self.client.startService()
        self.client.disconnect()
        self.memory.flush()
        self.assertEqual(
            self.take_told()[1:],
            [
                ("given up", "connecting"),
                ("failed", NotConnected.__name__, "disconnected"),
                ("given up", "disconnected"),
            ],
        )

    def test_asked(self) -> None:
        """A loss that was asked for is one, and then there is no hope."""
        self.client.startService()
        self.memory.flush()
        self.take_told()
        self.client.disconnect()
        self.memory.flush()
        told = self.take_told()
        self.assertIn(("lost", True, "disconnected"), told)
        self.assertEqual(told[-1], "on_close")
        self.assertIn(("given up", "disconnected"), told)

    def test_heartbeat(self) -> None:
        """Heartbeats are told."""
        self.client.startService()
        self.memory.flush()
        self.take_told()
        self.memory.advance(10)
        self.assertEqual(
            self.take_told(), [("beat", "connected"), ("answered", "connected")]
        )

    def test_frame_dropped(self) -> None:
        """A frame that is none is told, and counted before hooks know."""
        self.client.startService()
        self.memory.flush()
        self.take_told()
        self.client.connection.frame_received(b"no message", False)
        self.assertEqual(self.take_told(), [("dropped", "connected"), "on_error"])
        self.assertEqual(self.client.state.dropped_frames, 1)


class ClosedMeanwhileTests(EventsTestCase):
    """Whoever is told that the connection is open may close it."""

    def test_observer(self) -> None:
        """Then nobody else is told that it is open, and no channel joins."""
        self.client.channel(TOPIC).join().addErrback(lambda _: None)
        self.observe(Closing(self.client))
        last: list[Any] = []
        self.observe(Noting(last, self.client.state))
        self.client.startService()
        self.memory.flush()
        self.assertNotIn("on_open", self.told)
        self.assertNotIn(("opened", "connected"), last)
        self.assertEqual(self.all_sent(), [])

    def test_telemetry(self) -> None:
        """Of telemetry's events of an opening those that follow are not told."""
        actions: list[str] = []

        def close(_name: Any, _numbers: Any, metadata: Any, _config: Any) -> None:
            actions.append(metadata["action"])
            if "connected" in (metadata["action"], metadata.get("new_status")):
                self.client.disconnect()

        self.addCleanup(telemetry.detach, "test")
        for names, is_first in (
            ([telemetry.SOCKET, telemetry.STATE_CHANGE], False),
            ([telemetry.SOCKET], True),
        ):
            actions.clear()
            telemetry.attach_many("test", names, close)
            self.client.connect()
            self.memory.flush()
            telemetry.detach("test")
            self.assertNotIn("connection_duration", actions)
            self.assertEqual("connected" in actions, is_first)


class LogTests(ClientTestCase):
    """The log has its place between those who observe and those who act."""

    def test_raises(self) -> None:
        """A log observer that raises as it is told of a loss leaves channels well.

        Twisted's own publisher lets what is no Exception through.
        """
        raised: list[object] = []

        def observe(event: dict[str, Any]) -> None:
            if "connection is lost" in event["log_format"] and not raised:
                raised.append(event)
                raise SystemExit("of a log observer")

        channel = self.joined_channel()
        globalLogPublisher.addObserver(cast(Any, observe))
        self.addCleanup(globalLogPublisher.removeObserver, cast(Any, observe))
        self.memory.drop()
        self.memory.flush()
        self.assertIs(channel.state, State.ERRORED)
        self.memory.advance(1.0)
        self.assertEqual(len(raised), 1)
        self.assertIs(channel.state, State.JOINED)
        self.assertEqual(len(self.memory.channels(TOPIC)), 1)
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 1)

    def test_after_telemetry(self) -> None:
        """It says what is so when telemetry has been told, and has acted."""

        def give_up(_name: Any, _numbers: Any, metadata: Any, _config: Any) -> None:
            if metadata["action"] == "connection_error":
                metadata["client"].disconnect()

        telemetry.attach("test", telemetry.SOCKET, give_up)
        self.addCleanup(telemetry.detach, "test")
        client = self.make_client(url=lambda: "nonsense")
        with capturedLogs() as captured:
            client.startService()
            self.memory.flush()
        (told,) = [formatEvent(each) for each in captured if "reason" in each]
        self.assertIn("it is not tried again", told)


class UnmovedTests(ClientTestCase):
    """An observer that wants to know nothing."""

    def test_nothing(self) -> None:
        """It may be told all."""
        observer = ConnectionObserver()
        error = ConnectionClosed(1006)
        observer.connection_connecting()
        observer.connection_opened(1.0)
        observer.connection_lost(error, False)
        observer.connection_failed(error)
        observer.connection_retrying(1, 1.0)
        observer.connection_given_up()
        observer.heartbeat_sent()
        observer.heartbeat_answered(1.0)
        observer.frame_dropped(error)
