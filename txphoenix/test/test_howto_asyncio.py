"""What the documents show for asyncio and uvloop works as it is printed.

Each program is a process of its own, against a server in this one.
These documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

from twisted.trial.unittest import TestCase

from txphoenix.testing import ChatRoom, PhoenixServer
from txphoenix.testing.cases import PhoenixMixin

from .aio_case import NO_UVLOOP, ROOT, complaints
from .aio_program import LIMIT
from .cli_program import CHECKED, start_program
from .test_howtos import DOCS, NOT_THERE, blocks, captioned

URLS = re.compile(r"wss?://(localhost:4000|example\.org)/socket")

FIRST = (
    "joined: {'topic': 'rooms:lobby', 'user_id': 'ann'}\n"
    "in the room: hello\n"
    "reply: {}\n"
)

# A program that does not end shows where it stands.
WATCHED = (
    f"import faulthandler\nfaulthandler.dump_traceback_later({LIMIT}, exit=True)\n"
)


def pieces(page: str) -> str:
    """The pieces of a page that stand inside of a client's block."""
    body = "\n".join(
        block.text for block in blocks(page, "python") if block.caption is None
    )
    return (
        "import asyncio\n"
        "from txphoenix.aio import connect\n"
        "async def main():\n"
        "    async with connect('ws://localhost:4000/socket') as client:\n"
        "        channel = client.channel('rooms:lobby')\n"
        "        await channel.join()\n"
        f"{textwrap.indent(body, '        ')}\n"
        "asyncio.run(main())\n"
    )


class ProgramsTestCase(PhoenixMixin, TestCase):
    """Runs programs of the documents."""

    timeout = 2 * LIMIT

    async def run_program(self, text: str) -> str:
        """Run a program, whose server is at ``localhost``.

        :return: what it prints.
        """
        server: PhoenixServer = await self.phoenix_server({"rooms:*": ChatRoom})
        text = URLS.sub(server.url.replace("127.0.0.1", "localhost"), text)
        path = Path(self.mktemp())
        path.write_text(WATCHED + text, "utf-8")
        program = start_program(self, *CHECKED, os.fspath(path))
        code = await program.ended
        said = complaints(program)
        if code or said:
            self.fail(f"exit status {code}: {said}")
        return program.out.text


class PageTests(ProgramsTestCase):
    """``docs/howto-asyncio.rst``."""

    skip = NOT_THERE

    async def test_first(self) -> None:
        """The first program does what the first of all does."""
        said = await self.run_program(captioned("howto-asyncio", "first.py"))
        self.assertEqual(said, FIRST)

    async def test_readme(self) -> None:
        """The README's form for asyncio does the same."""
        text = (ROOT / "README.md").read_text("utf-8")
        found = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        (program,) = [each for each in found if "txphoenix.aio" in each]
        self.assertEqual(await self.run_program(program), FIRST)

    async def test_uvloop(self) -> None:
        """So it does under uvloop."""
        said = await self.run_program(captioned("howto-asyncio", "with_uvloop.py"))
        self.assertEqual(said, "joined: rooms:lobby\n")

    async def test_installed(self) -> None:
        """The reactor may be imported once it is installed."""
        said = await self.run_program(captioned("howto-asyncio", "installed.py"))
        self.assertEqual(said, "connected LoopReactor\n")

    async def test_tests(self) -> None:
        """The page's own tests pass, each on a loop of its own."""
        path = Path(self.mktemp())
        path.write_text(WATCHED + captioned("howto-asyncio", "test_rooms.py"), "utf-8")
        program = start_program(self, *CHECKED, os.fspath(path))
        self.assertEqual(await program.ended, 0, program.err.text)
        # unittest reports on stderr, and must have nothing else to say there.
        said = complaints(program)
        self.assertRegex(said, r"(?s)^\.\.\n-+\nRan 2 tests in .*\n\nOK\n$")

    async def test_pieces(self) -> None:
        """The pieces inside of a block do what the page says."""
        self.assertEqual(
            (await self.run_program(pieces("howto-asyncio"))).splitlines(),
            [
                "reply: {}",
                "refused: a message needs a body",
                "message: new_msg {'user_id': 'anonymous', 'body': 'hi'}",
                "message: new_msg {'user_id': 'anonymous', 'body': 0}",
                "message: new_msg {'user_id': 'anonymous', 'body': 1}",
                "message: new_msg {'user_id': 'anonymous', 'body': 2}",
                "hook: for the hook",
                "closed: left ['new_msg']",
                "in the application: True",
                "kept open: True",
            ],
        )


class OtherPagesTests(ProgramsTestCase):
    """What other pages have on it."""

    skip = NOT_THERE

    async def test_performance(self) -> None:
        """The recipe for uvloop is a program that connects and ends."""
        page = (DOCS / "performance.rst").read_text("utf-8")
        (entry,) = re.findall(r"^uvloop\n((?:    .*\n|\n)+)", page, re.M)
        (recipe,) = re.findall(r"::\n\n((?:        .*\n|\n)+)", entry)
        said = await self.run_program(
            textwrap.dedent(recipe)
            + textwrap.dedent(
                """
                from twisted.internet.defer import Deferred
                from twisted.internet.task import react
                from txphoenix import SocketClient

                # It is looked up where asyncio's functions look.
                task = asyncio.get_event_loop().create_task(asyncio.sleep(0, "asyncio"))

                async def main(reactor):
                    print(await Deferred.fromFuture(task))
                    client = SocketClient("ws://localhost:4000/socket")
                    client.startService()
                    response, channel = await client.join("rooms:lobby")
                    print(type(reactor._asyncioEventloop).__module__, response["topic"])
                    await client.stopService()

                react(main)
                """
            )
        )
        self.assertEqual(said, "asyncio\nuvloop rooms:lobby\n")

    async def test_migration(self) -> None:
        """A program of another asyncio client translates to what the page shows."""
        said = await self.run_program(captioned("from-python", "with txphoenix.aio"))
        self.assertEqual(said, "new_msg {'user_id': 'anonymous', 'body': 'hi'}\n")


if NO_UVLOOP:
    PageTests.test_uvloop.skip = NO_UVLOOP  # type: ignore[attr-defined]
    OtherPagesTests.test_performance.skip = NO_UVLOOP  # type: ignore[attr-defined]
