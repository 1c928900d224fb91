"""Tests of the spans of OpenTelemetry, by its SDK's exporter in memory."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import ConfigurationError, JoinError, PushError, telemetry
from txphoenix.otel import instrument
from txphoenix.otel.attributes import fail, url_attributes

from .otel_case import SECRET, FixedPropagator, OtelCase, Room


class PushTests(OtelCase):
    """A push is a span, from the call to the end of its Deferred."""

    def setUp(self) -> None:
        """Have a channel that is joined."""
        super().setUp()
        self.instrument()
        self.room = self.joined(self.client())

    def failed_push(self, event: str, **options: Any) -> Any:
        """A push that the server does not answer, and its span."""
        return self.room.push(event, {"token": SECRET}, **options)

    def test_reply(self) -> None:
        """It says where to and what, and neither payload nor response."""
        pushing = self.room.push("new_msg", {"body": SECRET})
        self.assertEqual(self.spans("push new_msg"), [])
        self.server.flush()
        self.successResultOf(pushing)
        span = self.the_span("push new_msg")
        self.assertEqual(
            dict(span.attributes),
            {
                "messaging.system": "phoenix",
                "messaging.operation.name": "push",
                "messaging.operation.type": "send",
                "messaging.destination.name": "rooms:lobby",
                "phoenix.topic": "rooms:lobby",
                "phoenix.event": "new_msg",
                "phoenix.reply.status": "ok",
                "server.address": "127.0.0.1",
                "server.port": 4000,
            },
        )
        self.assertEqual(span.kind, SpanKind.CLIENT)
        self.assertEqual(span.status.status_code, StatusCode.UNSET)
        self.assertIsNone(span.parent)

    def test_error_reply(self) -> None:
        """A refusal is an error of its class and status; what was said is no part."""
        pushing = self.failed_push("bad")
        self.server.flush()
        self.failureResultOf(pushing)
        span = self.the_span("push bad")
        self.assertEqual(span.status.status_code, StatusCode.ERROR)
        self.assertEqual(span.status.description, "PushError")
        self.assertEqual(span.attributes["error.type"], "txphoenix.errors.PushError")
        self.assertEqual(span.attributes["phoenix.reply.status"], "error")

    def test_status_alone(self) -> None:
        """So it is where the server has said all in the status, and nothing beside."""
        status: Any = {"is": SECRET}
        for error in (PushError(status, None), JoinError(None)):
            with self.tracer.start_as_current_span("failed") as begun:
                fail(begun, error)
            span = self.spans("failed")[-1]
            self.assertNotIn(SECRET, span.to_json())
            self.assertEqual(span.status.description, type(error).__name__)

    def test_timeout(self) -> None:
        """One that is not answered ends with its time."""
        pushing = self.failed_push("silent", timeout=2.0)
        self.server.advance(2.0)
        self.failureResultOf(pushing)
        span = self.the_span("push silent")
        self.assertEqual(span.attributes["error.type"], "txphoenix.errors.PushTimeout")
        self.assertEqual(span.attributes["phoenix.reply.status"], "timeout")
        self.assertIn("2", span.status.description)

    def test_interrupted(self) -> None:
        """One that loses its connection ends with that."""
        pushing = self.failed_push("silent")
        self.server.flush()
        self.server.drop()
        self.server.flush()
        self.failureResultOf(pushing)
        span = self.the_span("push silent")
        self.assertEqual(
            span.attributes["error.type"], "txphoenix.errors.PushInterrupted"
        )

    def test_cancelled(self) -> None:
        """One that is cancelled ends there and then."""
        pushing = self.failed_push("silent")
        pushing.cancel()
        self.failureResultOf(pushing, CancelledError)
        span = self.the_span("push silent")
        self.assertEqual(
            span.attributes["error.type"], "twisted.internet.defer.CancelledError"
        )

    def test_not_taken(self) -> None:
        """One that is refused at once is a span as well."""
        self.room.leave()
        self.failureResultOf(self.room.push("new_msg"))
        span = self.the_span("push new_msg")
        self.assertEqual(
            span.attributes["error.type"], "txphoenix.errors.ChannelClosed"
        )

    def test_async(self) -> None:
        """One without a reply has ended where it is called."""
        self.room.push_async("typing", {})
        span = self.the_span("push typing")
        self.assertEqual(span.kind, SpanKind.PRODUCER)

    def test_kept(self) -> None:
        """One that waits for a connection is a child of its caller's span."""
        self.server.refuse(503)
        self.server.drop()
        self.server.flush()
        with self.tracer.start_as_current_span("caller"):
            pushing = self.room.push("new_msg", timeout=60.0)
        self.server.refuse(None)
        self.server.advance(20.0)
        self.successResultOf(pushing)
        self.assertEqual(
            self.the_span("push new_msg").parent.span_id,
            self.the_span("caller").context.span_id,
        )

    def test_no_secrets(self) -> None:
        """No span has a token, a payload or a response."""
        for event in ("new_msg", "bad", "silent"):
            self.failed_push(event, timeout=1.0).addErrback(lambda _: None)
        self.client().channel("rooms:locked").join().addErrback(lambda _: None)
        self.server.advance(2.0)
        self.assertEqual(len(self.spans()), 2 + 2 + 3)
        for span in self.spans():
            self.assertNotIn(SECRET, span.to_json())


