"""What is attached to telemetry, and makes spans of what that tells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.propagate import inject
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import (
    Span,
    SpanKind,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)

from .. import __version__, telemetry
from ..client import SocketClient
from ..errors import ConfigurationError
from .attributes import call_attributes, fail, url_attributes
from .joins import JoinSpans

__all__ = ["Instrumentation", "instrument"]


def instrument(
    *clients: SocketClient,
    tracer_provider: TracerProvider | None = None,
    propagate: bool = False,
    propagator: TextMapPropagator | None = None,
) -> Instrumentation:
    """Make spans of what clients do, from now on.

    Each attempt to connect and each attempt to join is a span, and so is each push,
    from the call to the end of its Deferred.
    Its parent is the span that is current where the user calls; what the client does by
    itself, after a loss or a crash, has no parent.

    :param clients: whose; without any, those of all clients of the process.
    :param tracer_provider: makes the tracer; by default OpenTelemetry's global one.
    :param propagate: whether pushes and joins carry the context to the server.
        Its fields (``traceparent``, ``tracestate``) are added to payloads and params
        that are mappings; others have no place for them, and are sent as they are.
    :param propagator: writes the fields; by default OpenTelemetry's global one.
    :raises ConfigurationError: an argument is not what it must be.
    """
    for client in clients:
        if not isinstance(client, SocketClient):
            raise ConfigurationError(
                "instrument() takes clients, not a value of type"
                f" {type(client).__name__}"
            )
    return Instrumentation(clients, tracer_provider, propagate, propagator)


class Instrumentation:
    """What :func:`instrument` has attached, until :meth:`uninstrument` is called.

    It is a :class:`~txphoenix.telemetry.Tracer`.
    """

    def __init__(
        self,
        clients: tuple[SocketClient, ...],
        tracer_provider: TracerProvider | None,
        propagate: bool,
        propagator: TextMapPropagator | None,
    ) -> None:
        # No client is kept alive.
        self._clients: WeakKeyDictionary[Any, None] | None = None
        if clients:
            self._clients = WeakKeyDictionary(dict.fromkeys(clients))
        self._tracer = get_tracer("txphoenix", __version__, tracer_provider)
        self._inject = inject if propagator is None else propagator.inject
        self._propagates = propagate
        self._servers: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
        self._connects: dict[int, Span] = {}
        self._joins = JoinSpans(self._tracer)
        telemetry.attach_tracer(self)
        telemetry.attach_many(
            self, [telemetry.CHANNEL, telemetry.SOCKET], Instrumentation._told, self
        )

    def uninstrument(self) -> None:
        """Make no more spans, and end those that are open; again is no error."""
        telemetry.detach_tracer(self)
        telemetry.detach(self)
        self._joins.end_all()
        while self._connects:
            self._connects.popitem()[1].end()

    # -- What telemetry calls -----------------------------------------------------

    def connect_begins(self, client: Any, url: str) -> telemetry.CallEnded | None:
        """Begin the span of an attempt to connect."""
        if not self._is_wanted(client):
            return None
        server = self._servers[client] = url_attributes(url)
        attributes = {**server, "messaging.operation.name": "connect"}
        span = self._tracer.start_span("connect", None, SpanKind.CLIENT, attributes)
        self._connects[id(span)] = span
        return partial(self._connect_ended, span)

    def push_begins(
        self, client: Any, channel: Any, event: str, payload: Any, wants_reply: bool
    ) -> tuple[Any, telemetry.CallEnded | None]:
        """Begin the span of a push."""
        if not self._is_wanted(client):
            return payload, None
        span = self._tracer.start_span(
            f"push {event}",
            None,
            SpanKind.CLIENT if wants_reply else SpanKind.PRODUCER,
            call_attributes(self._server(client), "push", channel.topic, event),
        )
        payload = self._with_context(payload, span)
        if wants_reply:
            return payload, partial(_push_ended, span)
        span.end()
        return payload, None

    def join_begins(self, client: Any, channel: Any) -> telemetry.CallEnded | None:
        """Remember whose call a join is."""
        if not self._is_wanted(client):
            return None
        call = self._joins.called(channel)
        return partial(self._joins.call_ended, call, channel, self._server(client))

    def join_sends(self, client: Any, channel: Any, params: Any) -> Any:
        """Begin the span of an attempt to join."""
        if not self._is_wanted(client):
            return params
        span, context = self._joins.begin(client, channel, self._server(client))
        return self._with_context(params, span, context)

    @staticmethod
    def _told(
        _event_name: telemetry.EventName,
        _measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        self: Instrumentation,
    ) -> None:
        match metadata["action"]:
            case "joined":
                self._joins.ended(metadata["channel"], None)
            case "join_error":
                self._joins.ended(metadata["channel"], metadata["error"])
            case "left":
                self._joins.closed(metadata["channel"], metadata["reason"])
            case "disconnected":
                self._joins.disconnected(metadata["client"], metadata["reason"])

    # -- Inside -------------------------------------------------------------------

    def _is_wanted(self, client: Any) -> bool:
        return self._clients is None or client in self._clients

    def _server(self, client: Any) -> dict[str, Any]:
        return self._servers.get(client, {})

    def _with_context(
        self, payload: Any, span: Span, context: Context | None = None
    ) -> Any:
        if not self._propagates or not isinstance(payload, Mapping):
            return payload
        carrier: dict[str, Any] = {}
        self._inject(carrier, set_span_in_context(span, context))
        return {**payload, **carrier}

    def _connect_ended(self, span: Span, error: BaseException | None) -> None:
        if self._connects.pop(id(span), None) is not None:
            if error is not None:
                fail(span, error)
            span.end()


def _push_ended(span: Span, error: BaseException | None) -> None:
    if error is None:
        span.set_attribute("phoenix.reply.status", "ok")
    else:
        fail(span, error)
    span.end()
