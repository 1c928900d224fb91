"""The Absinthe server of the tests answers as absinthe_phoenix does."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    Channel,
    ChannelClosed,
    JoinError,
    Message,
    PushError,
    SocketClient,
)
from txphoenix.absinthe.testing import (
    DocumentError,
    MemoryAbsintheServer,
    ServerSubscription,
)
from txphoenix.absinthe.testing.documents import (
    DocumentSyntaxError,
    RootField,
    read_document,
)
from txphoenix.testing import ok

CONTROL = "__absinthe__:control"
SUBSCRIBE = {"query": "subscription { ticked }"}


class ServerTests(SynchronousTestCase):
    """A plain client of the library speaks with the server."""

    def setUp(self) -> None:
        """Join the control channel of a server with two fields."""
        self.server = MemoryAbsintheServer()
        self.schema = schema = self.server.schema
        schema.query("user", lambda variables: {"id": variables.get("id")})
        schema.subscription("ticked")
        self.client = SocketClient(
            self.server.url, endpoint=self.server.endpoint, reactor=self.server.clock
        )
        self.messages: list[Message] = []
        self.client.on_message(self.messages.append)
        self.client.on_topic("__absinthe__:doc:*", lambda message: None)
        self.client.startService()
        self.channel: Channel = self.client.channel(CONTROL)
        joined = self.channel.join()
        self.server.flush()
        self.successResultOf(joined)
        self.addCleanup(self.client.stopService)

    def doc(self, payload: Any) -> Any:
        """What the server replies to a document, or the error."""
        pushed = self.channel.push("doc", payload)
        self.server.flush()
        found: list[Any] = []
        pushed.addBoth(found.append)
        return getattr(found[0], "value", found[0])

    def test_query(self) -> None:
        """A query is answered with the data of its fields, by their aliases."""
        query = "query Q($id: ID!) { ann: user(id: $id) { id } user { id } }"
        answer = self.doc({"query": query, "variables": {"id": "7"}})
        self.assertEqual(answer, {"data": {"ann": {"id": "7"}, "user": {"id": "7"}}})

    def test_no_variables(self) -> None:
        """Variables that are null are none; such as are no map are refused."""
        answer = self.doc({"query": "{ user }", "variables": None})
        self.assertEqual(answer, {"data": {"user": {"id": None}}})
        refused = self.doc({"query": "{ user }", "variables": [1]})
        self.assertIsInstance(refused, PushError)
        self.assertEqual(
            refused.response, {"error": "Could not parse variables as map"}
        )

    def test_failed_field(self) -> None:
        """A field that fails is null, with an error beside the data, and status ok."""

        def fail(variables: object) -> None:
            raise DocumentError("no such user", code=404)

        self.schema.query("user", fail)
        answer = self.doc({"query": "{ user }"})
        self.assertEqual(answer["data"], {"user": None})
        (error,) = answer["errors"]
        self.assertEqual(error["message"], "no such user")
        self.assertEqual((error["path"], error["code"]), (["user"], 404))

    def test_errors_alone(self) -> None:
        """What cannot be run is an error without data, and status error."""
        for query, text in (
            ("{ nothing }", 'Cannot query field "nothing" on type "RootQueryType".'),
            ("query {", "syntax error before: ''"),
            (
                "query A { user } query B { user }",
                "Must provide a valid operation name",
            ),
        ):
            refused = self.doc({"query": query, "operationName": "A"})
            self.assertIsInstance(refused, PushError, query)
            self.assertEqual(refused.status, "error")
            self.assertNotIn("data", refused.response)
            self.assertIn(text, refused.response["errors"][0]["message"])

    def test_subscription(self) -> None:
        """Data come on the topic of the id that the reply has, until unsubscribed."""
        answer = self.doc(SUBSCRIBE)
        id = answer["subscriptionId"]
        self.assertTrue(id.startswith("__absinthe__:doc:"))
        self.assertEqual(self.schema.publish("ticked", 1), 1)
        self.server.flush()
        self.assertEqual(
            self.messages[-1],
            Message(
                None,
                None,
                id,
                "subscription:data",
                {"result": {"data": {"ticked": 1}}, "subscriptionId": id},
            ),
        )
        ended = self.channel.push("unsubscribe", {"subscriptionId": id})
        self.server.flush()
        self.assertEqual(self.successResultOf(ended), {"subscriptionId": id})
        self.assertEqual(self.schema.publish("ticked", 2), 0)

    def test_variables_decide(self) -> None:
        """A publication can be for some variables alone."""
        self.doc({**SUBSCRIBE, "variables": {"room": 1}})
        self.assertEqual(
            self.schema.publish("ticked", 1, lambda given: given["room"] == 2), 0
        )
        self.assertEqual(
            self.schema.publish("ticked", 1, lambda given: given["room"] == 1), 1
        )

    def test_refused_subscription(self) -> None:
        """A field's config can refuse."""

        def config(variables: object) -> None:
            raise DocumentError("unauthorized")

        self.schema.subscription("ticked", config)
        refused = self.doc(SUBSCRIBE)
        self.assertEqual(refused.response["errors"][0]["message"], "unauthorized")

    def test_data_before_reply(self) -> None:
        """Data may come before the reply, and right behind it."""

        def send(subscription: ServerSubscription) -> None:
            subscription.send({"data": {}})

        self.schema.before_reply = self.schema.after_reply = send
        self.doc(SUBSCRIBE)
        self.assertEqual(
            [message.event for message in self.messages[-3:]],
            ["subscription:data", "phx_reply", "subscription:data"],
        )

    def test_own_answer(self) -> None:
        """The test may answer anything, or nothing at all."""
        self.schema.answer = lambda document: ok({"subscriptionId": document.name})
        self.assertEqual(
            self.doc({"query": "subscription S { ticked }"}), {"subscriptionId": "S"}
        )
        self.schema.answer = lambda document: False
        pushed = self.channel.push("doc", SUBSCRIBE, timeout=3)
        self.server.flush()
        self.server.advance(3)
        self.failureResultOf(pushed, PushError)
        self.schema.answer = lambda document: None
        self.assertEqual(
            self.doc({"query": "{ user }"})["data"], {"user": {"id": None}}
        )

    def test_crashes(self) -> None:
        """An event that absinthe_phoenix has no clause for is a crash."""
        self.doc(SUBSCRIBE)
        empty: dict[str, object] = {}
        for event, payload in (("other", empty), ("unsubscribe", empty)):
            errors: list[BaseException] = []
            remove = self.channel.on_error(errors.append)
            self.channel.push_async(event, payload)
            self.server.flush()
            remove()
            self.assertIsInstance(errors[0], ChannelClosed)
            self.assertEqual(self.schema.subscriptions, {})
            self.server.advance(10)

    def test_refused_join(self) -> None:
        """A control can refuse the join, and there is no other topic."""
        self.schema.refusal = {"reason": "unauthorized"}
        for topic, reason in (
            ("__absinthe__:control", "unauthorized"),
            ("__absinthe__:other", "join crashed"),
        ):
            left = self.client.leave(topic)
            self.server.flush()
            self.successResultOf(left)
            joined = self.client.join(topic)
            self.server.flush()
            self.assertEqual(
                self.failureResultOf(joined, JoinError).value.reason, reason
            )

    def test_when_subscribed(self) -> None:
        """A test can wait for subscriptions."""
        first, second = self.schema.when_subscribed(), self.schema.when_subscribed(2)
        self.doc(SUBSCRIBE)
        self.successResultOf(first)
        self.assertNoResult(second)
        self.doc(SUBSCRIBE)
        self.successResultOf(second)
        self.successResultOf(self.schema.when_subscribed(2))


