"""What the client inside makes channels by: the insides of the user's channels."""

from __future__ import annotations

from contextlib import suppress
from functools import update_wrapper
from inspect import iscoroutinefunction, signature
from typing import Any

from txphoenix import ConfigurationError

from .calls import Asked
from .channel import Channel
from .inside import Inside, Maker

__all__ = ["factory_of"]


def factory_of(name: str, given: Any, maker: Maker) -> Any:
    """What makes the insides of channels.

    :param name: how an error names what the user has given.
    :param given: a class of channels, or a callable that makes one; what is neither
        stays as it is, for the client inside to refuse.
    :param maker: what the channels belong to.
    :raises ConfigurationError: it is a class of other channels.
    """
    if isinstance(given, type):
        if not issubclass(given, Channel):
            found = f"{given.__module__}.{given.__qualname__}"
            raise ConfigurationError(
                f"{name} must be a subclass of txphoenix.aio.Channel, which {found} is"
                " not"
            )
    elif not callable(given) or iscoroutinefunction(given):
        return given

    def make(topic: str, params: Any, _manager: object) -> Inside:
        if callable(params) and not isinstance(params, Asked):
            # The library's own, over that of the user.
            params = Asked(params)
        channel = given(topic, params, maker)
        if not isinstance(channel, Channel):
            raise ConfigurationError(
                f"{name} must return a txphoenix.aio.Channel, not a value of type"
                f" {type(channel).__name__}"
            )
        return channel._inner

    called: Any = update_wrapper(make, given)
    if getattr(given, "__init__", None) is not Channel.__init__:
        # The client inside looks whether it takes what it is given.
        with suppress(TypeError, ValueError):
            called.__signature__ = signature(given, follow_wrapped=False)
    return called
