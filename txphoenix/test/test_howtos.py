"""What the how-tos and the pages for newcomers show works as it is printed.

These documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import textwrap
from configparser import ConfigParser
from pathlib import Path
from typing import Any, NamedTuple

from twisted.application.service import MultiService
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase, TestCase

import txphoenix
from txphoenix import Message, Presence, SocketClient, telemetry
from txphoenix.service.maker import Options, makeService
from txphoenix.testing import ChatRoom, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin

from .client_certificate_case import PASSWORD, CertificateFiles

ROOT = Path(txphoenix.__file__).parent.parent
DOCS = ROOT / "docs"
URL = "wss://example.org/socket"

NOT_THERE = None if DOCS.exists() else "installed without its documents"


class Block(NamedTuple):
    """A piece of code on a page."""

    language: str
    caption: str | None
    text: str


def blocks(page: str, language: str) -> list[Block]:
    """The pieces of code of one language on a page."""
    found = re.findall(
        r"^\.\. code-block:: (\w+)\n(?:   :caption: (.*)\n)?\n((?:   .*\n|\n)+)",
        (DOCS / f"{page}.rst").read_text("utf-8"),
        re.M,
    )
    return [
        Block(name, caption or None, textwrap.dedent(text))
        for name, caption, text in found
        if name == language
    ]


def captioned(page: str, caption: str) -> str:
    """The one piece of Python on a page with this caption."""
    (text,) = [it.text for it in blocks(page, "python") if it.caption == caption]
    return text


def program(page: str) -> str:
    """The pieces of Python on a page, as the body of one coroutine.

    A piece with a caption is a file, or somebody else's code.
    """
    body = "\n".join(
        block.text for block in blocks(page, "python") if block.caption is None
    )
    return "async def program(print):\n" + textwrap.indent(body, "    ")


async def printed_by(source: str, page: str) -> list[str]:
    """Run a page's program.

    :param source: it, as :func:`program` has it, at the test's server.
    :return: what it has printed.
    """
    names: dict[str, Any] = {}
    exec(compile(source, page, "exec"), names)
    printed: list[str] = []
    await names["program"](lambda *words: printed.append(" ".join(map(str, words))))
    return printed


def commands() -> list[list[str]]:
    """The commands on the page about twistd, as lists of words."""
    found = []
    for block in blocks("howto-twistd", "console"):
        text = block.text.replace("\\\n", " ")
        lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
        found += [shlex.split(line) for line in lines]
    return found


class Once(ServerChannel):
    """A channel that says everything back to all."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Say it."""
        self.broadcast(event, payload)
        return ok()


