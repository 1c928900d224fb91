"""The option ``metrics`` of ``twistd txphoenix``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.metrics import MetricsService
from txphoenix.service.maker import Options, makeService

URL = "ws://localhost:4000/socket"


def services(client: SocketClient) -> list[MetricsService]:
    """The services of a client that serve metrics."""
    return [child for child in client if isinstance(child, MetricsService)]


class MetricsOptionTests(SynchronousTestCase):
    """Where metrics are served."""

    def parsed(self, *args: str) -> Options:
        """The options of a command line."""
        options = Options()
        options.parseOptions(["--url", URL, *args])
        return options

    def shown(self, options: Any) -> str:
        """The endpoint of the only service for metrics."""
        client = makeService(options)
        (service,) = services(client)
        service.exporter.watch(client)
        return service.description

    def test_none(self) -> None:
        """Without the option there is no such service."""
        self.assertEqual(services(makeService(self.parsed())), [])
        self.assertEqual(services(makeService({"url": URL, "metrics": None})), [])

    def test_forms(self) -> None:
        """A port, or an endpoint: on this machine alone unless told otherwise."""
        local = "tcp:9464:interface=127.0.0.1"
        for given, expected in (
            ("9464", local),
            ("tcp:9464", local),
            (" 9464 ", local),
            ("0", "tcp:0:interface=127.0.0.1"),
            ("tcp:port=9464", "tcp:port=9464:interface=127.0.0.1"),
            ("tcp:9464:backlog=5", "tcp:9464:backlog=5:interface=127.0.0.1"),
            ("tcp6:9464", r"tcp6:9464:interface=\:\:1"),
            ("tcp:9464:interface=0.0.0.0", "tcp:9464:interface=0.0.0.0"),
            ("tcp:9464:0.0.0.0", "tcp:9464:0.0.0.0"),
            (r"tcp6:9464:interface=\:\:", r"tcp6:9464:interface=\:\:"),
            ("unix:/run/chat.metrics", "unix:/run/chat.metrics"),
            ("haproxy:tcp:9464", f"haproxy:{local}"),
            ("haproxy:unix:/run/chat", "haproxy:unix:/run/chat"),
        ):
            self.assertEqual(self.shown(self.parsed("--metrics", given)), expected)
            self.assertEqual(self.shown({"url": URL, "metrics": given}), expected)

    def test_number(self) -> None:
        """In a dict, and in a file, a port may be a number."""
        path = Path(self.mktemp())
        path.write_text(f'url = "{URL}"\nmetrics = 9464\n', "utf-8")
        for given in ({"url": URL, "metrics": 9464}, {"config": str(path)}):
            self.assertEqual(self.shown(given), "tcp:9464:interface=127.0.0.1")
        self.assertEqual(
            self.shown({"config": str(path), "metrics": 0}), "tcp:0:interface=127.0.0.1"
        )

    def test_wrong(self) -> None:
        """What is no place is refused, in one line."""
        must = "metrics must be a port from 0 to 65535, or an endpoint's description"
        for given, message in (
            ("65536", must),
            ("-1", must),
            ("1" * 5000, must),
            ("", must),
            ("localhost", "metrics cannot be served at 'localhost'"),
            ("localhost:9464", "metrics cannot be served at 'localhost:9464'"),
            ("tcp:many", "metrics cannot be served at 'tcp:many"),
        ):
            with self.assertRaises(usage.UsageError) as caught:
                self.parsed(f"--metrics={given}")
            self.assertIn(message, str(caught.exception))
            self.assertEqual(len(str(caught.exception).splitlines()), 1)
        odd: tuple[Any, ...] = (True, 1.5, ["9464"], 65536)
        for value in odd:
            with self.assertRaisesRegex(ConfigurationError, must):
                makeService({"url": URL, "metrics": value})

    def test_health(self) -> None:
        """The client is known from the start, before it has done anything."""
        client = makeService({"url": URL, "metrics": 0})
        (service,) = services(client)
        self.assertEqual(service.exporter.clients, [])
        client.running = 1
        self.assertEqual(service.exporter.clients, [client])

    def test_not_installed(self) -> None:
        """Without ``prometheus_client`` one line says what to install."""
        for name in [*sys.modules]:
            if name.partition(".")[0] == "prometheus_client" or name.startswith(
                "txphoenix.metrics"
            ):
                self.patch_module(name)
        self.patch_module("prometheus_client", None)
        with self.assertRaisesRegex(
            usage.UsageError,
            r"^metrics: txphoenix.metrics needs prometheus_client: "
            r"pip install 'txphoenix\[metrics\]'$",
        ):
            self.parsed("--metrics", "9464")
        with self.assertRaisesRegex(ImportError, "^txphoenix.metrics needs"):
            __import__("txphoenix.metrics")
        # Nobody else needs it.
        self.assertEqual(services(makeService({"url": URL})), [])

    def patch_module(self, name: str, *value: Any) -> None:
        """Have a module be another, or be forgotten, until the end of the test."""
        before = sys.modules.get(name)

        def restore() -> None:
            sys.modules.pop(name, None)
            if before is not None:
                sys.modules[name] = before

        self.addCleanup(restore)
        sys.modules.pop(name, None)
        if value:
            sys.modules[name] = value[0]
