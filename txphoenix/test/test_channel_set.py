"""Tests of :mod:`txphoenix.channels.channel_set`.

One channel that raises is one channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.monkey import MonkeyPatcher

from txphoenix.channels.channel import Channel
from txphoenix.channels.channel_telemetry import ChannelTelemetry
from txphoenix.channels.joins import Joins
from txphoenix.channels.keeper import ChannelKeeper
from txphoenix.channels.membership import Membership
from txphoenix.client.socket_client import SocketClient

from .support import ClientTestCase, Outcome


def raises(*_: object) -> None:
    """Be a method that a class overrides, though it is not its to override."""
    raise LookupError("overridden")


class EachTests(ClientTestCase):
    """Whatever all channels are told, one that raises keeps it from no other."""

    def setUp(self) -> None:
        """Have three channels, of which the second will raise."""
        super().setUp()
        self.client = self.connected_client()
        self.channels = [
            self.joined_channel(f"rooms:{number}", client=self.client)
            for number in range(3)
        ]
        self.closed = self.watch(self.channels[1].when_stopped())

    def break_inside(
        self, inside: type[Membership[Any]] | type[Joins], name: str
    ) -> None:
        """Have a method of the second's inside raise."""
        broken = self.channels[1]._membership
        method = getattr(inside, name)

        def replaced(of: Any, *args: Any) -> Any:
            if of is broken or of is broken.joins:
                raises()
            return method(of, *args)

        self.patch(inside, name, replaced)

    def check(
        self,
        method: str,
        tell: Callable[[], object],
        inside: type[Membership[Any]] | type[Joins] | None = None,
    ) -> list[str]:
        """Have the second raise.

        :param inside: whose method it is, where it is not the channel's own.
        :return: the states of the others.
        """
        if inside is None:
            vars(self.channels[1])[method] = raises
        else:
            self.break_inside(inside, method)
        tell()
        self.memory.flush()
        self.assertTrue(self.flushLoggedErrors(LookupError))
        self.assertEqual(self.channels[1].state, "closed")
        self.assertEqual(len(self.closed.fired), 1)
        return [str(self.channels[number].state) for number in (0, 2)]

    def test_opened(self) -> None:
        """A connection opens."""
        self.lose_connection()
        states = self.check("connection_opened", self.reconnect, Membership)
        self.assertEqual(states, ["joined"] * 2)
        self.assertTrue(self.client.connected)

    def test_lost(self) -> None:
        """A connection is lost; they reconnect all the same."""
        states = self.check("connection_lost", self.lose_connection, Membership)
        self.assertEqual(states, ["errored"] * 2)
        self.reconnect()
        self.assertEqual(self.channels[2].state, "joined")

    def test_abandoned(self) -> None:
        """There will be none: all that waits for one fails."""
        waiting = self.watch(self.client.channel("rooms:new").join())
        self.check(
            "abandoned", lambda: self.watch(self.client.disconnect()), Membership
        )
        self.assertEqual(len(waiting.fired), 1)

    def test_terminated(self) -> None:
        """They are ended."""
        states = self.check("stop", self.client.channels.terminate)
        self.assertEqual(states, ["closed"] * 2)

    def test_reconfigured(self) -> None:
        """They get other options."""
        self.check(
            "resize_inbox",
            lambda: self.watch(self.client.reconfigure(timeout=1.0)),
            Membership,
        )
        self.assertEqual(self.client.options.timeout, 1.0)

    def test_stopped(self) -> None:
        """The service stops."""
        states = self.check("stop", lambda: self.stop_client(self.client))
        self.assertEqual(states, ["closed"] * 2)

    def test_stopped_as_services(self) -> None:
        """The same where it raises in the service's own method."""
        states = self.check("stopService", lambda: self.stop_client(self.client))
        self.assertEqual(states, ["closed"] * 2)

    def test_stopped_later(self) -> None:
        """A class may take its time to stop, and the client waits for it."""
        stopping: Deferred[None] = Deferred()
        vars(self.channels[1])["stopService"] = lambda: stopping
        stopped = self.client.stopService()
        self.memory.flush()
        self.assertNoResult(stopped)
        self.assertEqual([str(each.state) for each in self.channels], ["closed"] * 3)
        stopping.callback(None)
        self.assertIsNone(self.successResultOf(stopped))

    def test_message(self) -> None:
        """It is given a message."""
        states = self.check(
            "dispatch", lambda: self.server_sends(None, None, "rooms:1", "said", {})
        )
        self.assertEqual(states, ["joined"] * 2)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_reply(self) -> None:
        """It is given the answer to its join."""
        self.channels[1].stop()
        self.watch(self.channels[1].when_stopped())
        join = self.watch(self.channels[1].join())
        states = self.check("answered", self.memory.flush, Joins)
        self.assertEqual(states, ["joined"] * 2)
        self.assert_failed(join, LookupError)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_join(self) -> None:
        """Where it raises in its own join(), the Deferred has the error."""
        self.channels[1].stop()
        joins: list[Outcome[Any]] = []
        self.check(
            "prepare",
            lambda: joins.append(self.watch(self.channels[1].join())),
            Joins,
        )
        self.assert_failed(joins[0], LookupError)

    def test_cannot_even_be_stopped(self) -> None:
        """One that cannot be ended in any way is let go."""
        self.break_inside(Membership, "give")
        self.lose_connection()
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)
        self.assertEqual(self.channels[2].state, "errored")
        self.assertIsNone(self.client.channels.find("rooms:1"))


class ServiceTests(ClientTestCase):
    """A channel is a service, whose methods a class may override."""

    def test_start_and_stop_raise(self) -> None:
        """What they raise is logged; the channel joins, and ends."""

        class Unwilling(Channel):
            def startService(self) -> None:
                """Raise."""
                super().startService()
                raise LookupError("start")

            def stopService(self) -> None:
                """Raise."""
                raise LookupError("stop")

        client: SocketClient = self.connected_client()
        channel = self.joined_channel("rooms:1", {}, Unwilling, client)
        left = self.watch(channel.leave())
        self.memory.flush()
        self.assert_fired(left, None)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)

    def test_end_raises(self) -> None:
        """One whose end raises, whatever of it, can be joined again all the same."""
        channel = self.joined_channel()
        for inside, name in (
            (ChannelKeeper, "closed"),
            (Joins, "stop_asking"),
            (ChannelTelemetry, "channel_ended"),
        ):
            with self.subTest(name=name):
                patch = MonkeyPatcher((inside, name, raises))
                with self.assertRaises(LookupError):
                    patch.runWithPatches(channel.stop)
                self.assertEqual(channel.state, "closed")
                joined = self.watch(channel.join())
                self.memory.flush()
                self.assert_fired(joined, {})

    def test_canceller_raises(self) -> None:
        """A canceller of the user's that raises leaves its channel whole."""

        def stubborn(_: object) -> None:
            raise LookupError("not cancellable")

        asked: list[Deferred[Any]] = []

        class Beginning(Channel):
            def init(self, params: Any) -> Deferred[Any]:
                asked.append(Deferred(stubborn))
                return asked[-1]

        client = self.connected_client()
        other = self.joined_channel("rooms:0", client=client)
        waiting = client.channel("rooms:1", {}, Beginning)
        joined = self.watch(waiting.join())
        last = self.joined_channel("rooms:2", client=client)
        self.lose_connection()
        self.reconnect()
        asked[1].callback({})
        self.memory.flush()
        self.assertEqual([type(it) for it in joined.fired], [dict])
        self.assertEqual([other.state, last.state], ["joined"] * 2)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
