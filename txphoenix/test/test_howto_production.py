"""What the production checklist shows runs as it is printed, the drill as well."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from txphoenix.protocol.url import parse
from txphoenix.service.settings import client_options
from txphoenix.testing import ChatRoom, PhoenixServer, Refused
from txphoenix.testing.connect import Socket
from txphoenix.testing.tls import self_signed

from .cli_program import start_program
from .extra import why_skipped
from .test_howtos import DOCS, NOT_THERE, blocks
from .test_twistd import Twistd

PAGE = "howto-production"
HOST = "phoenix.example.org"
# So that a drill takes seconds; the command line goes before the file.
QUICK = (
    *("--heartbeat-interval", "0.5", "--heartbeat-timeout", "1"),
    *("--connect-timeout", "0.5", "--reconnect-interval", "0.2"),
)
NO_METRICS = why_skipped("prometheus_client")


def piece(caption: str) -> str:
    """A file on the page."""
    for language in ("toml", "python", "ini", "dockerfile"):
        for block in blocks(PAGE, language):
            if block.caption == caption:
                return block.text
    raise LookupError(caption)


def in_dockerfile(instruction: str) -> list[str]:
    """The words of an instruction that is a list."""
    (words,) = re.findall(rf"^ *{instruction} (\[.+\])$", piece("Dockerfile"), re.M)
    found: list[str] = json.loads(words)
    return found


def told(log: str) -> list[str]:
    """What a log says of the client, without times and numbers."""
    lines = re.findall(r"\[(txphoenix\.client#\w+)\] (.+)", log)
    return [
        f"{where} {re.sub(r'wss://[^ ]+', 'URL', re.sub(r'[0-9][0-9.]*', '0', text))}"
        for where, text in lines
    ]


class DrillTests(TestCase):
    """The configuration and the drill, each in a process of its own."""

    skip = NOT_THERE or NO_METRICS
    timeout = 120

    def setUp(self) -> None:
        """Write the page's files."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        for name in ("my_rooms.py", "drill.py"):
            (self.folder / name).write_text(piece(name), "utf-8")
        (self.folder / "token").write_text("a secret\n", "utf-8")
        self.headers: list[Any] = []

    async def serve(self) -> PhoenixServer:
        """A server of TLS that takes the token, by the page's name of it alone."""
        credentials = self_signed("localhost")
        (self.folder / "ca.pem").write_bytes(credentials.trust_root.dumpPEM())

        def connect(params: Any, socket: Socket) -> None:
            self.headers.append(socket.headers)
            if socket.auth_token != "a secret":
                raise Refused

        server = PhoenixServer(
            {"rooms:*": ChatRoom},
            tls=credentials.server,
            auth_token=True,
            connect=connect,
        )
        await server.start()
        self.addCleanup(server.stop, drain=False)
        return server

    def twistd(self, port: str) -> Twistd:
        """Run the program by the words of the container's, which names no port."""
        config = piece("chat.toml")
        self.assertIn(HOST, config)
        text = config.replace(HOST, f"localhost:{port}")
        (self.folder / "chat.toml").write_text(text, "utf-8")
        twistd, *words = in_dockerfile("ENTRYPOINT")
        self.assertEqual(twistd, "twistd")
        process = Twistd(*words, *QUICK, "--metrics", "0", directory=self.folder)
        self.addCleanup(process.kill)
        return process

    async def check(self, address: str, page: str = "metrics") -> int:
        """The exit status of the health check, the container's or another page's."""
        python, *words = in_dockerfile("CMD")
        self.assertEqual(python, "python")
        asked = "http://127.0.0.1:9464/metrics"
        self.assertEqual("".join(words).count(asked), 1)
        words = [word.replace(asked, f"{address}/{page}") for word in words]
        status: int = await getProcessValue(sys.executable, words, os.environ)
        return status

    async def test_drill(self) -> None:
        """The program gets over both outages, and its log is what the page says."""
        server = await self.serve()
        drill = start_program(
            self, "-u", str(self.folder / "drill.py"), str(server.port), "3"
        )
        await drill.out.wait_for("connect to port ")
        await drill.out.wait_for("\n")
        process = self.twistd(drill.out.text.split()[-1])
        served = process.when_printed("metrics are served at ")
        joined = process.when_printed(r"my_rooms.*rooms:lobby: joined")
        server_line = await served
        address = server_line.split()[-1].removesuffix("/metrics")
        await joined
        healthy = self.check(address, "health")
        over = process.when_printed("the outage is over")
        self.assertEqual(await healthy, 0)

        await drill.out.wait_for("the server is gone")
        self.assertEqual(await self.check(address, "health"), 1)
        self.assertEqual(await self.check(address), 0)
        await over
        await process.when_printed("no reply to a heartbeat")
        await process.when_printed("the outage is over")
        self.assertEqual(
            drill.out.text.splitlines()[1:],
            [
                "the server is gone",
                "the server is back",
                "the server is silent",
                "the server is back",
            ],
        )
        (shown,) = blocks(PAGE, "text")
        self.assertEqual(told(process.output), told(shown.text))
        self.assertNotIn("a secret", process.output)

        heard = process.when_printed(r"my_rooms.*rooms:lobby: new_msg")
        server.broadcast("rooms:lobby", "new_msg", {"body": "hi"})
        await heard
        process.transport.signalProcess("TERM")
        self.assertEqual(await process.ended, 0)
        self.assertNotEqual(self.headers, [])
        for headers in self.headers:
            self.assertNotIn("origin", headers)
        drill.interrupt()
        await drill.ended


