"""What the command line prints: results, notes and errors.

Results go to standard output, each at once, so that a program that reads them through
a pipe need not wait.
Notes and errors go to standard error, each in one line, whatever a server may have
sent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from ..legible import cut
from ..protocol.message import Message
from .note_stream import NoteStream
from .writing import Writer

__all__ = [
    "BROKEN_PIPE",
    "FAILED",
    "LONGEST_NOTE",
    "OK",
    "USAGE",
    "CommandError",
    "OutputClosed",
    "Terminal",
    "as_json",
    "as_shown_json",
    "message_as_json",
    "payload_as_json",
    "response_as_json",
    "this_program",
]

OK = 0
"""The exit code of a command that did what it was asked to do."""
FAILED = 1
"""The exit code of a command that could not do it."""
USAGE = 2
"""The exit code for a command line that asks for nothing that can be done."""
BROKEN_PIPE = 141
"""The exit code if whoever read the output has had enough, as ``head`` does.

It is what a shell tells of a program that SIGPIPE has ended: 128 and the signal's 13.
"""

LONGEST_NOTE = 2000
"""The most characters of a note or an error; its parts are mostly cut before."""

# What may be unprintable; str.isprintable() knows.
_UNPRINTABLE = re.compile(r"[^ -~]")

# What a terminal obeys or a reader may take for the end of a line, and JSON has as it
# is: DEL, the second 32 control characters, and what turns the direction of text.
_OBEYED = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_COLOURS = {"red": "31", "green": "32", "dim": "2", "bold": "1"}


class CommandError(Exception):
    """Ends a command with one line for the user.

    :param message: the line.
    :param code: the exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class OutputClosed(Exception):
    """Whoever read our output has had enough, as ``head`` does."""


def as_json(value: Any, encoding: str = "utf-8", indent: int | None = None) -> str:
    """A value as JSON, with letters as they are where the encoding has them.

    It may end up on a terminal by way of another program, such as ``cat``: what a
    terminal obeys is escaped, which is the same to whoever reads JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    except RecursionError:
        # Whatever has been received is printed; this way takes longer.
        text = "".join(_pieces(value))
    return _OBEYED.sub(_escape, text)


def _pieces(value: Any) -> Iterator[str]:
    """The parts of a value's JSON, in ASCII, to any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _Raw):
            yield item
            continue
        parts: list[Any] = []
        if isinstance(item, dict):
            for name, inside in item.items():
                parts += [_Raw(f", {json.dumps(name)}: "), inside]
            ends = "{}"
        elif isinstance(item, list | tuple):
            for inside in item:
                parts += [_Raw(", "), inside]
            ends = "[]"
        else:
            yield json.dumps(item)
            continue
        if parts:
            parts[0] = _Raw(parts[0].removeprefix(", "))
        waiting += reversed([_Raw(ends[0]), *parts, _Raw(ends[1])])


class _Raw(str):
    """Text that is JSON already."""

    __slots__ = ()


def as_shown_json(
    value: Any, encoding: str = "utf-8", indent: int | None = None
) -> str:
    """The same for a terminal: all of it, with what is not printable escaped."""
    lines = as_json(value, encoding, indent).split("\n")
    return "\n".join(_UNPRINTABLE.sub(_escape, line) for line in lines)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def payload_as_json(name: str, payload: Any) -> dict[str, Any]:
    """A payload under a name that says what it is.

    JSON has no bytes: they are written in base64, under the name and ``_base64``.
    """
    if isinstance(payload, bytes):
        return {f"{name}_base64": b64encode(payload).decode("ascii")}
    return {name: payload}


def message_as_json(message: Message) -> dict[str, Any]:
    """A message as an object of JSON; see :func:`payload_as_json` for its payload."""
    return {
        "topic": message.topic,
        "event": message.event,
        **payload_as_json("payload", message.payload),
        "ref": message.ref,
        "join_ref": message.join_ref,
    }


def response_as_json(response: Any) -> Any:
    """A reply's response for JSON: itself, or ``{"response_base64": ...}``."""
    if isinstance(response, bytes):
        return payload_as_json("response", response)
    return response


