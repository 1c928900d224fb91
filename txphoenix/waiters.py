"""Who waits for the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .client import SocketClient

__all__ = ["ConnectionWaiters"]


class ConnectionWaiters:
    """The Deferreds that ``when_connected()`` has handed out, each its own."""

    def __init__(self) -> None:
        # Each with the failed attempts it still bears, or None for any number.
        self._waiting: dict[Deferred[SocketClient], int | None] = {}

    def wait(self, failures: int | None) -> Deferred[SocketClient]:
        """Wait for the connection.

        :param failures: how many failed attempts are too many; None for no limit.
        :raises ConfigurationError: it is not a number above zero.
        """
        if failures is not None and (
            not isinstance(failures, int) or isinstance(failures, bool) or failures < 1
        ):
            raise ConfigurationError(
                "fail_after_failures must be a whole number of at least 1 or None,"
                f" not {failures!r}"
            )
        waiting: Deferred[SocketClient] = Deferred(self._forget)
        self._waiting[waiting] = failures
        return waiting

    def connected(self, client: SocketClient) -> None:
        """There is a connection."""
        waiting, self._waiting = self._waiting, {}
        for deferred in waiting:
            deferred.callback(client)

    def attempt_failed(self, reason: BaseException) -> None:
        """An attempt has failed; there may be others."""
        too_many = []
        for deferred, failures in list(self._waiting.items()):
            if failures == 1:
                too_many.append(deferred)
                del self._waiting[deferred]
            elif failures is not None:
                self._waiting[deferred] = failures - 1
        for deferred in too_many:
            deferred.errback(reason)

    def abandon(self, reason: BaseException) -> None:
        """There will be no connection."""
        waiting, self._waiting = self._waiting, {}
        for deferred in waiting:
            deferred.errback(reason)

    def _forget(self, waiting: Deferred[SocketClient]) -> None:
        self._waiting.pop(waiting, None)
