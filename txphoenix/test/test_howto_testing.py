"""What the page about testing shows works as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from txphoenix.testing import FaultProxy, MemoryServer, PhoenixServer, ServerChannel
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.replies import error, ok

from .page_files import file_of, pieces
from .test_howtos import DOCS, NOT_THERE, blocks

PAGE = "howto-testing"
# The tests in each file.
TESTS = {"test_reporter": 9, "test_tokens": 1, "test_network": 1, "test_application": 1}

_OF_THE_CLOCK = ("advance", "wait_for", "clock.advance")


class Meter(ServerChannel):
    """An application's channel, that says what it was told."""

    told: list[Any] = []

    def handle_in(self, event: str, payload: Any) -> Any:
        """Take a reading."""
        self.told.append(payload)
        return ok() if event == "reading" else error()


def write_files(case: SynchronousTestCase) -> Path:
    """Write the project that the files on the page are.

    :return: its folder.
    """
    folder = Path(case.mktemp()).absolute()
    folder.mkdir()
    # Its own configuration: not that of a project around it.
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    files: dict[str, str] = {}
    for piece in pieces((DOCS / f"{PAGE}.rst").read_text("utf-8")):
        if piece.language == "python" and piece.caption:
            name = file_of(files, piece)
            (folder / name).write_text(files[name], "utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Where Python finds the project, and all that it finds here."""
    paths = os.pathsep.join([os.fspath(folder), *sys.path])
    return {**os.environ, "PYTHONPATH": paths}


class TrialTests(PhoenixMixin, TestCase):
    """The page's tests, run by trial."""

    skip = NOT_THERE
    timeout = 120

    async def trial(self, module: str, env: Mapping[str, str] | None = None) -> str:
        """Run a module of tests, which must pass.

        :return: what trial says at the end.
        """
        folder = write_files(self)
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "twisted.trial", module],
            env={**environment(folder), **(env or {})},
            path=os.fspath(folder),
        )
        self.assertEqual((code, err), (0, b""), out.decode())
        text: str = out.decode().strip()
        self.assertIn(f"Ran {TESTS[module]} tests", text)
        return text.rpartition("\n")[2]

    async def test_memory(self) -> None:
        """Those in memory pass."""
        self.assertEqual(await self.trial("test_reporter"), "PASSED (successes=9)")

    async def test_tokens(self) -> None:
        """That of a token that expires passes."""
        self.assertEqual(await self.trial("test_tokens"), "PASSED (successes=1)")

    async def test_network(self) -> None:
        """That over TCP passes."""
        self.assertEqual(await self.trial("test_network"), "PASSED (successes=1)")

    async def test_application(self) -> None:
        """That of an application is skipped without one, and talks to the one named."""
        self.assertEqual(await self.trial("test_application"), "PASSED (skips=1)")
        server = await self.phoenix_server({"meters:1": Meter})
        self.patch(Meter, "told", [])
        ended = await self.trial("test_application", {"PHOENIX_URL": server.url})
        self.assertEqual(ended, "PASSED (successes=1)")
        self.assertEqual(Meter.told, [{"celsius": 20}])

    def test_commands(self) -> None:
        """The commands on the page run two of these modules."""
        commands = "".join(block.text for block in blocks(PAGE, "console"))
        self.assertEqual(
            re.findall(r"^\$ PYTHONPATH=\..* trial (\w+)$", commands, re.M),
            ["test_reporter", "test_application"],
        )


class TestingPageTests(SynchronousTestCase):
    """The page's other pieces of code, and what its tables name."""

    skip = NOT_THERE

    def pytest(self, *names: str) -> str:
        """Run files of tests by pytest; what it says."""
        folder = write_files(self)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--rootdir={folder}", *names],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def test_fixtures(self) -> None:
        """The functions that use the fixtures are tests that pass."""
        self.assertIn("2 passed", self.pytest("test_functions.py"))

    def test_tls(self) -> None:
        """So does the one that trusts an authority by its file, without a warning."""
        said = self.pytest("-W", "error::DeprecationWarning", "test_tls.py")
        self.assertIn("1 passed", said)

    def test_pytest(self) -> None:
        """Trial's test cases are run by pytest."""
        self.assertIn("9 passed", self.pytest("test_reporter.py"))

    def test_program(self) -> None:
        """The pieces that are no files hold what they assert."""
        pieces = [it.text for it in blocks(PAGE, "python") if it.caption is None]
        self.assertEqual(len(pieces), 2)
        namespace: dict[str, Any] = {"__name__": PAGE}
        exec(compile("\n".join(pieces), PAGE, "exec"), namespace)
        self.assertEqual(namespace["replies"], [{"hello": "Ann"}])

    def test_controls(self) -> None:
        """What goes wrong on command is there by these names."""
        text = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        found = re.findall(r"``(server|proxy)\.([a-z_.]+)(?=(.*))", text)
        for root, name, meaning in found:
            get = attrgetter(name)
            if root == "proxy":
                get(FaultProxy(0))
                continue
            get(MemoryServer({}))
            in_memory_alone = "in memory:" in meaning or name in _OF_THE_CLOCK
            if not in_memory_alone:
                get(PhoenixServer({}))
        self.assertGreater(len(found), 25)
