"""The messages of one channel that wait for ``receive()``.

A queue has a limit, and what happens at the limit depends on whether there is
a reader, that is, whether :meth:`Inbox.get` was called and not cancelled:

- With a reader the queue asks for a pause, and nothing is lost: the server
  waits, as TCP makes it.
  It asks to go on when half of the messages have been read.
- Without one, waiting would stop the whole connection for nobody.
  The oldest message is dropped and counted, and the log says so once.

A reader may go without a word, such as by ``break`` out of an ``async for``.
So one that takes nothing for a while during a pause is a reader no more.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from ..protocol.message import Message
from ..runtime.deadlines import Deadline
from ..runtime.kept_errors import unraised
from ..runtime.package_log import package_log
from ..telemetry import channel_handlers

__all__ = ["Inbox", "InboxOwner"]

log = Logger("txphoenix.inbox", observer=package_log)


class InboxOwner(Protocol):
    """Who is told how the queues of a client fare."""

    def await_reader(self, inbox: Deadline) -> None:
        """Have a pause wait for its reader; again when a message is taken during it."""

    def messages_dropped(self, topic: str, count: int) -> None:
        """Nobody reads messages, and telemetry wants to know."""

    def left_unread(self, topic: str, count: int) -> None:
        """Nobody has read messages of a channel that begins anew."""


class Inbox(Deadline):
    """A bounded queue of messages, and of those who wait for one.

    As a deadline it is the moment until which a pause waits for its reader.

    :param topic: names the channel in the log.
    :param limit: how many messages are kept at most.
    :param pause: called when a message comes, the queue is full and it has a
        reader; calling it again must do nothing.
    :param resume: called when half of the messages have been read, or nobody may
        come to read them; calling it without a pause must do nothing.
        What was held back may come before it returns.
    :param owner: is told when a pause begins, and of what is dropped.
    """

    __slots__ = (
        "_error",
        "_has_reader",
        "_is_loss_told",
        "_limit",
        "_messages",
        "_owner",
        "_pause",
        "_pauses",
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
        owner: InboxOwner,
    ) -> None:
        super().__init__()
        self._topic = topic
        self._limit = limit
        self._pause = pause
        self._resume = resume
        self._owner = owner
        self._messages: deque[Message] = deque()
        self._waiting: OrderedDict[Deferred[Message], None] = OrderedDict()
        self._has_reader = False
        self._pauses = 0
        # Whether the log has said that messages are dropped, since somebody read.
        self._is_loss_told = False
        self._error: BaseException | None = None
        self.dropped = 0
        """How many messages nobody read have been dropped."""

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Give ``message`` to who waits longest for one, or keep it."""
        if self._waiting:
            waiting, _ = self._waiting.popitem(last=False)
            waiting.callback(message)
            return
        self._messages.append(message)
        if len(self._messages) < self._limit:
            return
        if self._has_reader:
            if not self.is_set:
                self._begin_pause()
            self._pause()
        elif len(self._messages) > self._limit:
            self._drop_oldest()

    def get(self) -> Deferred[Message]:
        """Take the oldest message, or wait for the next.

        :return: a Deferred of the message; it fails with what was given to
            :meth:`close`, once all messages have been read.
            Cancelling it takes no message.
        """
        self._has_reader = True
        if self._messages:
            self._is_loss_told = False
            message = self._messages.popleft()
            if len(self._messages) == self._limit // 2:
                self._end_pause()
            elif self.is_set:
                self._owner.await_reader(self)
            return succeed(message)
        if self._error is not None:
            return fail(unraised(self._error))
        waiting: Deferred[Message] = Deferred(self._forget)
        self._waiting[waiting] = None
        return waiting

    def open(self) -> None:
        """Begin anew after :meth:`close`, without what nobody has read."""
        self._error = None
        self._has_reader = self._is_loss_told = False
        unread = len(self._messages)
        if unread:
            self.dropped += unread
            self._messages.clear()
            self._owner.left_unread(self._topic, unread)

    def close(self, error: BaseException) -> None:
        """Fail all who wait, and all who would wait from now on."""
        self.end(error)()

    def end(self, error: BaseException) -> Callable[[], None]:
        """Fail all who would wait from now on.

        :return: is to be called, and fails all who wait now.
        """
        self._error = unraised(error)
        return self._end_waiting(error)

    def interrupt(self, error: BaseException) -> None:
        """Fail all who wait now."""
        self._end_waiting(error)()

    def forget_reader(self) -> None:
        """Wait for nobody any more, until :meth:`get` is called again."""
        self._has_reader = False
        self._end_pause()

    def expired(self) -> None:
        """Give up a reader who has taken nothing for too long."""
        self._tell_loss("nobody has read its messages for too long")
        self.forget_reader()

    def resize(self, limit: int) -> None:
        """Keep at most ``limit`` messages from now on."""
        self._limit = limit
        if len(self._messages) <= limit // 2:
            self._end_pause()

    # -- Inside -------------------------------------------------------------------

    def _end_waiting(self, error: BaseException) -> Callable[[], None]:
        waiting, self._waiting = self._waiting, OrderedDict()
        # Nobody may come to read the rest: the connection must not wait for it.
        self._end_pause()
        return partial(_fail_each, waiting, error)

    def _begin_pause(self) -> None:
        self._owner.await_reader(self)
        self._pauses += 1
        # A reader that is slower than the server must not fill the log as well.
        if self._pauses & (self._pauses - 1) == 0:
            log.warn(
                "{topic}: {limit} messages wait for receive(); the connection is"
                " paused until half of them are read (pause {count})",
                topic=self._topic,
                limit=self._limit,
                count=self._pauses,
            )

    def _end_pause(self) -> None:
        self.unset()
        self._resume()

    def _drop_oldest(self) -> None:
        # More than one, where more had come before a pause took hold.
        before = self.dropped
        while len(self._messages) > self._limit:
            self._messages.popleft()
            self.dropped += 1
        if not self._is_loss_told:
            self._tell_loss("nobody reads its messages")
        if channel_handlers:
            self._owner.messages_dropped(self._topic, self.dropped - before)

    def _tell_loss(self, why: str) -> None:
        self._is_loss_told = True
        log.warn(
            "{topic}: {why}; the oldest of more than {limit} are dropped"
            " (add a hook with on(), or call receive())",
            topic=self._topic,
            why=why,
            limit=self._limit,
        )

    def _forget(self, waiting: Deferred[Message]) -> None:
        self._waiting.pop(waiting, None)
        # Whoever waits no more may never read again.
        self._has_reader = bool(self._waiting)


def _fail_each(waiting: Iterable[Deferred[Message]], error: BaseException) -> None:
    for deferred in waiting:
        # One before may have cancelled it.
        if not deferred.called:
            deferred.errback(error)
