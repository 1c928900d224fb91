"""Results, notes and errors of the command line: :mod:`txphoenix.cli.output`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import __version__
from txphoenix.cli.output import (
    CommandError,
    OutputClosed,
    Terminal,
    as_json,
    as_shown_json,
    message_as_json,
    response_as_json,
    this_program,
)
from txphoenix.protocol.message import Message
from txphoenix.test.cli_program import Stream

BROKEN = BrokenPipeError(32, "Broken pipe")
FULL = OSError(28, "No space left on device")


def terminal(
    out: io.StringIO, err: io.StringIO | None = None, **environ: str
) -> Terminal:
    """A terminal that writes to these streams."""
    return Terminal(io.StringIO(), out, err or Stream(), environ)


class TextTests(SynchronousTestCase):
    """Pure functions."""

    def test_json_keeps_letters(self) -> None:
        """Letters stay as they are where the encoding has them, or else are escaped."""
        self.assertEqual(as_json({"a": "é"}), '{"a": "é"}')
        self.assertEqual(as_json({"a": "é"}, "ascii"), '{"a": "\\u00e9"}')
        self.assertEqual(as_json("\ud800"), '"\\ud800"')

    def test_json_that_ends_up_on_a_terminal(self) -> None:
        """JSON is one line to every reader, and moves no terminal behind a pipe."""
        joined = "\N{ZERO WIDTH JOINER}"
        depth = sys.getrecursionlimit() * 100
        deep: Any = "\x9b"
        for _ in range(depth):
            deep = [deep]
        self.assertNotIn("\x9b", as_json(deep))
        for character in "\x00\x1b\x7f\x85\x9b\u061c\u200f\u2028\u2029\u202e\u2069":
            text = as_json({character: f"é漢{joined}{character}"})
            self.assertNotIn(character, text)
            self.assertIn(f"é漢{joined}", text)
            self.assertEqual(text.splitlines(), [text])
            self.assertEqual(json.loads(text), {character: f"é漢{joined}{character}"})

    def test_json_to_any_depth(self) -> None:
        """A value is written however deep it is nested."""
        depth = sys.getrecursionlimit() * 100
        value: Any = {"a": 1, "é": None}
        for _ in range(depth):
            value = [value, True]
        text = as_json(value)
        inside = '{"a": 1, "\\u00e9": null}'
        self.assertEqual(text, "[" * depth + inside + ", true]" * depth)
        self.assertEqual(as_json([{"é": ["x", [], {}]}]), '[{"é": ["x", [], {}]}]')

    def test_json_for_a_terminal(self) -> None:
        """On a terminal, what it would obey is escaped, and it is the same JSON."""
        value = {"\x9b31m": "\x7f\x85\u2028\u202e\U000e0001é\n"}
        text = as_shown_json(value)
        self.assertEqual(
            text,
            '{"\\u009b31m": "\\u007f\\u0085\\u2028\\u202e\\udb40\\udc01é\\n"}',
        )
        self.assertEqual(json.loads(text), value)
        self.assertEqual(as_shown_json({"a": [1]}, indent=1), '{\n "a": [\n  1\n ]\n}')

    def test_message(self) -> None:
        """A message has its five parts, by the names that Phoenix gives them."""
        message = Message("1", "2", "rooms:a", "new_msg", {"body": "hi"})
        self.assertEqual(
            json.dumps(message_as_json(message)),
            '{"topic": "rooms:a", "event": "new_msg", "payload": {"body": "hi"}, '
            '"ref": "2", "join_ref": "1"}',
        )

    def test_binary_message(self) -> None:
        """A binary payload is in base64, under a name that says so."""
        value = message_as_json(Message(None, None, "rooms:a", "data", b"\x00\xff"))
        self.assertEqual(value["payload_base64"], "AP8=")
        self.assertNotIn("payload", value)

    def test_response(self) -> None:
        """A response is printed as it is, a binary one in base64."""
        self.assertEqual(response_as_json([1]), [1])
        self.assertEqual(response_as_json(b"\x00\xff"), {"response_base64": "AP8="})


class ThisProgramTests(SynchronousTestCase):
    """The words that call the program once more."""

    def called_as(
        self, script: str, python: str, path: str, prefix: str = ""
    ) -> list[str]:
        """What it says if it was called so."""
        self.patch(sys, "argv", [script])
        self.patch(sys, "executable", python)
        self.patch(sys, "prefix", prefix or sys.base_prefix)
        self.patch(os, "environ", {**os.environ, "PATH": path})
        return this_program()

    def executable(self, name: str) -> tuple[str, str]:
        """Make an executable file; its path and its directory."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        file = directory / name
        file.write_text("#!/bin/sh\n", "utf-8")
        file.chmod(0o755)
        return os.fspath(file), os.fspath(directory)

    def test_script(self) -> None:
        """An installed script that is on the path is called by its name."""
        script, directory = self.executable("txphoenix")
        self.assertEqual(self.called_as(script, "/x/python", directory), ["txphoenix"])

    def test_script_elsewhere(self) -> None:
        """One that the path does not lead to goes by its Python.

        What the path leads to may be another one of that name.
        """
        script, _ = self.executable("txphoenix")
        _, directory = self.executable("txphoenix")
        for path in ("/nowhere", directory):
            self.assertEqual(
                self.called_as(script, "/x/python", path),
                ["/x/python", "-m", "txphoenix"],
            )

    def test_module(self) -> None:
        """A Python that is on the path is called by its name."""
        python, directory = self.executable("python3.99")
        self.assertEqual(
            self.called_as("/x/txphoenix/__main__.py", python, directory),
            ["python3.99", "-m", "txphoenix"],
        )

    def test_virtual_environment(self) -> None:
        """One of a virtual environment is called by its path, from any shell.

        tox puts its environment on the path of what it runs, and on no other.
        """
        python, directory = self.executable("python3.99")
        self.assertEqual(
            self.called_as("/x/txphoenix/__main__.py", python, directory, "/env"),
            [python, "-m", "txphoenix"],
        )
        script, directory = self.executable("txphoenix")
        self.assertEqual(
            self.called_as(script, "/env/python", directory, "/env"),
            ["/env/python", "-m", "txphoenix"],
        )

    def test_from_elsewhere(self) -> None:
        """The words work as they are, with nothing of ours on the path."""
        ran = subprocess.run(
            [*this_program(), "--version"],
            env={"PATH": "/nowhere"} if sys.prefix != sys.base_prefix else None,
            capture_output=True,
            check=True,
        )
        self.assertEqual(ran.stdout.decode().strip(), __version__)


