"""Examples that are programs of their own, each as a process, against a real server.

They are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import treq
from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool

from txphoenix import Presence
from txphoenix.absinthe.testing import AbsintheServer
from txphoenix.supabase.testing import SupabaseServer
from txphoenix.testing import PhoenixServer, PresenceChannel
from txphoenix.testing.cases import PhoenixMixin

from .cli_program import Program, Stream, start_program
from .presence_kit import FakeChannel
from .test_examples import EXAMPLES, NOT_HERE, head, piece
from .test_twistd import Twistd

TOPIC = "rooms:lobby"
TIMES = re.compile(r"\d\d:\d\d:\d\d")


class ExampleTestCase(PhoenixMixin, TestCase):
    """Starts examples."""

    skip = NOT_HERE
    timeout = 120

    def start(self, name: str, *arguments: str) -> Program:
        """Start an example."""
        return start_program(self, os.fspath(EXAMPLES / name), *arguments)


class Den(PresenceChannel):
    """A room whose server has tracked somebody without a time."""

    def after_join(self) -> None:
        """Be there, and send the list."""
        self.track(str(self.socket.params["user_id"]), {"online_at": "1700000000"})
        self.push_presence_state()


class RosterTests(ExampleTestCase):
    """``examples/presence_roster.py``."""

    async def test_show(self) -> None:
        """Piped, it prints one list after the other, and nothing to move a cursor."""
        program = self.start("presence_roster.py", "--pause", "0.01")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        said = TIMES.sub("00:00:00", program.out.text)
        ann, bob = "ann           since 00:00:00", "bob           since 00:00:00"
        lists = [
            f"1 in {TOPIC}\n  {ann}  terminal\n",
            f"2 in {TOPIC}\n  {ann}  terminal\n  {bob}  phone\n",
            f"2 in {TOPIC}\n  {ann}  terminal\n  {bob}  phone, laptop\n",
            f"2 in {TOPIC}\n  {ann}  terminal\n  {bob}  laptop\n",
            f"1 in {TOPIC}\n  {ann}  terminal\n",
        ]
        self.assertEqual(said, "".join(lists))
        for line in piece(head(EXAMPLES / "presence_roster.py"), "You see"):
            self.assertIn(TIMES.sub("00:00:00", line), said)

    def test_terminal(self) -> None:
        """On a terminal a list takes the place of the one before."""
        example = runpy.run_path(os.fspath(EXAMPLES / "presence_roster.py"))
        out = Stream(is_terminal=True)
        self.patch(sys, "stdout", out)
        channel = FakeChannel()
        example["Roster"](Presence(channel), TOPIC)
        for refs in ("1", "2"), ("1",):
            state = {ref: {"metas": [{"phx_ref": ref}]} for ref in refs}
            channel.deliver("presence_state", state)
        first, second = out.output.text.split("\x1b[3A\x1b[J")
        self.assertEqual(first.splitlines()[0], f"2 in {TOPIC}")
        self.assertEqual(second.splitlines()[0], f"1 in {TOPIC}")

    def drawn(self, metas: dict[str, Any], is_terminal: bool = False) -> list[str]:
        """The lines of a list of users, who have a meta each."""
        example = runpy.run_path(os.fspath(EXAMPLES / "presence_roster.py"))
        out = Stream(is_terminal=is_terminal)
        self.patch(sys, "stdout", out)
        channel = FakeChannel()
        example["Roster"](Presence(channel), TOPIC)
        state = {
            user: {"metas": [{"phx_ref": user, **meta}]} for user, meta in metas.items()
        }
        channel.deliver("presence_state", state)
        return out.output.text.splitlines()

    def test_odd(self) -> None:
        """A meta of another kind is a line as others, and moves no cursor."""
        times = [None, "2026-01-01T00:00:00Z", "nan", 1e300, [1]]
        metas = {f"user{i}": {"online_at": each} for i, each in enumerate(times)}
        metas["bob"] = {"device": "\x1b[2Jphone\nand more"}
        title, *lines = self.drawn(metas)
        self.assertEqual(title, f"6 in {TOPIC}")
        self.assertEqual(
            lines[0].split(), ["bob", "since", "?", "?[2Jphone?and", "more"]
        )
        for line in lines[1:]:
            self.assertRegex(line, r"^  user\d         since \?         \?$")

    def test_crowd(self) -> None:
        """Of a thousand users a terminal shows as many as it has lines for."""
        self.patch(os, "environ", {**os.environ, "COLUMNS": "40", "LINES": "10"})
        metas = {f"user{i:04}": {"device": "x" * 99} for i in range(1000)}
        title, *lines = self.drawn(metas, is_terminal=True)
        self.assertEqual((title, len(lines)), (f"1000 in {TOPIC}", 8))
        self.assertEqual({len(line) for line in lines}, {39})
        self.assertEqual(len(self.drawn(metas)), 1001)
        self.patch(os, "environ", {**os.environ, "COLUMNS": "10"})
        self.assertEqual(self.drawn(metas, is_terminal=True)[0], "1000 in r")

    async def test_room(self) -> None:
        """It keeps the list of a server's room, through an outage, until Ctrl-C."""
        server = await self.phoenix_server({"rooms:*": Den})
        program = self.start("presence_roster.py", server.url, "rooms:a", "user_id=7")
        await program.out.wait_for("1 in rooms:a\n  7             since ")
        server.drop()
        # It has a meta of its own anew, without a device.
        await program.out.wait_for("1 in rooms:a\n  7             since ", 2)
        program.interrupt()
        await program.ended
        self.assertNotIn("Traceback", program.err.text)
        self.assertEqual(server.connections, [])

    async def test_no_server(self) -> None:
        """Without a server it says so in one line."""
        program = self.start("presence_roster.py", "ws://127.0.0.1:1/socket")
        self.assertEqual(await program.ended, 1)
        self.assertRegex(program.err.text, r"^no list: .*refused.*\n$")


