"""``examples/chat_bot/``: its tests, and its bot as a service of twistd.

It is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from txphoenix import Channel, SocketClient
from txphoenix.testing.cases import PhoenixMixin

from .cli_program import ROOT
from .test_twistd import Twistd

EXAMPLE = ROOT / "examples" / "chat_bot"


class ChatBotTests(PhoenixMixin, TestCase):
    """The files, as its README has them run."""

    skip = None if EXAMPLE.exists() else "installed without its examples"
    timeout = 120

    async def run_tests(self, *command: str) -> str:
        """Run the example's tests, which must pass.

        :return: what is printed.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        paths = os.pathsep.join([os.fspath(EXAMPLE), *sys.path])
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", *command],
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            path=os.fspath(folder),
        )
        text: str = out.decode()
        self.assertEqual((code, err), (0, b""), text)
        return text

    async def test_trial(self) -> None:
        """Its tests pass under trial."""
        text = await self.run_tests("twisted.trial", "test_bot")
        self.assertIn("PASSED (successes=4)", text)

    async def test_pytest(self) -> None:
        """And under pytest."""
        text = await self.run_tests(
            "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, f"{EXAMPLE}"
        )
        self.assertIn("4 passed", text)

    async def test_service(self) -> None:
        """Under twistd it answers, comes back after a loss, and ends with status 0."""
        server = await self.phoenix_server()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        bot = Twistd(
            *("-n", f"--pidfile={folder / 'bot.pid'}", "txphoenix"),
            *(f"--config={EXAMPLE / 'bot.toml'}", f"--url={server.url}"),
            directory=EXAMPLE,
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.addCleanup(bot.kill)
        await server.when_joined("rooms:lobby")

        ann = SocketClient(server.url, params={"user_id": "ann"})
        ann.startService()
        self.addCleanup(ann.stopService)
        _, room = await ann.join("rooms:lobby")
        message = await room.receive()
        self.assertEqual(message.payload["user_id"], "bot")
        self.assertTrue(message.payload["body"].startswith("Welcome, ann!"))
        await self.assert_answers(room)

        server.drop()
        await bot.when_printed("the outage is over")
        await self.assert_answers(room)
        bot.transport.signalProcess("TERM")
        self.assertEqual(await bot.ended, 0, bot.output)

    async def assert_answers(self, room: Channel) -> None:
        """The bot answers, once it is asked."""
        await room.push("new_msg", {"body": "!seen"})
        async for message in room:
            if message.payload.get("body", "").startswith("I have seen "):
                break

    def test_commands(self) -> None:
        """The README has the commands that these tests run."""
        text = (EXAMPLE / "README.md").read_text("utf-8")
        for words in ("trial test_bot ", "twistd -n txphoenix --config bot.toml "):
            self.assertIn(f"    {words}", text)
