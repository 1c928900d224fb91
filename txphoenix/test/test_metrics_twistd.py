"""``twistd txphoenix --metrics`` as a process of its own, asked over HTTP."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import treq
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool

from txphoenix.testing import ChatRoom
from txphoenix.testing.cases import PhoenixMixin

from .extra import why_skipped
from .test_twistd import TOPIC, Twistd


class MetricsTwistdTests(PhoenixMixin, TestCase):
    """A client that runs as a service of twistd, and tells how it does."""

    timeout = 120
    skip = why_skipped("prometheus_client")

    def setUp(self) -> None:
        """Make a directory for the process to run in."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.pool = HTTPConnectionPool(reactor, persistent=False)

    def twistd(self, *args: str, outer: tuple[str, ...] = ("-n",)) -> Twistd:
        """Start ``twistd -n txphoenix ARGS``."""
        process = Twistd(*outer, "txphoenix", *args, directory=self.directory)
        self.addCleanup(process.kill)
        return process

    async def address(self, process: Twistd) -> str:
        """The address that the log names."""
        line = await process.when_printed("metrics are served at http")
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found is not None, line
        return found.group()

    async def ask(self, url: str) -> tuple[int, str]:
        """The status and the text of an answer."""
        response = await treq.get(url, pool=self.pool)
        return response.code, await response.text()

    async def test_life(self) -> None:
        """It serves metrics and health at the port that it logs, until it ends."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        joined = server.when_joined(TOPIC)
        process = self.twistd(
            *("--url", server.url, "--join", TOPIC, "--metrics", "0"),
        )
        address = await self.address(process)
        await joined
        # It has been told of the join once it has a message that came after it.
        printed = process.when_printed(f"{TOPIC}: new_msg")
        server.broadcast(TOPIC, "new_msg", {"body": "hi"})
        await printed
        status, text = await self.ask(f"{address}/health")
        self.assertEqual(status, 200, text)
        report = json.loads(text)
        self.assertEqual(
            (report["connected"], report["joined"], report["clients"][0]["name"]),
            (True, True, "txphoenix"),
        )
        status, text = await self.ask(f"{address}/metrics")
        self.assertEqual(status, 200)
        self.assertIn('\ntxphoenix_joins_total{client="txphoenix"} 1.0\n', text)
        # What prometheus_client tells of any process.
        self.assertIn("\npython_info{", text)
        process.transport.signalProcess("TERM")
        self.assertEqual(await process.ended, 0, process.output)
        self.assertNotIn("Traceback", process.output)

    async def test_config_file(self) -> None:
        """It takes the port from a file, and is unwell where there is no server."""
        path = self.directory / "chat.toml"
        path.write_text('url = "ws://127.0.0.1:1/socket"\nmetrics = 0\n', "utf-8")
        process = self.twistd("--config", os.fspath(path))
        address = await self.address(process)
        status, text = await self.ask(f"{address}/health")
        self.assertEqual((status, json.loads(text)["status"]), (503, "unhealthy"))
        process.transport.signalProcess("TERM")
        self.assertEqual(await process.ended, 0, process.output)

    async def test_taken(self) -> None:
        """With a port that is taken it does not start, and says so."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        taken = await endpoint.listen(Factory())
        self.addCleanup(taken.stopListening)
        number = str(taken.getHost().port)
        process = self.twistd("--url", "ws://127.0.0.1:1/socket", "--metrics", number)
        self.assertEqual(await process.ended, 1, process.output)
        line = (
            f"metrics cannot be served at tcp:{number}:interface=127.0.0.1: Address "
            "already in use"
        )
        self.assertTrue(process.output.strip().endswith(f"ConfigurationError: {line}"))
        self.assertFalse((self.directory / "twistd.pid").exists())