class CoroutineTests(OtelCase):
    """The caller's span is the parent, however Twisted runs the caller."""

    def check(self, run: Any) -> None:
        """Run it twice at once, and look whose child each push is."""
        self.instrument()
        room = self.joined(self.client())
        running = [run(room, name) for name in ("one", "other")]
        self.server.flush()
        for each in running:
            self.successResultOf(each)
        for name in ("one", "other"):
            parent = self.the_span(name).context.span_id
            for number in range(2):
                span = self.the_span(f"push {name}-{number}")
                self.assertEqual(span.parent.span_id, parent)
        self.assertFalse(get_current_span().get_span_context().is_valid)

    def test_coroutine(self) -> None:
        """Coroutines that wait do not mix up their spans."""

        async def run(room: Any, name: str) -> None:
            with self.tracer.start_as_current_span(name):
                await room.push(f"{name}-0")
                await room.push(f"{name}-1")

        self.check(lambda *args: Deferred.fromCoroutine(run(*args)))

    def test_inline_callbacks(self) -> None:
        """Nor does what ``inlineCallbacks`` runs."""

        @inlineCallbacks
        def run(room: Any, name: str) -> Generator[Deferred[Any], Any, None]:
            with self.tracer.start_as_current_span(name):
                yield room.push(f"{name}-0")
                yield room.push(f"{name}-1")

        self.check(run)


class PropagationTests(OtelCase):
    """The context goes to the server if that is asked for."""

    def sent(self, payload: Any = None, **options: Any) -> Any:
        """What the server has of a push."""
        self.instrument(**options)
        room = self.joined(self.client())
        pushing = room.push("new_msg", {"body": 1} if payload is None else payload)
        self.server.flush()
        self.successResultOf(pushing)
        return Room.pushes[0]

    def test_not_asked_for(self) -> None:
        """By default payloads and params are sent as they are."""
        self.assertEqual(self.sent(), {"body": 1})
        self.assertEqual(Room.joins, [{}])

    def test_asked_for(self) -> None:
        """A payload has the traceparent of its own span, and so have params."""
        given = {"body": 1}
        payload = self.sent(given, propagate=True)
        for field, span in (
            (payload["traceparent"], self.the_span("push new_msg")),
            (Room.joins[0]["traceparent"], self.the_span("join")),
        ):
            context = span.context
            self.assertEqual(
                field.rpartition("-")[0],
                f"00-{context.trace_id:032x}-{context.span_id:016x}",
            )
        self.assertEqual(payload["body"], 1)
        self.assertEqual(given, {"body": 1})

    def test_no_place(self) -> None:
        """What is no mapping is sent as it is."""
        self.assertEqual(self.sent([1, 2], propagate=True), [1, 2])

    def test_binary(self) -> None:
        """So are bytes."""
        self.assertEqual(self.sent(b"\x00\xff", propagate=True), b"\x00\xff")

    def test_async(self) -> None:
        """A push without a reply has it as well."""
        self.instrument(propagate=True)
        self.joined(self.client()).push_async("typing", {"at": 1})
        self.server.flush()
        span = self.the_span("push typing")
        self.assertIn(f"{span.context.span_id:016x}", Room.pushes[0]["traceparent"])

    def test_propagator(self) -> None:
        """The fields are those of the propagator that is given."""
        payload = self.sent(propagate=True, propagator=FixedPropagator())
        span = self.the_span("push new_msg")
        self.assertEqual(payload["x-span"], f"{span.context.span_id:x}")
        self.assertNotIn("traceparent", payload)

    def test_baggage_of_a_later_join(self) -> None:
        """A join that waits for the connection has its caller's baggage too."""
        self.instrument(propagate=True)
        client = self.client()
        token = attach(set_baggage("tenant", "blue"))
        joining = client.channel("rooms:lobby").join()
        detach(token)
        self.server.flush()
        self.successResultOf(joining)
        self.assertEqual(Room.joins[0]["baggage"], "tenant=blue")

    def test_each_rejoin(self) -> None:
        """Each attempt to join has the context of its own span."""
        self.instrument(propagate=True)
        self.joined(self.client())
        self.server.drop()
        self.server.advance(6.0)
        first, second = self.spans("join")
        for params, span in zip(Room.joins, (first, second), strict=True):
            assert span.context is not None
            self.assertIn(f"{span.context.span_id:016x}", params["traceparent"])


