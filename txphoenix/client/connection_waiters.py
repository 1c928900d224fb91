"""Who waits for the connection, or for an end that comes without them as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred

from ..errors import ConfigurationError
from ..legible import legible

__all__ = ["ConnectionWaiters", "check_failures", "wait_for"]

_Client = TypeVar("_Client")


class ConnectionWaiters(Generic[_Client]):
    """The Deferreds that ``when_connected()`` has handed out, each its own."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Each with the failed attempts it still bears, or None for any number.
        self._waiting: dict[Deferred[_Client], int | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, failures: int | None) -> Deferred[_Client]:
        """Wait for the connection.

        :param failures: how many failed attempts are too many; None for no limit.
        """
        waiting: Deferred[_Client] = Deferred(self._forget)
        self._waiting[waiting] = failures
        return waiting

    def connected(self, client: _Client) -> None:
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

    def _take(self) -> Iterator[Deferred[_Client]]:
        # A dict that was filled once keeps its size; an idle client shall have none.
        waiting, self._waiting = self._waiting, {}
        return _not_called(waiting)

    def _forget(self, waiting: Deferred[_Client]) -> None:
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


def _not_called(waiting: Iterable[Deferred[_Client]]) -> Iterator[Deferred[_Client]]:
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
