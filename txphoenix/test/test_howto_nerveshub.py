"""The page about NervesHub, and the example's programs, over TCP and TLS."""

from __future__ import annotations

import os
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

from txphoenix import client_tls
from txphoenix.cli.program import make_parser
from txphoenix.test.cli_program import Program, start_program
from txphoenix.test.client_certificate_case import CertificateFiles
from txphoenix.test.nerveshub_case import EXAMPLE, NOT_HERE, loaded
from txphoenix.test.network import NetworkTestCase
from txphoenix.test.page_case import PageCase

from .test_howtos import DOCS, NOT_THERE, blocks

PAGE = "howto-nerveshub"
KEY, SECRET = "nhp_abc", "the secret"
UUID = "5c9e1f0a-0000-0000-0000-000000000002"


class NervesHubCase(NetworkTestCase):
    """A server for devices."""

    skip = NOT_THERE or NOT_HERE
    timeout = 120

    def start(self, name: str, *arguments: str) -> Program:
        """Start a program of the example."""
        return start_program(self, os.fspath(EXAMPLE / name), *arguments)

    async def hub(self, with_certificate: bool = False) -> Any:
        """Start a server, which is stopped after the test."""
        self.files = CertificateFiles(self)
        tls = self.files.demanding if with_certificate else None
        hub = loaded(self, "hub").Hub({KEY: SECRET}, tls=tls)
        await hub.server.start()
        self.addCleanup(hub.server.stop, drain=False)
        return hub


class ProgramTests(NervesHubCase):
    """The programs."""

    async def test_run(self) -> None:
        """Both ways to say who one is lead to an update, as the page prints it."""
        program = self.start("run.py")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        (shown,) = blocks(PAGE, "text")
        self.assertEqual(program.out.text, shown.text.strip("\n") + "\n")

    async def check(self, hub: Any, *arguments: str) -> None:
        """Run a device, have it updated, and interrupt it."""
        device = self.start("device.py", hub.server.url, *arguments)
        topic = await hub.server.when_joined("device")
        topic.update(UUID)
        await self.until(lambda: ("rebooting", {}) in hub.told)
        progress = [("fwup_progress", {"value": value}) for value in (25, 50, 75, 100)]
        self.assertEqual(hub.told, [*progress, ("rebooting", {})])
        await device.out.wait_for("rebooting")
        device.interrupt()
        self.assertEqual((await device.ended, device.err.text), (0, ""))

    async def test_certificate(self) -> None:
        """A device shows its certificate."""
        hub = await self.hub(with_certificate=True)
        cert, key = self.files.sign("dev-1", password=b"pass")
        password = self.files.password("pass\n")
        own = ("--ca-file", self.files.ca, "--cert", cert, "--key", key)
        await self.check(hub, *own, "--key-password-file", password)
        self.assertEqual(hub.devices, ["dev-1"])

    async def test_shared_secret(self) -> None:
        """A device signs by a shared secret, from a file."""
        hub = await self.hub()
        path = self.files.write("secret", SECRET.encode() + b"\n")
        own = ("--shared-key", KEY, "--shared-secret-file", path)
        await self.check(hub, *own, "--identifier", "dev-2")
        self.assertEqual(hub.devices, ["dev-2"])

    async def test_wrong_arguments(self) -> None:
        """What does not go together, or is not there, is one line of error."""
        url = "wss://127.0.0.1:1/socket"
        shared = ("--shared-key", KEY, "--shared-secret-file", "/nowhere")
        for arguments, said in (
            ((url, *shared[:2]), "needs --shared-secret-file"),
            ((url, *shared[2:]), "needs --shared-secret-file"),
            ((url, *shared, "--identifier", "dev-1"), "No such file"),
            ((url, "--cert", "/nowhere"), "cert_file: cannot read '/nowhere'"),
            (("nowhere",), "url must begin with ws://"),
            (("nowhere", "--cert", "/nowhere"), "hostname"),
        ):
            device = self.start("device.py", *arguments)
            self.assertEqual(await device.ended, 2, arguments)
            *usage, line = device.err.text.splitlines()
            self.assertTrue(usage[0].startswith("usage: "), usage[0])
            self.assertTrue(line.startswith("device.py: error: "), line)
            self.assertIn(said, line)

    async def test_trouble(self) -> None:
        """What the page says one sees is what a device shows that cannot connect."""
        hub = await self.hub(with_certificate=True)
        device = self.start("device.py", hub.server.url, "--ca-file", self.files.ca)
        await device.err.wait_for("certificate required")
        device.interrupt()
        await device.ended


