"""What the tests of OpenTelemetry share: a client in memory, and its spans."""

from __future__ import annotations

from typing import Any

from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient
from txphoenix.otel import Instrumentation, instrument
from txphoenix.testing import MemoryServer, Refused, ServerChannel, error, ok
from txphoenix.testing.cases import PhoenixMixin

__all__ = ["SECRET", "FixedPropagator", "OtelCase", "Room"]

SECRET = "S3CR3T"


class Room(ServerChannel):
    """Keeps what came, and answers or not as the event says."""

    joins: list[Any] = []
    pushes: list[Any] = []

    def join(self, params: Any) -> Any:
        """Refuse one topic."""
        self.joins.append(params)
        if self.topic == "rooms:locked":
            raise Refused({"reason": SECRET})

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer."""
        self.pushes.append(payload)
        if event == "silent":
            return None
        return error({"reason": SECRET}) if event == "bad" else ok({"said": SECRET})


class FixedPropagator(TextMapPropagator):
    """Writes a field that nobody else has."""

    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
        """Write the span's id."""
        carrier["x-span"] = f"{get_current_span(context).get_span_context().span_id:x}"

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
        """Read nothing."""
        return context

    @property
    def fields(self) -> set[str]:
        """The field."""
        return {"x-span"}


class OtelCase(PhoenixMixin, SynchronousTestCase):
    """A client of a server in memory, and what its spans are exported to."""

    def setUp(self) -> None:
        """Begin without any spans."""
        self.server: MemoryServer = self.phoenix_memory_server({"rooms:*": Room})
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")
        Room.joins, Room.pushes = [], []

    def instrument(self, *clients: SocketClient, **options: Any) -> Instrumentation:
        """Make spans, until the test ends."""
        made = instrument(*clients, tracer_provider=self.provider, **options)
        self.addCleanup(made.uninstrument)
        return made

    def client(self, url: Any = None, **options: Any) -> SocketClient:
        """A client that is started, and stops with the test."""
        client = SocketClient(
            url or self.server.url,
            endpoint=self.server.endpoint,
            reactor=self.server.clock,
            backoff=lambda attempt: 5.0,
            rejoin_backoff=lambda attempt: 5.0,
            params={"token": SECRET},
            **options,
        )
        client.startService()
        self.addCleanup(self.stop, client)
        return client

    def stop(self, client: SocketClient) -> None:
        """Stop it, and let that happen."""
        client.stopService()
        self.server.advance(5.0)

    def joined(self, client: SocketClient, topic: str = "rooms:lobby") -> Any:
        """A channel that is joined."""
        channel = client.channel(topic)
        joining = channel.join()
        self.server.flush()
        self.successResultOf(joining)
        return channel

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Those that have ended, of a name, in the order of their ends."""
        every = self.exporter.get_finished_spans()
        return [span for span in every if name in (None, span.name)]

    def the_span(self, name: str) -> Any:
        """The one that has ended."""
        (span,) = self.spans(name)
        return span
