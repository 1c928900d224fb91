"""The hooks of one channel: of its events, of what interrupts it, and of its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..runtime.hooks import Hooks
from ..runtime.remover import Remover
from .decoded_events import DecodedEvents, Decoders
from .event_hooks import EventHooks

__all__ = ["NO_HOOKS", "ChannelHooks"]


class ChannelHooks(EventHooks):
    """The hooks of its events, by event, and beside them those of the channel itself.

    It is the dict of its events itself, for one look into it is the whole way of most
    messages.
    """

    __slots__ = ("_closes", "_errors", "decoded", "undecoded")

    def __init__(self) -> None:
        super().__init__()
        self.decoded: DecodedEvents | None = None
        """The events that have a decoder; None for none."""
        self.undecoded = 0
        """How many payloads a decoder has not taken."""
        self._errors: Hooks | None = None
        self._closes: Hooks | None = None

    def decode(self, decoders: Decoders) -> None:
        """Have events decoded from now on, beside those that are."""
        known = {} if self.decoded is None else self.decoded.decoders
        made = DecodedEvents({**known, **decoders})
        if self.decoded is not None:
            made.hooks.update(self.decoded.hooks)
        self.decoded = made
        for event in decoders:
            if event in self:
                made.hooks[event] = self.pop(event)

    def add(
        self,
        event: str,
        given: Any,
        wrap: Callable[[Callable[[Any], Any]], Callable[[Any], Any]] | None = None,
    ) -> Remover:
        """Add a hook for ``event``; see :meth:`.EventHooks.add`."""
        decoded = self.decoded
        if decoded is None or event not in decoded.decoders:
            return super().add(event, given, wrap)
        decoded.hooks.add(event, given, wrap)
        entry = decoded.hooks[event][-1]
        return partial(self._keep, event, lambda each: each is not entry)

    def _keep(self, event: str, wanted: Callable[[Any], bool]) -> None:
        super()._keep(event, wanted)
        if self.decoded is not None:
            self.decoded.hooks._keep(event, wanted)

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
