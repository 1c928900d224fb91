"""The channel of Twisted's world that is inside of each channel of asyncio's.

It hands what the library calls to the channel that users hold.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import Any, cast

import txphoenix
from txphoenix import AlreadyJoined, Message

from .calls import Calls

__all__ = ["Inside", "Maker", "inside_class", "outward"]


class Maker:
    """What the channels of one client are made by, and belong to.

    :param calls: how the functions of the client's user are called.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.manager: Any = None
        """That of the client inside, once it is made."""


class Inside(txphoenix.Channel):
    """A channel that is another's inside."""

    def wear(self, outer: Any, calls: Calls) -> None:
        """Be the inside of a channel.

        :param outer: what users hold: a :class:`txphoenix.aio.Channel`.
        :param calls: how its methods are called.
        """
        self.outer = outer
        self._calls = calls
        self._context = copy_context()

    def init(self, params: Any) -> Any:
        """Begin anew."""
        return self._calls.run(self._context, self.outer.init, params)

    def handle_join(self, response: Any) -> Any:
        """Be joined."""
        return self._calls.run(self._context, self.outer.handle_join, response)

    def handle_message(self, message: Message) -> Any:
        """Take a message that no hook takes."""
        return self._calls.run(self._context, self.outer.handle_message, message)

    def handle_close(self, reason: object) -> Any:
        """Be closed."""
        return self._calls.run(self._context, self.outer.handle_close, reason)

    def keep(self, message: Message) -> None:
        """Keep a message for ``receive()``."""
        super().handle_message(message)


def inside_class(
    outer: type, restart: str, presence_events: tuple[str, str]
) -> type[Inside]:
    """Make the class of the insides of a class of channels.

    It has the name of that, for the log.

    :param restart: what the class says in its body, which is checked here.
    :param presence_events: the same.
    """
    made = type(
        outer.__name__,
        (Inside,),
        {
            "__doc__": outer.__doc__,
            "__module__": outer.__module__,
            "__qualname__": outer.__qualname__,
            "presence_events": presence_events,
            "restart": restart,
        },
    )
    return cast("type[Inside]", made)


def outward(error: AlreadyJoined) -> None:
    """Let an error have the channel that users hold."""
    if isinstance(error.channel, Inside):
        error.channel = error.channel.outer
