"""The channel of Twisted's world that is inside of each channel of asyncio's.

It hands what the library calls to the channel that users hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import copy_context
from functools import wraps
from typing import Any, ClassVar, cast

import txphoenix
from txphoenix import AlreadyJoined, Message
from txphoenix.interfaces import Decoders

from .calls import Calls

__all__ = ["Inside", "Maker", "inside_class", "outward", "said_by"]


class Maker:
    """What the channels of one client are made by, and belong to.

    :param calls: how the functions of the client's user are called.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.manager: Any = None
        """That of the client inside, once it is made."""


class Inside(txphoenix.Channel):
    """A channel that is another's inside.

    :cvar said: what the other's class said when this one's was made.
    """

    said: ClassVar[tuple[Any, ...]]

    def wear(self, outer: Any, calls: Calls) -> None:
        """Be the inside of a channel.

        :param outer: what users hold: a :class:`txphoenix.aio.Channel`.
        :param calls: how its methods are called.
        """
        self.outer = outer
        self._calls = calls
        self._context = copy_context()

    def decode_by(self, decoders: Decoders) -> None:
        """Have events decoded that the class does not name, or otherwise."""
        self._decode_by(decoders)

    def init(self, params: Any) -> Any:
        """Begin anew."""
        return self._calls.run(self._context, self.outer.init, params)

    def handle_join(self, response: Any) -> Any:
        """Be joined."""
        return self._calls.run(self._context, self.outer.handle_join, response)

    def keep(self, message: Message) -> None:
        """Keep a message for ``receive()``."""
        txphoenix.Channel.handle_message(self, message)


def _handle_in(self: Inside, event: str, payload: Any) -> Any:
    return self._calls.run(self._context, self.outer.handle_in, event, payload)


def _handle_message(self: Inside, message: Message) -> Any:
    return self._calls.run(self._context, self.outer.handle_message, message)


def _closing(given: Any) -> Any:
    """A ``handle_close()``, which the log names as that of the user's class."""

    @wraps(given)
    def handle_close(self: Inside, reason: object) -> Any:
        return self._calls.run(self._context, self.outer.handle_close, reason)

    return handle_close


_TAKING = {"handle_in": _handle_in, "handle_message": _handle_message}


def inside_class(outer: Any, overridden: Iterable[str] = ()) -> type[Inside]:
    """Make the class of the insides of a class of channels.

    It has the name of that, for the log, and what that says in its body, which is
    checked here.

    :param overridden: which of the methods that take messages are the class's own: the
        others are the library's here, too.
    """
    made = type(
        outer.__name__,
        (Inside,),
        {
            "__doc__": outer.__doc__,
            "__module__": outer.__module__,
            "__qualname__": outer.__qualname__,
            "handle_close": _closing(outer.handle_close),
            "decoders": outer.decoders,
            "presence_events": outer.presence_events,
            "restart": outer.restart,
            "said": said_by(outer),
            **{name: _TAKING[name] for name in overridden},
        },
    )
    return cast("type[Inside]", made)


def said_by(outer: Any) -> tuple[Any, ...]:
    """What a class of channels says in its body that its insides have to say too."""
    return outer.decoders, outer.presence_events, outer.restart


def outward(error: AlreadyJoined) -> None:
    """Let an error have the channel that users hold."""
    if isinstance(error.channel, Inside):
        error.channel = error.channel.outer
