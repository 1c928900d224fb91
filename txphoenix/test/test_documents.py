"""What README.md, the front page and the guide show works as it is printed.

These documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

import txphoenix
from txphoenix import SocketClient
from txphoenix.testing import ChatRoom, Refused, ServerChannel
from txphoenix.testing.cases import PhoenixMixin

from .test_howtos import blocks as pieces

ROOT = Path(txphoenix.__file__).parent.parent
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "guide.rst"
FRONT_PAGE = ROOT / "docs" / "index.rst"

NOT_THERE = (
    None if README.exists() and GUIDE.exists() else "installed without its documents"
)


def readme_programs() -> list[str]:
    """The pieces of Python in the README."""
    return re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    """The pieces of code of one language on a page."""
    found = re.findall(
        rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)",
        page.read_text("utf-8"),
        re.M,
    )
    return [textwrap.dedent(block) for block in found]


def guide_program() -> str:
    """The pieces of Python in the guide, as the body of one coroutine."""
    body = "\n".join(blocks(GUIDE, "python"))
    return "async def guide(print):\n" + textwrap.indent(body, "    ")


class Secret(ServerChannel):
    """A channel that nobody may join."""

    def join(self, params: Any) -> Any:
        """Refuse."""
        raise Refused({"reason": "unauthorized"})


class News(ServerChannel):
    """What the guide's Elixir does.

    :cvar items: how many there are.
    :cvar asked: what the joins said.
    """

    items = 2
    asked: list[Any] = []

    def join(self, params: Any) -> Any:
        """Let in, and keep what was asked."""
        self.asked.append(params)
        self.missed = range(params["last_id"] + 1, self.items + 1)

    def after_join(self) -> None:
        """Send what was missed."""
        for number in self.missed:
            self.push("item", {"id": number})


class ReadmeTests(TestCase):
    """The README's first program and its commands."""

    skip = NOT_THERE

    async def test_first_program(self) -> None:
        """The first program has at most fifteen lines, and prints what it says."""
        program = readme_programs()[0]
        (output,) = blocks(FRONT_PAGE, "text")
        lines = [line for line in program.splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 15)
        path = Path(self.mktemp())
        path.write_text(program, "utf-8")
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            [os.fspath(path)],
            env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
        )
        self.assertEqual((code, err), (0, b""))
        printed = out.decode("utf-8").splitlines()
        self.assertEqual(
            printed,
            [
                "joined: {'topic': 'rooms:lobby', 'user_id': 'ann'}",
                "in the room: hello",
                "reply: {}",
            ],
        )
        self.assertEqual(printed, output.strip("\n").split("\n"))

    def test_front_page(self) -> None:
        """The front page of the documentation has the same first program."""
        program = readme_programs()[0]
        self.assertEqual(
            [block.strip("\n") for block in blocks(FRONT_PAGE, "python")],
            [program.strip("\n")],
        )

    def test_commands(self) -> None:
        """The README names the two commands, and tox knows the environment."""
        text = README.read_text("utf-8")
        self.assertIn("pip install tox && tox -e demo", text)
        self.assertIn("[testenv:demo]", (ROOT / "tox.ini").read_text("utf-8"))

    def test_links(self) -> None:
        """Each file that the README points to is there."""
        targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8"))
        self.assertGreater(len(targets), 3)
        self.assertEqual([t for t in targets if not (ROOT / t).exists()], [])


class GuideTests(PhoenixMixin, TestCase):
    """The guide's program."""

    skip = NOT_THERE

    def test_blocks_are_found(self) -> None:
        """The guide's pieces of Python are found, and are one coroutine."""
        (coroutine,) = ast.parse(guide_program()).body
        self.assertIsInstance(coroutine, ast.AsyncFunctionDef)
        self.assertGreater(len(getattr(coroutine, "body", [])), 20)

    async def test_guide(self) -> None:
        """All pieces of the guide run in their order."""
        server = await self.phoenix_server({"rooms:*": ChatRoom, "secret:*": Secret})
        source = guide_program().replace("wss://example.org/socket", server.url)
        said: list[str] = []
        guide = load(source, str(GUIDE))
        await ensureDeferred(
            guide(lambda *words: said.append(" ".join(map(str, words))))
        )
        self.assertIn("attic: joined", said)
        self.assertIn("hall: joined", said)
        self.assertIn("joined rooms:den", said)
        self.assertIn("refused: unauthorized", said)
        self.assertIn("closed: stopped", said)
        self.assertIn(
            "the server says error {'reason': 'a message needs a body'}", said
        )

    async def test_missed_messages(self) -> None:
        """What comes while the client is away is told once, after the rejoin."""
        self.patch(News, "asked", [])
        self.patch(News, "items", 2)
        server = await self.phoenix_server({"news:*": News})
        (piece,) = [it for it in pieces("guide", "python") if it.caption]
        self.assertEqual(piece.caption, "what has come since")
        guide = load(
            "async def guide(client, print):\n" + textwrap.indent(piece.text, "    "),
            str(GUIDE),
        )
        client = SocketClient(server.url, backoff=lambda failures: 0.01)
        client.startService()
        self.addCleanup(client.stopService)
        said: list[int] = []
        told: list[Deferred[None]] = [Deferred() for _ in range(4)]

        def say(word: str, number: int) -> None:
            said.append(number)
            told[number - 1].callback(None)

        await ensureDeferred(guide(client, say))
        await told[1]
        News.items = 3
        server.drop()
        await told[2]
        for number in (3, 4):
            server.broadcast("news:all", "item", {"id": number})
        await told[3]
        self.assertEqual(said, [1, 2, 3, 4])
        self.assertEqual(News.asked, [{"last_id": 0}, {"last_id": 2}])


def load(source: str, name: str) -> Callable[..., Deferred[None]]:
    """Run the definition of the coroutine that the guide is."""
    namespace: dict[str, Any] = {}
    exec(compile(source, name, "exec"), namespace)
    guide: Callable[..., Deferred[None]] = namespace["guide"]
    return guide
