"""Results, notes and errors of the command line: :mod:`txphoenix.cli_output`."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.cli_output import (
    FAILED,
    CommandError,
    OutputClosed,
    Terminal,
    as_json,
    message_as_json,
    one_line,
    response_as_json,
    this_program,
)
from txphoenix.message import Message
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

    def test_one_line(self) -> None:
        """What is not printable is escaped, so that nothing breaks or paints a line."""
        self.assertEqual(one_line("a\nb\x1b[31m\u2028é"), "a\\nb\\x1b[31m\\u2028é")

    def test_json_keeps_letters(self) -> None:
        """Letters stay as they are where the encoding has them, or else are escaped."""
        self.assertEqual(as_json({"a": "é"}), '{"a": "é"}')
        self.assertEqual(as_json({"a": "é"}, "ascii"), '{"a": "\\u00e9"}')
        self.assertEqual(as_json("\ud800"), '"\\ud800"')

    def test_json_nested_too_deeply(self) -> None:
        """A value that cannot be written is an error of the command, not of ours."""
        value: list[object] = []
        for _ in range(sys.getrecursionlimit() * 100):
            value = [value]
        error = self.assertRaises(CommandError, as_json, value)
        self.assertEqual(error.code, FAILED)

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

    def called_as(self, script: str, python: str, path: str) -> list[str]:
        """What it says if it was called so."""
        self.patch(sys, "argv", [script])
        self.patch(sys, "executable", python)
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
        """One that is not on the path may not be found: it goes by its Python."""
        script, _ = self.executable("txphoenix")
        self.assertEqual(
            self.called_as(script, "/x/python", "/nowhere"),
            ["/x/python", "-m", "txphoenix"],
        )

    def test_module(self) -> None:
        """A Python that is on the path is called by its name."""
        python, directory = self.executable("python3.99")
        self.assertEqual(
            self.called_as("/x/txphoenix/__main__.py", python, directory),
            ["python3.99", "-m", "txphoenix"],
        )


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
