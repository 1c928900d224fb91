"""The tutorial holds as it is written: its files, its commands, and what they print.

Three things are not as on the page.
The port is a free one in place of 4000.
The environment has no pip of its own, but a program of that name, with which the
commands appear that pip would install: those of the Python that runs the tests.
And the last file, for an application of the reader's, is given a URL of this machine.

The page is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase, TestCase

import txphoenix
from txphoenix.testing import ChatRoom, Refused, Socket
from txphoenix.testing.cases import PhoenixMixin

from .page_files import file_of, pieces
from .shell_screens import BASH, start_screen
from .test_twistd import Twistd

ROOT = Path(txphoenix.__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial.rst"
EXAMPLE = ROOT / "examples" / "chat_bot"

SKIP = None
if not PAGE.exists():
    SKIP = "installed without its documents"
elif not Path(BASH).exists():
    SKIP = f"there is no {BASH}"

TERMINALS = {
    "First terminal": ["first"],
    "Second terminal": ["second"],
    "Third terminal": ["third"],
    "Second and third terminal": ["second", "third"],
}

# The programs that pip installs, and how each begins.
PROGRAMS = {
    "txphoenix": {
        # The console with history and completion comes with an extra, for which the
        # page does not ask.
        "txphoenix": "sys.modules['prompt_toolkit'] = None; "
        "from txphoenix.cli import main as run",
        "twistd": "from twisted.scripts.twistd import run",
        "trial": "from twisted.scripts.trial import run",
    },
}


def files() -> dict[str, str]:
    """The files that the reader has in the end."""
    found: dict[str, str] = {}
    for piece in pieces(PAGE.read_text("utf-8")):
        if piece.language not in ("console", "elixir"):
            file_of(found, piece)
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Reader:
    """Somebody who does what the page says, in an empty folder.

    :param case: the test, with which all ends that was started.
    :ivar folder: where the terminals begin.
    """

    def __init__(self, case: TestCase) -> None:
        self.folder = Path(case.mktemp()).absolute()
        self.folder.mkdir()
        self._port = free_port()
        self._pip = self._write_pip()
        self._files: dict[str, str] = {}
        env = {**os.environ, "VIRTUAL_ENV_DISABLE_PROMPT": "1"}
        for name in ("PATH", "UNBUFFERED", "OPTIMIZE"):
            env.pop(f"PYTHON{name}", None)
        for name in ("FORCE_COLOR", "PYTEST_ADDOPTS"):
            env.pop(name, None)
        self.screens = {
            name: start_screen(case, self.folder, env)
            for name in ("first", "second", "third")
        }
        case.addCleanup(self._kill_bot)

    async def follow(self, page: str) -> None:
        """Do all that the page says, in its order."""
        for piece in pieces(page):
            text = self._here(piece.text)
            if piece.language == "console":
                for name in TERMINALS[piece.caption]:
                    await self.screens[name].play(text)
            elif piece.language != "elixir":
                name = file_of(self._files, piece._replace(text=text))
                path = self.folder / "chat_bot" / name
                path.write_text(self._files[name], "utf-8")

    async def finish(self) -> None:
        """See that the server runs, and that nothing else is to be seen."""
        await self.screens["first"].play("^C")
        for screen in self.screens.values():
            await screen.finish()

    def _here(self, text: str) -> str:
        """What the page says, with what has to be otherwise here."""
        python = shlex.quote(sys.executable)
        make = f"{python} -m venv --without-pip venv && cp {self._pip} venv/bin/pip"
        text = text.replace("$ python3 -m venv venv\n", f"$ {make}\n")
        text = text.replace(" serve\n", f" serve --port {self._port}\n")
        return text.replace(":4000/", f":{self._port}/")

    def _write_pip(self) -> str:
        """Write a program that has what is installed here appear in an environment."""
        pip = self.folder / "pip"
        pip.write_text(
            "#!/usr/bin/env python3\n"
            "import pathlib, sys, sysconfig\n"
            "_, install, name = sys.argv\n"
            "assert install == 'install'\n"
            "here = pathlib.Path(sys.prefix)\n"
            f"paths = {[it for it in sys.path if Path(it).is_dir()]!r}\n"
            "where = pathlib.Path(sysconfig.get_path('purelib'))\n"
            "(where / 'here.pth').write_text('\\n'.join(paths))\n"
            f"for program, begin in {PROGRAMS!r}[name].items():\n"
            "    path = here / 'bin' / program\n"
            "    text = f'import sys; {begin}; sys.exit(run())'\n"
            "    path.write_text(f'#!/usr/bin/env python3\\n{text}\\n')\n"
            "    path.chmod(0o755)\n"
            "print('Successfully installed', name)\n",
            "utf-8",
        )
        pip.chmod(0o755)
        return shlex.quote(os.fspath(pip))

    def _kill_bot(self) -> None:
        """End the bot in the background, if it is there still."""
        number = self.folder / "chat_bot" / "bot.pid"
        if number.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(number.read_text("utf-8")), signal.SIGKILL)


class TutorialTests(PhoenixMixin, TestCase):
    """The tutorial, from its first line to its last."""

    skip = SKIP
    timeout = 600

    async def test_tutorial(self) -> None:
        """Who does what the page says sees what it says, and nothing else."""
        reader = Reader(self)
        await reader.follow(PAGE.read_text("utf-8"))
        await reader.finish()
        self.assertFalse((reader.folder / "chat_bot" / "bot.pid").exists())

    async def test_application(self) -> None:
        """With a token from the environment the bot is let into an application."""
        await self.run_at_application()

    async def test_token_file(self) -> None:
        """And so it is with one from a file, in the words of the page."""
        page = PAGE.read_text("utf-8")
        shown = r"``(\[param_file\])`` then, with ``(.+?)``"
        ((table, line),) = re.findall(shown, page)
        await self.run_at_application(
            {'[param_env]\ntoken = "BOT_TOKEN"\n': f"{table}\n{line}\n"}
        )

    async def run_at_application(self, otherwise: Mapping[str, str] = {}) -> None:
        """Run the bot with the last configuration, in which some text is another."""

        def connect(params: Mapping[str, Any], socket: Socket) -> None:
            if params.get("token") != "secret":
                raise Refused

        server = await self.phoenix_server({"rooms:*": ChatRoom}, connect=connect)
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        for name, text in files().items():
            shown = text.replace("wss://chat.example.org/socket", server.url)
            if name == "app.toml":
                for old, new in otherwise.items():
                    self.assertIn(old, shown)
                    shown = shown.replace(old, new)
            (folder / name).write_text(shown, "utf-8")
        (folder / "token.txt").write_text("secret\n", "utf-8")
        (line,) = re.findall(r"``twistd (-n .*app\.toml)``", PAGE.read_text("utf-8"))
        token = {} if otherwise else {"BOT_TOKEN": "secret"}
        bot = Twistd(*line.split(), directory=folder, **token)
        self.addCleanup(bot.kill)
        await server.when_joined("rooms:lobby")
        bot.transport.signalProcess("TERM")
        self.assertEqual(await bot.ended, 0, bot.output)

    # A bot that is not let in tries for ever.
    test_application.timeout = 120  # type: ignore[attr-defined]


class PageTests(SynchronousTestCase):
    """What the page has besides what runs."""

    skip = SKIP

    def test_example(self) -> None:
        """The files that the reader ends with are those of the example."""
        written = files()
        for name in ("bot.py", "bot.toml", "test_bot.py"):
            shown = (EXAMPLE / name).read_text("utf-8")
            self.assertEqual(written[name], shown, name)

    def test_pieces(self) -> None:
        """Each piece of code on the page is a file or a screen, and says which."""
        page = PAGE.read_text("utf-8")
        found = list(pieces(page))
        self.assertEqual(len(found), len(re.findall(r"^\s*\.\. code|::$", page, re.M)))
        self.assertEqual([it for it in found if not it.caption], [])
        self.assertGreater(len(found), 20)
