"""Tests of what runs the commands of an installation, as ``tox -e bare`` does."""

from __future__ import annotations

import os
import signal
import site
import sys
import sysconfig
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

from . import commands
from .commands import (
    COMMANDS,
    MODULE,
    CommandFault,
    Shell,
    check_client,
    check_twistd,
    script,
)
from .test_cli import COMMANDS as DOCUMENTED


def python(program: str) -> list[str]:
    """A command that is this program."""
    return [sys.executable, "-c", program]


class CommandsTests(SynchronousTestCase):
    """It finds what does not hold; that it finds nothing, ``tox -e bare`` shows."""

    def setUp(self) -> None:
        """Make a shell, whose commands find what this process does."""
        self.shell = Shell("/", {"PYTHONPATH": ":".join(sys.path)})

    def fault(self, words: list[str]) -> str:
        """What is wrong with a command that is run to its end."""
        return str(self.assertRaises(CommandFault, self.shell.run, words))

    def test_all(self) -> None:
        """The commands are those that the documentation has."""
        self.assertEqual(COMMANDS, DOCUMENTED)

    def test_run(self) -> None:
        """A command has its input, and says what it says."""
        printed = self.shell.run(python("print(input() + '!')"), "hé\n")
        self.assertEqual(printed, "hé!\n")

    def test_exit_code(self) -> None:
        """A command that fails is a fault, with what it has said."""
        self.assertIn("ended with 3:\n1\n", self.fault(python("print(1); exit(3)")))

    def test_traceback(self) -> None:
        """So is one that prints a traceback, whatever its exit code."""
        told = self.fault(python("import sys; sys.stderr.write('Traceback (most')"))
        self.assertIn("ended with 0:\nTraceback (most", told)

    def test_no_script(self) -> None:
        """A script that was not installed is one."""
        fault = self.assertRaises(CommandFault, script, "no-such-script")
        self.assertIn("no script 'no-such-script' was installed in ", str(fault))

    def test_user_script(self) -> None:
        """One that ``pip install --user`` has brought is found, where that counts."""
        user = Path(self.mktemp()).absolute()
        user.mkdir()
        path = user / "a-script"
        path.touch(0o755)
        scheme = sysconfig.get_preferred_scheme("user")
        folders = {scheme: os.fspath(user)}
        with mock.patch.object(
            sysconfig, "get_path", lambda _, scheme: folders.get(scheme, "/nowhere")
        ):
            with mock.patch.object(site, "ENABLE_USER_SITE", True):
                self.assertEqual(script("a-script"), (os.fspath(path),))
            with mock.patch.object(site, "ENABLE_USER_SITE", False):
                fault = self.assertRaises(CommandFault, script, "a-script")
        self.assertEqual(str(fault), "no script 'a-script' was installed in /nowhere")

    def test_other_version(self) -> None:
        """So is another version than that of the library."""
        with mock.patch.object(txphoenix, "__version__", "9.9"):
            told = self.assertRaises(CommandFault, check_client, self.shell, MODULE)
        self.assertIn("has not said '9.9':\n", str(told))

    def test_no_plugin(self) -> None:
        """So is a twistd that does not know the plugin."""
        twistd = python("print('nothing')")
        told = self.assertRaises(CommandFault, check_twistd, self.shell, MODULE, twistd)
        self.assertIn("has not said 'txphoenix':\nnothing", str(told))

    def test_running(self) -> None:
        """A command that goes on is read until it has said something, and ended."""
        program = "import time; print('ready', flush=True)\nwhile True: time.sleep(9)"
        with self.shell.running(python(program)) as command:
            self.assertEqual(command.wait_for("re.d"), "read")
            fault = self.assertRaises(CommandFault, command.finish, signal.SIGTERM)
        self.assertIn("ended with -15:\nready\n", str(fault))

    def test_silent(self) -> None:
        """One that ends without having said it is a fault."""
        with self.shell.running(python("print('other')")) as command:
            fault = self.assertRaises(CommandFault, command.wait_for, "ready")
        self.assertIn("has not said 'ready':\nother\n", str(fault))

    def test_hangs(self) -> None:
        """So is one that hangs."""
        with (
            mock.patch.object(commands, "PATIENCE", 0.1),
            self.shell.running(python("import signal; signal.pause()")) as command,
        ):
            self.assertRaises(CommandFault, command.wait_for, "ready")
        self.assertEqual(command.process.returncode, -signal.SIGKILL)