class AsyncioTests(ExampleTestCase):
    """``examples/asyncio_program.py``."""

    def start_ticking(self, server: PhoenixServer, *arguments: str) -> Program:
        """Start it, with little time between its ticks."""
        name = "asyncio_program.py"
        return self.start(name, "ann", server.url, "--pause", "0.01", *arguments)

    async def test_ends(self) -> None:
        """It prints what comes, as its head shows, and ends after its last tick."""
        server = await self.phoenix_server()
        program = self.start_ticking(server, "--ticks", "2")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        lines = program.out.text.splitlines()
        shown = piece(head(EXAMPLES / "asyncio_program.py"), "You see")
        self.assertEqual(lines[:-1], shown)
        self.assertIn("closed: ", lines[-1])

    async def test_outage(self) -> None:
        """It shows the loss of the connection, goes on after it, and obeys Ctrl-C."""
        server = await self.phoenix_server()
        program = self.start_ticking(server)
        await program.out.wait_for("ann: tick 3\n")
        server.drop()
        await program.out.wait_for("closed: connection closed with code 1006")
        await program.out.wait_for("connected\n", 2)
        ticks = program.out.text.count("ann: tick")
        await program.out.wait_for("ann: tick", ticks + 3)
        program.interrupt()
        self.assertEqual(await program.ended, 0)
        self.assertNotIn("Traceback", program.err.text)
        self.assertEqual(server.connections, [])

    async def test_odd(self) -> None:
        """What somebody else's program says otherwise is let pass."""
        server = await self.phoenix_server()
        program = self.start_ticking(server)
        await program.out.wait_for("ann: tick 1\n")
        for payload in ({"say": "hi"}, ["hi"], {"user_id": "bob", "body": "hi"}):
            server.broadcast(TOPIC, "new_msg", payload)
        await program.out.wait_for("bob: hi\n")
        program.interrupt()
        self.assertEqual(await program.ended, 0)
        self.assertNotIn("Traceback", program.err.text)

    async def test_closed(self) -> None:
        """It ends when the server closes the channel, and says that."""
        server = await self.phoenix_server()
        program = self.start_ticking(server)
        await program.out.wait_for("ann: tick 1\n")
        (room,) = server.channels(TOPIC)
        room.stop()
        self.assertEqual(await program.ended, 1)
        self.assertRegex(program.err.text, r"^no more ticks: .*closed.*\n$")

    async def test_no_server(self) -> None:
        """Without a server it says so in one line."""
        program = self.start("asyncio_program.py", "ann", "ws://127.0.0.1:1/socket")
        self.assertEqual(await program.ended, 1)
        last = program.err.text.splitlines()[-1]
        self.assertRegex(last, "^not connected: .*refused")


