"""What a class of channels says in its body, and what it must not hide there."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import getattr_static, isdatadescriptor

from ..errors import ConfigurationError
from ..legible import legible
from .decoding import check_decoders
from .interfaces import ChannelCallbacks
from .messages import look_for
from .presence_history import USUAL_EVENTS, check_events

__all__ = ["check_attributes", "check_class", "keep_properties"]

_RESTARTS = ("permanent", "transient", "temporary")


def check_class(cls: type[ChannelCallbacks]) -> tuple[str, str]:
    """Check what a class of channels says, and have its events looked for.

    :return: its ``presence_events``.
    :raises ConfigurationError: one of them is wrong.
    """
    if cls.restart not in _RESTARTS:
        raise _wrong_restart(cls.restart, cls.__qualname__)
    events = check_events(cls.__name__, cls.presence_events)
    check_decoders(f"decoders of {cls.__qualname__}", cls.decoders, events)
    look_for(events)
    return events


def keep_properties(cls: type, owner: type, names: Iterable[str]) -> None:
    """Have what a class says in its body, or one that is mixed in, hide no property.

    A channel's own value comes before a value of its class, as that of an attribute
    does; a property of the class's own is left, as it comes before attributes too.

    :param owner: the class that has the properties.
    """
    for name in names:
        if not isdatadescriptor(getattr_static(cls, name)):
            setattr(cls, name, getattr_static(owner, name))


def check_attributes(channel: ChannelCallbacks) -> None:
    """Check what may have been set of a channel that is about to join.

    :raises ConfigurationError: ``restart`` is none, or ``presence_events`` are the
        channel's own, which nobody would look at, or its ``decoders`` are.
    """
    if channel.restart not in _RESTARTS:
        raise _wrong_restart(channel.restart, "this channel")
    if channel.presence_events is not type(channel).presence_events:
        raise ConfigurationError(
            "presence_events of a channel is that of its class: define it in a subclass"
            f" of {type(channel).__name__}, and not as an attribute of the channel"
        )
    if channel.presence_events is not USUAL_EVENTS:
        # They may have been set of a class that was there already.
        look_for(check_events(type(channel).__name__, channel.presence_events))
    if channel.decoders is not type(channel).decoders:
        raise ConfigurationError(
            "decoders of a channel are those of its class, and those that it is made"
            " with: client.channel(topic, params, decoders=...)"
        )


def _wrong_restart(restart: object, owner: str) -> ConfigurationError:
    return ConfigurationError(
        f"restart of {owner} must be 'permanent', 'transient' or 'temporary', not"
        f" {legible(restart)}"
    )
