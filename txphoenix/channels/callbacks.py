"""How a callback of a channel's class is called: what it raises is a crash.

What follows the crash is for :mod:`txphoenix.channels.supervision` to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..runtime.hooks import as_deferred
from ..runtime.package_log import package_log

__all__ = ["FAILED", "Attempts", "CallingMember", "run_callback"]

log = Logger("txphoenix.channel", observer=package_log)

FAILED = object()
"""What a callback has come to that failed after it had returned."""


class Attempts(Protocol):
    """The joins of a channel, as what is called in one of them knows them."""

    @property
    def attempt(self) -> int:
        """Counts the joins and their ends."""

    @property
    def is_initialised(self) -> bool:
        """Whether :meth:`txphoenix.Channel.init` is done for the join."""

    def is_past(self, attempt: int) -> bool:
        """Whether an attempt to join is not the present one any more."""


class CallingMember(Protocol):
    """A channel's inside, as far as a callback may crash it."""

    @property
    def channel(self) -> object:
        """The channel, for the log."""

    @property
    def joins(self) -> Attempts:
        """In which attempt to join it is."""

    def crashed(self, failure: Failure, attempt: int) -> None:
        """A callback has raised that was called in an attempt to join."""


def run_callback(
    membership: CallingMember, callback: Callable[..., Any], *args: Any
) -> Deferred[Any] | bool:
    """Call a callback of the subclass; an exception is a crash.

    :return: whether it did not fail; if it is still at work, a Deferred, which
        fires with :data:`FAILED` once it has.
    """
    attempt = membership.joins.attempt
    try:
        result = callback(*args)
        later = None if result is None else as_deferred(result)
    # What is no Exception, such as asyncio's CancelledError, is a crash as well.
    except BaseException:
        membership.crashed(Failure(), attempt)
        return False
    if later is None:
        return True
    return later.addErrback(_failed_later, membership, attempt)


def _failed_later(failure: Failure, membership: CallingMember, attempt: int) -> object:
    joins = membership.joins
    # Who cancels what a callback waits for means it to end.
    # But without init() there will be no join.
    if failure.check(CancelledError) and (
        joins.is_initialised or joins.is_past(attempt)
    ):
        log.debug("{channel!r}: a callback was cancelled", channel=membership.channel)
    else:
        membership.crashed(failure, attempt)
    return FAILED
