"""Answers of HTTP/1.1, taken apart as they come (RFC 9112).

::

    bytes -> AnswerReader -> the head, and what it says of the body
                          -> the body: by its length, in chunks, or up to the end

Long-poll makes a request or two for each message, so what a request costs is what it
costs at all; and most of an answer's limits were ours in any case, since a server
may send headers, chunks and compressed bytes without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from ..runtime.deadlines import Deadlines
from .http_body import AnswerBody, RefusalBody
from .http_chunks import Chunks
from .http_head import Answer, HeadReader, ParseError

__all__ = ["AnswerReader", "is_no_success"]

# The most digits of a length: nothing is that long.
_MOST_DIGITS: Final = 18

# Their answers have no body, whatever the headers say (RFC 9112 section 6.3).
_WITHOUT_BODY: Final = frozenset({101, 204, 304})
_NO_ENCODING: Final = b""


def is_no_success(status: int) -> bool:
    """Whether a status says that what was asked for was not done."""
    return status // 100 != 2


class AnswerReader:
    """Reads one answer.

    :param limit: tells the most bytes that its body may have, once there is one.
    :param give_up: ends the connection.
    :param deadlines: times the body of a refusal, of which the beginning is enough
        then; without it, it is a body like any other.
    :param refuses: whether a status is a refusal's.
    :param to_head: whether it is one to ``HEAD``, which has no body.
    :ivar is_persistent: whether the connection may serve another request; known with
        the head.
    """

    __slots__ = (
        "_answer",
        "_body",
        "_chunks",
        "_content",
        "_deadlines",
        "_give_up",
        "_head",
        "_left",
        "_limit",
        "_refuses",
        "_to_head",
        "is_persistent",
    )

    def __init__(
        self,
        limit: Callable[[], int],
        give_up: Callable[[], None],
        deadlines: Deadlines | None = None,
        *,
        refuses: Callable[[int], bool] = is_no_success,
        to_head: bool = False,
    ) -> None:
        self.is_persistent = False
        self._to_head = to_head
        self._limit = limit
        self._give_up = give_up
        self._deadlines = deadlines
        self._refuses = refuses
        self._head = HeadReader()
        # All but the body, once the head has come.
        self._answer: Answer | None = None
        # The body, where all of it came with the head, or whoever collects it.
        self._content: bytes | None = None
        self._body: AnswerBody | None = None
        self._chunks: Chunks | None = None
        # How many bytes of the body are still to come, if it was said how many.
        self._left: int | None = None

    def take(self, data: bytes) -> bytes | None:
        """Take what has come.

        :return: what follows the answer, once that is whole; None until then.
        :raises ParseError: it is no answer.
        :raises AnswerTooLarge: there is too much of its head.
        :raises MalformedAnswer: a line of its head is too long.
        """
        if self._answer is None:
            rest = self._head.take(data)
            if rest is None:
                return None
            data = rest
            self._begin_body()
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
        return self._end()

    def lost(self, reason: Failure, is_end: bool) -> Deferred[Answer] | None:
        """The connection has ended.

        :param reason: why.
        :param is_end: whether the server has ended it in good order: a body of which
            nothing says where it ends does so with the connection.
        :return: a Deferred of what that makes of the answer; None if it has not begun.
        """
        if self._answer is None:
            return None
        is_whole = is_end and self._left is None and self._chunks is None
        self._collect(b"")
        return self._end(None if is_whole else reason)

    # -- Inside -------------------------------------------------------------------

    def _end(self, cut_off_by: Failure | None = None) -> Deferred[Answer]:
        body = self._body
        if body is None:
            raise RuntimeError("there is no body to end")
        body.end(cut_off_by)
        return body.finished.addCallback(self._with_body)

    def _with_body(self, body: bytes) -> Answer:
        if self._answer is None:
            raise RuntimeError("there is no answer yet")
        return self._answer._replace(body=body) if body else self._answer

    def _collect(self, data: bytes, encoding: bytes = _NO_ENCODING) -> None:
        if self._body is None:
            self._body = self._make_body(encoding)
            self._body.begin()
        if data:
            self._body.take(data)

    def _make_body(self, encoding: bytes) -> AnswerBody:
        answer = self._answer
        deadlines = self._deadlines
        if deadlines and answer is not None and self._refuses(answer.code):
            return RefusalBody(encoding, self._give_up, deadlines)
        return AnswerBody(encoding, self._limit(), self._give_up)

    def _begin_body(self) -> None:
        """What the head says of the body, and of the connection."""
        answer = self._head.answer
        if answer is None:
            raise RuntimeError("there is no head yet")
        headers = answer.headers
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        is_persistent = (
            self._head.version[0] == "1"
            and self._head.version[1] != "0"
            and "close" not in headers.get("connection", "").lower()
            and answer.code != 101
        )
        if self._to_head or answer.code in _WITHOUT_BODY:
            self._left = 0
        elif coding is None:
            self._left = _length(length)
        elif coding.lower() == "chunked":
            self._chunks = Chunks(self._collect)
            # Who goes by the length sees another answer behind this one (RFC 9112
            # section 6.3).
            is_persistent = is_persistent and length is None
        else:
            raise ParseError("an unknown coding")
        self.is_persistent = is_persistent
        self._answer = answer
        encoding = headers.get("content-encoding")
        if self._left != 0 and (encoding is not None or self._chunks is not None):
            self._collect(b"", (encoding or "").encode("latin-1"))


def _length(value: str | None) -> int | None:
    """How long a body is; None if that is not said."""
    if value is None:
        return None
    # Said several times it must be the same each time (RFC 9112 section 6.3).
    lengths = {each.strip(" \t") for each in value.split(",")}
    length = lengths.pop()
    is_number = length.isascii() and length.isdigit() and len(length) <= _MOST_DIGITS
    if lengths or not is_number:
        raise ParseError("the length of the body")
    return int(length)
