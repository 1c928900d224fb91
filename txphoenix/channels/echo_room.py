"""The channel of topics for which no class is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.message import Message
from ..runtime.hooks import Hooks
from ..runtime.remover import Remover
from .channel import Channel

__all__ = ["EchoRoom"]


class EchoRoom(Channel):
    """The channel that is used where no other class is named.

    It keeps each message for :meth:`receive`, or forwards it whole to who asked
    for it with :meth:`forward_to`.
    """

    _forwards: Hooks | None = None

    def forward_to(self, function: Callable[[Message], Any]) -> Remover:
        """Have each :class:`Message` that no hook takes given to ``function``.

        It is then not kept for :meth:`receive`.

        :return: a function that stops it.
        """
        if self._forwards is None:
            self._forwards = Hooks()
        return self._forwards.add(function)

    def handle_message(self, message: Message) -> Any:
        """Forward the message, or keep it."""
        if self._forwards:
            self._forwards.call(message, called=("forward_to", self.topic))
            return None
        return super().handle_message(message)
