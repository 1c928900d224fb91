"""The head of an HTTP/1.1 answer, taken apart as it comes (RFC 9112 sections 2 to 5).

Lines may end in LF alone (RFC 9112 section 2.2), and interim answers are left out (RFC
9110 section 15.2).
Wherever reads cut a head in two, what is made of it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from .http_body import AnswerTooLarge, MalformedAnswer

__all__ = [
    "LONGEST_HEAD",
    "LONGEST_PHRASE",
    "Answer",
    "HeadReader",
    "ParseError",
    "line_too_long",
]

LONGEST_HEAD: Final = 64 * 1024
"""The most bytes of an answer's headers, with all interim answers before it.

A WebSocket's handshake has as much.
"""

# The most bytes of a line of them, as Twisted's own client has it.
_LONGEST_LINE: Final = 16 * 1024

LONGEST_PHRASE: Final = 200
"""The most bytes of a server's words that an error repeats."""

_FIRST_LINE: Final = re.compile(r"HTTP/([0-9])\.([0-9]) +([1-9][0-9]{2})(?: (.*))?")
_END: Final = re.compile(rb"\r?\n\r?\n")
# RFC 9110 section 5.6.2.
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FOLD: Final = re.compile(r"\n[ \t]+")
# What may stand around a value.
# There is more that str.strip() takes away, and behind which a server could hide the
# name of a coding from a proxy.
_SPACES: Final = " \t"


class ParseError(ValueError):
    """What has come is no answer of HTTP/1.1."""


class Answer(NamedTuple):
    """A whole answer.

    ``headers`` are by their lower-case names.
    ``body`` is not compressed any more.
    """

    code: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes
    lines: tuple[tuple[str, str], ...] = ()
    """The headers one by one, as they came."""

    @property
    def head(self) -> bytes:
        """The answer as it came, up to its body."""
        headers = [f"{name}: {value}" for name, value in self.lines]
        first = f"HTTP/1.1 {self.code} {self.phrase}"
        return "\r\n".join([first, *headers]).encode("latin-1")

    def __repr__(self) -> str:
        return f"<Answer {self.code}, {len(self.body)} bytes>"


class HeadReader:
    """Reads the head of one answer, and the interim answers before it.

    :ivar version: the digits of HTTP's version, once the head has come.
    :ivar answer: the answer without its body.
    """

    __slots__ = ("_begun", "_is_http", "_left_out", "_line", "answer", "version")

    def __init__(self) -> None:
        self.version = ""
        self.answer: Answer | None = None
        # What has come of a head that is not whole.
        self._begun = bytearray()
        # Where in it the first line begins whose length has not been looked at.
        self._line = 0
        # Whether it begins as an answer does.
        self._is_http = False
        # How many bytes interim answers had.
        self._left_out = 0

    def take(self, data: bytes) -> bytes | None:
        """Take what has come.

        :return: what follows the head, once that is whole; None until then.
        :raises ParseError: it is no head.
        :raises AnswerTooLarge: there is too much of it.
        :raises MalformedAnswer: a line is too long.
        """
        while True:
            head, rest = self._next_head(data)
            if head is None:
                return None
            self.version, answer = _read_head(head)
            if not 100 <= answer.code < 200 or answer.code == 101:
                self.answer = answer
                return rest
            self._left_out += len(data) - len(rest)
            data = rest

    def _next_head(self, data: bytes) -> tuple[bytes | None, bytes]:
        """Take a head off, and its blank line; None if that has not come."""
        begun = self._begun
        if not begun:
            end, start = _end_of_head(data, 0)
            if end >= 0:
                self._check_size(data, end)
                self._line = 0
                return data[:end], data[start:]
        # What was looked at before is not looked at again, but for the part of an end.
        searched = max(0, len(begun) - 3)
        begun += data
        end, start = _end_of_head(begun, searched)
        self._check_size(begun, len(begun) if end < 0 else end)
        if end < 0:
            self._check_beginning()
            return None, b""
        head, rest = bytes(begun[:end]), bytes(begun[start:])
        begun.clear()
        self._line = 0
        self._is_http = False
        return head, rest

    def _check_size(self, data: bytes | bytearray, end: int) -> None:
        """See that a long head is not too long, and that no line of it is."""
        size = self._left_out + end
        if size <= _LONGEST_LINE:
            return
        longest = max(map(len, data[self._line : end].split(b"\n")))
        if longest > _LONGEST_LINE + 1:
            raise line_too_long()
        if size > LONGEST_HEAD:
            raise AnswerTooLarge(size, LONGEST_HEAD, "the headers of an answer")
        self._line = data.rfind(b"\n", self._line, end) + 1 or self._line

    def _check_beginning(self) -> None:
        """See that it is HTTP at all: what is not may never come to an end."""
        if not self._is_http:
            line, is_whole, _ = self._begun.partition(b"\n")
            if is_whole:
                _read_head(line.removesuffix(b"\r"))
                self._is_http = True


def line_too_long() -> MalformedAnswer:
    """The error of a head of which a line has more bytes than any needs."""
    return MalformedAnswer(f"a line of an answer has more than {_LONGEST_LINE} bytes")


def _end_of_head(data: bytes | bytearray, searched: int) -> tuple[int, int]:
    """Where a head ends, and where what follows begins; -1 if it does not end.

    :param searched: before this there is no end.
    """
    # Nearly always lines end in CR and LF, which is found faster.
    end = data.find(b"\r\n\r\n", searched)
    if (
        end >= 0
        and data.find(b"\n\n", searched, end) < 0
        and data.find(b"\n\r\n", searched, end + 2) < 0
    ):
        return end, end + 4
    found = _END.search(data, searched)
    return found.span() if found else (-1, -1)


def _read_head(head: bytes | bytearray) -> tuple[str, Answer]:
    """The digits of the version, and an answer without its body."""
    text = head.decode("latin-1").replace("\r\n", "\n")
    if "\r" in text:
        # Others may take it for the end of a line (RFC 9112 section 2.2).
        raise ParseError("a CR without its LF")
    first, _, rest = text.partition("\n")
    found = _FIRST_LINE.fullmatch(first)
    if found is None:
        raise ParseError("the first line")
    # An obsolete way to write a value on several lines (RFC 9112 section 5.2).
    # The first of them is a header.
    if not rest.startswith((" ", "\t")):
        rest = _FOLD.sub(" ", rest)
    lines = tuple(_read_header(line) for line in rest.split("\n")) if rest else ()
    headers = {name.lower(): value for name, value in lines}
    if len(headers) < len(lines):
        headers = _by_name(lines)
    major, minor, status, phrase = found.groups()
    phrase = (phrase or "").strip(_SPACES)[:LONGEST_PHRASE]
    return major + minor, Answer(int(status), phrase, headers, b"", lines)


def _read_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise ParseError("a header")
    if "\0" in value:
        # Others may take it for the end of the text (RFC 9110 section 5.5).
        value = value.replace("\0", " ")
    return name, value.strip(_SPACES)


def _by_name(lines: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Headers of which some have several lines."""
    values: dict[str, list[str]] = {}
    for name, value in lines:
        values.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(each) for name, each in values.items()}
