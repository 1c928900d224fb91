"""Which channel a topic gets, and how it is made.

A channel is made by its class, or by any callable that takes what the class takes, and
so can hand over what a channel needs besides::

    SocketClient(url, topic_channel_map={"rooms:*": functools.partial(Room, db=db)})

Such a callable is the user's code: what it raises or returns is looked at here.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from ..errors import ConfigurationError
from ..options.channel_kinds import AnyChannel, ChannelFactory
from ..options.options import Options
from .channel import Channel, manager_of
from .echo_room import EchoRoom
from .membership import Holder

__all__ = ["find_factory", "make_channel"]


def find_factory(
    topic: str, options: Options
) -> tuple[str, ChannelFactory[AnyChannel]]:
    """What makes the channel of a topic for which nothing else is given.

    That is what ``topic_channel_map`` has for the topic, or for its longest beginning,
    or else ``default_channel_class``.

    :return: how an error names it, and the factory.
    """
    factories = options.topic_channel_map
    found = topic if topic in factories else None
    if found is None:
        for pattern in factories:
            prefix = pattern[:-1]
            if (
                pattern.endswith("*")
                and topic.startswith(prefix)
                and (found is None or len(pattern) > len(found))
            ):
                found = pattern
    if found is not None:
        return f"topic_channel_map[{found!r}]", factories[found]
    return "default_channel_class", options.default_channel_class or EchoRoom


def make_channel(
    name: str,
    factory: ChannelFactory[AnyChannel],
    topic: str,
    params: Any,
    manager: Holder[Channel],
) -> Channel:
    """Make a channel.

    What the factory raises is passed on.

    :param name: how an error names the factory.
    :raises ConfigurationError: what the factory returns is no channel, or not one of
        this topic and this client.
    """
    channel = factory(topic, params, manager)
    if not isinstance(channel, Channel):
        if iscoroutine(channel):
            # It is never awaited, which is no news beside the error.
            channel.close()
        kind = (
            "None" if channel is None else f"a value of type {type(channel).__name__}"
        )
        raise ConfigurationError(f"{name} must return a txphoenix.Channel, not {kind}")
    if manager_of(channel) is not manager or channel.topic != topic:
        raise ConfigurationError(
            f"{name} must hand topic, params and manager on to the channel that it"
            f" makes: this {type(channel).__name__} is not the one of {topic!r}"
        )
    return channel
