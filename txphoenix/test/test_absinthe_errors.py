"""What a server of GraphQL sends that is an error, or nothing that it may send."""

from __future__ import annotations

import pickle
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix import Message, PhoenixError, PushError, PushTimeout
from txphoenix.absinthe import GraphQLError, InvalidResponse, Subscription
from txphoenix.absinthe.early_data import EarlyData
from txphoenix.absinthe.errors import log_text
from txphoenix.absinthe.testing import DocumentError
from txphoenix.testing import error, ok, reply

from .absinthe_case import TICKS, AbsintheCase

SECRET = "hunter2"


class _Case(AbsintheCase):
    """After each test the same connection still answers."""

    def setUp(self) -> None:
        """Keep what the log says."""
        super().setUp()
        captured = capturedLogs()
        self.log = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)

    def end(self) -> None:
        """See that all goes on as before."""
        self.schema.answer = None
        self.now(self.absinthe.query("{ user }"))
        self.publish(1)
        self.assertEqual(self.ticks(self.subscribed_again(), 1), [2])
        self.assertEqual(self.server.connections_made, 1)
        super().end()

    def subscribed_again(self) -> Subscription:
        """Another subscription, which has got something."""
        subscription = self.subscribed()
        self.publish(2)
        return subscription

    def answer(self, answer: Any) -> None:
        """Have the server answer each document so."""
        self.schema.answer = lambda document: answer

    def lines(self, level: LogLevel = LogLevel.warn) -> list[str]:
        """What the log says, from a level on."""
        return [
            str(formatEvent(event)) for event in self.log if event["log_level"] >= level
        ]

    def send(self, topic: str, payload: Any) -> None:
        """Have the server send data."""
        (session,) = self.server.connections
        session.send(Message(None, None, topic, "subscription:data", payload))
        self.server.flush()


class ReplyTests(_Case):
    """Replies to documents."""

    def test_partial(self) -> None:
        """Errors beside data are an error that has the data."""

        def fail(variables: object) -> None:
            raise DocumentError("no such user", extensions={"code": "NOT_FOUND"})

        self.schema.query("boss", fail)
        found = self.error(self.absinthe.query("{ user { id } boss { id } }"))
        self.assertIsInstance(found, GraphQLError)
        self.assertIsInstance(found, PhoenixError)
        self.assertEqual(found.data, {"user": {"id": None}, "boss": None})
        self.assertEqual(found.errors[0]["extensions"], {"code": "NOT_FOUND"})
        self.assertEqual(str(found), "GraphQL error: no such user")
        copied = pickle.loads(pickle.dumps(found))
        self.assertEqual((copied.errors, copied.data), (found.errors, found.data))

    def test_without_data(self) -> None:
        """Errors alone are an error without data."""
        found = self.error(self.absinthe.query("{ nothing other }"))
        self.assertIsInstance(found, GraphQLError)
        self.assertIsNone(found.data)
        self.assertIn('Cannot query field "nothing"', str(found))
        self.assertTrue(str(found).endswith("(and 1 more)"))

    def test_odd_errors(self) -> None:
        """Errors of any form are told."""
        every: tuple[list[Any], ...] = (
            ["plain"],
            [None],
            [{"message": 7}],
            [{}],
            [[1]],
        )
        for errors in every:
            for make in (ok, error):
                self.answer(make({"errors": errors}))
                found = self.error(self.absinthe.query("{ user }"))
                self.assertIsInstance(found, GraphQLError, errors)
                self.assertEqual(found.errors, errors)

    def test_other_refusals(self) -> None:
        """A refusal without errors of GraphQL is the library's own error."""
        for answer in (
            error({"error": "Could not parse variables as map"}),
            error({"reason": "unmatched topic"}),
            error({"errors": []}),
            error([]),
            reply("other", {}),
        ):
            self.answer(answer)
            for failed in (
                self.absinthe.query("{ user }"),
                self.absinthe.subscribe(TICKS).when_subscribed(),
            ):
                found = self.error(failed)
                self.assertIs(type(found), PushError)
                self.assertEqual(found.response, answer.response)

    def test_no_response(self) -> None:
        """A reply that is no response of GraphQL is told as such."""
        every: tuple[Any, ...] = ({}, [], None, 7, "x", {"errors": "x"}, {"errors": {}})
        for response in every:
            self.answer(ok(response))
            found = self.error(self.absinthe.query("{ user }"))
            self.assertIsInstance(found, InvalidResponse, response)
            self.assertEqual(found.response, response)
            self.assertIn("neither data nor errors", str(found))

    def test_no_errors_after_all(self) -> None:
        """An empty list of errors, or null, beside data is no error."""
        every: tuple[Any, ...] = ([], None)
        for errors in every:
            self.answer(ok({"data": {"a": 1}, "errors": errors}))
            self.assertEqual(self.now(self.absinthe.query("{ a }")), {"a": 1})

    def test_query_of_subscription(self) -> None:
        """A subscription by query() is an error, and is ended on the server."""
        found = self.error(self.absinthe.query(TICKS))
        self.assertIsInstance(found, InvalidResponse)
        self.assertIn("call subscribe() for it", str(found))
        self.server.flush()
        self.assertEqual(self.schema.subscriptions, {})

    def test_subscription_to_query(self) -> None:
        """A query by subscribe() is an error, and its data are not in the text."""
        self.schema.query("user", lambda variables: SECRET)
        found = self.error(self.absinthe.subscribe("{ user }").when_subscribed())
        self.assertIsInstance(found, InvalidResponse)
        self.assertIn("call query() for it", str(found))
        self.assertNotIn(SECRET, str(found))