class WorkingCopyTests(SynchronousTestCase):
    """What a Python without Twisted finds in the working copy."""

    root = Path(__file__).parents[2]
    if not (root / "setup.py").exists():
        skip = "there is no working copy"

    def test_no_directory_is_taken_for_twisted(self) -> None:
        """It finds no Twisted, and says so, rather than something of ours."""
        # What Python itself has written may be left there of older days.
        self.assertEqual(list((self.root / "twisted").rglob("*.py")), [])
        plugin = self.root / "plugin" / "twisted" / "plugins" / "txphoenix_plugin.py"
        self.assertTrue(plugin.exists())


class TerminalTests(SynchronousTestCase):
    """Where a command prints."""

    def test_write(self) -> None:
        """A result is a line of standard output."""
        out = Stream()
        terminal(out).write("a")
        terminal(out).write()
        terminal(out).write_json({"b": 1})
        self.assertEqual(out.output.text, 'a\n\n{"b": 1}\n')

    def test_json_fits_the_encoding(self) -> None:
        """JSON is escaped where the output's encoding has not all of its letters."""
        out = Stream(encoding="latin-1")
        terminal(out).write_json("é✓")
        self.assertEqual(out.output.text, '"\\u00e9\\u2713"\n')

    def test_stream_without_encoding(self) -> None:
        """A stream without an encoding takes everything."""
        out = io.StringIO()
        terminal(out).write_json("✓")
        self.assertEqual(out.getvalue(), '"✓"\n')

    def test_json_for_a_person(self) -> None:
        """A terminal gets what is seen alone, and a pipe all that drives none."""
        for is_terminal, shown in ((False, "\u200b"), (True, "\\u200b")):
            out = Stream(is_terminal=is_terminal)
            terminal(out).write_json("\u200b" * 5000)
            self.assertEqual(out.output.text, f'"{shown * 5000}"\n')

    def test_closed_output(self) -> None:
        """A pipe that nobody reads is told apart: it is no fault of the command."""
        self.assertRaises(OutputClosed, terminal(Stream(error=BROKEN)).write, "a")

    def test_full_output(self) -> None:
        """What cannot be written is an error that says why."""
        error = self.assertRaises(CommandError, terminal(Stream(error=FULL)).write, "a")
        self.assertEqual(str(error), "cannot write the output: No space left on device")

    def test_error_without_a_text_of_the_system(self) -> None:
        """An error that has no number says what it is itself."""
        out = Stream(error=io.UnsupportedOperation("not writable"))
        error = self.assertRaises(CommandError, terminal(out).write, "a")
        self.assertIn("not writable", str(error))

    def test_notes(self) -> None:
        """Notes and errors are lines of standard error, whatever is in them."""
        out, err = Stream(), Stream()
        terminal(out, err).tell("a\nb")
        terminal(out, err).fail("c")
        self.assertEqual(err.output.text, "txphoenix: a\\nb\ntxphoenix: error: c\n")
        self.assertEqual(out.output.text, "")

    def test_long_notes(self) -> None:
        """A note is cut, and nothing in it reaches the terminal as a control."""
        err = Stream()
        terminal(Stream(), err).tell("\x1b[2J" + "x" * 48_000)
        self.assertIn("\\x1b[2Jxxx", err.output.text)
        self.assertIn("... (48004 characters)\n", err.output.text)
        self.assertLess(len(err.output.text), 2100)

    def test_notes_that_nobody_reads(self) -> None:
        """Standard error may be closed: then there is nobody to be told."""
        terminal(Stream(), Stream(error=BROKEN)).tell("a")

    def test_colours(self) -> None:
        """There are colours on a terminal alone, and none with NO_COLOR."""
        painted = "\x1b[32mok\x1b[0m"
        on_terminal = Stream(is_terminal=True)
        self.assertEqual(terminal(on_terminal).paint("ok", "green"), painted)
        self.assertEqual(terminal(on_terminal, NO_COLOR="1").paint("ok", "green"), "ok")
        self.assertEqual(terminal(on_terminal, TERM="dumb").paint("ok", "green"), "ok")
        self.assertEqual(terminal(Stream()).paint("ok", "green"), "ok")

    def test_plain_text(self) -> None:
        """Where the encoding has not all letters, there is a plain text instead."""
        self.assertEqual(terminal(Stream()).either("✓", "ok"), "✓")
        self.assertEqual(terminal(Stream(encoding="ascii")).either("✓", "ok"), "ok")

    def test_interactive(self) -> None:
        """A person types and reads if both streams are a terminal."""
        tty, pipe = Stream(is_terminal=True), Stream()
        for stdin, out, expected in (
            (tty, tty, True),
            (tty, pipe, False),
            (pipe, tty, False),
        ):
            self.assertEqual(Terminal(stdin, out, pipe).is_interactive, expected)
