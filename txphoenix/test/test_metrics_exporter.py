"""Tests of :class:`txphoenix.metrics.MetricsExporter`: registries and names."""

from __future__ import annotations

import gc
import weakref
from threading import Thread
from typing import Any
from unittest import mock

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.registry import REGISTRY
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.python.threadable import isInIOThread
from twisted.trial.unittest import TestCase

from txphoenix import SocketClient, telemetry
from txphoenix.errors import ConfigurationError
from txphoenix.metrics import MetricsExporter
from txphoenix.metrics.counting import KEPT
from txphoenix.metrics.in_reactor import in_reactor

from .metrics_kit import NAME, MetricsCase, sample
from .support import TOPIC, ClientTestCase


class RegistryTests(ClientTestCase):
    """Where the metrics go."""

    def exporter(self, **options: Any) -> MetricsExporter:
        """An exporter of a registry of its own, detached at the end."""
        exporter = MetricsExporter(CollectorRegistry(), **options)
        self.addCleanup(exporter.detach)
        return exporter

    def test_default(self) -> None:
        """Without a registry it is that of the process."""
        exporter = MetricsExporter()
        self.assertIs(exporter.registry, REGISTRY)
        self.addCleanup(exporter.detach)
        exporter.attach()
        self.connected_client(name=NAME)
        self.assertEqual(sample(REGISTRY, "connections_total", client=NAME), 1)
        exporter.detach()
        self.assertNotIn(b"txphoenix_", generate_latest(REGISTRY))

    def test_not_attached(self) -> None:
        """Until it is attached it counts nothing, and has no handler."""
        exporter = self.exporter()
        self.assertFalse(exporter.is_attached)
        self.connected_client()
        self.assertEqual(telemetry.list_handlers(), [])
        self.assertEqual(list(exporter.registry.collect()), [])

    def test_no_handler_of_messages(self) -> None:
        """Attached, it has no handler that is called for each message."""
        self.exporter().attach()
        events = {handler.event_name for handler in telemetry.list_handlers()}
        self.assertNotIn(telemetry.MESSAGE, events)
        self.assertIn(telemetry.TRAFFIC, events)

    def test_attach_twice(self) -> None:
        """Attached once more it is as it was: nothing counts twice."""
        exporter = self.exporter()
        self.assertIs(exporter.attach(), exporter)
        exporter.attach()
        self.connected_client(name=NAME)
        self.assertEqual(sample(exporter.registry, "connections_total", client=NAME), 1)

    def test_detach(self) -> None:
        """Detached it is in neither list; attached again it goes on."""
        exporter = self.exporter().attach()
        self.connected_client(name=NAME)
        exporter.detach()
        exporter.detach()
        self.assertFalse(exporter.is_attached)
        self.assertEqual(telemetry.list_handlers(), [])
        self.assertEqual(list(exporter.registry.collect()), [])
        self.lose_connection()
        exporter.attach()
        self.reconnect()
        registry = exporter.registry
        self.assertEqual(sample(registry, "connections_total", client=NAME), 2)
        # Nobody was there to count it.
        self.assertEqual(
            sample(
                registry, "disconnects_total", client=NAME, error="ConnectionClosed"
            ),
            0,
        )

    def test_several(self) -> None:
        """Exporters of several registries count each for itself."""
        first, second = self.exporter().attach(), self.exporter().attach()
        self.connected_client(name=NAME)
        first.detach()
        self.lose_connection()
        self.reconnect()
        self.assertEqual(sample(second.registry, "connections_total", client=NAME), 2)
        self.assertEqual(list(first.registry.collect()), [])

    def test_same_registry(self) -> None:
        """Two of one registry are refused, and the first goes on as if nothing was."""
        first = self.exporter().attach()
        second = MetricsExporter(first.registry)
        with self.assertRaisesRegex(
            ConfigurationError, "has txphoenix's metrics already"
        ):
            second.attach()
        self.assertFalse(second.is_attached)
        self.connected_client(name=NAME)
        self.assertEqual(sample(first.registry, "connections_total", client=NAME), 1)
        first.detach()
        second.attach()
        second.detach()

    def test_others_metrics(self) -> None:
        """What else is in the registry stays there."""
        exporter = self.exporter()
        Counter("mine", "Mine.", registry=exporter.registry).inc()
        exporter.attach()
        self.assertIn(b"mine_total 1.0", generate_latest(exporter.registry))
        exporter.detach()
        self.assertIn(b"mine_total 1.0", generate_latest(exporter.registry))

    def test_restricted(self) -> None:
        """A scrape that names metrics has these alone."""
        exporter = self.exporter().attach()
        self.connected_client(name=NAME)
        names = ["txphoenix_connections_total", "txphoenix_clients"]
        text = generate_latest(exporter.registry.restricted_registry(names)).decode()
        self.assertIn(f'connections_total{{client="{NAME}"}} 1.0', text)
        self.assertNotIn("txphoenix_joins", text)

    def test_described(self) -> None:
        """All metrics are described that it has, with topics and without."""
        for options in ({}, {"topics": ["rooms:*"]}):
            exporter = self.exporter(**options).attach()
            self.joined_channel(name=NAME)
            described = [family.name for family in exporter.describe()]
            self.assertEqual(described, [one.name for one in exporter.collect()])
            self.assertEqual(len(set(described)), len(described))

    def test_wrong(self) -> None:
        """What is no registry, and what is no client, is refused."""
        with self.assertRaisesRegex(ConfigurationError, "registry must be"):
            MetricsExporter("metrics")  # type: ignore[arg-type]
        with self.assertRaisesRegex(ConfigurationError, "clients must be"):
            MetricsExporter(CollectorRegistry(), clients=["chat"])  # type: ignore[list-item]


