"""What an installation has for the shell: each command, run as a user runs it.

::

    python -m txphoenix.test.commands

The script ``txphoenix`` and ``python -m txphoenix`` run each of their commands, against
the server that ``serve`` starts, and ``twistd`` finds its plugin.
It needs nothing but the requirements; ``tox -e bare`` runs it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import txphoenix

__all__ = [
    "COMMANDS",
    "MODULE",
    "PATIENCE",
    "CommandFault",
    "Shell",
    "check_client",
    "check_twistd",
    "main",
    "script",
]

COMMANDS: Final = ("demo", "serve", "listen", "push", "console")
"""What ``txphoenix`` can be told to do."""

MODULE: Final = (sys.executable, "-m", "txphoenix")
"""The way to call it where no script is on the path."""

PATIENCE: Final = 60.0
"""Seconds; what takes longer hangs."""


class CommandFault(Exception):
    """A command has not done what it says."""


def script(name: str) -> tuple[str, ...]:
    """A script of this environment, or of what the user has installed beside it.

    :raises CommandFault: there is none of that name.
    """
    schemes = [sysconfig.get_default_scheme()]
    if site.ENABLE_USER_SITE:
        schemes.append(sysconfig.get_preferred_scheme("user"))
    folders = [sysconfig.get_path("scripts", scheme) for scheme in schemes]
    path = shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        places = " or ".join(folders)
        raise CommandFault(f"no script {name!r} was installed in {places}")
    return (path,)


class Running:
    """A command that goes on until it is told to end."""

    def __init__(self, shell: Shell, words: Sequence[str]) -> None:
        self.words = words
        self.output = ""
        self.process = subprocess.Popen(
            words,
            cwd=shell.directory,
            env=shell.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._impatience = threading.Timer(PATIENCE, self.process.kill)
        self._impatience.start()

    def wait_for(self, pattern: str) -> str:
        """Read until a line has this.

        :return: what of the line matches the pattern.
        :raises CommandFault: it has ended, or been ended, without.
        """
        stream: IO[str] = self.process.stdout  # type: ignore[assignment]
        for line in stream:
            self.output += line
            if found := re.search(pattern, line):
                return found[0]
        raise CommandFault(f"{self.words} has not said {pattern!r}:\n{self.output}")

    def finish(self, by: signal.Signals | None = None) -> str:
        """Tell it to end, and wait for that.

        :param by: the signal for it; None to wait only.
        :return: all that it has printed.
        :raises CommandFault: its exit code is not 0.
        """
        if by is not None:
            self.process.send_signal(by)
        self.output += self.process.communicate()[0]
        if self.process.returncode or "Traceback" in self.output:
            code = self.process.returncode
            raise CommandFault(f"{self.words} ended with {code}:\n{self.output}")
        return self.output

    def close(self) -> None:
        """Let nothing of it live on."""
        self._impatience.cancel()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Shell:
    """Runs commands in a folder of their own.

    :param directory: the folder; what is in the working copy is not on their path.
    :param environment: variables besides those of this process.
    """

    def __init__(self, directory: str, environment: dict[str, str]) -> None:
        self.directory = directory
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}

    def run(self, words: Sequence[str], given: str = "") -> str:
        """Run a command to its end, with this as its standard input.

        :return: its standard output.
        :raises CommandFault: its exit code is not 0, or it complains.
        """
        done = subprocess.run(
            words,
            cwd=self.directory,
            env=self.environment,
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode or "Traceback" in done.stderr:
            told = f"ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            raise CommandFault(f"{list(words)} {told}")
        return done.stdout

    @contextmanager
    def running(self, words: Sequence[str]) -> Iterator[Running]:
        """Start a command, and end it with the block at the latest."""
        command = Running(self, words)
        try:
            yield command
        finally:
            command.close()


def _expect(words: Sequence[str], printed: str, *parts: str) -> None:
    """Each of the parts is in what was printed."""
    for part in parts:
        if part not in printed:
            raise CommandFault(f"{list(words)} has not said {part!r}:\n{printed}")


def check_client(shell: Shell, program: Sequence[str]) -> None:
    """Each command of ``txphoenix`` does what it is for.

    :param program: how it is called.
    :raises CommandFault: one does not.
    """
    _expect(program, shell.run([*program, "--version"]), txphoenix.__version__)
    _expect(program, shell.run([*program, "--help"]), *COMMANDS)
    for command in COMMANDS:
        _expect(program, shell.run([*program, command, "--help"]), f" {command} ")
    _expect(program, shell.run([*program, "demo"]), "steps have worked")

    with shell.running([*program, "serve", "--port", "0"]) as server:
        url = server.wait_for(r"ws://\S+")
        listen = [*program, "listen", url, "rooms:lobby"]
        with shell.running(listen) as listener:
            listener.wait_for("joined rooms:lobby")
            push = [*program, "push", url, "rooms:lobby", "new_msg", "-"]
            _expect(push, shell.run(push, '{"body": "hé"}'), "{}")
            message = json.loads(listener.wait_for(r"^\{.*new_msg.*"))
            _expect(listen, message["payload"]["body"], "hé")
            listener.finish(signal.SIGINT)
        console = [*program, "console", url]
        lines = 'join echo:hall\npush echo:hall greet {"a": 1}\nquit\n'
        _expect(console, shell.run(console, lines), 'ok {"a": 1}\n')
        server.finish(signal.SIGINT)


def check_twistd(shell: Shell, client: Sequence[str], twistd: Sequence[str]) -> None:
    """``twistd txphoenix`` is there, joins, and ends in good order.

    :param client: how ``txphoenix`` is called.
    :param twistd: how ``twistd`` is.
    :raises CommandFault: it is not so.
    """
    _expect(twistd, shell.run([*twistd, "--help"]), "txphoenix")
    _expect(twistd, shell.run([*twistd, "txphoenix", "--help"]), "--url", "--join")
    with shell.running([*client, "serve", "--port", "0"]) as server:
        url = server.wait_for(r"ws://\S+")
        words = [*twistd, "-n", "txphoenix", "--url", url, "--join", "rooms:lobby"]
        with shell.running(words) as service:
            service.wait_for("joined rooms:lobby|rooms:lobby: joined")
            push = [*client, "push", url, "rooms:lobby", "new_msg", '{"body": "hi"}']
            shell.run(push)
            service.wait_for("rooms:lobby: new_msg")
            service.finish(signal.SIGTERM)
        server.finish(signal.SIGTERM)


def main() -> None:
    """Run all of it; the exit code is 1 if anything is wrong."""
    # A shell has what it runs in the background ignore this, and what that starts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as directory:
        # The installation is looked at, whatever else this process may import.
        shell = Shell(directory, {"PYTHONPATH": ""})
        try:
            programs = (script("txphoenix"), MODULE)
            for program in programs:
                check_client(shell, program)
            check_twistd(shell, script("txphoenix"), script("twistd"))
        except CommandFault as fault:
            sys.exit(str(fault))
    where = Path(txphoenix.__file__).parent
    sys.stdout.write(
        f"{len(COMMANDS)} commands, two ways, and twistd's work: {where}\n"
    )


if __name__ == "__main__":
    main()