def this_program() -> list[str]:
    """The words that call this program once more from a shell."""
    script = os.path.basename(sys.argv[0])
    if script == "txphoenix" and _is_on_path(script, sys.argv[0]):
        return [script]
    python = os.path.basename(sys.executable)
    if not _is_on_path(python, sys.executable):
        python = sys.executable
    return [python, "-m", "txphoenix"]


def _is_on_path(name: str, file: str) -> bool:
    """Whether the name calls the file from the user's shell, too."""
    if sys.prefix != sys.base_prefix:
        # A virtual environment may be on the path of what has run us, and no other:
        # tox does that.
        return False
    found = shutil.which(name)
    return found is not None and os.path.abspath(found) == os.path.abspath(file)


@contextmanager
def _writing() -> Iterator[None]:
    """Say for whom an error of writing is."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"cannot write the output: {reason}") from None


class Terminal:
    """Where a command reads and prints.

    :param stdin: its standard input.
    :param out: its standard output.
    :param err: its standard error.
    :param environ: the environment's variables.
    :ivar stdin: its standard input.
    :ivar out: its standard output.
    :ivar is_dumb: whether its output is a terminal that obeys no escape sequences.
    :ivar has_colours: whether its output is to have colours.
    """

    def __init__(
        self,
        stdin: TextIO,
        out: TextIO,
        err: TextIO | NoteStream,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.stdin = stdin
        self.environ = environ
        self.out = out
        self._err = err if isinstance(err, NoteStream) else NoteStream(err)
        self._writer = Writer(out)
        self._is_screen = out.isatty()
        self.is_dumb = environ.get("TERM", "").lower() in ("dumb", "unknown")
        self.has_colours = (
            self._is_screen and not environ.get("NO_COLOR") and not self.is_dumb
        )

    def write(self, text: str = "", end: str = "\n") -> None:
        """Print a line of results.

        :raises OutputClosed: nobody reads it.
        :raises CommandError: it cannot be written.
        """
        with _writing():
            self._writer.write(text + end)

    def draw(self, text: str) -> None:
        """Write what draws on the terminal.

        :raises OSError: it has gone.
        """
        self._writer.write(text)

    def write_json(self, value: Any) -> None:
        """Print a value as one line of JSON, for a person or for a program.

        :raises OutputClosed: nobody reads it.
        :raises CommandError: it cannot be written.
        """
        write = as_shown_json if self._is_screen else as_json
        self.write(write(value, self._encoding))

    def tell(self, text: str) -> None:
        """Print a note on standard error, in one line of a bounded length."""
        # Otherwise there is nobody left to be told.
        with suppress(OSError):
            self._err.write(f"txphoenix: {cut(text, LONGEST_NOTE)}\n")

    def hurry(self) -> None:
        """Wait no longer for a reader that takes nothing; a signal may call it."""
        self._writer.hurry()
        self._err.writer.hurry()

    def finish(self) -> None:
        """Write what is left, at the end of the program.

        :raises OutputClosed: nobody reads it.
        :raises CommandError: it cannot be written.
        """
        with suppress(OSError):
            self._err.writer.finish()
        # A person who has closed the window misses nothing.
        with suppress(OSError) if self._is_screen else _writing():
            self._writer.finish()

    @contextmanager
    def diverted(self, take: Callable[[str], object]) -> Iterator[None]:
        """Have lines for a person on standard error given to ``take`` for a while.

        Whoever draws on the terminal prints them where they do not disturb.
        """
        if self._err.isatty():
            with self._err.diverted(take):
                yield
        else:
            yield

    def fail(self, text: str) -> None:
        """Print an error on standard error, in one line."""
        self.tell(f"error: {text}")

    @property
    def is_interactive(self) -> bool:
        """Whether there is a person at it, who types and reads."""
        return self.stdin.isatty() and self._is_screen

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, on a terminal that has colours.

        There are none on anything else than a terminal, and none if the environment
        has ``NO_COLOR`` (https://no-color.org).
        """
        if not self.has_colours:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"

    def either(self, text: str, plain: str) -> str:
        """The text, or the plain one where the output's encoding has not all of it."""
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return plain
        return text

    @property
    def _encoding(self) -> str:
        # An io.StringIO has no encoding: it takes everything.
        return self.out.encoding or "utf-8"
