"""Answers of HTTP/1.1, taken apart as they come (RFC 9112).

::

    bytes -> AnswerReader -> the head, and what it says of the body
                          -> the body: by its length, in chunks, or up to the end

Long-poll makes two small requests for whatever is said, so what a request costs is what
it costs at all; and most of an answer's limits were ours in any case, since a server
may send headers, chunks and compressed bytes without end.

Lines may end in LF alone (RFC 9112 section 2.2), and interim answers are left out (RFC
9110 section 15.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from .http_body import AnswerBody, AnswerTooLarge, MalformedAnswer

__all__ = ["Answer", "AnswerReader", "ParseError"]

# The most bytes of an answer's headers, with all interim answers before it; a
# WebSocket's handshake has as much.
_LONGEST_HEAD: Final = 64 * 1024
# The most bytes of a line, as Twisted's own client has it.
_LONGEST_LINE: Final = 16 * 1024
# The most bytes of what comes before a chunk, and of the trailers behind the last.
_LONGEST_CHUNK_LINE: Final = 1024
# The most digits of a length: nothing is that long.
_MOST_DIGITS: Final = 18
# The most bytes of a server's words that an error repeats.
_LONGEST_PHRASE: Final = 200

_FIRST_LINE: Final = re.compile(r"HTTP/([0-9])\.([0-9]) +([1-9][0-9]{2})(?: (.*))?")
_END: Final = re.compile(rb"\r?\n\r?\n")
_NAME: Final = re.compile(r"[^\x00-\x20\x7f:]+")
_CHUNK_LINE: Final = re.compile(
    rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?"
)
# Their answers have no body, whatever the headers say (RFC 9112 section 6.3).
_WITHOUT_BODY: Final = frozenset({101, 204, 304})
_NO_ENCODING: Final = b""


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


class AnswerReader:
    """Reads one answer.

    :param limit: tells the most bytes that its body may have, once there is one.
    :param give_up: ends the connection.
    :ivar awaits_head: whether the status and the headers have not come yet.
    :ivar is_persistent: whether the connection may serve another request; known with
        the head.
    """

    __slots__ = (
        "_answer",
        "_begun",
        "_body",
        "_chunks",
        "_content",
        "_give_up",
        "_interim_size",
        "_left",
        "_limit",
        "awaits_head",
        "is_persistent",
    )

    def __init__(self, limit: Callable[[], int], give_up: Callable[[], None]) -> None:
        self.awaits_head = True
        self.is_persistent = False
        self._limit = limit
        self._give_up = give_up
        # What has come of a head that is not whole, and what of it is left out.
        self._begun = b""
        self._interim_size = 0
        # All but the body.
        self._answer: Answer | None = None
        # The body, where all of it came with the head, or whoever collects it.
        self._content: bytes | None = None
        self._body: AnswerBody | None = None
        self._chunks: _Chunks | None = None
        # How many bytes of the body are still to come, if it was said how many.
        self._left: int | None = None

    def take(self, data: bytes) -> bytes | None:
        """Take what has come.

        :return: what follows the answer, once that is whole; None until then.
        :raises ParseError: it is no answer.
        :raises AnswerTooLarge: there is too much of its head.
        :raises MalformedAnswer: a line of its head is too long.
        """
        if self.awaits_head:
            rest = self._take_head(data)
            if rest is None:
                return None
            data = rest
            if self._left == 0:
                self._content = b""
                return data
        if self._chunks is not None:
            return self._chunks.take(data)
        if self._left is None:
            self._collect(data)
            return None
        left = self._left
        if self._body is None and len(data) >= left and left <= self._limit():
            # All of it at once, and nothing to decompress.
            self._content = data if len(data) == left else data[:left]
            return data[left:]
        piece = data[:left]
        self._left = left = left - len(piece)
        self._collect(piece)
        return None if left else data[len(piece) :]

    def finish(self) -> Deferred[Answer]:
        """Tell the answer, which has come to its end.

        :return: a Deferred of it; it fails as :class:`AnswerBody` does.
        """
        if self._body is None:
            return succeed(self._with_body(self._content or b""))
        return self._end(Failure(ResponseDone()))

    def lost(self, reason: Failure) -> Deferred[Answer] | None:
        """The connection has ended.

        :return: a Deferred of what that makes of the answer; None if it has not begun.
        """
        if self.awaits_head:
            return None
        # A body of which nothing says where it ends does so with the connection.
        is_end = self._left is None and self._chunks is None
        self._collect(b"")
        return self._end(Failure(ResponseDone()) if is_end else reason)

    # -- Inside -------------------------------------------------------------------

    def _end(self, reason: Failure) -> Deferred[Answer]:
        body = self._body
        if body is None:
            raise RuntimeError("there is no body to end")
        body.connectionLost(reason)
        return body.finished.addCallback(self._with_body)

    def _with_body(self, body: bytes) -> Answer:
        if self._answer is None:
            raise RuntimeError("there is no answer yet")
        return self._answer._replace(body=body) if body else self._answer

    def _collect(self, data: bytes, encoding: bytes = _NO_ENCODING) -> None:
        if self._body is None:
            self._body = AnswerBody(encoding, self._limit(), self._give_up)
            self._body.connectionMade()
        if data:
            self._body.dataReceived(data)

    def _take_head(self, data: bytes) -> bytes | None:
        """Read the head; what follows it, once it is whole."""
        if self._begun:
            data = self._begun + data
            self._begun = b""
        while True:
            # Nearly always lines end in CR and LF, which is found faster.
            end = data.find(b"\r\n\r\n")
            start = end + 4
            if end < 0 or data.find(b"\n\n", 0, end) >= 0:
                found = _END.search(data)
                end, start = found.span() if found else (-1, -1)
            size = self._interim_size + (len(data) if end < 0 else end)
            if size > _LONGEST_LINE:
                _check_size(data if end < 0 else data[:end], size)
            if end < 0:
                # What is no HTTP at all may never come to an end.
                line, is_whole, _ = data.partition(b"\n")
                if is_whole:
                    _read_head(line.rstrip(b"\r"))
                self._begun = data
                return None
            version, answer = _read_head(data[:end])
            data = data[start:]
            if not 100 <= answer.code < 200 or answer.code == 101:
                self._begin_body(version, answer)
                return data
            self._interim_size += start

    def _begin_body(self, version: str, answer: Answer) -> None:
        headers = answer.headers
        connection = headers.get("connection", "").lower()
        self.is_persistent = version >= "11" and "close" not in connection
        coding = headers.get("transfer-encoding")
        if answer.code in _WITHOUT_BODY:
            self.is_persistent = self.is_persistent and answer.code != 101
            self._left = 0
        elif coding is None:
            self._left = _length(headers.get("content-length"))
        elif coding.lower() == "chunked":
            self._chunks = _Chunks(self._collect)
        else:
            raise ParseError("an unknown coding")
        self.awaits_head = False
        self._answer = answer
        encoding = headers.get("content-encoding")
        if self._left != 0 and (encoding is not None or self._chunks is not None):
            self._collect(b"", (encoding or "").encode("latin-1"))


class _Chunks:
    """A body in chunks (RFC 9112 section 7.1).

    :param collect: takes what is in them.
    """

    def __init__(self, collect: Callable[[bytes], None]) -> None:
        self._collect = collect
        # What has come of a line that is not whole.
        self._begun = b""
        # How much of the chunk is to come, its end of a line included.
        self._left = 0
        self._is_last = False
        self._trailers_size = 0

    def take(self, data: bytes) -> bytes | None:
        """Take what has come; what follows the last chunk, None until then."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        start = 0
        while start < len(data):
            if self._left > 2:
                piece = data[start : start + self._left - 2]
                self._collect(piece)
                self._left -= len(piece)
                start += len(piece)
            elif self._left:
                # The end of a line, behind a chunk.
                end = data[start : start + self._left]
                if not b"\r\n"[-self._left :].startswith(end):
                    raise ParseError("a chunk without its end")
                self._left -= len(end)
                start += len(end)
            else:
                end_of_line = data.find(b"\r\n", start, start + _LONGEST_CHUNK_LINE)
                if end_of_line < 0:
                    if len(data) - start >= _LONGEST_CHUNK_LINE:
                        raise ParseError("a line that is too long")
                    self._begun = data[start:]
                    return None
                line = data[start:end_of_line]
                start = end_of_line + 2
                if self._take_line(line):
                    return data[start:]
        return None

    def _take_line(self, line: bytes) -> bool:
        """Whether that was the last line of all."""
        if self._is_last:
            self._trailers_size += len(line) + 2
            if self._trailers_size > _LONGEST_HEAD:
                raise ParseError("trailers that are too long")
            return not line
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise ParseError("a chunk without its size")
        size = int(found[1], 16)
        self._is_last = size == 0
        self._left = size + 2 if size else 0
        return False


