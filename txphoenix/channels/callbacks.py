"""How a callback of a channel's class is called: what it raises is a crash.

What follows the crash is the manager's to say; see :mod:`txphoenix.channels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..runtime.hooks import as_deferred
from ..runtime.package_log import package_log

if TYPE_CHECKING:
    from .membership import Membership

__all__ = ["FAILED", "run_callback"]

log = Logger("txphoenix.channel", observer=package_log)

FAILED = object()
"""What a callback has come to that failed after it had returned."""


def run_callback(
    membership: Membership, callback: Callable[..., Any], *args: Any
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
        membership.manager.supervision.crashed(membership, Failure(), attempt)
        return False
    if later is None:
        return True
    return later.addErrback(_failed_later, membership, attempt)


def _failed_later(failure: Failure, membership: Membership, attempt: int) -> object:
    joins = membership.joins
    # Who cancels what a callback waits for means it to end.
    # But without init() there will be no join.
    if failure.check(CancelledError) and (
        joins.is_initialised or joins.is_past(attempt)
    ):
        log.debug("{channel!r}: a callback was cancelled", channel=membership.channel)
    else:
        membership.manager.supervision.crashed(membership, failure, attempt)
    return FAILED