class ProgramTests(PhoenixMixin, TestCase):
    """The programs that the pages are."""

    skip = NOT_THERE
    timeout = 120

    async def run_page(self, page: str) -> list[str]:
        """Run a page's program.

        :return: what it printed.
        """
        server = await self.phoenix_server({"rooms:once": Once, "rooms:*": ChatRoom})
        return await printed_by(program(page).replace(URL, server.url), page)

    async def test_telemetry(self) -> None:
        """The page about telemetry counts and times what it says."""
        said = await self.run_page("howto-telemetry")
        self.assertEqual(said[0], "sent: 1")
        self.assertRegex(said[1], r"^leave_duration: \d\.\d s$")
        self.assertEqual(
            said[2:],
            [
                # Those of the debug handler.
                "handlers: 6",
                "waiting for replies: 0",
                "unread: 0 of 1000",
                "reconnects: 0",
            ],
        )
        self.assertEqual(telemetry.list_handlers(), [])

    async def test_typed_payloads(self) -> None:
        """The page about typed payloads decodes what it says."""
        said = await self.run_page("howto-typed-payloads")
        self.assertEqual(
            said,
            [
                "hook: ann hi",
                "class: new_msg ho",
                "read: read",
                "joined: ann",
                "reply: 0",
                "error: new_msg TypeError",
                "hook: ann ha",
                (
                    "reply: the response to 'new_msg' of 'rooms:lobby' could not be"
                    " decoded: program.<locals>.<lambda> raised KeyError"
                ),
            ],
        )

    async def test_state(self) -> None:
        """The page about state shows what it says."""
        said = await self.run_page("howto-state")
        self.assertEqual(
            said,
            [
                "connected",
                "5.0",
                "{'rooms:lobby': {'status': 'joined', 'params': {'user_id': 7}}}",
                '{"token": "[redacted]"}',
                "1234",
                said[5],
                "None",
                "joined",
                "there is no option 'tiemout'; did you mean 'timeout'?",
                "{'token': 'another'}",
            ],
        )
        self.assertIn("reconfigure", said[5])

    async def test_supervision(self) -> None:
        """The page about crashes tells of those that it provokes."""
        self.addCleanup(self.flushLoggedErrors, KeyError, ValueError)
        self.assertEqual(
            await self.run_page("howto-supervision"),
            [
                "crashed: KeyError('amount')",
                "stopped: not again",
                "state: closed",
                "True",
                "True",
                "True",
                "None",
            ],
        )

    async def test_from_elixir(self) -> None:
        """The example in Python does what the one in Elixir does."""
        self.assertEqual(await self.run_page("from-elixir"), ["heard hi", "answer {}"])

    async def test_from_python(self) -> None:
        """The examples of how other clients' programs translate work."""
        self.assertEqual(
            await self.run_page("from-python"),
            ["new_msg {'user_id': 'anonymous', 'body': 'hi'}", "joined: rooms:lobby"],
        )

    async def test_twistd(self) -> None:
        """A client out of ``makeService`` connects."""
        self.assertEqual(await self.run_page("howto-twistd"), [])