class InstrumentTests(OtelCase):
    """Spans are made of those clients, and for as long, as was asked for."""

    def test_some_clients(self) -> None:
        """Of several clients those alone are instrumented that are named."""
        one, other = self.client(name="one"), self.client(name="other")
        self.server.flush()
        self.instrument(one)
        for client in (one, other):
            self.joined(client, f"rooms:{client.name}").push_async("typing")
        topics = {(span.attributes or {})["phoenix.topic"] for span in self.spans()}
        self.assertEqual(topics, {"rooms:one"})

    def test_uninstrument(self) -> None:
        """Then nothing is attached any more, and what was open has ended."""
        made = self.instrument()
        room = self.joined(self.client())
        pushing = room.push("silent")
        self.server.refuse(503)
        self.server.drop()
        self.server.flush()
        self.failureResultOf(pushing)
        made.uninstrument()
        made.uninstrument()
        before = len(self.spans())
        self.server.refuse(None)
        self.server.advance(20.0)
        room.push_async("typing")
        self.assertEqual(len(self.spans()), before)
        self.assertEqual(telemetry.list_handlers(), [])
        self.assertEqual(telemetry.tracing.tracers, [])

    def test_open_at_the_end(self) -> None:
        """A push that is under way then is told of to its end."""
        made = self.instrument()
        room = self.joined(self.client())
        pushing = room.push("new_msg")
        made.uninstrument()
        self.server.flush()
        self.successResultOf(pushing)
        self.the_span("push new_msg")

    def test_no_client(self) -> None:
        """What is no client is refused."""
        wrong: Any = "ws://localhost"
        with self.assertRaises(ConfigurationError):
            instrument(wrong)

    def test_json(self) -> None:
        """Spans have nothing that an exporter cannot write."""
        self.instrument()
        self.joined(self.client())
        for span in self.spans():
            json.loads(span.to_json())


class AddressTests(SynchronousTestCase):
    """The server is named as the URL names it."""

    def check(self, url: str, *expected: object) -> None:
        """Compare address and port."""
        found = url_attributes(url)
        self.assertEqual(
            (found.get("server.address"), found.get("server.port")), expected
        )

    def test_ports(self) -> None:
        """A port that is not given is the scheme's."""
        self.check("wss://example.org/socket", "example.org", 443)
        self.check("ws://example.org/socket?token=[redacted]", "example.org", 80)
        self.check("wss://example.org:4443", "example.org", 4443)

    def test_userinfo(self) -> None:
        """What stands for the userinfo is no address."""
        self.check("wss://[redacted]@example.org/a@b", "example.org", 443)

    def test_ipv6(self) -> None:
        """An address is without its brackets."""
        self.check("ws://[::1]:4000/socket", "::1", 4000)

    def test_none(self) -> None:
        """What is no URL has none."""
        for url in ("", "<callable>", "[redacted]", "ws://h:port/", "ws://[::1/"):
            self.check(url, None, None)
