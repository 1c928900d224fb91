"""How a callback of a channel's class is called: what it raises is a crash.

What follows the crash is for :mod:`txphoenix.channels.supervision` to say.
"""

from __future__ import annotations

from collections.abc import Callable
from traceback import extract_tb
from typing import Any, Final, NamedTuple, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..legible import legible
from ..protocol.message import Message
from ..runtime.callable_names import qualified_name
from ..runtime.hooks import as_deferred
from ..runtime.package_log import package_log

__all__ = [
    "FAILED",
    "Attempts",
    "Called",
    "CallingMember",
    "raised_in",
    "run_callback",
]

log = Logger("txphoenix.channel", observer=package_log)

# Where the handle_message() is that calls handle_in().
_CHANNEL_MODULE: Final = f"{__package__}.channel"

FAILED = object()
"""What a callback has come to that failed after it had returned."""


class Called(NamedTuple):
    """What was called, and of which class."""

    callback: str
    """``"init"``, ``"handle_join"``, ``"handle_in"`` or ``"handle_message"``."""
    event: str | None
    """The event of the message, where it was called for one."""
    channel_class: str
    """The qualified name of the channel's class."""
    attempt: int
    """The number of the attempt to join in which it was called."""

    def __str__(self) -> str:
        """The call, without what may be a secret."""
        event = "" if self.event is None else legible(self.event)
        return f"{self.channel_class}.{self.callback}({event})"


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
    def topic(self) -> str:
        """The channel's topic."""

    @property
    def joins(self) -> Attempts:
        """In which attempt to join it is."""

    def crashed(self, failure: Failure, called: Called) -> None:
        """A callback has raised that was called in an attempt to join."""


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
        called = _called(membership.channel, callback, _event(args), attempt)
        membership.crashed(Failure(), called)
        return False
    if later is None:
        return True
    # The event alone, for a message need not stay here as long as that takes.
    return later.addErrback(_failed_later, membership, attempt, callback, _event(args))


def _event(args: tuple[Any, ...]) -> str | None:
    """The event of the message that a callback is given, if it is given one."""
    return args[0].event if args and isinstance(args[0], Message) else None


def _called(
    channel: object, callback: object, event: str | None, attempt: int
) -> Called:
    """What was called, as a person names it.

    A message goes to ``handle_message()``, which gives it to ``handle_in()`` unless a
    class does something else with it.
    """
    name = "init"
    if event is not None:
        is_ours = getattr(callback, "__module__", None) == _CHANNEL_MODULE
        name = "handle_in" if is_ours else "handle_message"
    elif callback != getattr(channel, "init", None):
        name = "handle_join"
    return Called(name, event, qualified_name(type(channel)), attempt)


def _failed_later(
    failure: Failure,
    membership: CallingMember,
    attempt: int,
    callback: object,
    event: str | None,
) -> object:
    joins = membership.joins
    called = _called(membership.channel, callback, event, attempt)
    # Who cancels what a callback waits for means it to end.
    # But without init() there will be no join.
    if failure.check(CancelledError) and (
        joins.is_initialised or joins.is_past(attempt)
    ):
        log.debug(
            "{topic}: {call} was cancelled", topic=membership.topic, call=str(called)
        )
    else:
        membership.crashed(failure, called)
    return FAILED
