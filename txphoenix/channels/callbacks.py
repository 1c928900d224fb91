"""How a callback of a channel's class is called: what it raises is a crash.

What follows the crash is for :mod:`txphoenix.channels.supervision` to say.
"""

from __future__ import annotations

from collections.abc import Callable
from traceback import extract_tb
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..runtime.hooks import as_deferred
from ..runtime.package_log import package_log

__all__ = [
    "FAILED",
    "Attempts",
    "CallingMember",
    "Crash",
    "raised_in",
    "run_callback",
]

log = Logger("txphoenix.channel", observer=package_log)

FAILED = object()
"""What a callback has come to that failed after it had returned."""


class Crash(NamedTuple):
    """What a callback has raised, at once or later."""

    failure: Failure
    """The exception."""

    attempt: int
    """The number of the attempt to join in which it was called."""

    callback: str
    """The callback's name."""


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

    def crashed(self, crash: Crash) -> None:
        """A callback has raised."""


def raised_in(error: BaseException) -> str:
    """The name of the function that has raised an error."""
    frames = extract_tb(error.__traceback__, -1)
    return frames[0].name if frames else ""


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
        membership.crashed(_crash(Failure(), attempt, callback))
        return False
    if later is None:
        return True
    return later.addErrback(_failed_later, membership, attempt, callback)


def _failed_later(
    failure: Failure,
    membership: CallingMember,
    attempt: int,
    callback: Callable[..., Any],
) -> object:
    joins = membership.joins
    # Who cancels what a callback waits for means it to end.
    # But without init() there will be no join.
    if failure.check(CancelledError) and (
        joins.is_initialised or joins.is_past(attempt)
    ):
        log.debug("{channel!r}: a callback was cancelled", channel=membership.channel)
    else:
        membership.crashed(_crash(failure, attempt, callback))
    return FAILED


def _crash(failure: Failure, attempt: int, callback: Callable[..., Any]) -> Crash:
    name = getattr(callback, "__name__", type(callback).__name__)
    # handle_message() hands on to handle_in(), which is what most classes have.
    if name == "handle_message" and "handle_in" in (each[0] for each in failure.frames):
        name = "handle_in"
    return Crash(failure, attempt, str(name))
