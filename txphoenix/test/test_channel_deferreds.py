"""Decision 6: a Deferred always fires, once, and with the class that says why.

Each kind of Deferred is a class here, and each way in which it can end a test.
After each, all that could fire it again is let happen; and whatever is still waiting
must fire when the client stops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ChannelClosed,
    JoinError,
    JoinTimeout,
    NotConnected,
    PushError,
    PushInterrupted,
    PushTimeout,
)
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase, Outcome

if TYPE_CHECKING:
    _Case = ClientTestCase
else:
    _Case = object

WAITS = object()
"""It goes on waiting, and that is right."""

NEWS = Message(None, None, TOPIC, "news", {"a": 1})


class Ends(_Case):
    """The nine ways.

    :cvar expected: way -> the class of the error, the result, or :data:`WAITS`.
    """

    expected: ClassVar[Mapping[str, Any]]
    client: SocketClient
    channel: Channel
    deferred: Deferred[Any]
    outcome: Outcome[Any]

    def begin(self) -> Deferred[Any]:
        """Make the Deferred, on a server that answers nothing."""
        raise NotImplementedError

    def answered(self, status: str) -> None:
        """Have the server answer what the Deferred waits for."""
        raise NotImplementedError

    def setUp(self) -> None:
        """Begin."""
        super().setUp()
        self.client = self.connected_client()
        self.channel = self.client.channel(TOPIC)
        self.memory.answers = False
        self.deferred = self.begin()
        self.outcome = self.watch(self.deferred)
        self.memory.flush()
        self.assert_waits(self.outcome)

    def joined(self) -> None:
        """Join the channel."""
        self.watch(self.channel.join())
        self.memory.flush()
        self.answer(self.last("phx_join"))
        self.assertEqual(self.channel.state, "joined")

    def last(self, event: str) -> list[Any]:
        """The last of that event that was sent."""
        return next(each for each in reversed(self.all_sent()) if each[3] == event)

    def assert_ended(self, way: str) -> None:
        """It has fired as expected, and nothing fires it again."""
        expected = self.expected[way]
        if expected is WAITS:
            self.assert_waits(self.outcome)
            return
        if isinstance(expected, type) and issubclass(expected, BaseException):
            self.assert_failed(self.outcome, expected)
        else:
            self.assert_fired(self.outcome, expected)
        # All that may come late, and all that may expire.
        if self.client.connected:
            for sent in self.all_sent():
                self.answer(sent)
                self.answer(sent, "error")
        self.memory.advance(30.0)
        self.deferred.cancel()
        self.assertEqual(len(self.outcome.fired), 1)

    def test_reply(self) -> None:
        """Decision 6: a reply ends it."""
        self.answered("ok")
        self.assert_ended("reply")

    def test_error(self) -> None:
        """Decision 6: an error reply ends it."""
        self.answered("error")
        self.assert_ended("error")

    def test_timeout(self) -> None:
        """Decision 6: the end of its time ends it."""
        self.memory.advance(5.0)
        self.assert_ended("timeout")

    def test_cancel(self) -> None:
        """Decision 6: its cancellation ends it."""
        self.deferred.cancel()
        self.assert_ended("cancel")

    def test_leave(self) -> None:
        """Decision 6: leaving the channel ends it, the server's answer included."""
        left = self.watch(self.channel.leave())
        self.memory.flush()
        self.answer(self.last("phx_leave"))
        self.assert_fired(left, None)
        self.assert_ended("leave")

    def test_close(self) -> None:
        """Decision 6: the server's close of the channel ends it."""
        ref = self.channel.join_ref
        self.server_sends(ref, ref, TOPIC, "phx_close", {})
        self.assertEqual(self.channel.state, "closed")
        self.assert_ended("close")

    def test_connection_lost(self) -> None:
        """Decision 6: the loss of the connection ends it, or it outlives the loss."""
        self.lose_connection()
        if self.expected["connection_lost"] is not WAITS:
            self.assert_ended("connection_lost")
            return
        self.assert_waits(self.outcome)
        self.memory.answers = True
        self.reconnect()
        if self.channel.state != "closed":
            self.assertEqual(self.channel.state, "joined")
            self.memory.broadcast(NEWS.topic, NEWS.event, NEWS.payload)
            self.memory.flush()
        self.assert_ended("reconnected")

    def test_shutdown(self) -> None:
        """Decision 6: the end of the client ends it."""
        self.stop_client(self.client)
        self.assert_ended("shutdown")

    def test_disconnect(self) -> None:
        """Decision 6: being told to disconnect ends it."""
        self.watch(self.client.disconnect())
        self.memory.flush()
        self.assert_ended("disconnect")


class JoinTests(Ends, ClientTestCase):
    """The Deferred of a first join that was sent."""

    expected = {
        "reply": {},
        "error": JoinError,
        "timeout": JoinTimeout,
        "cancel": CancelledError,
        "leave": ChannelClosed,
        "close": ChannelClosed,
        "connection_lost": WAITS,
        "reconnected": {},
        "shutdown": NotConnected,
        "disconnect": NotConnected,
    }

    def begin(self) -> Deferred[Any]:
        """Join."""
        return self.channel.join()

    def answered(self, status: str) -> None:
        """Answer the join."""
        self.answer(self.last("phx_join"), status)