class PageTests(NervesHubCase, PageCase):
    """The page's pieces of code."""

    page = PAGE

    async def test_certificate(self) -> None:
        """The piece about certificates connects a device, with JSON."""
        hub = await self.hub(with_certificate=True)
        cert, key = self.files.sign("dev-1")
        names = self.run_piece(
            "with a certificate",
            ("wss://devices.example.org/socket", hub.server.url),
            ('"devices.example.org"', f'"127.0.0.1", ca_file={self.files.ca!r}'),
            ('"/data/device-cert.pem"', repr(cert)),
            ('"/data/device-key.pem"', repr(key)),
        )
        await names["client"].when_connected()
        self.assertEqual(hub.devices, ["dev-1"])

    async def test_shared_secret(self) -> None:
        """Those about the secret and the device are let in, and updated."""
        hub = await self.hub()
        loaded(self, "device").print = lambda *_: None
        url = ("wss://devices.example.org/device-socket", hub.server.url)
        signing = self.run_piece("with a shared secret", url)
        await signing["client"].when_connected()
        self.assertEqual(hub.devices, ["serial-0001"])
        self.run_piece("a device", url, sign=signing["sign"])
        topic = await hub.server.when_joined("device")
        topic.update(UUID)
        await self.until(lambda: ("rebooting", {}) in hub.told)
        self.assertEqual(
            [event for event, _ in hub.told], ["fwup_progress"] * 2 + ["rebooting"]
        )
        shown = repr(signing["client"]) + repr(signing["client"].get_state())
        self.assertNotIn(SECRET, shown)

    async def test_msgpack(self) -> None:
        """That about MessagePack has the client speak it."""
        hub = await self.hub()
        url = ("wss://devices.example.org/socket", hub.server.url)
        loaded(self, "msgpack_serializer")
        names = self.run_piece("MessagePack", url)
        self.assertEqual(names["client"].get_state("vsn"), "3.0.0")

    def test_commands(self) -> None:
        """The command of the command line is one."""
        (command,) = [
            block.text
            for block in blocks(PAGE, "console")
            if "txphoenix listen" in block.text
        ]
        words = shlex.split(command.replace("\\\n", " "))[2:]
        args = make_parser("txphoenix").parse_args(words)
        self.assertEqual(args.cert, "/data/device-cert.pem")
        self.assertEqual(vars(args)["topic"], ["device"])

    async def test_alerts(self) -> None:
        """The server's alerts are those that the page has."""
        hub = await self.hub(with_certificate=True)
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        cert, key = CertificateFiles(self).sign("a stranger")
        ways: list[dict[str, Any]] = [{}, {"cert_file": cert, "key_file": key}]
        cert, key = self.files.sign("too late", life=timedelta(hours=-1))
        ways.append({"cert_file": cert, "key_file": key})
        for own in ways:
            own["ca_file"] = self.files.ca
            tls = client_tls("127.0.0.1", **own)
            client = self.client(hub.server.url, tls=tls, reconnect=False)
            error = await self.failure_of(client.when_connected())
            # What is before that depends on the release of OpenSSL.
            alert = str(error).partition(" alert ")[2].partition(" (wss:")[0]
            self.assertIn(f" alert {alert}``", page)

    def test_files(self) -> None:
        """The page lists each file of the example."""
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        for path in Path(EXAMPLE).glob("*.py"):
            self.assertIn(f"``{path.name}``", page)
