"""Tests of :mod:`txphoenix.channels.waiters`: who waits for a topic, or for an end."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from weakref import ref

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.channels.membership import Membership
from txphoenix.channels.waiters import NextJoins
from txphoenix.errors import (
    AlreadyJoined,
    ChannelClosed,
    JoinTimeout,
    NotConnected,
)
from txphoenix.runtime.deadlines import Deadlines

from .support import TOPIC, ClientTestCase, Outcome


class NextJoinTests(ClientTestCase):
    """Joins that wait until their topic has been left.

    :mod:`.test_channel_sequences` has what calls of the channels themselves do.
    """

    def setUp(self) -> None:
        """Have a channel that is being left, and another that waits."""
        super().setUp()
        self.client = self.connected_client()
        self.first = self.joined_channel(client=self.client)
        self.left = self.watch(self.first.leave(timeout=10.0))
        self.second = self.client.channel(TOPIC)
        self.waiting = self.watch(self.second.join())
        self.stopped = self.watch(self.second.when_stopped())

    def check_over(self, error: type[BaseException] = ChannelClosed) -> None:
        """Nobody joins any more."""
        self.assert_failed(self.waiting, error)
        self.memory.flush()
        self.assert_fired(self.left, None)
        self.assertEqual([self.first.state, self.second.state], ["closed"] * 2)
        self.assertEqual(self.client.channels.routes, {})
        self.assertEqual(len(self.client.channels.next_joins), 0)
        self.assertEqual(self.memory.channels(), [])

    def test_leave_topic(self) -> None:
        """leave() of the client leaves the topic, whoever waits for it."""
        again = self.watch(self.client.leave(TOPIC))
        self.assert_fired(self.stopped, None)
        self.check_over()
        self.assert_fired(again, None)

    def test_leave_join_leave_of_client(self) -> None:
        """leave(), join() and leave() of the client, which makes new objects."""
        self.watch(self.client.leave(TOPIC))
        joins = [self.watch(self.client.join(TOPIC)) for _ in range(2)]
        self.watch(self.client.leave(TOPIC))
        for join in joins:
            self.assert_failed(join, ChannelClosed)
        self.check_over()

    def test_terminate_channel(self) -> None:
        """terminate_channel() ends what waits as well."""
        self.assertTrue(self.client.channels.terminate_channel(TOPIC))
        self.assert_fired(self.stopped, None)
        self.check_over()

    def test_terminate(self) -> None:
        """And terminate() all."""
        self.client.channels.terminate()
        self.assert_fired(self.stopped, None)
        self.check_over()

    def test_disconnect(self) -> None:
        """disconnect() fails what waits, and its when_stopped() with it."""
        self.watch(self.client.disconnect())
        self.assert_failed(self.stopped, NotConnected)
        self.check_over(NotConnected)

    def test_timeout(self) -> None:
        """A join that has waited too long is over, and another is not."""
        self.memory.pause()
        self.memory.advance(4.0)
        later = self.watch(self.client.channel(TOPIC).join())
        self.memory.advance(1.0)
        self.assert_failed(self.waiting, JoinTimeout)
        self.assert_failed(self.stopped, JoinTimeout)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual([type(it) for it in later.fired], [dict])

    def test_second_of_one(self) -> None:
        """A second join of one object is refused at once, and the first waits on."""
        second = self.watch(self.second.join())
        error = self.assert_failed(second, AlreadyJoined)
        self.assertIs(error.channel, self.second)
        self.memory.flush()
        self.assertEqual([type(it) for it in self.waiting.fired], [dict])

    def test_word_of_a_callback(self) -> None:
        """Who is told that the topic is free may leave others that wait for it."""
        third = self.client.channel(TOPIC)
        joins = [self.watch(third.join())]

        def params() -> dict[str, int]:
            joins.append(self.watch(third.leave()))
            return {}

        self.second.params = params
        self.memory.flush()
        self.assert_failed(joins[0], ChannelClosed)
        self.assert_fired(joins[1], None)
        self.assertEqual([type(it) for it in self.waiting.fired], [dict])

    def test_word_at_the_end(self) -> None:
        """Who is told of the end may leave the topic, or end it, for all who wait."""
        channels = self.client.channels
        words: list[Callable[[], Any]] = [
            lambda: self.watch(self.client.leave(TOPIC)),
            lambda: channels.terminate_channel(TOPIC),
        ]
        for word in words:
            client = self.connected_client()
            first = self.joined_channel(client=client)
            self.client = client
            channels = client.channels
            remove = first.on_close(lambda _, word=word: word())  # type: ignore[misc]
            self.watch(first.leave())
            second = client.channel(TOPIC)
            waiting = self.watch(second.join())
            self.memory.flush()
            self.assert_failed(waiting, ChannelClosed)
            self.assertEqual([first.state, second.state], ["closed"] * 2)
            remove()
            self.stop_client(client)

    def test_joined_at_the_end(self) -> None:
        """Who joins again when told of the end comes after those who wait."""
        joins: list[Outcome[Any]] = []
        self.first.on_close(lambda _: joins.append(self.watch(self.first.join())))
        self.memory.flush()
        self.assertEqual([type(it) for it in self.waiting.fired], [dict])
        [join] = joins
        self.assertIs(self.assert_failed(join, AlreadyJoined).channel, self.second)
        self.assertEqual(len(self.client.channels.next_joins), 0)

    def test_left_while_beginning(self) -> None:
        """One that leaves in its first moment lets the next have the topic."""
        third = self.client.channel(TOPIC)
        join = self.watch(third.join())
        self.second.params = self.second.stop
        self.memory.flush()
        self.assert_failed(self.waiting, ChannelClosed)
        self.assertEqual([type(it) for it in join.fired], [dict])
        self.assertIs(self.client.channels.find(TOPIC), third)


class RaisingJoinTests(ClientTestCase):
    """A join that raises as it begins fails, whether it has waited or not."""

    def setUp(self) -> None:
        """Have a channel that does not even know what it is joined with."""
        super().setUp()

        class Unknown(Channel):
            @property
            def params(self) -> object:
                if self.is_made:
                    raise LookupError("no params")
                return None

            @params.setter
            def params(self, params: object) -> None:
                self.is_made = False

        self.client = self.connected_client()
        channel = self.client.channels.make(TOPIC, channel_class=Unknown)
        channel.is_made = True
        self.channel: Channel = channel

    def check_failed(self, join: Outcome[Any]) -> None:
        """It has failed with that, and is told of, and others have its topic."""
        self.assert_failed(join, LookupError)
        self.assertEqual(self.channel.state, "closed")
        self.assertTrue(self.flushLoggedErrors(LookupError))
        self.joined_channel(client=self.client)

    def test_at_once(self) -> None:
        """One that begins at once."""
        self.check_failed(self.watch(self.channel.join()))

    def test_after_a_leave(self) -> None:
        """One that has waited, and the leave that it has waited for is done."""
        first = self.joined_channel(client=self.client)
        reading = self.watch(first.receive())
        left = self.watch(first.leave())
        join = self.watch(self.channel.join())
        self.memory.flush()
        self.assert_fired(left, None)
        self.assert_failed(reading, ChannelClosed)
        self.check_failed(join)


class NextJoinWorkTests(SynchronousTestCase):
    """What is done for each that waits does not depend on how many there are."""

    def work(self, number: int) -> int:
        """How often a channel is looked at, for so many that wait for one topic."""
        looks = 0

        class Pending:
            def __init__(self, joins: Any) -> None:
                self._joins = joins

            @property
            def joins(self) -> Any:
                nonlocal looks
                looks += 1
                return self._joins

        # They are all equal, which must not make them one.
        equal = type("Equal", (SimpleNamespace,), {"__hash__": None})
        channels: list[Any] = [equal(topic=TOPIC) for _ in range(number)]
        manager: Any = None
        waiting: list[Any] = [
            Pending(Membership(channel, manager).joins) for channel in channels
        ]
        next_joins = NextJoins(
            {}, Deadlines(Clock()), lambda _, error: self.fail(error)
        )
        for pending in waiting:
            self.assertTrue(next_joins.add(pending))
            self.assertFalse(next_joins.add(cast(Any, Pending(pending.joins))))
        self.assertIn(TOPIC, next_joins)
        half = number // 2
        for pending in reversed(waiting[half:]):
            self.assertIs(next_joins.take(pending.joins.membership), pending)
            self.assertIsNone(next_joins.take(pending.joins.membership))
        for pending in waiting[:half]:
            self.assertIs(next_joins.first(TOPIC), pending)
            next_joins.take(pending.joins.membership)
        self.assertIsNone(next_joins.first(TOPIC))
        self.assertEqual(len(next_joins), 0)
        return looks

    def test_linear(self) -> None:
        """A hundred times as many are a hundred times the work."""
        self.assertEqual(self.work(5000), 100 * self.work(50))


class StopWaiterTests(ClientTestCase):
    """when_stopped() of channels that are closed when the service stops."""

    def waiters(self) -> list[Outcome[None]]:
        """Those of a channel that was never joined, and of one that was left."""
        self.client = self.connected_client()
        never = self.client.channel("rooms:never")
        left = self.joined_channel("rooms:left", client=self.client)
        self.watch(left.leave())
        self.memory.flush()
        return [self.watch(channel.when_stopped()) for channel in (never, left)]

    def test_stop(self) -> None:
        """They fire at the stop of the service, and before its Deferred does."""
        outcomes = self.waiters()
        fired: list[list[object]] = []
        stopped = self.client.stopService()
        self.watch(stopped.addCallback(lambda _: fired.extend(map(told, outcomes))))
        self.memory.flush()
        self.assertEqual(fired, [[None], [None]])
        self.assertEqual(len(self.client.channels.stop_waiters), 0)

    def test_never_started(self) -> None:
        """So they do where the client was never started, or only disconnected."""
        client = self.make_client()
        outcome = self.watch(client.channel(TOPIC).when_stopped())
        self.watch(client.disconnect())
        self.assert_waits(outcome)
        self.stop_client(client)
        self.assert_fired(outcome, None)

    def test_manager(self) -> None:
        """So they do where the manager alone is stopped."""
        outcomes = self.waiters()
        self.watch(self.client.channels.stopService())
        self.assertEqual([told(it) for it in outcomes], [[None], [None]])

    def test_started_again(self) -> None:
        """A start before the stop has ended does not keep them waiting."""
        outcomes = self.waiters()
        self.watch(self.client.stopService())
        self.client.startService()
        later = self.watch(self.client.channel(TOPIC).when_stopped())
        self.memory.flush()
        self.assertEqual([told(it) for it in outcomes], [[None], [None]])
        self.assert_waits(later)

    def test_thrown_away(self) -> None:
        """No channel is kept because of it, and the Deferred fires all the same."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        gone = ref(channel)
        outcome = self.watch(channel.when_stopped())
        del channel
        gc.collect()
        self.assertIsNone(gone())
        self.stop_client(client)
        self.assert_fired(outcome, None)

    def test_cancelled(self) -> None:
        """One that is cancelled is forgotten everywhere."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        waiting = channel.when_stopped()
        outcome = self.watch(waiting)
        waiting.cancel()
        self.assert_failed(outcome, CancelledError)
        self.assertEqual(len(client.channels.stop_waiters), 0)
        self.assertEqual(list(channel._membership.stops), [])

    def test_many(self) -> None:
        """Each of many is forgotten by itself, in whatever order they are cancelled."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        many = [channel.when_stopped() for _ in range(10)]
        outcomes = [self.watch(each) for each in many]
        for each in many[::2]:
            each.cancel()
        self.assertEqual(list(channel._membership.stops), many[1::2])
        channel.stop()
        self.stop_client(client)
        for outcome in outcomes[1::2]:
            self.assert_fired(outcome, None)

    def test_order(self) -> None:
        """Those of several channels fire in the order in which they came."""
        client = self.connected_client()
        channels = {name: client.channel(f"rooms:{name}") for name in "ab"}
        told: list[str] = []
        for name in ("a1", "b1", "a2", "b2", "a3"):
            waiting = channels[name[0]].when_stopped()
            waiting.addCallback(lambda _, who: told.append(who), name)
            self.watch(waiting)
        self.stop_client(client)
        self.assertEqual(told, ["a1", "b1", "a2", "b2", "a3"])

    def test_stopped_already(self) -> None:
        """After the stop it fires at once, until the client is started again."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        self.assert_waits(self.watch(channel.when_stopped()))
        self.stop_client(client)
        self.assert_fired(self.watch(channel.when_stopped()), None)
        client.startService()
        self.memory.flush()
        waiting = self.watch(channel.when_stopped())
        self.watch(channel.join())
        self.memory.flush()
        self.assert_waits(waiting)

    def test_ended(self) -> None:
        """Those of a channel that ends are told then, and no more at the stop."""
        channel: Channel = self.joined_channel()
        outcome = self.watch(channel.when_stopped())
        channel.stop()
        self.assert_fired(outcome, None)
        self.assertEqual(len(self._clients[0].channels.stop_waiters), 0)


def told(outcome: Outcome[None]) -> list[object]:
    """What has fired so far."""
    return list(outcome.fired)
