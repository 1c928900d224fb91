"""The hooks of one channel: of its events, of what interrupts it, and of its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..runtime.hooks import Hooks
from ..runtime.remover import Remover
from .event_hooks import EventHooks

__all__ = ["NO_HOOKS", "ChannelHooks"]


class ChannelHooks(EventHooks):
    """The hooks of its events, by event, and beside them those of the channel itself.

    It is the dict of its events itself, for one look into it is the whole way of most
    messages.
    """

    __slots__ = ("_closes", "_errors")

    def __init__(self) -> None:
        super().__init__()
        self._errors: Hooks | None = None
        self._closes: Hooks | None = None

    def add_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook for what interrupts the channel.

        :return: a function that removes it.
        """
        if self._errors is None:
            self._errors = Hooks()
        return self._errors.add(function)

    def add_close(self, function: Callable[[object], Any]) -> Remover:
        """Add a hook for the end of the channel.

        :return: a function that removes it.
        """
        if self._closes is None:
            self._closes = Hooks()
        return self._closes.add(function)

    def tell_error(self, error: BaseException, topic: str) -> None:
        """Tell those of what interrupts the channel of a topic."""
        if self._errors is not None:
            self._errors.call(error, called=("on_error", topic))

    def tell_close(self, reason: object, topic: str) -> None:
        """Tell those of its end."""
        if self._closes is not None:
            self._closes.call(reason, called=("on_close", topic))


NO_HOOKS = ChannelHooks()
"""What a channel without hooks has; it stays empty."""
