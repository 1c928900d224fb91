"""What the page about metrics shows works as it is printed."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import partial
from pathlib import Path

import treq
from prometheus_client.registry import REGISTRY
from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import HTTPConnectionPool

from txphoenix import telemetry
from txphoenix.service.maker import Options
from txphoenix.testing import ChatRoom
from txphoenix.testing.cases import PhoenixMixin

from .aio_case import complaints
from .cli_program import CHECKED, start_program
from .test_howtos import (
    DOCS,
    NOT_THERE,
    ROOT,
    URL,
    blocks,
    captioned,
    printed_by,
    program,
)

PAGE = "howto-metrics"

FORKED = """
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from txphoenix import SocketClient
from txphoenix.metrics import MetricsExporter

own = CollectorRegistry()
Counter("mine", "Mine.", registry=own).inc(3)
exporter = MetricsExporter(own).attach()
client = SocketClient("ws://127.0.0.1:1/socket", name="chat")
exporter.watch(client)
shared = CollectorRegistry()
MultiProcessCollector(shared)
for registry in (own, shared):
    text = generate_latest(registry).decode()
    print("mine_total 3.0" in text, 'connections_total{client="chat"} 0.0' in text)
"""


class PageTests(PhoenixMixin, TestCase):
    """The program that the page is."""

    skip = NOT_THERE
    timeout = 120

    async def test_program(self) -> None:
        """It prints what it says, and leaves nothing behind."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        # What a connection is kept for would outlive the test.
        pool = HTTPConnectionPool(reactor, persistent=False)
        self.patch(treq, "get", partial(treq.get, pool=pool))
        source = program(PAGE).replace(URL, server.url)
        said = await printed_by(source, PAGE)
        self.assertEqual(said[:2], ['txphoenix_joins_total{client="chat"} 1.0', "200"])
        # The printed answer is that of a client that has been there for a while.
        (shown,) = [json.loads(block.text) for block in blocks(PAGE, "json")]
        answer = json.loads(said[2])
        for report in (shown, shown["clients"][0]):
            self.assertEqual(report["last_heartbeat_seconds"], 12.1)
            report["last_heartbeat_seconds"] = None
        self.assertEqual(answer, shown)
        self.assertEqual(telemetry.list_handlers(), [])
        self.assertEqual(
            [one for one in REGISTRY.collect() if one.name.startswith("txphoenix")], []
        )

    async def test_asyncio(self) -> None:
        """The program for asyncio serves what its client did from its start on."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        text = captioned(PAGE, "asyncio")
        for shown, here in (
            ("ws://localhost:4000/socket", server.url),
            ("metrics(9464)", "metrics(0)"),
        ):
            self.assertIn(shown, text)
            text = text.replace(shown, here)
        path = Path(self.mktemp()).absolute()
        path.write_text(text, "utf-8")
        ran = start_program(self, *CHECKED, "-u", os.fspath(path))
        await server.when_joined("rooms:lobby")
        server.broadcast("rooms:lobby", "news", {})
        await ran.out.wait_for("message: news\n")
        port = ran.out.text.split()[3]
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"http://127.0.0.1:{port}/metrics", pool=pool)
        lines = (await response.text()).splitlines()
        for name in ("connections", "joins"):
            self.assertIn(f'txphoenix_{name}_total{{client="chat"}} 1.0', lines)
        (lobby,) = server.channels("rooms:lobby")
        lobby.stop()
        self.assertEqual((await ran.ended, complaints(ran)), (0, ""))

    async def test_several_processes(self) -> None:
        """With files shared among processes, each has txphoenix's metrics by itself."""
        directory = Path(self.mktemp())
        directory.mkdir(parents=True)
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-c", FORKED],
            env={
                **os.environ,
                "PYTHONPATH": os.fspath(ROOT),
                "PROMETHEUS_MULTIPROC_DIR": os.fspath(directory.absolute()),
            },
        )
        self.assertEqual((code, err), (0, b""))
        self.assertEqual(out.decode().split("\n"), ["True True", "True False", ""])


class CommandTests(SynchronousTestCase):
    """The commands on the page."""

    skip = NOT_THERE

    def test_downloads(self) -> None:
        """The dashboard and the rules can be had from the page."""
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        links = re.findall(r":download:`[^<`]+<([^>]+)>`", page)
        self.assertEqual(
            {Path(link).name for link in links}, {"txphoenix.json", "alerts.yml"}
        )
        for link in links:
            self.assertTrue((DOCS / link).exists(), link)

    def test_command(self) -> None:
        """The command line is taken as it is printed."""
        (block,) = blocks(PAGE, "console")
        _, _, arguments = block.text.strip().partition(" txphoenix ")
        options = Options()
        options.parseOptions(arguments.split())
        self.assertEqual(options["metrics"], "9464")
