"""Tests of the spans of attempts to connect and to join."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

from opentelemetry.trace import StatusCode, get_current_span

from .otel_case import OtelCase


class ConnectTests(OtelCase):
    """Each attempt to connect is a span of its own."""

    def test_connected(self) -> None:
        """It says where to, with the URL as it may be shown."""
        self.instrument()
        with self.tracer.start_as_current_span("caller"):
            self.client()
        self.assertEqual(self.spans("connect"), [])
        self.server.flush()
        span = self.the_span("connect")
        self.assertEqual(span.attributes["server.address"], "127.0.0.1")
        self.assertEqual(span.attributes["server.port"], 4000)
        self.assertIn("ws://127.0.0.1:4000/socket", span.attributes["url.full"])
        self.assertEqual(span.status.status_code, StatusCode.UNSET)
        self.assertEqual(span.parent.span_id, self.the_span("caller").context.span_id)

    def test_outage(self) -> None:
        """A long outage is short spans, each with its error."""
        self.instrument()
        self.server.refuse(503)
        self.client()
        self.server.advance(12.0)
        spans = self.spans("connect")
        self.assertEqual(len(spans), 3)
        for span in spans:
            assert span.attributes is not None
            self.assertEqual(
                span.attributes["error.type"], "txphoenix.errors.HandshakeRefused"
            )
            self.assertEqual(span.status.status_code, StatusCode.ERROR)

    def test_kept_context(self) -> None:
        """Nor is the caller the parent where the reactor keeps contexts, as asyncio's.

        What comes by the connection is not in the caller's context either.
        """
        clock, endpoint = self.server.clock, self.server.endpoint
        call_later, connect = clock.callLater, endpoint.connect
        seen: list[bool] = []

        def keep(delay: float, function: Any, *args: Any, **named: Any) -> Any:
            return call_later(delay, copy_context().run, function, *args, **named)

        def look(factory: Any) -> Any:
            seen.append(get_current_span().get_span_context().is_valid)
            return connect(factory)

        self.patch(clock, "callLater", keep)
        self.patch(endpoint, "connect", look)
        self.instrument()
        self.server.refuse(503)
        # The last fails while it is called.
        for transport, url, options in (
            ("websocket", None, {}),
            ("longpoll", None, {}),
            ("longpoll", None, {"fast_http": False}),
            ("websocket", lambda: "", {}),
        ):
            self.exporter.clear()
            with self.tracer.start_as_current_span("caller"):
                client = self.client(transport=transport, url=url, **options)
            self.server.advance(12.0)
            spans = self.spans("connect")
            parents = [span.parent is not None for span in spans]
            self.assertEqual(parents, [True, *(len(spans) - 1) * [False]], transport)
            self.assertGreater(len(spans), 1)
            self.stop(client)
        self.assertEqual(set(seen), {False})

    def test_given_up(self) -> None:
        """An attempt that the user ends is over, and its span is too."""
        self.instrument()
        self.server.is_stalled = True
        client = self.client()
        self.server.flush()
        self.stop(client)
        span = self.the_span("connect")
        self.assertEqual(span.attributes["error.type"], "txphoenix.errors.NotConnected")


class JoinTests(OtelCase):
    """Each attempt to join is a span."""

    def test_joined(self) -> None:
        """It is a child of the span in which ``join()`` was called, though later."""
        self.instrument()
        client = self.client()
        with self.tracer.start_as_current_span("caller"):
            joining = client.channel("rooms:lobby").join()
        self.server.flush()
        self.successResultOf(joining)
        span = self.the_span("join")
        self.assertEqual(span.attributes["phoenix.topic"], "rooms:lobby")
        self.assertEqual(span.parent.span_id, self.the_span("caller").context.span_id)

    def test_refused(self) -> None:
        """A refusal is one span with its error."""
        self.instrument()
        joining = self.client().channel("rooms:locked").join()
        self.server.flush()
        self.failureResultOf(joining)
        span = self.the_span("join")
        self.assertEqual(span.attributes["error.type"], "txphoenix.errors.JoinError")
        self.assertEqual(span.attributes["phoenix.reply.status"], "error")

    def test_never_sent(self) -> None:
        """One that never had a connection is a span from its call to its end."""
        self.instrument()
        self.server.refuse(503)
        with self.tracer.start_as_current_span("caller"):
            joining = self.client().channel("rooms:lobby").join(3.0)
        self.server.advance(3.0)
        self.failureResultOf(joining)
        span = self.the_span("join")
        self.assertEqual(span.attributes["error.type"], "txphoenix.errors.JoinTimeout")
        self.assertEqual(span.parent.span_id, self.the_span("caller").context.span_id)

    def test_rejoin(self) -> None:
        """One after a loss has no parent, and a link to the one before."""
        self.instrument()
        client = self.client()
        with self.tracer.start_as_current_span("caller"):
            self.joined(client)
        self.server.drop()
        self.server.advance(6.0)
        first, second = self.spans("join")
        self.assertIsNone(second.parent)
        (link,) = second.links
        self.assertEqual(link.context, first.context)

    def test_lost_meanwhile(self) -> None:
        """An attempt that loses its connection ends with that, and not at the next."""
        self.instrument()
        client = self.client()
        self.server.flush()
        self.server.pause()
        client.channel("rooms:lobby").join().addErrback(lambda _: None)
        self.server.flush()
        self.assertEqual(self.spans("join"), [])
        self.server.refuse(503)
        self.server.drop()
        self.server.resume()
        self.server.flush()
        span = self.the_span("join")
        self.assertEqual(
            span.attributes["error.type"], "txphoenix.errors.ConnectionClosed"
        )

    def test_second_join(self) -> None:
        """One that is refused, as the topic is taken, does not end the first."""
        self.instrument()
        client = self.client()
        channel = client.channel("rooms:lobby")
        with self.tracer.start_as_current_span("caller"):
            joining = channel.join()
        self.failureResultOf(channel.join())
        (refused,) = self.spans("join")
        assert refused.attributes is not None
        self.assertEqual(
            refused.attributes["error.type"], "txphoenix.errors.AlreadyJoined"
        )
        self.server.flush()
        self.successResultOf(joining)
        _, first = self.spans("join")
        assert first.parent is not None
        self.assertEqual(first.parent.span_id, self.the_span("caller").context.span_id)
        self.assertIsNone(refused.parent)

    def test_nothing_is_kept(self) -> None:
        """What has ended is forgotten."""
        made = self.instrument()
        client = self.client()
        channel = self.joined(client)
        channel.leave()
        self.server.flush()
        client.channel("rooms:locked").join().addErrback(lambda _: None)
        self.server.flush()
        joins = made._joins
        self.assertEqual((joins._calls, joins._attempts, joins._latest), ({}, {}, {}))
        self.assertEqual(made._connects, {})
