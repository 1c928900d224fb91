"""Tests of :class:`txphoenix.metrics.MetricsService`, over HTTP."""

from __future__ import annotations

import gzip
import json
from typing import Any, cast

import treq
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    clientFromString,
    connectProtocol,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool
from twisted.web.http_headers import Headers

from txphoenix import SocketClient, telemetry
from txphoenix.errors import ConfigurationError, NotConnected
from txphoenix.metrics import MetricsExporter, MetricsService, site
from txphoenix.testing import ChatRoom
from txphoenix.testing.cases import PhoenixMixin

NAME = "chat"
TOPIC = "rooms:lobby"
SECRET = "S3CR3T"


class Raw(Protocol):
    """A connection that says what it is told to, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.closed: Deferred[None] = Deferred()
        self._awaited: tuple[bytes, Deferred[bytes]] | None = None

    def when_heard(self, wanted: bytes) -> Deferred[bytes]:
        """Wait until something was said."""
        deferred: Deferred[bytes] = Deferred()
        self._awaited = wanted, deferred
        self.dataReceived(b"")
        return deferred

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data
        if self._awaited is not None and self._awaited[0] in self.heard:
            (_, deferred), self._awaited = self._awaited, None
            deferred.callback(self.heard)

    def connectionLost(self, reason: Failure = ConnectionDone) -> None:  # type: ignore[assignment]
        """Tell of it."""
        self.closed.callback(None)


class ServiceCase(PhoenixMixin, TestCase):
    """A test of a service that listens on a port of its own."""

    timeout = 120

    def setUp(self) -> None:
        """Make an exporter, and a way to ask for pages."""
        self.registry = CollectorRegistry()
        self.exporter = MetricsExporter(self.registry)
        self.pool = HTTPConnectionPool(reactor, persistent=False)

    def service(self, where: Any = 0, **options: Any) -> MetricsService:
        """A service that is not started, and stopped at the end."""
        service = MetricsService(where, self.exporter, **options)
        self.addCleanup(service.stopService)
        return service

    def started(self, where: Any = 0) -> MetricsService:
        """A service that listens."""
        service = self.service(where)
        service.startService()
        return service

    def port(self, service: MetricsService) -> int:
        """The port on which it listens."""
        return cast(IPv4Address, service.address).port

    async def ask(
        self, service: MetricsService, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, Any, bytes]:
        """The status, the headers and the body of an answer."""
        response = await treq.request(
            method,
            f"http://127.0.0.1:{self.port(service)}{path}",
            headers=Headers({name: [text] for name, text in headers.items()}),
            pool=self.pool,
            browser_like_redirects=False,
        )
        return response.code, response.headers, await response.content()

    async def raw(self, service: MetricsService) -> Raw:
        """A connection of one's own."""
        port = self.port(service)
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port}")
        connection: Raw = await connectProtocol(endpoint, Raw())
        return connection

    async def client(self, **options: Any) -> SocketClient:
        """A client that is connected and has joined."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        client = SocketClient(
            server.url, **{"params": {"token": SECRET}, "name": NAME, **options}
        )
        client.startService()
        self.addCleanup(client.stopService)
        await client.join(TOPIC, {"user_id": SECRET})
        return client


class MetricsPageTests(ServiceCase):
    """``/metrics``."""

    async def test_metrics(self) -> None:
        """It has what clients have done since the service runs, as text."""
        Counter("mine", "Mine.", registry=self.registry).inc(7)
        service = self.started()
        client = await self.client()
        await client.ping()
        status, headers, body = await self.ask(service, "/metrics")
        self.assertEqual(status, 200)
        (kind,) = headers.getRawHeaders("content-type")
        self.assertTrue(kind.startswith("text/plain; version="), kind)
        text = body.decode("utf-8")
        families = {one.name: one for one in text_string_to_metric_families(text)}
        (joins,) = families["txphoenix_joins"].samples
        self.assertEqual((joins.labels, joins.value), ({"client": NAME}, 1))
        self.assertEqual(families["mine"].samples[0].value, 7)
        self.assertNotIn(SECRET, text)

    async def test_negotiated(self) -> None:
        """Who accepts it is given OpenMetrics, and gzip."""
        service = self.started()
        status, headers, body = await self.ask(
            service, "/metrics", Accept="application/openmetrics-text; version=1.0.0"
        )
        self.assertEqual(status, 200)
        self.assertIn("openmetrics", headers.getRawHeaders("content-type")[0])
        self.assertTrue(body.endswith(b"# EOF\n"))
        connection = await self.raw(service)
        connection.transport.write(  # type: ignore[union-attr]
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Accept-Encoding: gzip\r\n\r\n"
        )
        await connection.closed
        head, _, body = connection.heard.partition(b"\r\n\r\n")
        self.assertIn(b"content-encoding: gzip", head.lower())
        self.assertIn(b"content-length: %d\r\n" % len(body), head.lower() + b"\r\n")
        self.assertIn(b"txphoenix_info", gzip.decompress(body))

    async def test_names(self) -> None:
        """A scrape may name the metrics that it wants."""
        service = self.started()
        _, _, body = await self.ask(service, "/metrics?name[]=txphoenix_info")
        lines = [line for line in body.decode().splitlines() if line[0] != "#"]
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("txphoenix_info{"))

    async def test_head(self) -> None:
        """HEAD has the same headers, and no body."""
        service = self.started()
        _, got, _ = await self.ask(service, "/metrics")
        status, headers, body = await self.ask(service, "/metrics", "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(
            headers.getRawHeaders("content-type"), got.getRawHeaders("content-type")
        )

    async def test_odd_headers(self) -> None:
        """Headers that are no text are those of somebody who accepts what there is."""
        service = self.started()
        connection = await self.raw(service)
        connection.transport.write(  # type: ignore[union-attr]
            b"GET /metrics HTTP/1.0\r\nAccept: \xff\r\nAccept-Encoding: \xff\r\n\r\n"
        )
        await connection.closed
        self.assertIn(b" 200 OK\r\n", connection.heard)
        self.assertIn(b"txphoenix_info", connection.heard)

    async def test_other_pages(self) -> None:
        """There are these two pages, and they are only read."""
        service = self.started()
        for path in ("/", "/metric", "/metrics/", "/metrics/x", "/health/x", "/%00"):
            status, _, _ = await self.ask(service, path)
            self.assertEqual(status, 404, path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            for path in ("/metrics", "/health"):
                status, headers, _ = await self.ask(service, path, method)
                self.assertEqual(status, 405, method)
                (allowed,) = headers.getRawHeaders("allow")
                self.assertEqual(set(allowed.split(", ")), {"GET", "HEAD"})

    async def test_broken_collector(self) -> None:
        """A collector of somebody's that raises is an error that is logged."""

        class Broken:
            def collect(self) -> list[Metric]:
                raise KeyError(SECRET)

        self.registry.register(Broken())
        service = self.started()
        status, _, body = await self.ask(service, "/metrics")
        self.assertEqual(status, 500)
        self.assertNotIn(SECRET.encode(), body)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        status, _, _ = await self.ask(service, "/health")
        self.assertEqual(status, 503)

    async def test_no_access_log(self) -> None:
        """That somebody asks every few seconds is not in the log."""
        service = self.started()
        with capturedLogs() as events:
            await self.ask(service, "/metrics")
            await self.ask(service, "/nowhere")
        self.assertEqual(
            [event for event in events if "HTTP" in str(event.get("log_text"))], []
        )