class DocumentTests(SynchronousTestCase):
    """What the server sees of a document."""

    def test_read(self) -> None:
        """Operations, names and root fields are found past all that can be between."""
        for query, operation, name, fields in (
            ("{a}", "query", None, "a"),
            ('mutation M { a(b: {c: "}"}) { d { e } } }', "mutation", "M", "a"),
            (
                "subscription($x: [Int!] = [1]) @d(a: 1) { k: f @i(if: $x) g }",
                "subscription",
                None,
                "k:f g",
            ),
            ("# {\nfragment F on T { x } query { a, b }", "query", None, "a b"),
            ('{ a(t: """ a " { \\""" """) }', "query", None, "a"),
        ):
            document = read_document(query, {})
            self.assertEqual((document.operation, document.name), (operation, name))
            wanted = tuple(
                RootField(each.split(":")[-1], each.split(":")[0])
                for each in fields.split()
            )
            self.assertEqual(document.fields, wanted)

    def test_wrong(self) -> None:
        """What is no document is told apart."""
        for query in (
            "",
            "{",
            "x { a }",
            "{ 1 }",
            "query Q",
            "{ a( }",
            "{ ~ }",
            "{ a: }",
        ):
            with self.assertRaises(DocumentSyntaxError, msg=query):
                read_document(query, {})
