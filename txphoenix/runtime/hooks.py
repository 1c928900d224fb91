"""Lists of functions that are called when something happens.

A hook belongs to the user, and its faults must not reach the client: an
exception of a hook is logged, and the next hook is called all the same.
The log names the function, and for what it was called: an event of a topic, or the kind
of hook that it is of a topic or a client.
A hook may be an ``async def``; it is started at once and what it raises later
is logged too.
That it was cut short, by the end of a channel or a connection, is one line and no
traceback: it is no fault of the hook.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..errors import ChannelClosed, ConnectionFailed, NotConnected, PushInterrupted
from ..legible import legible
from .callable_names import qualified_name
from .package_log import package_log
from .remover import Remover

__all__ = [
    "ENDINGS",
    "Called",
    "Entries",
    "Hooks",
    "added_hook",
    "as_deferred",
    "ask",
    "call_hook",
    "call_hooks",
    "log_hook_failure",
    "watch_hook",
]

log = Logger("txphoenix.hooks", observer=package_log)

ENDINGS = (PushInterrupted, ChannelClosed, NotConnected, ConnectionFailed)
"""What code under way is told by when its channel or its connection ends."""


Called = tuple[str, object]
"""For what a hook is called, for the log.

The event, or the kind of hook, such as ``"on_open"``; then the topic, or what has the
client's name as its text.
"""


def call_hook(
    function: Callable[..., Any], *args: Any, called: Called | None = None
) -> None:
    """Call one hook; log what it raises, now or later.

    :param called: for what it is called.
    """
    try:
        result = function(*args)
        if result is not None:
            watch_hook(result, function, called)
    except BaseException:
        log_hook_failure(function, called)


def watch_hook(
    result: Any, function: Callable[..., Any], called: Called | None = None
) -> None:
    """See to it that what a hook raises later is logged."""
    later = as_deferred(result)
    if later is not None:
        later.addErrback(_log_failure, function, called)


def log_hook_failure(
    function: Callable[..., Any], called: Called | None = None
) -> None:
    """Log the exception that a hook has just raised."""
    _log_failure(Failure(), function, called)


def as_deferred(result: Any) -> Deferred[Any] | None:
    """See whether a function's result comes later.

    :return: a Deferred of the result, or ``None`` for a result that is here.
    """
    if isinstance(result, Deferred):
        return result
    if isawaitable(result):
        return ensureDeferred(_wait_for(result))
    return None


async def ask(function: Callable[[], Any]) -> Any:
    """Call a function and wait for its result, where that comes later."""
    answer = function()
    later = as_deferred(answer)
    return answer if later is None else await later


async def _wait_for(awaitable: Any) -> Any:
    """Turn any awaitable into a coroutine."""
    return await awaitable


def _log_failure(
    failure: Failure, function: Callable[..., Any], called: Called | None
) -> None:
    told: dict[str, Any] = {"hook": function, "callback": qualified_name(function)}
    whose = what = ""
    if called is not None:
        event, owner = called
        told["event"] = event
        told["topic" if isinstance(owner, str) else "client"] = str(owner)
        whose, what = f"{owner}: ", f" for {event}"
    if failure.check(PushInterrupted, CancelledError):
        # A stop, or a lost connection, is nothing that the hook could have known.
        level = LogLevel.info
    elif failure.check(*ENDINGS):
        # This may be the same, or a push to a channel that was never joined.
        level = LogLevel.warn
    else:
        text = "{whose}hook {callback}{what} raised"
        log.failure(text, failure, LogLevel.error, whose=whose, what=what, **told)
        return
    log.emit(
        level,
        "{whose}hook {callback}{what} ended early: {reason}",
        whose=whose,
        what=what,
        reason=legible(failure.value),
        error=failure.value,
        **told,
    )


Entries = tuple[tuple[Callable[..., Any]], ...]
"""The hooks of one kind.

The tuple is replaced, never changed, so that calling it needs no copy: a hook that adds
or removes hooks changes the next call.
Each entry is a tuple of its own, compared by identity: a function may be added twice,
and each remover takes away its own.
"""


def added_hook(owner: Any, kind: str, function: Callable[..., Any]) -> Remover:
    """Add a hook.

    :param owner: has the hooks.
    :param kind: which of its attributes is the :data:`Entries`.
    :return: a function that removes it; calling that again does nothing.
    :raises TypeError: ``function`` cannot be called.
    """
    if not callable(function):
        raise TypeError(f"a hook must be callable, not {legible(function)}")
    entry = (function,)
    setattr(owner, kind, (*getattr(owner, kind), entry))

    def remove() -> None:
        left = tuple(each for each in getattr(owner, kind) if each is not entry)
        setattr(owner, kind, left)

    return remove


def call_hooks(entries: Entries, *args: Any, called: Called | None = None) -> None:
    """Call each hook with ``args``, in the order they were added.

    :param called: for what they are called.
    """
    for (function,) in entries:
        call_hook(function, *args, called=called)


class Hooks:
    """The hooks of one kind, where that is an object of its own."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: Entries = ()
        """The hooks."""

    def __bool__(self) -> bool:
        return bool(self.entries)

    def add(self, function: Callable[..., Any]) -> Remover:
        """Add a hook; see :func:`added_hook`."""
        return added_hook(self, "entries", function)

    def call(self, *args: Any, called: Called | None = None) -> None:
        """Call each hook with ``args``; see :func:`call_hooks`."""
        call_hooks(self.entries, *args, called=called)