class WrittenPushTests(Ends, ClientTestCase):
    """The Deferred of a push that was sent."""

    expected = {
        "reply": {},
        "error": PushError,
        "timeout": PushTimeout,
        "cancel": CancelledError,
        "leave": ChannelClosed,
        "close": ChannelClosed,
        "connection_lost": PushInterrupted,
        "shutdown": PushInterrupted,
        "disconnect": PushInterrupted,
    }

    def begin(self) -> Deferred[Any]:
        """Push on a joined channel."""
        self.joined()
        return self.channel.push("echo")

    def answered(self, status: str) -> None:
        """Answer the push."""
        self.answer(self.last("echo"), status)


class KeptPushTests(Ends, ClientTestCase):
    """The Deferred of a push that waits for the rejoin."""

    expected = {
        "reply": {},
        "error": PushError,
        "timeout": PushTimeout,
        "cancel": CancelledError,
        "leave": ChannelClosed,
        "close": ChannelClosed,
        "connection_lost": WAITS,
        "reconnected": {},
        "shutdown": NotConnected,
        "disconnect": NotConnected,
    }

    def begin(self) -> Deferred[Any]:
        """Push on a channel whose rejoin is on its way."""
        self.joined()
        self.lose_connection()
        self.reconnect()
        return self.channel.push("echo")

    def answered(self, status: str) -> None:
        """Answer the rejoin, and then the push."""
        self.answer(self.last("phx_join"))
        self.assert_waits(self.outcome)
        self.answer(self.last("echo"), status)


class LeaveTests(Ends, ClientTestCase):
    """The Deferred of a leave that was sent: it fails for nobody but its canceller."""

    expected = {
        "reply": None,
        "error": None,
        "timeout": None,
        "cancel": CancelledError,
        "leave": None,
        "close": None,
        "connection_lost": None,
        "shutdown": None,
        "disconnect": None,
    }

    def begin(self) -> Deferred[Any]:
        """Leave."""
        self.joined()
        return self.channel.leave()

    def answered(self, status: str) -> None:
        """Answer the leave."""
        self.answer(self.last("phx_leave"), status)


class ReceiveTests(Ends, ClientTestCase):
    """The Deferred of the next message: it has no timeout."""

    expected = {
        "reply": NEWS,
        "error": WAITS,
        "timeout": WAITS,
        "cancel": CancelledError,
        "leave": ChannelClosed,
        "close": ChannelClosed,
        "connection_lost": WAITS,
        "reconnected": NEWS,
        "shutdown": NotConnected,
        "disconnect": NotConnected,
    }

    def begin(self) -> Deferred[Any]:
        """Receive on a joined channel."""
        self.joined()
        return self.channel.receive()

    def answered(self, status: str) -> None:
        """Send a message, or crash on the server."""
        if status == "ok":
            self.server_sends(*NEWS)
        else:
            ref = self.channel.join_ref
            self.server_sends(ref, ref, TOPIC, "phx_error", {})


class WhenStoppedTests(Ends, ClientTestCase):
    """The Deferred of the end, of a channel whose first join is on its way."""

    expected = {
        "reply": WAITS,
        "error": JoinError,
        "timeout": JoinTimeout,
        "cancel": CancelledError,
        "leave": None,
        "close": None,
        "connection_lost": WAITS,
        "reconnected": WAITS,
        "shutdown": NotConnected,
        "disconnect": NotConnected,
    }

    def begin(self) -> Deferred[Any]:
        """Wait for the end."""
        self.watch(self.channel.join())
        return self.channel.when_stopped()

    def answered(self, status: str) -> None:
        """Answer the join."""
        self.answer(self.last("phx_join"), status)


class WhenJoinedStoppedTests(Ends, ClientTestCase):
    """The Deferred of the end, of a channel that was joined."""

    expected = {
        "reply": WAITS,
        "error": WAITS,
        "timeout": WAITS,
        "cancel": CancelledError,
        "leave": None,
        "close": None,
        "connection_lost": WAITS,
        "reconnected": WAITS,
        "shutdown": None,
        "disconnect": WAITS,
    }

    def begin(self) -> Deferred[Any]:
        """Wait for the end."""
        self.joined()
        return self.channel.when_stopped()

    def answered(self, status: str) -> None:
        """Answer a push."""
        self.watch(self.channel.push("echo"))
        self.memory.flush()
        self.answer(self.last("echo"), status)


class CompleteTests(SynchronousTestCase):
    """The matrix itself."""

    def test_complete(self) -> None:
        """Decision 6: each kind says what each of the ways does."""
        ways = {name[5:] for name in vars(Ends) if name.startswith("test_")}
        self.assertEqual(len(ways), 9)
        for kind in Ends.__subclasses__():
            self.assertEqual(ways - set(kind.expected), set())
