"""Who is on a channel, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import txphoenix
from txphoenix import ConfigurationError
from txphoenix.interfaces import Remover

from .channel import Channel

__all__ = ["Presence"]


class Presence(txphoenix.Presence):
    """The presences of one channel; its hooks may be coroutine functions.

    All else is as with :class:`txphoenix.Presence`: ``state``, ``synced``, ``list()``
    and ``stop()``.

    :param channel: a :class:`txphoenix.aio.Channel`.
    :param state_event: the event that brings the whole list; by default the channel's.
    :param diff_event: the event that brings a change; by default the channel's.
    :raises ConfigurationError: that is no channel, or the two events are the same.
    """

    def __init__(
        self,
        channel: Channel,
        state_event: str | None = None,
        diff_event: str | None = None,
    ) -> None:
        if not isinstance(channel, Channel):
            raise ConfigurationError(
                "a txphoenix.aio.Presence is that of a txphoenix.aio.Channel, not of"
                f" a value of type {type(channel).__name__}"
            )
        self._calls = channel._calls
        super().__init__(channel.twisted, state_event, diff_event)

    def on_join(self, hook: Callable[[str, Any, Any], Any]) -> Remover:
        """Have ``hook(key, current, new)`` called for each key with new metas."""
        return super().on_join(self._calls.of(hook))

    def on_leave(self, hook: Callable[[str, Any, Any], Any]) -> Remover:
        """Have ``hook(key, current, left)`` called for each key with lost metas."""
        return super().on_leave(self._calls.of(hook))

    def on_sync(self, hook: Callable[[], Any]) -> Remover:
        """Have ``hook()`` called after each state and each diff, when all is told."""
        return super().on_sync(self._calls.of(hook))
