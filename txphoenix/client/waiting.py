"""Who waits for the connection, and what they are told when there will be none.

Where the user disconnects, or the options allow no other attempt, all that waits for a
connection fails: whoever has called ``when_connected()``, what is kept to be sent, and
what channels have.
Until ``connect()`` is called, whoever asks for a connection fails at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from ..channels.keeper import ChannelKeeper
from ..channels.writers import NOT_YET
from ..errors import ConfigurationError, NotConnected
from ..legible import legible
from ..runtime.kept_errors import unraised
from .connection import Connection
from .connection_log import ConnectionLog
from .connection_observer import ConnectionObserver
from .outbox import Outbox

__all__ = ["ConnectionWaiters", "Waiting", "check_failures"]

_T = TypeVar("_T")


class Waiting(Generic[_T]):
    """All that waits for the connection of one client.

    :param client: what those who wait are given.
    :param connection: knows whether there will be another attempt.
    :param outbox: what is kept to be sent.
    :param channels: what channels have.
    :param log: is told when there will be no connection.
    :param observers: are told as well.
    """

    __slots__ = (
        "_because",
        "_channels",
        "_client",
        "_connection",
        "_log",
        "_observers",
        "_outbox",
        "_waiters",
    )

    def __init__(
        self,
        client: _T,
        connection: Connection,
        outbox: Outbox,
        channels: ChannelKeeper,
        log: ConnectionLog,
        observers: Sequence[ConnectionObserver],
    ) -> None:
        self._client = client
        self._connection = connection
        self._outbox = outbox
        self._channels = channels
        self._log = log
        self._observers = observers
        # There are some, or have been since the latest connection.
        self._waiters: ConnectionWaiters[_T] | None = None
        # Why there will be no connection, until connect() is called.
        self._because: Exception | None = None

    # -- What the client calls ----------------------------------------------------

    def wait(self, failures: int | None) -> Deferred[_T]:
        """Wait for the connection; see :meth:`txphoenix.SocketClient.when_connected`.

        :param failures: how many failed attempts are too many; None for no limit.
        :raises ConfigurationError: the number is none.
        """
        check_failures(failures)
        if self._connection.is_open:
            return succeed(self._client)
        error = self.why_in_vain()
        if error is not None:
            return fail(error)
        if self._waiters is None:
            self._waiters = ConnectionWaiters()
        return self._waiters.wait(failures)

    def why_in_vain(self) -> Exception | None:
        """Why there will be no connection; None if there is one, or may be."""
        if self._because is None or self._connection.is_wanted:
            return None
        return unraised(self._because)

    def why_not_send(self) -> Exception | None:
        """Why a message would not be sent now, be it that it would only be kept."""
        if self._connection.is_open:
            return self._outbox.why_not_push()
        return self.why_in_vain() or NOT_YET

    def hope(self) -> None:
        """There may be a connection again."""
        self._because = None

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for the connection alone."""
        return self._waiters is not None and len(self._waiters) > 0

    def disconnect(
        self, code: int, reason: str, because: NotConnected | None = None
    ) -> Deferred[None]:
        """Close the connection, and fail all that waits, until :meth:`hope`.

        :param because: what that fails with; by default that the user wants it so.
        :return: a Deferred of None that fires when the connection is gone.
        """
        told = because or NotConnected("the client was told to disconnect")
        self._because = told
        closed = self._connection.close(code, reason)
        self._abandon(unraised(told))
        return closed.addCallback(self._closed)

    # -- What the connection tells ------------------------------------------------

    def connected(self) -> None:
        """Tell who waits that there is a connection."""
        waiters, self._waiters = self._waiters, None
        if waiters is not None:
            waiters.connected(self._client)

    def attempt_failed(self, reason: Exception) -> None:
        """Tell who waits of a failed attempt; there may be others."""
        if self._waiters is not None:
            self._waiters.attempt_failed(reason)

    def abandon_unless_wanted(self, reason: Exception) -> None:
        """Fail all that waits if there will be no other attempt.

        :param reason: how the last one has ended.
        """
        if not self._connection.is_wanted:
            reason = unraised(self._because) if self._because else reason
            self._because = unraised(reason)
            self._abandon(reason)

    # -- Inside -------------------------------------------------------------------

    def _abandon(self, reason: Exception) -> None:
        self._log.connection_given_up()
        for observer in self._observers:
            observer.connection_given_up()
        self._outbox.abandon(reason)
        self._channels.abandon(reason)
        if self._waiters is not None:
            self._waiters.abandon(reason)
        self._channels.check_writers()

    def _closed(self, _result: None) -> None:
        if not self._connection.is_wanted:
            # All that waited has failed; what is left are timers without a deadline.
            self._channels.deadlines.sweep()


class ConnectionWaiters(Generic[_T]):
    """The Deferreds that ``when_connected()`` has handed out, each its own."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Each with the failed attempts it still bears, or None for any number.
        self._waiting: dict[Deferred[_T], int | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, failures: int | None) -> Deferred[_T]:
        """Wait for the connection.

        :param failures: how many failed attempts are too many; None for no limit.
        """
        waiting: Deferred[_T] = Deferred(self._forget)
        self._waiting[waiting] = failures
        return waiting

    def connected(self, client: _T) -> None:
        """There is a connection."""
        for deferred in self._take():
            deferred.callback(client)

    def attempt_failed(self, reason: BaseException) -> None:
        """An attempt has failed; there may be others."""
        too_many = []
        for deferred, failures in self._waiting.items():
            if failures == 1:
                too_many.append(deferred)
            elif failures is not None:
                self._waiting[deferred] = failures - 1
        for deferred in too_many:
            del self._waiting[deferred]
        for deferred in _not_called(too_many):
            deferred.errback(reason)

    def abandon(self, reason: BaseException) -> None:
        """There will be no connection."""
        for deferred in self._take():
            deferred.errback(reason)

    def _take(self) -> Iterator[Deferred[_T]]:
        # A dict that was filled once keeps its size; an idle client shall have none.
        waiting, self._waiting = self._waiting, {}
        return _not_called(waiting)

    def _forget(self, waiting: Deferred[_T]) -> None:
        self._waiting.pop(waiting, None)


def check_failures(failures: int | None) -> None:
    """Check how many failed attempts are too many.

    :raises ConfigurationError: it is neither a number above zero nor None.
    """
    if failures is not None and (
        not isinstance(failures, int) or isinstance(failures, bool) or failures < 1
    ):
        raise ConfigurationError(
            "fail_after_failures must be a whole number of at least 1 or None,"
            f" not {legible(failures)}"
        )


def _not_called(waiting: Iterable[Deferred[_T]]) -> Iterator[Deferred[_T]]:
    """Those that are still waiting when it is their turn.

    Whoever was told before may have cancelled one.
    """
    return (deferred for deferred in waiting if not deferred.called)