def _check_size(head: bytes, size: int) -> None:
    """See that a long head is not too long, and that no line of it is.

    :param head: all of it, or what has come.
    :param size: the same, with the interim answers before it.
    :raises MalformedAnswer: a line is too long.
    :raises AnswerTooLarge: all of it is.
    """
    if max(map(len, head.split(b"\n"))) > _LONGEST_LINE + 1:
        raise MalformedAnswer(
            f"a line of an answer has more than {_LONGEST_LINE} bytes"
        )
    if size > _LONGEST_HEAD:
        raise AnswerTooLarge(size, _LONGEST_HEAD, "the headers of an answer")


def _read_head(head: bytes) -> tuple[str, Answer]:
    """The digits of the version, and an answer without its body."""
    first, *rest = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    found = _FIRST_LINE.fullmatch(first)
    if found is None:
        raise ParseError("the first line")
    lines: list[tuple[str, str]] = []
    for line in rest:
        if line[:1] in (" ", "\t") and lines:
            # An obsolete way to write a long value (RFC 9112 section 5.2).
            name, value = lines.pop()
            lines.append((name, f"{value} {line.strip()}"))
            continue
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ParseError("a header")
        lines.append((name, value.strip()))
    headers: dict[str, str] = {}
    for name, value in lines:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    major, minor, status, phrase = found.groups()
    phrase = (phrase or "").strip()[:_LONGEST_PHRASE]
    return major + minor, Answer(int(status), phrase, headers, b"", tuple(lines))


def _length(value: str | None) -> int | None:
    """How long a body is; None if that is not said."""
    if value is None:
        return None
    # Said several times it must be the same each time (RFC 9112 section 6.3).
    lengths = {each.strip() for each in value.split(",")}
    length = lengths.pop()
    is_number = length.isascii() and length.isdigit() and len(length) <= _MOST_DIGITS
    if lengths or not is_number:
        raise ParseError("the length of the body")
    return int(length)
