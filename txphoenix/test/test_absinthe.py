"""Subscriptions over Phoenix channels, as Absinthe has them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix import (
    AlreadyJoined,
    ChannelClosed,
    ConfigurationError,
    JoinError,
    NotConnected,
    PushInterrupted,
    SerializerError,
    SocketClient,
)
from txphoenix.absinthe import AbsintheClient, InvalidResponse
from txphoenix.absinthe.testing import ServerSubscription
from txphoenix.testing import ok

from .absinthe_case import TICKS, AbsintheCase

ENDINGS = (ChannelClosed, NotConnected, PushInterrupted)


class QueryTests(AbsintheCase):
    """Queries and mutations are pushes."""

    def test_query(self) -> None:
        """A query gives the data; it is kept until the control channel is joined."""
        query = "query User($id: ID) { user(id: $id) { id } }"
        data = self.absinthe.query(query, {"id": "7"}, "User")
        self.assertNoResult(data)
        self.assertEqual(self.now(data), {"user": {"id": "7"}})
        (document,) = self.schema.documents
        self.assertEqual((document.query, document.variables), (query, {"id": "7"}))

    def test_mutation(self) -> None:
        """A mutation gives the data."""
        document = "mutation($name: String) { rename(name: $name) }"
        self.assertEqual(
            self.now(self.absinthe.mutate(document, {"name": "Bo"})), {"rename": "Bo"}
        )

    def test_operation_name(self) -> None:
        """The operation's name is sent if there is one, and nothing for it if not."""
        for name in (None, "A"):
            received = self.server.when_received("doc")
            self.now(self.absinthe.query("query A { user { id } }", None, name))
            payload = self.successResultOf(received).payload
            self.assertEqual(payload.get("operationName"), name)
            self.assertEqual("operationName" in payload, name is not None)

    def test_wrong_arguments(self) -> None:
        """A wrong argument is told as such, and what it was is not shown."""
        for arguments, text in (
            ((None,), "document must be a string of GraphQL, not NoneType"),
            (("{ user }", ["secret"]), "variables must be a mapping"),
            (("{ user }", {}, 7), "operation_name must be a string or None, not int"),
        ):
            wrong: Any = arguments
            error = self.error(self.absinthe.query(*wrong))
            self.assertIsInstance(error, ConfigurationError)
            self.assertIn(text, str(error))
            self.assertNotIn("secret", str(error))
            with self.assertRaisesRegex(ConfigurationError, text[:20]):
                self.absinthe.subscribe(*wrong)

    def test_not_serializable(self) -> None:
        """Variables that are no JSON are the error of that document alone."""
        self.subscribed()
        given = {"x": object()}
        self.assertIsInstance(
            self.error(self.absinthe.query("{ user }", given)), SerializerError
        )
        subscription = self.absinthe.subscribe(TICKS, given)
        self.assertIsInstance(
            self.error(subscription.when_subscribed()), SerializerError
        )
        self.assertEqual(self.now(self.absinthe.query("{ user }"))["user"]["id"], None)

    def test_not_started(self) -> None:
        """A client that is not started says so at once."""
        client = SocketClient(self.server.url, reactor=self.server.clock)
        absinthe = AbsintheClient(client)
        self.assertIsInstance(self.error(absinthe.query("{ user }")), NotConnected)
        subscription = absinthe.subscribe(TICKS)
        self.assertIsInstance(self.error(subscription.when_subscribed()), NotConnected)
        self.assertIsInstance(self.error(subscription.receive()), NotConnected)

    def test_timeout(self) -> None:
        """A query without an answer fails in time, and the connection lives on."""
        self.subscribed()
        self.schema.answer = lambda document: False
        query = self.absinthe.query("{ user }", timeout=2)
        self.server.flush()
        self.server.advance(2)
        self.assertTrue(self.error(query).was_sent)
        self.schema.answer = None
        self.now(self.absinthe.query("{ user }"))

    def test_interrupted(self) -> None:
        """A mutation that was sent is not sent again by itself."""
        self.subscribed()
        self.schema.answer = lambda document: False
        mutation = self.absinthe.mutate('mutation { rename(name: "x") }')
        self.server.flush()
        self.lose()
        self.assertIsInstance(self.error(mutation), PushInterrupted)
        sent = [each.operation for each in self.schema.documents]
        self.assertEqual(sent.count("mutation"), 1)

    def test_cancelled(self) -> None:
        """Cancelling a query that has not left takes it back."""
        query = self.absinthe.query("{ user }")
        query.cancel()
        self.assertIsInstance(self.error(query), CancelledError)
        self.assertEqual(self.schema.documents, [])

    def test_refused_join(self) -> None:
        """A control channel that is refused is the error of all that waits for it."""
        self.schema.refusal = {"reason": "unauthorized"}
        query = self.absinthe.query("{ user }")
        subscription = self.absinthe.subscribe(TICKS)
        for deferred in (query, subscription.when_subscribed(), subscription.receive()):
            error = self.error(deferred)
            self.assertIsInstance(error, JoinError)
            self.assertEqual(error.reason, "unauthorized")
        self.assertTrue(self.client.connected)
        failed = [channel.topic for channel in self.client.channels.failed]
        self.assertEqual(failed, ["__absinthe__:control"])
        self.schema.refusal = None
        self.now(self.absinthe.query("{ user }"))
        self.assertEqual(self.client.channels.failed, [])

    def test_refused_and_closed(self) -> None:
        """Once it is closed, its refused channel is missed no more."""
        self.schema.refusal = {"reason": "unauthorized"}
        self.error(self.absinthe.query("{ user }"))
        self.assertEqual(len(self.client.channels.failed), 1)
        self.now(self.absinthe.close())
        self.assertEqual(self.client.channels.failed, [])

    def test_second_client(self) -> None:
        """There is one of them for a socket."""
        self.subscribed()
        second = AbsintheClient(self.client)
        self.assertIsInstance(self.error(second.query("{ user }")), AlreadyJoined)