class SubscribeTests(_Case):
    """Replies to subscriptions."""

    def test_refused(self) -> None:
        """A refused subscription is an error for each who waits for it."""

        def config(variables: object) -> None:
            raise DocumentError("unauthorized")

        self.schema.subscription("secrets", config)
        subscription = self.absinthe.subscribe("subscription { secrets }")
        reading, subscribed = subscription.receive(), subscription.when_subscribed()
        closed: list[object] = []
        subscription.on_close(closed.append)
        for deferred in (reading, subscribed, subscription.when_subscribed()):
            self.assertEqual(str(self.error(deferred)), "GraphQL error: unauthorized")
        self.assertIs(closed[0], subscription.error)
        self.assertEqual(self.lines(), [])

        async def read() -> None:
            async for _ in self.absinthe.subscribe("subscription { secrets }"):
                pass

        iterating = Deferred.fromCoroutine(read())
        self.assertIsInstance(self.error(iterating), GraphQLError)

    def test_refused_unheard(self) -> None:
        """One that nobody waits for is told by the log, without its variables."""
        self.schema.answer = lambda document: error(
            {"errors": [{"message": f"invalid value {SECRET}", "path": ["a"]}]}
        )
        self.absinthe.subscribe(TICKS, {"password": SECRET}, "Ticks")
        self.server.flush()
        (line,) = self.lines()
        self.assertEqual(
            line,
            "Ticks 1: the subscription has ended: the server has answered with"
            " 1 GraphQL error(s), the first at ['a']",
        )

    def test_no_id(self) -> None:
        """A reply without an id, or with none that can be a topic, is told as such."""
        every: tuple[Any, ...] = (
            {},
            [],
            None,
            {"subscriptionId": 7},
            {"subscriptionId": ""},
            {"subscriptionId": None},
            {"subscriptionId": "phoenix"},
            {"subscriptionId": [1]},
        )
        for response in every:
            self.answer(ok(response))
            subscription = self.absinthe.subscribe(TICKS)
            found = self.error(subscription.when_subscribed())
            self.assertIsInstance(found, InvalidResponse, response)
            self.assertIn("subscriptionId", str(found))
            self.assertTrue(subscription.is_ended)

    def test_id_never_comes(self) -> None:
        """Without an id in time it ends; if the server has begun it, it is ended."""
        waiting: Deferred[Any] = Deferred()
        self.schema.answer = lambda document: waiting
        subscription = self.absinthe.subscribe(TICKS, timeout=2)
        reading = subscription.receive()
        self.server.flush()
        self.server.advance(2)
        for deferred in (subscription.when_subscribed(), reading):
            found = self.error(deferred)
            self.assertIsInstance(found, PushTimeout)
            self.assertTrue(found.was_sent)
        waiting.callback(None)
        self.server.flush()
        self.assertEqual(len(self.schema.subscriptions), 1)
        self.publish(7, 8)
        self.assertEqual(self.schema.subscriptions, {})
        (line,) = self.lines()
        self.assertIn("data came for a subscription that nobody has", line)

    def test_odd_id(self) -> None:
        """An id of another form is a topic as well, for as long as it is needed."""
        self.schema.answer = lambda document: ok({"subscriptionId": "odd:1"})
        subscription = self.subscribed()
        payload = {"result": {"data": {"ticked": 1}}, "subscriptionId": "odd:1"}
        self.send("odd:1", payload)
        self.assertEqual(self.ticks(subscription, 1), [1])
        hooks = self.client._hook_lists.topics
        self.assertIn("odd:1", hooks._topics if hooks else ())
        self.now(subscription.unsubscribe())
        self.assertNotIn("odd:1", hooks._topics if hooks else ())
        self.assertEqual(self.lines(), [])

    def test_id_of_many_topics(self) -> None:
        """An id that would take the messages of other topics is an error."""
        for id in ("*", "rooms:*"):
            self.schema.answer = lambda document, id=id: ok({"subscriptionId": id})
            subscribed = self.absinthe.subscribe(TICKS).when_subscribed()
            self.assertIsInstance(self.error(subscribed), InvalidResponse)


