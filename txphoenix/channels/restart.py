"""What may follow a crash of a channel: the values of ``restart``."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..legible import legible

__all__ = ["check_restart"]

_RESTARTS = ("permanent", "transient", "temporary")


def check_restart(restart: object, owner: str) -> None:
    """Check what follows a crash.

    :param owner: what an error calls the class of channels, or the channel.
    :raises ConfigurationError: there is no such ``restart``.
    """
    if restart not in _RESTARTS:
        raise ConfigurationError(
            f"restart of {owner} must be 'permanent', 'transient' or 'temporary', not"
            f" {legible(restart)}"
        )