class MetricsTests(ExampleTestCase):
    """``examples/prometheus_metrics.py``."""

    async def test_show(self) -> None:
        """It shows a scrape and its health, as its head does."""
        program = self.start("prometheus_metrics.py")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9464", program.out.text)
        shown = piece(head(EXAMPLES / "prometheus_metrics.py"), "You see")
        self.assertEqual(said.splitlines(), shown)

    async def test_client(self) -> None:
        """With a server it serves until it is ended, and leaves nothing open."""
        server = await self.phoenix_server()
        joined = server.when_joined(TOPIC)
        program = self.start("prometheus_metrics.py", server.url)
        await joined
        await program.out.wait_for("\n")
        url = program.out.text.split()[-1]
        pool = HTTPConnectionPool(reactor, persistent=False)
        answer = await treq.get(f"{url}/metrics", pool=pool)
        self.assertIn('txphoenix_connections_total{client="chat"}', await answer.text())
        program.interrupt()
        await program.ended
        self.assertNotIn("Traceback", program.err.text)

    async def test_wrong_port(self) -> None:
        """A port that is none is said in one line."""
        program = self.start("prometheus_metrics.py", "--port", "many")
        self.assertEqual(await program.ended, 1)
        self.assertRegex(program.err.text, r"^metrics: .*'many'.*\n$")


class WrongTests(ExampleTestCase):
    """A URL that is none, and what a server refuses, are told of in one line."""

    async def said(self, name: str, *arguments: str, **env: str) -> str:
        """What a program ends with, which is a line."""
        program = start_program(
            self, os.fspath(EXAMPLES / name), *arguments, env=env or None
        )
        self.assertEqual(await program.ended, 1, name)
        (line,) = program.err.text.splitlines()
        return line

    async def test_url(self) -> None:
        """So it is with each that takes a URL."""
        wrong = "url must begin with ws://"
        for name, *arguments in (
            ("absinthe_comments.py", "ftp://a"),
            ("chat.py", "ann", "ftp://a"),
            ("prometheus_metrics.py", "ftp://a"),
        ):
            self.assertIn(wrong, await self.said(name, *arguments))
        given = {"SUPABASE_URL": "ftp://a", "SUPABASE_KEY": "k"}
        line = await self.said("supabase_changes.py", **given)
        self.assertRegex(line, "^not following: url must be that of a project")

    async def test_no_server(self) -> None:
        """Nobody is there."""
        line = await self.said("chat.py", "ann", "ws://127.0.0.1:1/socket")
        self.assertRegex(line, "^no chat: .*refused")

    async def test_refused(self) -> None:
        """The server does not let anybody in."""
        server = await self.phoenix_server({"den": Den})
        line = await self.said("chat.py", "ann", server.url)
        self.assertRegex(line, "^no chat: join of 'rooms:lobby' refused")
        line = await self.said("absinthe_comments.py", server.url)
        self.assertRegex(line, "^no comments: join of .* refused")


class PipedTests(ExampleTestCase):
    """What runs for long, read through a pipe."""

    async def shows(self, line: str, name: str, *arguments: str, **env: str) -> None:
        """A program shows a line while it runs: no server ends it."""
        # Set, it would have Python write at once whatever the program does.
        env["PYTHONUNBUFFERED"] = ""
        path = os.fspath(EXAMPLES / name)
        program = start_program(self, path, *arguments, env=env)
        await program.out.wait_for(line)
        self.assertFalse(program.ended.called)
        program.interrupt("KILL")
        await program.ended

    async def test_absinthe(self) -> None:
        """``absinthe_comments.py``."""
        server = await AbsintheServer().start()
        self.addCleanup(server.stop)
        server.schema.subscription("commentAdded")
        await self.shows("subscribed\n", "absinthe_comments.py", server.url)

    async def test_supabase(self) -> None:
        """``supabase_changes.py``."""
        server = await SupabaseServer().start()
        self.addCleanup(server.stop)
        env = {
            "SUPABASE_URL": server.project_url,
            "SUPABASE_KEY": server.publishable_key,
        }
        line = "server: Subscribed to PostgreSQL\n"
        await self.shows(line, "supabase_changes.py", **env)


