"""The spans of joins: one for each attempt, whoever wants it.

A join that the user has called is the child of the span in which he did so; one after a
reconnect or a crash has no parent, and a link to the one before.
"""

from __future__ import annotations

from time import time_ns
from typing import Any, NamedTuple

from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Tracer

from .attributes import call_attributes, fail

__all__ = ["JoinCall", "JoinSpans"]


class JoinCall:
    """A ``join()`` that has not ended.

    :ivar context: that of its caller.
    :ivar begun: when it was called, in nanoseconds since 1970.
    :ivar was_tried: whether there was an attempt.
    """

    __slots__ = ("begun", "context", "was_tried")

    def __init__(self) -> None:
        self.context = get_current()
        self.begun = time_ns()
        self.was_tried = False


class _Attempt(NamedTuple):
    """An attempt that has not ended."""

    client: object
    channel: object
    span: Span


class JoinSpans:
    """Those of all channels.

    :param tracer: begins them.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        # By the ids of channels, of which a user's class may say when two are equal.
        self._calls: dict[int, JoinCall] = {}
        self._attempts: dict[int, _Attempt] = {}
        # With an attempt of each channel that is joined or about to be.
        self._latest: dict[int, SpanContext] = {}

    def called(self, channel: Any) -> JoinCall:
        """``join()`` was called, in the context of its caller."""
        call = JoinCall()
        # A second one is refused, and the attempts are those of the first.
        self._calls.setdefault(id(channel), call)
        return call

    def call_ended(
        self,
        call: JoinCall,
        channel: Any,
        server: dict[str, Any],
        error: BaseException | None,
    ) -> None:
        """It has ended; if there was no attempt, that is a span as well."""
        if self._calls.get(id(channel)) is call:
            del self._calls[id(channel)]
            self.ended(channel, error)
        if error is not None and not call.was_tried:
            attributes = call_attributes(server, "join", channel.topic)
            span = self._tracer.start_span(
                "join", call.context, SpanKind.CLIENT, attributes, start_time=call.begun
            )
            fail(span, error)
            span.end()

    def begin(
        self, client: Any, channel: Any, server: dict[str, Any]
    ) -> tuple[Span, Context]:
        """An attempt begins; return its span, and the context that it is made in."""
        key = id(channel)
        self._end(self._attempts.pop(key, None), None)
        call, before = self._calls.get(key), self._latest.get(key)
        if call is not None:
            call.was_tried = True
        context = Context() if call is None else call.context
        span = self._tracer.start_span(
            "join",
            context,
            SpanKind.CLIENT,
            call_attributes(server, "join", channel.topic),
            [] if before is None else [Link(before)],
        )
        self._attempts[key] = _Attempt(client, channel, span)
        self._latest[key] = span.get_span_context()
        return span, context

    def ended(self, channel: Any, error: object) -> None:
        """The attempt of a channel has ended, if there is one."""
        self._end(self._attempts.pop(id(channel), None), error)

    def closed(self, channel: Any, reason: object) -> None:
        """A channel has ended, and is not joined again by itself."""
        self.ended(channel, reason)
        self._latest.pop(id(channel), None)

    def disconnected(self, client: Any, reason: object) -> None:
        """The connection is lost, and with it all attempts of a client."""
        for attempt in list(self._attempts.values()):
            if attempt.client is client:
                self.ended(attempt.channel, reason)

    def end_all(self) -> None:
        """End all spans, of which nothing more will be heard."""
        for attempt in list(self._attempts.values()):
            self.ended(attempt.channel, None)
        self._calls.clear()
        self._latest.clear()

    @staticmethod
    def _end(attempt: _Attempt | None, error: object) -> None:
        if attempt is not None:
            if isinstance(error, BaseException):
                fail(attempt.span, error)
            attempt.span.end()
