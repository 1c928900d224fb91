"""Who waits: for the connection, for an end, for what the user's code has promised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConfigurationError
from ..legible import legible
from .package_log import package_log

if TYPE_CHECKING:
    from ..client.socket_client import SocketClient

__all__ = ["ConnectionWaiters", "check_failures", "until_cancelled", "wait_for"]

log = Logger(observer=package_log)

_T = TypeVar("_T")

_Waiting: TypeAlias = "Deferred[SocketClient]"


class ConnectionWaiters:
    """The Deferreds that ``when_connected()`` has handed out, each its own."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Each with the failed attempts it still bears, or None for any number.
        self._waiting: dict[_Waiting, int | None] = {}

    def wait(self, failures: int | None) -> Deferred[SocketClient]:
        """Wait for the connection.

        :param failures: how many failed attempts are too many; None for no limit.
        """
        waiting: _Waiting = Deferred(self._forget)
        self._waiting[waiting] = failures
        return waiting

    def connected(self, client: SocketClient) -> None:
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

    def _take(self) -> Iterator[_Waiting]:
        # A dict that was filled once keeps its size; an idle client shall have none.
        waiting, self._waiting = self._waiting, {}
        return _not_called(waiting)

    def _forget(self, waiting: _Waiting) -> None:
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


def _not_called(waiting: Iterable[_Waiting]) -> Iterator[_Waiting]:
    """Those that are still waiting when it is their turn.

    Whoever was told before may have cancelled one.
    """
    return (deferred for deferred in waiting if not deferred.called)


def wait_for(done: Deferred[None]) -> Deferred[None]:
    """Wait for what goes on whether somebody waits or not.

    :return: a Deferred of the same result; cancelling it ends the waiting alone.
    """
    waiting: Deferred[None] = Deferred()

    def fired(result: Any) -> Any:
        if waiting.called:
            return result
        waiting.callback(result)
        return None

    done.addBoth(fired)
    return waiting


def until_cancelled(later: Deferred[_T]) -> Deferred[_T]:
    """Wait for a Deferred of the user's, which need not obey when it is cancelled.

    :return: a Deferred of the same result.
        Cancelling it cancels the user's as well, and ends the waiting whatever that
        does: it may stay silent, and its canceller may raise, which is logged.
        What comes of it later stays there for the next who waits for it.
    """

    def cancel(waiting: Deferred[_T]) -> None:
        # First, for a coroutine that is running right now takes this for a mistake.
        waiting.errback(CancelledError())
        try:
            later.cancel()
        except BaseException:
            log.failure("the canceller of {deferred!r} raised", deferred=later)

    waiting: Deferred[_T] = Deferred(cancel)

    def fired(result: Any) -> Any:
        if not waiting.called:
            waiting.callback(result)
        # Not as a failure, which would be logged when nobody takes it.
        return result.value if isinstance(result, Failure) else result

    later.addBoth(fired)
    return waiting