class DataTests(_Case):
    """What subscriptions get."""

    def test_errors(self) -> None:
        """A result with errors is raised, data and all, and the next is taken."""
        subscription = self.subscribed()
        (sender,) = self.schema.subscriptions.values()
        sender.send({"data": {"ticked": None}, "errors": [{"message": "late"}]})
        sender.send({"errors": [{"message": "alone"}]})
        self.publish(1)
        for text, data in (("late", {"ticked": None}), ("alone", None)):
            found = self.error(subscription.receive())
            self.assertIsInstance(found, GraphQLError)
            self.assertEqual(str(found), f"GraphQL error: {text}")
            self.assertEqual(found.data, data)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_no_result(self) -> None:
        """Data of another form are told as such, and the next is taken."""
        subscription = self.subscribed()
        (sender,) = self.schema.subscriptions.values()
        wrong: tuple[Any, ...] = (
            {},
            [],
            None,
            "x",
            {"result": None},
            {"result": []},
            {"result": {}},
        )
        for payload in wrong:
            sender.send_payload(payload)
            self.assertIsInstance(self.error(subscription.receive()), InvalidResponse)
        self.publish(1)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_hooks(self) -> None:
        """Where hooks take the results, on_error takes the errors, or else the log."""
        subscription = self.subscribed()
        (sender,) = self.schema.subscriptions.values()
        results: list[Any] = []
        errors: list[BaseException] = []
        subscription.on_result(results.append)
        sender.send({"errors": [{"message": f"of {SECRET}"}]})
        sender.send_payload({"result": SECRET})
        self.server.flush()
        self.assertEqual(
            self.lines(),
            [
                "subscription 1: the server has answered with 1 GraphQL error(s)",
                "subscription 1: neither data nor errors in what the server sent",
            ],
        )
        subscription.on_error(errors.append)
        sender.send({"errors": [{"message": "late"}]})
        sender.send({"data": {"ticked": 1}})
        self.server.flush()
        self.assertEqual([type(each) for each in errors], [GraphQLError])
        self.assertEqual(results, [{"ticked": 1}])
        self.assertEqual(len(self.lines()), 2)

    def test_unknown(self) -> None:
        """Data for an id that nobody has cost one line and one message each."""
        self.subscribed()
        topic = "__absinthe__:doc:0:NOBODY"
        ended = self.server.when_received("unsubscribe")
        for _ in range(3):
            self.send(topic, {"result": {"data": {}}, "subscriptionId": topic})
        self.assertEqual(self.now(ended).payload, {"subscriptionId": topic})
        self.assertEqual(len(self.lines()), 1)
        for number in range(300):
            self.send(f"{topic}{number}", {})
        self.assertEqual(len(self.lines()), 100)

    def test_other_events(self) -> None:
        """Other events of these topics are dropped, and the log says so at debug."""
        self.subscribed()
        (session,) = self.server.connections
        for topic in ("__absinthe__:doc:1", "__absinthe__:control"):
            session.send(Message(None, None, topic, "doc", {"queryId": 1}))
        self.server.flush()
        self.assertEqual(self.lines(), [])
        said = [
            each for each in self.lines(LogLevel.debug) if "nothing is known" in each
        ]
        self.assertEqual(len(said), 2)

    def test_by_control_topic(self) -> None:
        """Data by the control channel's topic are found by their id."""
        subscription = self.subscribed()
        payload = {
            "result": {"data": {"ticked": 1}},
            "subscriptionId": subscription.id,
        }
        self.send("__absinthe__:control", payload)
        self.assertEqual(self.ticks(subscription, 1), [1])

    def test_late_data(self) -> None:
        """The last data of what has just been given back need no word in the log."""
        subscription = self.subscribed()
        (sender,) = self.schema.subscriptions.values()
        self.now(subscription.unsubscribe())
        sender.send({"data": {}})
        self.server.flush()
        self.assertEqual(self.lines(), [])

    def test_too_early(self) -> None:
        """Of data before their reply the latest are kept, and the log says so once."""

        def flood(sender: Any) -> None:
            for value in range(5):
                sender.send({"data": {"ticked": value}})

        self.absinthe._subscriptions._early = EarlyData(2)
        self.schema.before_reply = flood
        subscription = self.subscribed()
        self.assertEqual(self.ticks(subscription, 2), [3, 4])
        (line,) = self.lines()
        self.assertIn("more than 2 messages came before the reply", line)
        self.schema.before_reply = None
        self.now(subscription.unsubscribe())


class LogTextTests(AbsintheCase):
    """What the log may say of an error."""

    def test_secrets(self) -> None:
        """Neither what a server says of a document, nor what cannot be sent."""
        for found, text in (
            (GraphQLError([{"message": SECRET}]), "1 GraphQL error(s)"),
            (GraphQLError([]), "0 GraphQL error(s)"),
            (InvalidResponse("no data", SECRET), "no data"),
            (ValueError(SECRET), "ValueError"),
        ):
            self.assertIn(text, log_text(found))
            self.assertNotIn(SECRET, log_text(found))
        self.assertIn("timeout", log_text(PushTimeout(1, "t", "timeout")))
