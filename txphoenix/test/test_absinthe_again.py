"""Absinthe's subscriptions outlast connections, and are made again by themselves."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import ChannelClosed, NotConnected, PushTimeout
from txphoenix.absinthe import GraphQLError

from .absinthe_case import TICKS, AbsintheCase


class AgainTests(AbsintheCase):
    """Subscriptions outlast connections."""

    def test_reconnect(self) -> None:
        """After a reconnect it is subscribed again, by a new id, once."""
        subscription = self.subscribed(variables={"room": "7"})
        ids: list[str] = []
        subscription.on_subscribed(ids.append)
        first = subscription.id
        self.publish(1)
        for _ in range(3):
            self.lose()
        self.assertEqual(len(set(ids)), 3)
        self.assertNotIn(first, ids)
        self.assertEqual([*self.schema.subscriptions], [subscription.id])
        self.assertEqual(self.schema.documents[-1].variables, {"room": "7"})
        self.publish(2)
        self.assertEqual(self.ticks(subscription, 2), [1, 2])

    def test_variables_as_given(self) -> None:
        """What becomes of the variables later, at any depth, changes no document."""
        rooms = ["7"]
        self.subscribed(variables={"rooms": rooms})
        rooms.append("8")
        self.lose()
        self.assertEqual(self.schema.documents[-1].variables, {"rooms": ["7"]})

    def test_crash(self) -> None:
        """After a crash of the channel too, on the same connection."""
        subscription = self.subscribed()
        reading = subscription.receive()
        self.server.channels("__absinthe__:control")[0].crash()
        self.server.flush()
        self.server.advance(1)
        self.assertEqual([*self.schema.subscriptions], [subscription.id])
        self.publish(1)
        self.assertEqual(self.now(reading), {"ticked": 1})

    def test_away(self) -> None:
        """While the server does not know it, it has no id, and one can wait for it."""
        subscription = self.subscribed()
        self.schema.refusal = {"reason": "not now"}
        self.lose()
        self.assertIsNone(subscription.id)
        self.assertIn("subscribing", repr(subscription))
        waiting = subscription.when_subscribed()
        self.assertNoResult(waiting)
        self.schema.refusal = None
        self.server.advance(1)
        self.assertIs(self.now(waiting), subscription)
        self.assertEqual([*self.schema.subscriptions], [subscription.id])

    def test_interrupted_while_asking(self) -> None:
        """A subscription whose reply was lost is made on the next connection, once."""
        self.subscribed()
        self.schema.answer = lambda document: False
        subscription = self.absinthe.subscribe(TICKS)
        self.server.flush()
        self.schema.answer = None
        self.lose()
        self.now(subscription.when_subscribed())
        self.assertEqual(len(self.schema.subscriptions), 2)

    def test_unsubscribed_between(self) -> None:
        """What is ended while there is no connection is not subscribed again."""
        subscription = self.subscribed()
        self.server.drop()
        self.server.flush()
        self.assertIsNone(self.successResultOf(subscription.unsubscribe()))
        self.server.advance(1)
        self.assertEqual(self.schema.subscriptions, {})
        self.assertEqual(len(self.schema.documents), 1)

    def test_unsubscribed_behind_others(self) -> None:
        """What is ended while it waits to be subscribed again is never sent."""
        subscription = self.subscribed()
        writable: Deferred[Any] = Deferred()
        control: Any = self.absinthe._control
        control.when_writable = lambda: writable
        self.lose()
        ended = subscription.unsubscribe()
        self.assertNoResult(ended)
        writable.callback(control)
        self.assertIsNone(self.now(ended))
        self.assertEqual(len(self.schema.documents), 1)

    def test_disconnect(self) -> None:
        """disconnect() fails who waits; after connect() it is subscribed again."""
        subscription = self.subscribed()
        reading = subscription.receive()
        self.now(self.client.disconnect())
        self.assertIsInstance(self.error(reading), NotConnected)
        self.assertFalse(subscription.is_ended)
        self.client.connect()
        self.server.flush()
        self.server.advance(1)
        self.publish(1)
        self.assertEqual(self.ticks(subscription, 1), [1])
        again = subscription.receive()
        self.now(self.client.disconnect())
        self.assertIsInstance(self.error(again), NotConnected)

    def test_refused_again(self) -> None:
        """A server that refuses it at the next time ends it with that error."""
        subscription = self.subscribed()
        reading = subscription.receive()
        self.schema.answer = lambda document: None
        self.schema._fields.pop(("subscription", "ticked"))
        self.lose()
        self.assertIsInstance(self.error(reading), GraphQLError)
        again = self.error(subscription.receive())
        self.assertEqual(again.errors, subscription.error.errors)  # type: ignore[union-attr]

    def test_no_answer_again(self) -> None:
        """One that gets no answer at the next time is asked for until it has one."""
        subscription = self.subscribed(timeout=3)
        errors: list[BaseException] = []
        subscription.on_error(errors.append)
        self.schema.answer = lambda document: False
        self.lose()
        self.assertIsNone(subscription.id)
        self.server.advance(3)
        self.server.advance(3)
        self.assertEqual([type(each) for each in errors], [PushTimeout, PushTimeout])
        self.schema.answer = None
        self.server.advance(3)
        self.publish(1)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_many(self) -> None:
        """Hundreds are all subscribed again, each once."""
        subscriptions = [self.absinthe.subscribe(TICKS) for _ in range(300)]
        self.server.flush()
        self.lose()
        self.assertEqual(len(self.schema.subscriptions), 300)
        self.publish(1)
        for subscription in subscriptions:
            self.assertEqual(self.ticks(subscription, 1), [1])

    def test_closed_by_server(self) -> None:
        """A channel that the server closes ends them, in good order."""
        subscription = self.subscribed()
        closed: list[object] = []
        subscription.on_close(closed.append)
        self.server.channels("__absinthe__:control")[0].stop()
        self.server.flush()
        self.assertEqual(closed, ["closed"])
        self.assertIsInstance(self.error(subscription.receive()), ChannelClosed)


class V1Tests(AgainTests):
    """The same by V1."""

    options = {"vsn": "1.0.0"}


class LongPollTests(AgainTests):
    """The same by long-poll."""

    options = {"transport": "longpoll"}


class IdleTests(AbsintheCase):
    """A client with ``disconnect_when_idle``."""

    options = {"disconnect_when_idle": 10}

    def test_idle(self) -> None:
        """Once it is closed, Absinthe holds no connection; the next document opens one.

        One that was never used holds none either.
        """
        self.server.advance(11)
        self.assertTrue(self.client.get_state("idle"))
        for _ in range(2):
            subscription = self.subscribed()
            self.publish(1)
            self.server.advance(100)
            self.publish(2)
            self.assertEqual(self.ticks(subscription, 2), [1, 2])
            self.now(self.absinthe.close())
            self.server.advance(11)
            self.assertTrue(self.client.get_state("idle"))
