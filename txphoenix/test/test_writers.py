"""Tests of :mod:`txphoenix.channels.writers`.

And of ``when_writable()`` in all states.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.channels.writers import NOT_YET, Writers
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    BufferFull,
    ChannelClosed,
    ConnectionClosed,
    JoinTimeout,
    NotConnected,
    PushInterrupted,
    PushTimeout,
)
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase
from .test_own_transport import Loopback


class WritersTests(SynchronousTestCase):
    """The Deferreds, by a pusher that has as much room as it is told."""

    def setUp(self) -> None:
        """Have no room."""
        self.writers = Writers()
        self.room = 0
        self.end: Exception | None = None
        self.told: list[str] = []

    def why_not(self) -> Exception | None:
        """Why nothing can be pushed."""
        return self.end or (None if self.room > 0 else BufferFull(1))

    def wait(self, name: str) -> Any:
        """Wait, and push as soon as there is room."""

        def push(pusher: Any) -> None:
            self.assertIs(pusher, self)
            self.told.append(name)
            self.room -= 1

        return self.writers.wait(self, self.why_not).addCallback(push)

    def test_at_once(self) -> None:
        """Where there is room nobody waits."""
        self.room = 1
        self.successResultOf(self.wait("a"))
        self.assertNoResult(self.wait("b"))

    def test_one_by_one(self) -> None:
        """Room is for the oldest, and no more are told than find some."""
        for name in "abcd":
            self.wait(name)
        self.writers.check()
        self.assertEqual(self.told, [])
        self.room = 2
        self.writers.check()
        self.assertEqual(self.told, ["a", "b"])

    def test_end(self) -> None:
        """An error that no waiting mends fails all, and who comes later at once."""
        waiting = [self.wait("a"), self.wait("b")]
        self.end = NotConnected()
        self.writers.check()
        for each in [*waiting, self.wait("c")]:
            self.failureResultOf(each, NotConnected)

    def test_not_yet(self) -> None:
        """A client that may yet be started is waited for."""
        self.end = NOT_YET
        waiting = self.wait("a")
        self.assertNoResult(waiting)
        self.end, self.room = None, 1
        self.writers.check()
        self.successResultOf(waiting)

    def test_cancelled(self) -> None:
        """Who has cancelled is not told, be it while others are."""
        first, second, third = (self.wait(name) for name in "abc")
        second.addErrback(lambda failure: failure.trap(CancelledError))
        first.addCallback(lambda _: second.cancel())
        self.room = 3
        self.writers.check()
        self.assertEqual(self.told, ["a", "c"])
        self.successResultOf(third)

    def test_within(self) -> None:
        """Room that comes while one is told is for the others, too, and after it."""

        def make_room(_: Any) -> None:
            self.room = 3
            self.writers.check()
            self.told.append("a has been told")

        first = self.wait("a").addCallback(make_room)
        self.wait("b")
        self.wait("c")
        self.room = 1
        self.writers.check()
        self.successResultOf(first)
        self.assertEqual(self.told, ["a", "a has been told", "b", "c"])


class Narrow(Loopback):
    """A transport that is full, or not, as it is told, and keeps what it is given.

    :ivar stuck: what it has not sent, by its mark.
    :ivar takes_one: whether it has enough with each message.
    """

    def __init__(self, reactor: Any, factory: Any, options: Any) -> None:
        super().__init__(reactor, factory, options)
        self.is_stuck = self.takes_one = False
        self.stuck: dict[int, bytes] = {}
        self.marks = 0

    def send(self, data: bytes, is_binary: bool) -> Any:
        """Send it, or keep it."""
        self.marks += 1
        if self.takes_one:
            self.fill()
        if self.is_stuck:
            self.stuck[self.marks] = data
        else:
            super().send(data, is_binary)
        return self.marks

    def has_left(self, mark: int) -> bool:
        """Whether it was sent."""
        return mark not in self.stuck

    def withdraw(self, mark: int) -> bool:
        """Take it back."""
        return self.stuck.pop(mark, None) is not None

    def fill(self) -> None:
        """Have enough, and send nothing."""
        self.is_stuck = True
        self.factory.connection.transport_full()

    def free(self) -> None:
        """Send what there is, and have room again."""
        self.is_stuck = False
        stuck, self.stuck = self.stuck, {}
        for data in stuck.values():
            super().send(data, False)
        self.factory.connection.transport_writable()

    def events(self) -> list[Any]:
        """What was sent, by its event."""
        return [message[3] for message in self.sent]


class WhenWritableTests(ClientTestCase):
    """A client, a channel and a transport without room."""

    def setUp(self) -> None:
        """Keep the transport."""
        super().setUp()
        self.made: list[Narrow] = []

    def make(self, reactor: Any, factory: Any, options: Any) -> Narrow:
        """What the option ``transport`` is given."""
        self.made.append(Narrow(reactor, factory, options))
        return self.made[-1]

    def full(self, **options: Any) -> tuple[SocketClient, Channel, Narrow]:
        """A client with a joined channel, whose transport has enough."""
        channel = self.joined_channel(transport=self.make, **options)
        narrow = self.made[-1]
        narrow.fill()
        return self._clients[-1], channel, narrow

    def push(self, client: SocketClient, event: str) -> Message:
        """Push as a client does."""
        return client.push(Message(None, None, TOPIC, event, {}))

    def test_refused(self) -> None:
        """All pushes are refused, each as it refuses, and what was taken goes on."""
        client, channel, narrow = self.full(write_buffer=123)
        error = self.assert_failed(self.watch(channel.push("a")), BufferFull)
        self.assertEqual((error.buffer, error.limit), ("write_buffer", 123))
        self.assertEqual(
            str(error),
            "push of 'a' to 'rooms:lobby' refused: 123 bytes are waiting already"
            " (write_buffer)",
        )
        self.assertRaises(BufferFull, channel.push_async, "a")
        self.assertRaises(BufferFull, self.push, client, "a")
        self.assertEqual(channel._membership.pushes.kept, 0)
        narrow.free()
        self.watch(channel.push("b"))
        self.assertEqual(narrow.events(), ["phx_join", "b"])

    def test_writable(self) -> None:
        """Client and channel are told that there is room, with themselves."""
        client, channel, narrow = self.full()
        by_client = self.watch(client.when_writable())
        by_channel = self.watch(channel.when_writable())
        self.assertEqual((by_client.fired, by_channel.fired), ([], []))
        narrow.free()
        self.assert_fired(by_client, client)
        self.assert_fired(by_channel, channel)
        self.assert_fired(self.watch(channel.when_writable()), channel)

    def test_buffers(self) -> None:
        """Each ``BufferFull`` says which buffer it is."""
        client = self.make_client(
            transport=self.make, send_buffer=0, push_buffer=0, auto_connect=False
        )
        client.startService()
        client.connection.is_wanted = True
        with self.assertRaises(BufferFull) as caught:
            self.push(client, "a")
        self.assertEqual(caught.exception.buffer, "send_buffer")
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        error = self.assert_failed(self.watch(channel.push("a")), BufferFull)
        self.assertEqual(error.buffer, "push_buffer")
        client.connection.is_wanted = False

    def test_kept_for_the_join(self) -> None:
        """While the channel joins it is waited for the join, and what is kept is first.

        That there is room to keep a push, or is again, is no reason to make one.
        """
        channel = self.joined_channel(transport=self.make, push_buffer=2)
        self.watch(channel.leave())
        self.memory.flush()
        narrow = self.made[-1]
        narrow.is_stuck = True
        self.watch(channel.join(timeout=60))
        self.watch(channel.push("expires", timeout=1))
        cancelled = channel.push("cancelled")
        self.watch(cancelled)
        writable = self.watch(channel.when_writable())
        self.memory.clock.advance(1)
        cancelled.cancel()
        self.assertEqual(writable.fired, [])
        push = self.watch(channel.push("kept"))
        writable.deferred.addCallback(lambda _: channel.push_async("waited"))
        narrow.free()
        self.memory.flush()
        self.assert_fired(writable, channel)
        self.assert_fired(push, {})
        self.assertEqual(narrow.events()[-2:], ["kept", "waited"])

    def test_no_connection(self) -> None:
        """Client and channel wait for the next one, whatever could be kept."""
        client, channel, narrow = self.full()
        by_client = self.watch(client.when_writable())
        by_channel = self.watch(channel.when_writable())
        narrow.abort()
        self.push(client, "client's")
        self.watch(channel.push("channel's"))
        self.assertEqual((by_client.fired, by_channel.fired), ([], []))
        narrow.is_stuck = False
        self.memory.advance(0.5)
        self.assert_fired(by_client, client)
        self.assert_fired(by_channel, channel)
        self.assertEqual(
            self.made[-1].events()[-3:], ["phx_join", "client's", "channel's"]
        )

    def test_closing(self) -> None:
        """So they do from the moment in which a connection begins to close."""
        client, channel, narrow = self.full()
        narrow.free()
        narrow.factory.connection.transport_closing()
        both = [self.watch(it.when_writable()) for it in (client, channel)]
        self.assertEqual([it.fired for it in both], [[], []])
        narrow.abort()
        self.memory.advance(0.5)
        for each, pusher in zip(both, (client, channel), strict=True):
            self.assert_fired(each, pusher)

    def test_no_connection_any_more(self) -> None:
        """Who waits for room in ``send_buffer`` is told when nothing is sent any more.

        So is a push that was kept for a transport which was full when it was lost.
        """
        client, channel, narrow = self.full(send_buffer=1)
        narrow.abort()
        kept = self.watch(channel.push("a", timeout=0.2))
        self.memory.clock.advance(0.2)
        self.assertIn("no close frame", str(self.assert_failed(kept, PushTimeout)))
        self.watch(channel.leave())
        self.push(client, "a")
        writable = self.watch(client.when_writable())
        self.assertEqual(writable.fired, [])
        client.disconnect()
        self.assert_failed(writable, NotConnected)

    def test_flushed_as_there_is_room(self) -> None:
        """What the client and its channels have kept goes out as there is room for it.

        That is so from the first message on, which is the channel's join.
        """
        client, channel, narrow = self.full()
        narrow.abort()
        for number in (1, 2):
            self.push(client, f"client's {number}")
            self.watch(channel.push(f"channel's {number}"))
        narrow.takes_one = True
        self.memory.advance(0.5)
        for event in (
            "phx_join",
            "client's 1",
            "client's 2",
            "channel's 1",
            "channel's 2",
        ):
            waiting = [json.loads(it)[3] for it in narrow.stuck.values()]
            self.assertEqual(waiting, [event])
            narrow.free()
            self.memory.flush()
        self.assertEqual(narrow.stuck, {})

    def test_before_the_start(self) -> None:
        """It is waited for the start, as ``when_connected()`` does; no push is kept."""
        client = self.make_client(transport=self.make)
        writable = self.watch(client.when_writable())
        self.assertRaises(NotConnected, self.push, client, "a")
        client.startService()
        self.assert_fired(writable, client)

    def test_given_up_before_it_was_open(self) -> None:
        """A transport that is full, and is never opened, fills no other."""
        client = self.make_client(transport=self.make)
        client.connection.transport_full()
        client.startService()
        self.assert_fired(self.watch(client.when_writable()), client)

    def test_ends(self) -> None:
        """A leave, a disconnect and a stop end the waiting, and later calls at once."""
        client, channel, _ = self.full()
        writable = self.watch(channel.when_writable())
        self.watch(channel.leave())
        self.assert_failed(writable, ChannelClosed)
        self.assert_failed(self.watch(channel.when_writable()), ChannelClosed)
        by_client = self.watch(client.when_writable())
        client.disconnect()
        self.assert_failed(by_client, NotConnected)
        self.assert_failed(self.watch(client.when_writable()), NotConnected)

    def test_given_up(self) -> None:
        """So does the end of the last connection."""
        client, channel, narrow = self.full(reconnect=False)
        both = [self.watch(it.when_writable()) for it in (client, channel)]
        narrow.abort()
        self.assert_failed(both[0], ConnectionClosed)
        self.assert_failed(both[1], NotConnected)

    def test_cancelled(self) -> None:
        """A cancel ends the waiting, and that of nobody else."""
        _, channel, narrow = self.full()
        cancelled = channel.when_writable()
        other = self.watch(channel.when_writable())
        self.watch(cancelled)
        cancelled.cancel()
        narrow.free()
        self.assert_fired(other, channel)

    # -- was_sent -----------------------------------------------------------------

    def test_push_times_out(self) -> None:
        """What times out before it has left was not sent, and never is."""
        client, channel, narrow = self.full()
        client.connection.is_full = False
        stuck = self.watch(channel.push("stuck"))
        narrow.is_stuck = False
        # It reaches the server, which does not answer.
        self.patch(self.memory.clock, "callLater", lambda *_: None)
        sent = self.watch(channel.push("sent"))
        self.memory.clock.advance(5)
        self.assertIs(self.assert_failed(stuck, PushTimeout).was_sent, False)
        self.assertIs(self.assert_failed(sent, PushTimeout).was_sent, True)
        narrow.free()
        self.assertNotIn("stuck", narrow.events())

    def test_push_interrupted(self) -> None:
        """What a loss finds unsent says so; it may be repeated."""
        client, channel, narrow = self.full()
        client.connection.is_full = False
        stuck = self.watch(channel.push("stuck"))
        narrow.is_stuck = False
        sent = self.watch(channel.push("sent"))
        narrow.abort()
        error = self.assert_failed(stuck, PushInterrupted)
        self.assertIs(error.was_sent, False)
        self.assertEqual(
            str(error),
            "push of 'stuck' to 'rooms:lobby' not sent: connection closed with code"
            " 1006 (no close frame)",
        )
        self.assertIs(self.assert_failed(sent, PushInterrupted).was_sent, True)

    def test_join_times_out(self) -> None:
        """A join that has not left is taken back, and no leave follows it."""
        client, _, narrow = self.full()
        channel = client.channel("rooms:other")
        join = self.watch(channel.join())
        self.assertEqual(len(narrow.stuck), 1)
        self.memory.clock.advance(5)
        error = self.assert_failed(join, JoinTimeout)
        self.assertIs(error.was_sent, False)
        self.assertIn("still waited to be written", str(error))
        self.assertEqual([json.loads(it)[2] for it in narrow.stuck.values()], [])

    def test_rejoin_times_out(self) -> None:
        """One that has not left this time was sent all the same, if it was before."""
        client = self.connected_client(transport=self.make)
        (narrow,) = self.made
        # It reaches the server, which does not answer.
        self.patch(narrow, "reactor", Clock())
        channel = client.channel(TOPIC)
        join = self.watch(channel.join())
        self.assertEqual(narrow.events(), ["phx_join"])
        narrow.abort()
        narrow.is_stuck = True
        self.memory.clock.advance(0.5)
        self.assertEqual(len(narrow.stuck), 1)
        self.memory.clock.advance(5)
        self.assertIs(self.assert_failed(join, JoinTimeout).was_sent, True)
        self.assertEqual(narrow.stuck, {})

    def test_transport_without_marks(self) -> None:
        """A transport that cannot tell is held to have sent what it was given."""
        channel = self.joined_channel(transport=self.forgetful)
        push = self.watch(channel.push("a"))
        self.plain.abort()
        self.assertIs(self.assert_failed(push, PushInterrupted).was_sent, True)

    def forgetful(self, *arguments: Any) -> Loopback:
        """A transport without marks."""
        self.plain = Loopback(*arguments)
        return self.plain
