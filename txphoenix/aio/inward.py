"""The options of a client for asyncio, as the client inside takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .channel import Channel
from .decisions import Decisions
from .factories import factory_of
from .inside import Maker

__all__ = ["inward"]

# Those that may be functions, whose answer may come later.
_SUPPLIED = ("url", "params", "headers", "default_channel_params")


def inward(
    options: dict[str, Any], maker: Maker, decisions: Decisions
) -> dict[str, Any]:
    """Options with functions of the user's and classes of channels, for Twisted.

    What is not what it must be stays as it is, for the client inside to refuse.

    :raises ConfigurationError: a class is one of other channels.
    """
    given, calls = dict(options), maker.calls
    for name in _SUPPLIED:
        if name in given:
            given[name] = calls.of(given[name])
    decisions.inward(given)
    named = given.get("join_channels")
    if isinstance(named, Mapping):
        given["join_channels"] = {
            topic: calls.of(params) for topic, params in named.items()
        }
    if "default_channel_class" in given:
        name = "default_channel_class"
        given[name] = factory_of(name, given[name] or Channel, maker)
    classes = given.get("topic_channel_map")
    if isinstance(classes, Mapping):
        given["topic_channel_map"] = {
            pattern: factory_of(f"topic_channel_map[{pattern!r}]", each, maker)
            for pattern, each in classes.items()
        }
    return given
