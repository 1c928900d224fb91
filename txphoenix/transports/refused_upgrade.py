"""The answer to a WebSocket's handshake that is no yes, read to the end of its body."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from ..errors import ConnectionFailed, MessageTooLarge
from ..runtime.deadlines import Deadlines
from .answer_head import read_head
from .http_answer import AnswerReader
from .http_body import LONGEST_REFUSAL
from .http_head import Answer, ParseError
from .redirects import REDIRECTS

__all__ = ["RefusedUpgrade"]

_EVERYTHING = 2 * LONGEST_REFUSAL


class RefusedUpgrade:
    """Reads the body of a refusal, as much as is kept of one.

    A body whose end nothing tells comes to it with the connection.
    But where nothing tells that there is one either, none is waited for.

    :param head: the answer up to its body, without its empty line.
    :param deadlines: says when it has taken too long.
    :ivar is_over: whether there is nothing more to wait for.
    :ivar body: what has come of it, once it is over.
    """

    def __init__(self, head: bytes, deadlines: Deadlines) -> None:
        self.is_over = False
        self.body = b""
        self._tell: Deferred[None] | None = None
        self._reader = AnswerReader(
            lambda: _EVERYTHING, self._enough, deadlines, refuses=lambda _: True
        )
        status, _, headers = read_head(head.decode("iso-8859-1"))
        self._is_announced = (
            not {"content-length", "transfer-encoding", "content-type"}.isdisjoint(
                headers
            )
            or "close" in headers.get("connection", "").lower()
        ) and status not in REDIRECTS
        self._head = head + b"\r\n\r\n"

    def take(self, data: bytes) -> bool:
        """Take what has come.

        :return: whether that is all.
        """
        head, self._head = self._head, b""
        try:
            rest = self._reader.take(head + data)
        except (ParseError, ConnectionFailed, MessageTooLarge):
            self.end()
            return True
        if rest is not None and not self.is_over:
            self._tell, self.is_over = None, True
            self._reader.finish().addCallbacks(self._keep, _ignore)
        elif head and not self._is_announced:
            self.end()
        # Whoever is told by the Deferred need not be told twice.
        return self.is_over and self._tell is None

    def when_enough(self) -> Deferred[None]:
        """A Deferred that fires once it is over without anything more coming."""
        self._tell = Deferred()
        return self._tell

    def end(self) -> None:
        """Wait no longer: what has come is all that there is."""
        self._tell = None
        if self.is_over:
            return
        self.is_over = True
        try:
            ended = self._reader.lost(Failure(ConnectionDone()), False)
        except RuntimeError:
            ended = None
        if ended is not None:
            ended.addCallbacks(self._keep, _ignore)

    def _enough(self) -> None:
        tell = self._tell
        self.end()
        if tell is not None:
            tell.callback(None)

    def _keep(self, answer: Answer) -> None:
        self.body = answer.body


def _ignore(_failure: Failure) -> None:
    """There is no body that could be read."""