class SubscribeTests(AbsintheCase):
    """A subscription's life."""

    def test_iterate(self) -> None:
        """Results are iterated over, and unsubscribing ends that behind the last."""
        seen: list[Any] = []

        async def read() -> str:
            async with self.absinthe.subscribe(TICKS, {"room": "1"}) as subscription:
                async for data in subscription:
                    seen.append(data)
                    if data == {"ticked": 3}:
                        break
            return "done"

        reading = Deferred.fromCoroutine(read())
        self.server.flush()
        self.publish(1, 2)
        self.assertEqual(seen, [{"ticked": 1}, {"ticked": 2}])
        self.publish(3)
        self.assertEqual(self.now(reading), "done")
        self.assertEqual(self.schema.subscriptions, {})

    def test_unsubscribe(self) -> None:
        """The server sends nothing more, and what has come can still be taken."""
        subscription = self.subscribed()
        closed: list[object] = []
        subscription.on_close(closed.append)
        self.publish(1)
        ended = subscription.unsubscribe()
        self.assertIsNone(self.now(ended))
        self.assertEqual(self.schema.subscriptions, {})
        self.assertEqual(closed, ["unsubscribed"])
        self.assertEqual(self.ticks(subscription, 1), [1])
        self.assertIsInstance(self.error(subscription.receive()), ChannelClosed)
        self.assertIsNone(self.now(subscription.unsubscribe()))
        self.assertIsInstance(self.error(subscription.when_subscribed()), ChannelClosed)

    def test_unsubscribe_unanswered(self) -> None:
        """A server that does not answer ends it just as well."""
        subscription = self.subscribed()
        ended = subscription.unsubscribe(timeout=2)
        self.server.is_stalled = True
        self.server.flush()
        self.assertNoResult(ended)
        self.server.clock.advance(2)
        self.assertIsNone(self.successResultOf(ended))
        self.server.is_stalled = False

    def test_unsubscribe_before_join(self) -> None:
        """One that was never sent never is."""
        subscription = self.absinthe.subscribe(TICKS)
        reasons: list[object] = []
        subscription.on_close(reasons.append)
        waiting = subscription.when_subscribed()
        self.assertIsNone(self.successResultOf(subscription.unsubscribe()))
        self.assertEqual((reasons, subscription.error), (["unsubscribed"], None))
        self.assertIsInstance(self.error(waiting), ChannelClosed)
        self.assertEqual(self.schema.documents, [])

    def test_wrong_timeout(self) -> None:
        """A timeout that is none is told as such, and begins and ends nothing."""
        subscription = self.subscribed()
        for wrong in (0, -1, float("nan"), "5"):
            timeout: Any = wrong
            with self.assertRaisesRegex(ConfigurationError, "a timeout must be"):
                self.absinthe.subscribe(TICKS, timeout=timeout)
            error = self.error(subscription.unsubscribe(timeout))
            self.assertIsInstance(error, ConfigurationError)
        self.assertEqual([*self.schema.subscriptions], [subscription.id])

    def test_unsubscribe_under_way(self) -> None:
        """What is ended before its id has come is ended once that comes."""
        self.subscribed()
        waiting: Deferred[Any] = Deferred()
        self.schema.answer = lambda document: waiting
        subscription = self.absinthe.subscribe(TICKS)
        refused = subscription.when_subscribed()
        self.server.flush()
        ended = subscription.unsubscribe()
        self.assertIsInstance(self.error(refused), ChannelClosed)
        self.assertNoResult(ended)
        waiting.callback(None)
        self.schema.answer = None
        self.assertIsNone(self.now(ended))
        self.assertEqual(len(self.schema.subscriptions), 1)

    def test_hooks(self) -> None:
        """Hooks take the results; what they take does not wait for receive()."""
        subscription = self.subscribed()
        seen: list[Any] = []
        remove = subscription.on_result(seen.append)
        self.publish(1)
        remove()
        self.publish(2)
        self.assertEqual(seen, [{"ticked": 1}])
        self.assertEqual(self.ticks(subscription, 1), [2])
        with self.assertRaises(TypeError):
            subscription.on_result(None)  # type: ignore[arg-type]

    def test_broken_hook(self) -> None:
        """A hook that raises is logged, and costs nothing else."""
        subscription = self.subscribed()
        seen: list[Any] = []

        def fail(data: object) -> None:
            raise ZeroDivisionError

        subscription.on_result(fail)
        subscription.on_result(seen.append)
        self.publish(1)
        self.assertEqual(len(seen), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_early_data(self) -> None:
        """Data before the reply and right behind it are delivered, in order."""

        def before(subscription: ServerSubscription) -> None:
            subscription.send({"data": {"ticked": 1}})
            subscription.send({"data": {"ticked": 2}})

        def after(subscription: ServerSubscription) -> None:
            subscription.send({"data": {"ticked": 3}})

        self.schema.before_reply, self.schema.after_reply = before, after
        subscription = self.subscribed()
        self.assertEqual(self.ticks(subscription, 3), [1, 2, 3])

    def test_other_channels(self) -> None:
        """The client has other channels beside."""
        joined = self.client.join("echo:1", {"a": 1})
        subscription = self.subscribed()
        self.assertEqual(self.now(joined)[0], {"a": 1})
        self.publish(1)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_two(self) -> None:
        """Each gets its own; one that ends takes nothing from the other."""
        first, second = self.subscribed(), self.subscribed()
        self.publish(1)
        self.now(first.unsubscribe())
        self.publish(2)
        self.assertEqual(self.ticks(first, 1), [1])
        self.assertEqual(self.ticks(second, 2), [1, 2])

    def test_same_id(self) -> None:
        """Two of one id each get all; the server keeps it until both have ended."""
        self.schema.answer = lambda document: ok({"subscriptionId": "S"})
        first, second = self.subscribed(), self.subscribed()
        (session,) = self.server.connections
        sender = ServerSubscription("S", self.schema.documents[0], session)
        sender.send({"data": {"ticked": 1}})
        self.assertEqual(self.ticks(first, 1) + self.ticks(second, 1), [1, 1])
        self.now(first.unsubscribe())
        sender.send({"data": {"ticked": 2}})
        self.assertEqual(self.ticks(second, 1), [2])
        self.now(second.unsubscribe())

    def test_same_id_given_back(self) -> None:
        """An id that comes for a second behind the end of a first is asked for anew.

        Absinthe ends all that is of one id, so the server would send nothing.
        """
        self.schema.answer = lambda document: ok({"subscriptionId": "S"})
        first = self.subscribed()
        second = self.absinthe.subscribe(TICKS)
        third = self.absinthe.subscribe(TICKS)
        first.unsubscribe()
        third.unsubscribe()
        self.server.flush()
        self.assertEqual(second.id, "S")
        self.assertEqual(len(self.schema.documents), 4)
        self.now(second.unsubscribe())
        self.assertEqual(self.subscribed().id, "S")
        self.assertEqual(len(self.schema.documents), 5)

    def test_same_id_by_query(self) -> None:
        """A subscription sent as a query does not end one that has its id."""
        self.subscribed()
        (id,) = self.schema.subscriptions
        self.schema.answer = lambda document: ok({"subscriptionId": id})
        self.assertIsInstance(self.error(self.absinthe.query(TICKS)), InvalidResponse)
        self.assertEqual([*self.schema.subscriptions], [id])

    def test_full_queue(self) -> None:
        """Without a reader the oldest are dropped, and the log says so once."""
        self.now(self.client.reconfigure(receive_buffer=3))
        subscription = self.subscribed()
        with capturedLogs() as captured:
            self.publish(1, 2, 3, 4, 5)
        warnings = [
            formatEvent(event)
            for event in captured
            if event["log_level"] >= LogLevel.warn
        ]
        self.assertEqual(len(warnings), 1)
        self.assertIn("nobody reads its messages", warnings[0])
        self.assertEqual(subscription.dropped_results, 2)
        self.assertEqual(self.ticks(subscription, 3), [3, 4, 5])

    def test_slow_reader(self) -> None:
        """A reader that is slower than the server holds it back, and loses nothing."""
        self.now(self.client.reconfigure(receive_buffer=4))
        subscription = self.subscribed()
        self.publish(0)
        self.assertEqual(self.ticks(subscription, 1), [0])
        with capturedLogs():
            for value in range(1, 40):
                self.publish(value)
            self.assertEqual(self.ticks(subscription, 39), list(range(1, 40)))
        self.assertEqual(subscription.dropped_results, 0)

    def test_stop_while_held_back(self) -> None:
        """A connection that a slow reader holds back can be stopped, and lost."""
        self.now(self.client.reconfigure(receive_buffer=2))
        subscription = self.subscribed()
        self.publish(0)
        self.ticks(subscription, 1)
        with capturedLogs():
            self.publish(1, 2, 3)
            self.lose()
            self.publish(4)
            self.assertEqual(self.ticks(subscription, 1), [1])
            self.publish(5, 6, 7)
            self.now(self.client.stopService())

    def test_cancelled_wait(self) -> None:
        """Who stops waiting takes nothing."""
        subscription = self.absinthe.subscribe(TICKS)
        waiting, other = subscription.when_subscribed(), subscription.when_subscribed()
        waiting.cancel()
        self.assertIsInstance(self.error(waiting), CancelledError)
        self.now(other)
        reading = subscription.receive()
        reading.cancel()
        self.assertIsInstance(self.error(reading), CancelledError)
        self.publish(1)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_close(self) -> None:
        """To close leaves the channel and ends all; the next document joins again."""
        subscription = self.subscribed()
        reading = subscription.receive()
        self.assertIsNone(self.now(self.absinthe.close()))
        self.assertIsInstance(self.error(reading), ChannelClosed)
        self.assertEqual(self.schema.subscriptions, {})
        self.subscribed()

    def test_while_closing(self) -> None:
        """Until the channel is left, documents fail, and do not just end."""
        self.subscribed()
        closed = self.absinthe.close()
        subscription = self.absinthe.subscribe(TICKS)
        query = self.absinthe.query("{ user }")

        async def read() -> None:
            async for _ in subscription:
                pass

        reading = Deferred.fromCoroutine(read())
        for deferred in (subscription.when_subscribed(), query, reading):
            self.assertIsInstance(self.error(deferred), ChannelClosed)
        self.assertIsNone(self.now(closed))
        self.subscribed()

    def test_stop(self) -> None:
        """The client's stop ends all, and fires all that was handed out."""
        first = self.subscribed()
        self.schema.answer = lambda document: False
        second = self.absinthe.subscribe(TICKS)
        query = self.absinthe.query("{ user }")
        waiting = [first.receive(), second.receive(), second.when_subscribed(), query]
        ended = second.unsubscribe()
        third = self.absinthe.subscribe(TICKS)
        self.now(self.client.stopService())
        for deferred in waiting:
            self.assertIsInstance(self.error(deferred), ENDINGS)
        self.assertIsNone(self.successResultOf(ended))
        self.assertTrue(first.is_ended and third.is_ended)