class HealthPageTests(ServiceCase):
    """``/health``."""

    async def health(self, service: MetricsService) -> tuple[int, dict[str, Any]]:
        """The status, and what is said."""
        status, headers, body = await self.ask(service, "/health")
        self.assertEqual(headers.getRawHeaders("content-type"), ["application/json"])
        self.assertEqual(headers.getRawHeaders("cache-control"), ["no-store"])
        self.assertNotIn(SECRET.encode(), body)
        return status, json.loads(body)

    async def test_healthy(self) -> None:
        """A client that is connected and joined is well, and HEAD says so too."""
        service = self.started()
        await self.client(heartbeat_interval=0.02)
        answered = Deferred[None]()

        def tell(_event: Any, _measurements: Any, metadata: Any, _config: Any) -> None:
            if metadata["action"] == "heartbeat_duration" and not answered.called:
                answered.callback(None)

        telemetry.attach("test", telemetry.SOCKET, tell)
        self.addCleanup(telemetry.detach, "test")
        await answered
        status, report = await self.health(service)
        self.assertEqual(status, 200)
        age = report.pop("last_heartbeat_seconds")
        self.assertIsInstance(age, float)
        self.assertEqual(report["clients"][0].pop("last_heartbeat_seconds"), age)
        self.assertEqual(
            report,
            {
                "status": "healthy",
                "connected": True,
                "joined": True,
                "clients": [
                    {
                        "name": NAME,
                        "status": "connected",
                        "connected": True,
                        "idle": False,
                        "next_attempt_seconds": None,
                        "joined": True,
                        "channels": {"joined": 1},
                        "not_joined": {},
                    }
                ],
                "client_count": 1,
            },
        )
        status, _, body = await self.ask(service, "/health", "HEAD")
        self.assertEqual((status, body), (200, b""))

    async def test_no_client(self) -> None:
        """Without a client that runs nothing is well."""
        service = self.started()
        status, report = await self.health(service)
        self.assertEqual((status, report["status"]), (503, "unhealthy"))
        client = await self.client()
        status, _ = await self.health(service)
        self.assertEqual(status, 200)
        await client.stopService()
        status, report = await self.health(service)
        self.assertEqual((status, report["clients"]), (503, []))
        status, _, body = await self.ask(service, "/health", "HEAD")
        self.assertEqual((status, body), (503, b""))


