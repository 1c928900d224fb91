"""The bodies of HTTP's messages: theirs, within a limit, and ours, piece by piece.

An answer's size is decided by the server, and so is the size of what is compressed in
it: a kilobyte can be a gigabyte.
So it is taken apart as it comes, by no more at a time than a chunk, and is given up as
soon as there is too much of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure

from ..errors import ConnectionFailed, MessageTooLarge
from ..runtime.deadlines import Deadlines

__all__ = [
    "LONGEST_REFUSAL",
    "PATIENCE",
    "AnswerBody",
    "AnswerTooLarge",
    "MalformedAnswer",
    "RefusalBody",
    "RequestBody",
]

LONGEST_REFUSAL: Final = 8 * 1024
"""The most bytes of the body of a refusal that are kept."""

PATIENCE: Final = 2.0
"""For how many seconds such a body is waited for at most, from its head on."""

# How much is decompressed at a time.
_CHUNK: Final = 64 * 1024
# How much of a request is given to the transport at a time.
_PIECE: Final = 16 * 1024
# Either format has a header of its own, which tells them apart (zlib's manual).
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_PLAIN: Final = frozenset({b"", b"identity"})
# RFC 9110 section 8.4.1.
_COMPRESSED: Final = frozenset({b"gzip", b"x-gzip", b"deflate"})


class AnswerTooLarge(MessageTooLarge):
    """An answer exceeds a limit.

    Its ``size`` is how much of it had come when it was given up.

    :param part: which part of it, for a person.
    """

    def __init__(self, size: int, limit: int, part: str = "an answer") -> None:
        super().__init__(size, limit)
        self.args = (f"{part} of {size} bytes or more exceeds the limit of {limit}",)


class MalformedAnswer(ConnectionFailed):
    """An answer is not what HTTP has for one."""


class AnswerBody:
    """Collects the body of an answer, decompressed, as long as it is within the limit.

    :param encoding: the value of ``Content-Encoding``, ``b""`` if there is none.
    :param limit: the most bytes, both as they come and decompressed.
    :param give_up: ends the connection.
    :ivar finished: a Deferred of the body.
        It fails with :exc:`AnswerTooLarge` and :exc:`MalformedAnswer`, and with what
        has cut it off.
    """

    def __init__(
        self, encoding: bytes, limit: int, give_up: Callable[[], None]
    ) -> None:
        self.finished: Deferred[bytes] = Deferred(lambda _: give_up())
        self._limit = limit
        self._give_up = give_up
        self._came = 0
        self._content = bytearray()
        self._error: Exception | None = None
        self._inflater: Any = None
        # bytes.strip() would take away what a proxy takes for a part of the name.
        encoding = encoding.strip(b" \t").lower()
        if encoding in _COMPRESSED:
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        elif encoding not in _PLAIN:
            # One in another among them: that is how a kilobyte becomes a gigabyte.
            self._error = MalformedAnswer(
                f"the encoding of an answer must be gzip or deflate, once,"
                f" not {encoding[:40]!r}"
            )

    def begin(self) -> None:
        """Begin; or give it up at once."""
        if self._error is not None:
            self._give_up()

    def take(self, data: bytes) -> None:
        """Take what has come."""
        if self._error is not None:
            return
        self._came += len(data)
        if self._came > self._limit:
            self._fail(AnswerTooLarge(self._came, self._limit))
        elif self._inflater is None:
            self._content += data
        else:
            self._inflate(data)

    def end(self, cut_off_by: Failure | None = None) -> None:
        """Tell what has become of it.

        :param cut_off_by: why it is not whole; None if it is.
        """
        if self.finished.called:
            return
        if cut_off_by is None and self._error is None and not self._is_inflated:
            self._error = MalformedAnswer("a compressed answer ends too soon")
        if self._error is not None:
            self._content.clear()
            self.finished.errback(self._error)
        elif cut_off_by is None:
            self.finished.callback(bytes(self._content))
        else:
            self.finished.errback(cut_off_by)

    @property
    def _is_inflated(self) -> bool:
        """Whether nothing is missing of what was compressed."""
        return self._inflater is None or self._inflater.eof or not self._came

    def _inflate(self, data: bytes) -> None:
        inflater = self._inflater
        if inflater.eof:
            self._fail(MalformedAnswer("a compressed answer has something behind it"))
            return
        is_more = True
        while is_more:
            try:
                chunk = inflater.decompress(data, _CHUNK)
            except zlib.error:
                self._fail(MalformedAnswer("an answer is badly compressed"))
                return
            self._content += chunk
            if len(self._content) > self._limit:
                self._fail(AnswerTooLarge(len(self._content), self._limit))
                return
            data = inflater.unconsumed_tail
            # All of the data may have been read, and not all been said of it.
            is_more = bool(data) or len(chunk) == _CHUNK
        if inflater.unused_data:
            self._fail(MalformedAnswer("a compressed answer has something behind it"))

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._content.clear()
        self._give_up()


class RefusalBody(AnswerBody):
    """Collects the beginning of the body of an answer that is no success.

    It is for a person to read, so that what there is of it counts, however it ends: no
    more of it is taken than :data:`LONGEST_REFUSAL` bytes, and no longer waited for
    than :data:`PATIENCE` seconds, which a server cannot stretch by sending slowly.

    :param encoding: as of any body.
    :param give_up: ends the connection; called once there is enough.
    :param deadlines: times it.
    :ivar finished: a Deferred of the beginning of the body; it never fails.
    """

    def __init__(
        self, encoding: bytes, give_up: Callable[[], None], deadlines: Deadlines
    ) -> None:
        super().__init__(encoding, LONGEST_REFUSAL, give_up)
        self._timer = deadlines.callLater(PATIENCE, self._time_out)

    def take(self, data: bytes) -> None:
        """Take what has come, as much as there is room for."""
        room = self._limit - self._came
        if 0 < room < len(data):
            super().take(data[:room])
            data = data[room:]
        super().take(data)

    def end(self, cut_off_by: Failure | None = None) -> None:
        """Tell what has come of it."""
        if self._timer.active():
            self._timer.cancel()
        if not self.finished.called:
            self.finished.callback(bytes(self._content[: self._limit]))

    def _time_out(self) -> None:
        self._fail(AnswerTooLarge(self._came, self._limit))

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._give_up()


class RequestBody:
    """The body of a request, written as fast as the connection takes it.

    :param body: all of it.
    :param progressed: called each time that the connection takes more.
    :param written: called once it has taken all.
    """

    def __init__(
        self,
        body: bytes,
        progressed: Callable[[], None],
        written: Callable[[], None],
    ) -> None:
        self.length = len(body)
        self._body = memoryview(body)
        self._progressed = progressed
        self._written = written
        self._consumer: IConsumer | None = None
        self._is_paused = False
        self._is_writing = False
        self._finished: Deferred[None] = Deferred()

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write what the connection takes.

        :return: a Deferred of None that fires once it has all.
        """
        self._consumer = consumer
        self._write()
        return self._finished

    def pauseProducing(self) -> None:
        """Write no more for now: the connection has enough."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Go on: what was written is with the kernel."""
        self._is_paused = False
        self._progressed()
        self._write()

    def stopProducing(self) -> None:
        """Write no more: the connection has ended."""
        self._consumer = None

    def _write(self) -> None:
        # A write may pause, and a pause may end, before it returns.
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._body and self._consumer is not None and not self._is_paused:
                piece, self._body = self._body[:_PIECE], self._body[_PIECE:]
                self._consumer.write(bytes(piece))
        finally:
            self._is_writing = False
        is_done = not self._body and not self._is_paused and self._consumer is not None
        if is_done and not self._finished.called:
            self._written()
            self._finished.callback(None)