class CommandTests(SynchronousTestCase):
    """The commands and files on the page about twistd."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Have all the files there that the page names."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        (room,) = [it for it in blocks("howto-twistd", "python") if it.caption]
        (config,) = blocks("howto-twistd", "toml")
        self.key = directory / "key"
        files = CertificateFiles(self)
        cert, key = files.sign("dev-1", password=PASSWORD.encode())
        self.places = {
            "/run/secrets/key-password": files.password(),
            "/run/secrets/key": str(self.key),
            "/etc/chat/cert.pem": cert,
            "/etc/chat/key.pem": key,
        }
        for path, text in (
            (directory / str(room.caption), room.text),
            (directory / "chat.toml", config.text),
            (directory / "token", "secret"),
            (self.key, "secret"),
        ):
            path.write_text(text, "utf-8")
        self.patch(sys, "path", [str(directory), *sys.path])
        self.addCleanup(sys.modules.pop, "my_rooms", None)
        environ = {"CHAT_TOKEN": "secret", "CHAT_KEY": "secret"}
        self.patch(os, "environ", {**os.environ, **environ})
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(directory)

    def parse(self, words: list[str]) -> Options:
        """Parse a command."""
        if words[0].startswith("PYTHONPATH="):
            words = words[1:]
        self.assertEqual(words[:3], ["twistd", "-n", "txphoenix"])
        options = Options()
        words = words[3:]
        for shown, place in self.places.items():
            words = [word.replace(shown, place) for word in words]
        options.parseOptions(words)
        return options

    def test_commands(self) -> None:
        """Each command makes a service, but for the one that shows a mistake."""
        *right, wrong = commands()
        self.assertGreater(len(right), 4)
        for words in right:
            service = makeService(self.parse(words))
            self.assertEqual(service.get_state("url"), URL)
        with self.assertRaises(UsageError) as caught:
            self.parse(wrong)
        self.assertIn(
            f"twistd -n: {caught.exception}",
            self.page(),
        )

    def test_docker(self) -> None:
        """What a container runs makes a service, of files that are copied into it."""
        (block,) = blocks("howto-twistd", "docker")
        lines = dict(line.split(" ", 1) for line in block.text.strip().splitlines())
        *copied, place = lines["COPY"].split()
        self.assertEqual(lines["ENV"], f"PYTHONPATH={place.rstrip('/')}")
        for name in copied:
            self.assertTrue(Path(name).exists(), name)
        twistd, foreground, no_file, *words = json.loads(lines["CMD"])
        self.assertEqual(no_file, "--pidfile=")
        self.assertIn(f"{place}chat.toml", words)
        words = [word.replace(place, "") for word in words]
        service = makeService(self.parse([twistd, foreground, *words]))
        self.assertEqual(service.get_state("url"), URL)
        self.assertLess(service.get_state("close_timeout"), 10)

    def test_systemd(self) -> None:
        """The unit of systemd gives the program the token, the key and the class.

        The credential is where systemd.exec(5) says, and nowhere else: in a folder
        that the environment alone names.
        """
        unit = ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(blocks("howto-twistd", "ini")[0].text)
        service = unit["Service"]
        name, _, source = service["LoadCredential"].partition(":")
        self.assertTrue(Path(source).is_absolute())
        given = Path("credentials").absolute()
        given.mkdir()
        (given / name).write_text("of systemd", "utf-8")
        Path("token").unlink()
        self.assertIn("``/etc/chat/environment`` has the line ``CHAT_KEY=", self.page())
        twistd, *words = shlex.split(service["ExecStart"])
        self.assertEqual(
            service["Environment"], f"PYTHONPATH={Path(twistd).parents[1]}"
        )
        words.remove("--pidfile=")
        words = [
            word.replace("${CREDENTIALS_DIRECTORY}", str(given)).replace(
                "/etc/chat/chat.toml", "chat.toml"
            )
            for word in words
        ]
        client = makeService(self.parse(["twistd", *words]))
        self.assertEqual(client.get_state("auth_token")(), "of systemd")

    def page(self) -> str:
        """The page's text."""
        return (DOCS / "howto-twistd.rst").read_text("utf-8")

    def test_file(self) -> None:
        """The file of options comes to what the page says."""
        client = makeService({"config": "chat.toml", "join": {"rooms:lobby": {"a": 1}}})
        self.assertEqual(client.get_state("auth_token")(), "secret")
        self.assertEqual(client.get_state("heartbeat_interval"), 20)
        self.assertEqual(client.get_state("headers"), {"X-Key": "secret"})
        self.assertEqual(
            client.get_state("join_channels"),
            {"rooms:lobby": {"a": 1}, "rooms:den": {"user_id": 7}},
        )
        self.assertEqual(type(client.channel("rooms:1")).__name__, "Greeter")


class TableTests(SynchronousTestCase):
    """The tables of calls side by side."""

    skip = NOT_THERE

    def test_names(self) -> None:
        """What stands on our side of the tables is there."""
        client = SocketClient(URL)
        channel = client.channel("rooms:lobby")
        roots = {
            "socket": client,
            "client": client,
            "channel": channel,
            "parent": MultiService(),
            "telemetry": telemetry,
            "Message": Message,
            "message": Message.push("topic", "event", {}),
            "Presence(channel)": Presence(channel),
            "EchoRoom": txphoenix.EchoRoom,
            "txphoenix": txphoenix,
        }
        names = "|".join(map(re.escape, roots))
        seen = 0
        for page in ("from-elixir", "from-python"):
            for line in (DOCS / f"{page}.rst").read_text("utf-8").splitlines():
                left, cell = line[:52], line[52:]
                if not left.startswith("``") or "``" not in cell:
                    continue
                for root, path in re.findall(rf"\b({names})((?:\.\w+)+)", cell):
                    found = roots[root]
                    for name in path[1:].split("."):
                        found = getattr(found, name)
                    seen += 1
        self.assertGreater(seen, 50)

    def test_options(self) -> None:
        """Names of options on our side are names of options."""
        text = (DOCS / "from-python.rst").read_text("utf-8")
        for name in ("reconnect", "backoff", "should_reconnect", "receive_buffer"):
            self.assertIn(f"``{name}``", text)
            SocketClient(URL).get_state(name)