class TwistdServiceTests(ExampleTestCase):
    """``examples/twistd_service``: ``room_archive.py`` and ``room_archive_plugin.py``.

    Its ``README.md``, ``archive.toml`` and ``room-archive.service`` go with them.
    """

    def setUp(self) -> None:
        """Copy it, for Twisted keeps a list of plugins beside them."""
        self.folder = Path(self.mktemp()).absolute()
        shutil.copytree(EXAMPLES / "twistd_service", self.folder)

    def start_service(self, *arguments: str) -> Twistd:
        """Start it."""
        process = Twistd(
            "-n", "--pidfile=", "room-archive", *arguments, directory=self.folder
        )
        self.addCleanup(process.kill)
        return process

    def configure(self, url: str) -> None:
        """Write another URL into its configuration."""
        path = self.folder / "archive.toml"
        text = path.read_text("utf-8")
        self.assertIn("ws://localhost:4000/socket", text)
        path.write_text(text.replace("ws://localhost:4000/socket", url), "utf-8")

    async def ended(
        self, server: PhoenixServer, end: Callable[..., object], *arguments: str
    ) -> None:
        """Have the channel end on the server, and be joined again."""
        left = server.when_left(TOPIC)
        end(*arguments)
        await left
        await server.when_joined(TOPIC)

    def kept(self) -> list[Any]:
        """What is in its file."""
        text = (self.folder / "messages.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    async def test_life(self) -> None:
        """It keeps what is said, before an outage and after it, until a SIGTERM."""
        server = await self.phoenix_server()
        self.configure(server.url)
        process = self.start_service()
        await process.when_printed("writing to messages.jsonl")
        await process.when_printed(f"listening to {TOPIC}")
        self.assertEqual(server.connections[0].socket.params["user_id"], "archive")
        server.broadcast(TOPIC, "new_msg", {"body": "hi"})
        # It joins again, and so has had what came before.
        await self.ended(server, server.kill_channel, TOPIC)
        await self.ended(server, server.drop)
        server.broadcast(TOPIC, "new_msg", {"body": "hello again"})
        await self.ended(server, server.kill_channel, TOPIC)
        left = server.when_left(TOPIC)
        process.transport.signalProcess("TERM")
        await left
        self.assertEqual(await process.ended, -15)
        self.assertIn("stopped; messages kept: 2", process.output)
        self.assertNotIn("Traceback", process.output)
        bodies = [said["payload"]["body"] for said in self.kept()]
        self.assertEqual(bodies, ["hi", "hello again"])
        self.assertEqual({said["topic"] for said in self.kept()}, {TOPIC})
        readme = (self.folder / "README.md").read_text("utf-8")
        for line in ("listening to rooms:lobby", "stopped; messages kept: "):
            self.assertIn(f"[room_archive#info] {line}", readme)
            self.assertIn(f"[room_archive#info] {line}", process.output)

    async def test_wrong(self) -> None:
        """What is wrong with the configuration is a line, and it does not start."""
        config = self.folder / "archive.toml"
        for text, said in (
            ("file = 1", "'client' is missing"),
            ("file =", "Invalid value"),
            ("file = 'a'\nclient = 1", "client is not a table"),
            ("file = 'no/a'\n[client]\nurl = 'ws://a'", "No such file or directory"),
            ("file = 'a'\n[client]\nurl = 'ftp://a'", "url must begin with ws://"),
            ("file = 'a'\n[client]\nurl = 'ws://a'\nno = 1", "no"),
        ):
            config.write_text(text, "utf-8")
            process = self.start_service("--config", os.fspath(config))
            # With which status is for twistd to say: it was 0 once, and is 1 now.
            self.assertIn(await process.ended, (0, 1))
            self.assertIn(said, process.output.splitlines()[-1])
            self.assertNotIn("Traceback", process.output)

    async def test_unit(self) -> None:
        """The unit's command is one that the service takes."""
        unit = configparser.ConfigParser()
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(self.folder / "room-archive.service")
        _, *words = shlex.split(unit["Service"]["ExecStart"])
        self.assertEqual(words[:3], ["-n", "--pidfile=", "room-archive"])
        self.assertEqual(words[3], "--config")
        # A service whose credential is not there does not start: both are asked for.
        lines = (self.folder / "room-archive.service").read_text("utf-8").splitlines()
        self.assertIn("# LoadCredential=token:/etc/room-archive.token", lines)
        self.assertNotIn("LoadCredential", unit["Service"])
        place = "/run/credentials/room-archive.service/token"
        config = (self.folder / "archive.toml").read_text("utf-8").splitlines()
        self.assertIn(f'# token_file = "{place}"', config)
        server = await self.phoenix_server()
        self.configure(server.url)
        path = self.folder / Path(words[4]).name
        joined = server.when_joined(TOPIC)
        process = self.start_service("--config", os.fspath(path))
        await joined
        process.transport.signalProcess("TERM")
        await process.ended
        self.assertTrue((self.folder / "messages.jsonl").exists())
