"""What a user's hooks must take and answer, and the errors of those that do not.

A crash on purpose is part of a test, a wrong answer never is: it is a fault of the test
itself, which would otherwise pass for another reason than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import getattr_static, iscoroutine, isfunction, signature
from typing import Any

__all__ = [
    "WrongAnswer",
    "check_channels",
    "check_connect",
    "run_at_once",
    "socket_id",
]

# The methods of a channel that the server calls, and what stands for their arguments.
_METHODS: dict[str, dict[str, object]] = {
    "join": {"params": {}},
    "after_join": {},
    "handle_in": {"event": "", "payload": {}},
    "terminate": {"reason": ""},
}


class WrongAnswer(TypeError):
    """A hook has answered what means nothing; it says what was expected."""


def check_connect(connect: object) -> None:
    """Check what decides on a client's connecting.

    :raises TypeError: it cannot be called with the params and the socket.
    """
    if connect is None:
        return
    if not callable(connect):
        raise TypeError(
            f"connect must be a callable of params and socket, not {_shown(connect)}"
        )
    _check_takes("connect", connect, {"params": {}, "socket": None})


def check_channels(channels: Mapping[str, object]) -> None:
    """Check the classes of a socket's channels.

    :raises TypeError: one is no class, or one of its methods cannot be called as the
        server calls it.
    """
    for pattern, channel_class in channels.items():
        if not callable(channel_class):
            raise TypeError(
                f"channels[{pattern!r}] must be a subclass of ServerChannel, "
                f"not {_shown(channel_class)}"
            )
        for name, arguments in _METHODS.items():
            method = getattr_static(channel_class, name, None)
            if isinstance(channel_class, type) and isfunction(method):
                where = f"{channel_class.__qualname__}.{name}"
                _check_takes(where, method, {"self": None, **arguments})


def _check_takes(
    name: str, function: Callable[..., object], arguments: Mapping[str, object]
) -> None:
    try:
        # What a decorator wraps may take more than the decorator itself.
        called = signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        # Not all that is written in C can be looked at.
        return
    try:
        called.bind(*arguments.values())
    except TypeError as fault:
        raise TypeError(f"{name} must take ({', '.join(arguments)}): {fault}") from None


def socket_id(answer: object) -> str | None:
    """The id that ``connect`` has answered.

    :raises WrongAnswer: it is none; Phoenix's ``id/1`` must return a string or ``nil``
        as well.
    """
    if answer is None or isinstance(answer, str):
        return answer
    raise WrongAnswer(
        "connect must return the socket's id, a str, or None, and raise Refused to "
        f"refuse; it returned {_shown(answer)}"
    )


def run_at_once(name: str, hook: Callable[..., object], *args: Any) -> None:
    """Call a hook that nobody waits for.

    :param name: what the error calls it.
    :raises WrongAnswer: it is an ``async def``, of which nothing has run.
    """
    answer = hook(*args)
    if iscoroutine(answer):
        answer.close()
        raise WrongAnswer(
            f"{name} must not be an async def: nobody waits for it, and nothing of it "
            "has run"
        )


def _shown(value: object) -> str:
    # Not the value: it may be what a test calls secret, and long.
    return (
        repr(value)
        if isinstance(value, bool)
        else f"a value of type {type(value).__name__}"
    )
