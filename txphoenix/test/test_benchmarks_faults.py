"""The benchmarks' newer workloads in the short form: what is lost is noticed.

Those over TLS, with large messages, with compression, and by long-poll; by each client
in Python that there is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from twisted.trial.unittest import TestCase

from .benchmark_runs import NOT_THERE, run

if NOT_THERE is None:
    from benchmarks.plan import WORKLOADS

NUMBERED = (
    "wss-flood",
    "wss-records",
    "large-json",
    "large-binary",
    "wss-large-json",
    "wss-large-binary",
    "compressed-100",
    "compressed-4k",
    "longpoll-flood",
)
"""The workloads in which the server sends messages with numbers."""

CLIENTS = {"txphoenix": "txphoenix", "stock": "stock Autobahn + orjson"}
"""The clients that look at the numbers, and how they are shown."""

BOTH = ("--client", "txphoenix", "--client", "stock")


class WorkloadTests(TestCase):
    """The workloads as they should be."""

    skip = NOT_THERE
    timeout = 240

    async def run_all(self, *workloads: str) -> dict[tuple[str, str], set[str]]:
        """Run them; the metrics of each workload and client."""
        kept = Path(self.mktemp())
        out, err, code = await run("--json", os.fspath(kept), *workloads)
        self.assertEqual(code, 0, err.decode())
        self.assertIn(b"Every message came, once and in order.", out)
        metrics: dict[tuple[str, str], set[str]] = {}
        for each in json.loads(kept.read_text("utf-8"))["results"]:
            key = each["workload"], each["client"]
            metrics.setdefault(key, set()).add(each["metric"])
        return metrics

    async def test_secure(self) -> None:
        """Over TLS all that is sent arrives, and sockets that are lost come back."""
        pings = ("wss-ping-1", "wss-ping-64")
        metrics = await self.run_all(*NUMBERED[:2], *pings, "wss-sockets", "wss-reopen")
        for client in CLIENTS:
            self.assertEqual(metrics["wss-sockets", client], {"rate", "kilobytes"})
            for workload in (*NUMBERED[:2], *pings, "wss-reopen"):
                self.assertEqual(metrics[workload, client], {"rate"})

    async def test_large(self) -> None:
        """Large messages arrive both ways, and their memory is measured."""
        metrics = await self.run_all(*NUMBERED[2:6])
        ways = {"received 1 MiB", "pushed 1 MiB"}
        for workload in NUMBERED[2:6]:
            for client in CLIENTS:
                expected = ways | {f"{way} peak" for way in ways}
                self.assertEqual(metrics[workload, client], expected)
            self.assertEqual(metrics[workload, "bare"], ways)

    async def test_compressed(self) -> None:
        """What is compressed arrives as well."""
        metrics = await self.run_all(*NUMBERED[6:8])
        for workload in NUMBERED[6:8]:
            for client in CLIENTS:
                self.assertEqual(metrics[workload, client], {"rate"})

    async def test_long_poll(self) -> None:
        """By long-poll all arrives, too."""
        plain, secure = ("longpoll-flood", "longpoll-ping-64"), "https-flood"
        metrics = await self.run_all(*plain, secure, "https-ping-64")
        self.assertEqual(metrics[secure, "txphoenix"], {"rate"})
        for workload in plain:
            for client in ("txphoenix", "bare"):
                self.assertEqual(metrics[workload, client], {"rate"})


class FaultTests(TestCase):
    """The workloads with a server that is at fault."""

    skip = NOT_THERE
    timeout = 240

    async def assert_noticed(self, fault: str, *what: str) -> None:
        """Each client notices it in each workload, once; ``what`` is what it says."""
        _, err, code = await run("--fault", fault, *BOTH, *NUMBERED)
        self.assertEqual(code, 1)
        told = [
            line.removeprefix("FAILED: ")
            for line in err.decode().splitlines()
            if line.startswith("FAILED: ")
        ]
        self.assertEqual(
            [line.rpartition(": ")[0] for line in told],
            [
                f"{each}, {CLIENTS[client]}"
                for each in NUMBERED
                for client in WORKLOADS[each].clients
                if client in CLIENTS
            ],
        )
        for line in told:
            self.assertIn(line.rpartition(": ")[2], what)

    async def test_lost(self) -> None:
        """A message that is lost."""
        await self.assert_noticed(
            "lose",
            "expected message 1000, got message 1001",
            "expected message 500, got message 501",
            "expected message 50, got message 51",
            "expected message 1, got message 2",
        )

    async def test_repeated(self) -> None:
        """A message that comes twice."""
        await self.assert_noticed(
            "repeat",
            "expected message 1001, got message 1000",
            "expected message 501, got message 500",
            "expected message 51, got message 50",
            "expected message 2, got message 1",
        )

    async def test_out_of_order(self) -> None:
        """Messages that change places."""
        await self.assert_noticed(
            "swap",
            "expected message 1000, got message 1001",
            "expected message 500, got message 501",
            "expected message 50, got message 51",
            "expected message 1, got message 2",
        )
