"""Whether every message came, once and in order.

Each message carries its number, ``{"n": 0}`` and so on; they come over one
connection, so the order holds across channels as well.
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

__all__ = ["PATIENCE", "Sequence", "Wrong"]

PATIENCE = 60.0
"""The seconds after which what has not come is lost."""


class Wrong(Exception):
    """A message was lost, came twice, or came out of order."""


class Sequence:
    """The messages of one measurement.

    :param count: how many must come.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.received = 0
        self._error: Wrong | None = None
        self._done: Deferred[None] = Deferred()

    def take(self, payload: Any) -> None:
        """Take the next message's payload."""
        received = self.received
        if payload["n"] != received:
            self.fail(f"expected message {received}, got message {payload['n']}")
        self.received = received = received + 1
        if received == self.count and self._error is None:
            self._done.callback(None)

    def wait(self, clock: IReactorTime, seconds: float = PATIENCE) -> Deferred[None]:
        """Wait for the last message.

        :return: a Deferred of None; it fails with :exc:`Wrong`.
        """
        return self._done.addTimeout(seconds, clock).addErrback(self._incomplete)

    def check(self) -> None:
        """Check once more, when nothing else can come.

        :raises Wrong: something did come, or something was wrong before.
        """
        if self._error is None and self.received != self.count:
            self._error = Wrong(f"expected {self.count} messages, got {self.received}")
        if self._error is not None:
            raise self._error

    def fail(self, why: str) -> None:
        """Something is wrong; what was wrong first counts."""
        if self._error is None:
            self._error = Wrong(why)
            if not self._done.called:
                self._done.errback(self._error)

    def _incomplete(self, failure: Failure) -> None:
        failure.trap(TimeoutError, Wrong)
        self.check()
