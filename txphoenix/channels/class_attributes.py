"""What a class of channels says in its body: ``restart`` and ``presence_events``."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..legible import legible
from .interfaces import ChannelCallbacks
from .messages import look_for
from .presence_history import check_events

__all__ = ["check_attributes", "check_class"]

_RESTARTS = ("permanent", "transient", "temporary")


def check_class(cls: type[ChannelCallbacks]) -> tuple[str, str]:
    """Check what a class of channels says, and have its events looked for.

    :return: its ``presence_events``.
    :raises ConfigurationError: one of the two is wrong.
    """
    if cls.restart not in _RESTARTS:
        raise _wrong_restart(cls.restart, cls.__qualname__)
    events = check_events(cls.__name__, cls.presence_events)
    look_for(events)
    return events


def check_attributes(channel: ChannelCallbacks) -> None:
    """Check what may have been set of a channel that is about to join.

    :raises ConfigurationError: ``restart`` is none, or ``presence_events`` are the
        channel's own, which nobody would look at.
    """
    if channel.restart not in _RESTARTS:
        raise _wrong_restart(channel.restart, "this channel")
    if channel.presence_events is not type(channel).presence_events:
        raise ConfigurationError(
            "presence_events of a channel is that of its class: define it in a subclass"
            f" of {type(channel).__name__}, and not as an attribute of the channel"
        )


def _wrong_restart(restart: object, owner: str) -> ConfigurationError:
    return ConfigurationError(
        f"restart of {owner} must be 'permanent', 'transient' or 'temporary', not"
        f" {legible(restart)}"
    )
