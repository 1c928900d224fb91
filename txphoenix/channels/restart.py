"""What may follow a crash of a channel: the values of ``restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..legible import legible

if TYPE_CHECKING:
    from .channel import Channel

__all__ = ["check_restart"]

_RESTARTS = ("permanent", "transient", "temporary")


def check_restart(owner: type[Channel] | Channel, name: str) -> None:
    """Check what follows a crash.

    :param owner: a class of channels, or a channel.
    :param name: what an error calls it.
    :raises ConfigurationError: there is no such ``restart``.
    """
    if owner.restart not in _RESTARTS:
        raise ConfigurationError(
            f"restart of {name} must be 'permanent', 'transient' or 'temporary', not"
            f" {legible(owner.restart)}"
        )