class NameTests(MetricsCase):
    """The label ``client``."""

    def test_version(self) -> None:
        """One metric is of no client: which version it is."""
        from txphoenix import __version__

        self.assertEqual(sample(self.registry, "info", version=__version__), 1)

    def test_several_clients(self) -> None:
        """Each name has its own series."""
        self.connected_client(name="one")
        self.joined_channel(name="two")
        for name, joins in (("one", 0), ("two", 1)):
            self.assertEqual(sample(self.registry, "joins_total", client=name), joins)
            self.assertEqual(sample(self.registry, "connections_total", client=name), 1)

    def test_unnamed(self) -> None:
        """Clients without a name have one label together."""
        for _ in range(2):
            self.connected_client(name=None)
        self.assertEqual(
            sample(self.registry, "connections_total", client="unnamed"), 2
        )
        self.assertEqual(
            sample(self.registry, "clients", client="unnamed", status="connected"), 2
        )

    def test_same_name(self) -> None:
        """Clients of one name are added up; of their heartbeats the oldest counts."""
        self.joined_channel(heartbeat_interval=10.0)
        self.memory.advance(10)
        self.joined_channel(heartbeat_interval=3.0)
        self.memory.advance(5)
        self.assertEqual(self.value("clients", status="connected"), 2)
        self.assertEqual(self.value("channels", status="joined"), 2)
        self.assert_values(connections_total=2, joins_total=2, heartbeat_age_seconds=5)

    def test_renamed(self) -> None:
        """A client that is given another name goes on under that."""
        client = self.connected_client()
        client.reconfigure(name="new")
        self.joined_channel(client=client)
        self.assert_values(connections_total=1, joins_total=0)
        self.assertEqual(sample(self.registry, "joins_total", client="new"), 1)
        self.assertIsNone(self.value("clients", status="connected"))

    def test_odd_names(self) -> None:
        """Whatever a name is, it is one line of the text, and of bounded length."""
        for name in ('a"b\n\\c', "\ud800", "x" * 500, "x" * 501):
            self.connected_client(name=name)
        lines = [
            line
            for line in generate_latest(self.registry).decode("utf-8").splitlines()
            if line.startswith("txphoenix_connections_total{")
        ]
        self.assertEqual(
            lines,
            [
                r'txphoenix_connections_total{client="a\"b\n\\c"} 1.0',
                'txphoenix_connections_total{client="?"} 1.0',
                f'txphoenix_connections_total{{client="{"x" * 100}"}} 2.0',
            ],
        )

    def test_known_later(self) -> None:
        """A client that was there first is known by its next event, or once named."""
        self.exporter.detach()
        client = self.connected_client()
        self.exporter.attach()
        self.assertIsNone(self.value("clients", status="connected"))
        channel = self.joined_channel(client=client)
        self.assertEqual(self.value("clients", status="connected"), 1)
        self.assert_values(connections_total=0, joins_total=1)
        named = MetricsExporter(CollectorRegistry(), clients=[client]).attach()
        self.addCleanup(named.detach)
        self.assertEqual(named.clients, [client])
        self.assertEqual(
            sample(named.registry, "channels", client=NAME, status="joined"), 1
        )
        self.assertEqual(channel.state, "joined")


