"""The events of one channel whose payloads are decoded, and their hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .event_hooks import EventHooks

__all__ = ["DecodedEvents", "Decoder", "Decoders"]

Decoder: TypeAlias = Callable[[Any], Any]
"""Takes a payload, and returns what it stands for."""

Decoders: TypeAlias = Mapping[str, Decoder]
"""Event -> its decoder."""


class DecodedEvents:
    """The decoders of one channel's events, and the hooks of these events.

    Such hooks are kept apart, so that they are no short way past the decoder.

    :param decoders: event -> decoder.
    """

    __slots__ = ("decoders", "hooks")

    def __init__(self, decoders: Decoders) -> None:
        self.decoders = decoders
        self.hooks = EventHooks()