class FileTests(SynchronousTestCase):
    """The page's files, beside each other."""

    skip = NOT_THERE

    def test_options(self) -> None:
        """The configuration comes to options that fit each other."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "token").write_text("a secret", "utf-8")
        others = re.compile(r"^(ca_file|metrics|\"rooms:\*\").*", re.M)
        text = others.sub("", piece("chat.toml"))
        path = folder / "chat.toml"
        path.write_text(text, "utf-8")
        options = client_options({"config": os.fspath(path)})
        self.assertTrue(parse(options["url"]).secure)
        self.assertLessEqual(2 * options["heartbeat_interval"], 60)
        self.assertLess(options["close_timeout"], self.unit()["timeoutstopsec"])

    def unit(self) -> dict[str, Any]:
        """The section ``Service`` of systemd's file."""
        parser = ConfigParser(interpolation=None)
        parser.read_string(piece("chat.service"))
        self.assertEqual(parser.sections(), ["Unit", "Service", "Install"])
        service: dict[str, Any] = dict(parser["Service"])
        return {**service, "timeoutstopsec": float(service["timeoutstopsec"])}

    def test_same_program(self) -> None:
        """The unit of systemd runs what the container runs, in the same place."""
        unit = self.unit()
        twistd, *words = shlex.split(unit["execstart"])
        self.assertEqual(words, in_dockerfile("ENTRYPOINT")[1:])
        place = unit["workingdirectory"]
        self.assertEqual(twistd, f"{place}/bin/twistd")
        self.assertEqual(unit["environment"], f"PYTHONPATH={place}")
        for line in (f"WORKDIR {place}", f"ENV PYTHONPATH={place}"):
            self.assertIn(f"{line}\n", piece("Dockerfile"))

    def test_copied(self) -> None:
        """What goes into the image are the files of the page, and no secret."""
        (line,) = re.findall(r"^COPY (.+) \./$", piece("Dockerfile"), re.M)
        self.assertEqual(
            set(line.split()),
            {"requirements.txt", "my_rooms.py", "chat.toml", "ca.pem"},
        )


class ListTests(SynchronousTestCase):
    """The list."""

    skip = NOT_THERE

    def test_items(self) -> None:
        """Each item is a sentence that says why, with a page that says more."""
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        lines = [line for line in page.splitlines() if "☐" in line]
        self.assertGreater(len(lines), 25)
        for line in lines:
            found = re.fullmatch(
                r"- ☐ \*\*[A-Z][\w ]+\*\*: .+, for .+\. :doc:`([\w-]+)`", line
            )
            assert found is not None, line
            self.assertTrue((DOCS / f"{found[1]}.rst").exists(), line)
            self.assertEqual(line.count(". "), 1, line)