class GoneTests(MetricsCase):
    """Clients that come and go."""

    def test_not_kept_alive(self) -> None:
        """No client lives longer for being counted."""
        client = SocketClient(self.memory.url, reactor=self.clock, auto_connect=False)
        client.startService()
        telemetry.heartbeat_duration(client, self.memory.url, 0.5)
        telemetry.push_failed(client, TOPIC, None, "shout", KeyError(), 0.5)
        self.assertEqual(self.exporter.clients, [client])
        seen = weakref.ref(client)
        del client
        gc.collect()
        self.assertIsNone(seen())
        self.assertEqual(self.exporter.clients, [])

    def test_series_dropped(self) -> None:
        """The series of a name stay for five minutes after its last client."""
        client = self.connected_client()
        self.stop_client(client)
        self.assert_values(connections_total=1)
        self.memory.advance(KEPT - 1)
        self.assert_values(connections_total=1)
        self.memory.advance(1)
        self.assert_values(connections_total=None)
        self.assertNotIn(NAME, generate_latest(self.registry).decode())

    def test_series_kept(self) -> None:
        """One of the name that comes in time goes on from there."""
        self.stop_client(self.connected_client())
        self.assert_values(connections_total=1)
        self.memory.advance(KEPT - 1)
        client = self.connected_client()
        self.memory.advance(2 * KEPT)
        self.assert_values(connections_total=2)
        self.stop_client(client)
        self.assert_values(connections_total=2)
        self.memory.advance(KEPT - 1)
        self.assert_values(connections_total=2)

    def test_begins_anew(self) -> None:
        """One that comes later begins at 0, with all that is known."""
        client = self.connected_client()
        self.stop_client(client)
        self.assert_values(connections_total=1)
        self.memory.advance(KEPT)
        self.assert_values(connections_total=None)
        client.startService()
        self.memory.flush()
        self.assert_values(connections_total=1, connect_attempts_total=1, joins_total=0)

    def test_bounded(self) -> None:
        """Where nobody scrapes, names that are gone do not pile up either."""
        client = self.make_client(name="0")
        for number in range(2000):
            client.name = str(number)
            telemetry.heartbeat_sent(client, self.memory.url)
            self.clock.advance(5)
        self.assertLess(len(self.exporter._counting.items()), 250)

    def test_long_names(self) -> None:
        """Names of one label do not pile up behind it."""
        client = self.make_client(name="0")
        for number in range(2000):
            client.name = f"{100 * 'x'}{number}"
            telemetry.heartbeat_sent(client, self.memory.url)
        self.assertLess(len(self.exporter._counting._by_name), 250)


class ThreadTests(TestCase):
    """A scrape from a thread, as ``prometheus_client.start_http_server`` does it."""

    timeout = 120

    async def test_from_a_thread(self) -> None:
        """The clients are read in the reactor's thread all the same."""
        exporter = MetricsExporter(CollectorRegistry()).attach()
        self.addCleanup(exporter.detach)
        client = SocketClient("ws://127.0.0.1:1/socket", auto_connect=False, name=NAME)
        client.startService()
        self.addCleanup(client.stopService)
        exporter.watch(client)
        where: list[bool] = []

        def collect() -> bytes:
            where.append(isInIOThread())
            in_reactor(lambda: where.append(isInIOThread()))
            return generate_latest(exporter.registry)

        text = await deferToThread(collect)
        self.assertEqual(where, [False, True])
        self.assertIn(b'clients{client="chat",status="disconnected"} 1.0', text)

    async def test_errors(self) -> None:
        """What is raised there is raised where it was called."""

        def fail() -> None:
            raise KeyError("x")

        await self.assertFailure(deferToThread(in_reactor, fail), KeyError)

    async def test_stopped_reactor(self) -> None:
        """A thread does not wait for a reactor that has stopped."""
        found: list[int] = []
        thread = Thread(target=lambda: found.append(in_reactor(lambda: 7)))
        with (
            mock.patch.object(reactor, "running", False),
            mock.patch.object(reactor, "callFromThread", lambda *_: None),
        ):
            thread.start()
            thread.join(10)
        self.assertEqual(found, [7])
