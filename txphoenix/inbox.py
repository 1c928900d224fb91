"""The messages of one channel that wait for ``receive()``.

A queue has a limit, and what happens at the limit depends on whether there is
a reader, that is, whether :meth:`Inbox.get` was ever called:

- With a reader the queue asks for a pause, and nothing is lost: the server
  waits, as TCP makes it.
  It asks to go on when half of the messages have been read.
- Without one, waiting would stop the whole connection for nobody.
  The oldest message is dropped and counted, and the log says so once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from .message import Message

__all__ = ["Inbox"]

log = Logger()


class Inbox:
    """A bounded queue of messages, and of those who wait for one.

    :param topic: names the channel in the log.
    :param limit: how many messages are kept at most.
    :param pause: called when a message comes, the queue is full and it has a
        reader; calling it again must do nothing.
    :param resume: called when half of the messages have been read, or nobody may
        come to read them; calling it without a pause must do nothing.
        What was held back may come before it returns.
    """

    __slots__ = (
        "_error",
        "_has_reader",
        "_limit",
        "_messages",
        "_pause",
        "_resume",
        "_topic",
        "_waiting",
        "dropped",
    )

    def __init__(
        self,
        topic: str,
        limit: int,
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._topic = topic
        self._limit = limit
        self._pause = pause
        self._resume = resume
        self._messages: deque[Message] = deque()
        self._waiting: deque[Deferred[Message]] = deque()
        self._has_reader = False
        self._error: BaseException | None = None
        self.dropped = 0
        """How many messages nobody read have been dropped."""

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Give ``message`` to who waits longest for one, or keep it."""
        if self._waiting:
            self._waiting.popleft().callback(message)
            return
        self._messages.append(message)
        if len(self._messages) < self._limit:
            return
        if self._has_reader:
            self._pause()
        elif len(self._messages) > self._limit:
            self._messages.popleft()
            self.dropped += 1
            if self.dropped == 1:
                log.warn(
                    "{topic}: nobody reads its messages; the oldest of more than"
                    " {limit} are dropped (add a hook with on(), or call receive())",
                    topic=self._topic,
                    limit=self._limit,
                )

    def get(self) -> Deferred[Message]:
        """Take the oldest message, or wait for the next.

        :return: a Deferred of the message; it fails with what was given to
            :meth:`close`, once all messages have been read.
            Cancelling it takes no message.
        """
        self._has_reader = True
        if self._messages:
            message = self._messages.popleft()
            if len(self._messages) == self._limit // 2:
                self._resume()
            return succeed(message)
        if self._error is not None:
            return fail(self._error)
        waiting: Deferred[Message] = Deferred(self._forget)
        self._waiting.append(waiting)
        return waiting

    def open(self) -> None:
        """Take messages again after :meth:`close`."""
        self._error = None

    def close(self, error: BaseException) -> None:
        """Fail all who wait, and all who would wait from now on."""
        self._error = error
        self.interrupt(error)

    def interrupt(self, error: BaseException) -> None:
        """Fail all who wait now."""
        waiting, self._waiting = self._waiting, deque()
        for deferred in waiting:
            # One before may have cancelled it.
            if not deferred.called:
                deferred.errback(error)
        # Nobody may come to read the rest: the connection must not wait for it.
        self._resume()

    def forget_reader(self) -> None:
        """Wait for nobody any more, until :meth:`get` is called again."""
        self._has_reader = False
        self._resume()

    def resize(self, limit: int) -> None:
        """Keep at most ``limit`` messages from now on."""
        self._limit = limit
        if len(self._messages) <= limit // 2:
            self._resume()

    def _forget(self, waiting: Deferred[Message]) -> None:
        with suppress(ValueError):
            self._waiting.remove(waiting)