class LifeTests(ServiceCase):
    """Starting and stopping."""

    async def test_loopback(self) -> None:
        """It listens on 127.0.0.1, and the log says where."""
        with capturedLogs() as events:
            service = self.started()
        address = await service.when_listening()
        self.assertEqual(address, service.address)
        self.assertIsInstance(address, IPv4Address)
        self.assertEqual(cast(IPv4Address, address).host, "127.0.0.1")
        (event,) = (one for one in events if one.get("where"))
        self.assertEqual(
            event["where"], f"http://127.0.0.1:{self.port(service)}/metrics"
        )
        self.assertEqual(event["log_level"].name, "info")

    async def test_attached_while_it_runs(self) -> None:
        """The exporter is attached from the start to the stop, unless it was before."""
        service = self.service()
        self.assertFalse(self.exporter.is_attached)
        service.startService()
        self.assertTrue(self.exporter.is_attached)
        await service.stopService()
        self.assertFalse(self.exporter.is_attached)
        self.exporter.attach()
        service.startService()
        await service.stopService()
        self.assertTrue(self.exporter.is_attached)
        self.exporter.detach()

    async def test_stop(self) -> None:
        """After the stop the port is free, and all connections are closed."""
        service = self.started()
        idle = await self.raw(service)
        kept = await self.raw(service)
        kept.transport.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")  # type: ignore[union-attr]
        await kept.when_heard(b"client_count")
        half = await self.raw(service)
        half.transport.write(b"GET /met")  # type: ignore[union-attr]
        port = self.port(service)
        await service.stopService()
        self.assertIsNone(service.address)
        self.assertEqual(service._pages.protocols, {})
        for connection in (idle, kept, half):
            await connection.closed
        again = self.started(port)
        self.assertEqual(self.port(again), port)

    async def test_stop_under_way(self) -> None:
        """An answer that is under way at the stop is still given."""
        service = self.started()
        connection = await self.raw(service)
        connection.transport.write(  # type: ignore[union-attr]
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        under_way = service._pages.metrics.under_way
        while not under_way:
            await turn()
        stopped = service.stopService()
        await stopped
        await connection.closed
        self.assertIn(b"200 OK", connection.heard)
        self.assertIn(b"# HELP", connection.heard)

    async def test_stop_reader(self) -> None:
        """One that does not read its answer holds the stop up for a while only."""
        self.patch(site, "_LAST_WORD", 0.01)
        Counter("large", "x" * 5_000_000, registry=self.registry)
        service = self.started()
        connection = await self.raw(service)
        connection.transport.pauseProducing()  # type: ignore[union-attr]
        connection.transport.write(  # type: ignore[union-attr]
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        while not service._pages.metrics.under_way:
            await turn()
        await service.stopService()
        self.assertEqual(service._pages.protocols, {})
        connection.transport.resumeProducing()  # type: ignore[union-attr]
        await connection.closed

    async def test_gone_under_way(self) -> None:
        """Who leaves before the answer leaves nothing behind."""
        service = self.started()
        connection = await self.raw(service)
        connection.transport.write(  # type: ignore[union-attr]
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        while not service._pages.metrics.under_way:
            await turn()
        connection.transport.abortConnection()  # type: ignore[union-attr]
        await connection.closed
        await service.stopService()
        self.assertEqual(service._pages.metrics.under_way, set())

    async def test_restart(self) -> None:
        """It can be started again, at once too, and listens where it did."""
        first = self.started()
        port = self.port(first)
        await first.stopService()
        service = self.started(port)
        for _ in range(2):
            await service.stopService()
            service.startService()
            self.assertEqual(self.port(service), port)
        stopped = service.stopService()
        service.startService()
        await stopped
        self.assertEqual(cast(IPv4Address, await service.when_listening()).port, port)
        status, _, _ = await self.ask(service, "/metrics")
        self.assertEqual(status, 200)

    async def test_stop_twice(self) -> None:
        """Each stop has its own Deferred, before a start as well."""
        service = self.service()
        await service.stopService()
        service.startService()
        first, second = service.stopService(), service.stopService()
        self.assertIsNot(first, second)
        first.cancel()
        await self.assertFailure(first, CancelledError)
        await second
        self.assertIsNone(service.address)

    async def test_taken(self) -> None:
        """A port that is taken is one clear error, and nothing is left of the start."""
        port = self.port(self.started())
        second = MetricsService(port, MetricsExporter(CollectorRegistry()))
        waiting = second.when_listening()
        pattern = (
            f"^metrics cannot be served at tcp:{port}:interface=127.0.0.1: "
            "Address already in use$"
        )
        with (
            capturedLogs() as events,
            self.assertRaisesRegex(ConfigurationError, pattern),
        ):
            second.startService()
        self.assertFalse(second.running)
        self.assertFalse(second.exporter.is_attached)
        await self.assertFailure(waiting, ConfigurationError)
        (event,) = (one for one in events if one["log_level"].name == "error")
        self.assertRegex(formatEvent(event) or "", pattern)

    async def test_when_listening(self) -> None:
        """Who waits is told, or told that it was stopped first."""
        service = self.service()
        first, cancelled = service.when_listening(), service.when_listening()
        cancelled.cancel()
        await self.assertFailure(cancelled, CancelledError)
        self.assertNoResult(first)
        service.startService()
        self.assertEqual(await first, service.address)
        await service.stopService()
        last = service.when_listening()
        await service.stopService()
        await self.assertFailure(last, NotConnected)

    async def test_privileged(self) -> None:
        """It listens as soon as the process has its privileges, and once."""
        service = self.service()
        service.privilegedStartService()
        port = self.port(service)
        service.startService()
        self.assertEqual(self.port(service), port)

    async def test_endpoints(self) -> None:
        """An endpoint is used as it is, and a description is that of one."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        path = self.mktemp()
        for where in (endpoint, "tcp:0", "tcp:port=0", "0", f"unix:{path}"):
            service = self.started(where)
            await service.when_listening()
            if not str(where).startswith("unix"):
                self.assertEqual(cast(IPv4Address, service.address).host, "127.0.0.1")
                status, _, _ = await self.ask(service, "/metrics")
                self.assertEqual(status, 200)
            await service.stopService()


def turn() -> Deferred[None]:
    """A Deferred that fires in the reactor's next turn."""
    later: Deferred[None] = Deferred()
    reactor.callLater(0, later.callback, None)
    return later
