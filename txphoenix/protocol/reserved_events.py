"""The events that are the protocol's own, and what to call instead of using them."""

from __future__ import annotations

from typing import Final

from ..errors import ConfigurationError
from ..legible import legible
from .event_names import PHX_CLOSE, PHX_ERROR, PHX_JOIN, PHX_LEAVE, PHX_REPLY

__all__ = ["NOT_PUSHED", "check_event", "check_hooked", "check_pushed", "not_pushed"]

_INSTEAD_OF_HOOKS: Final = {
    PHX_JOIN: "the Deferred that join() returns, or handle_join() of a class",
    PHX_LEAVE: "on_close()",
    PHX_REPLY: "the Deferred that push() returns",
    PHX_CLOSE: "on_close()",
    PHX_ERROR: "on_error()",
}

NOT_PUSHED: Final = {
    PHX_JOIN: "call join()",
    PHX_LEAVE: "call leave()",
    PHX_REPLY: "only a server replies",
    PHX_CLOSE: "only a server sends it; call leave()",
    PHX_ERROR: "only a server sends it",
}
"""The events that are no pushes, each with what to do instead."""


def check_event(event: object) -> None:
    """Check that an event is a text.

    :raises ConfigurationError: it is not.
    """
    if not isinstance(event, str):
        raise ConfigurationError(f"an event must be a str, not {legible(event)}")


def check_hooked(event: object) -> None:
    """Check that hooks of an event can be called.

    :raises ConfigurationError: it is no text, or none that a hook is called for.
    """
    check_event(event)
    instead = _INSTEAD_OF_HOOKS.get(str(event))
    if instead is not None:
        raise ConfigurationError(
            f"{event} is the protocol's own and has no hooks: use {instead}"
        )


def check_pushed(event: object) -> None:
    """Check that an event can be pushed.

    :raises ConfigurationError: it is no text, or one of :data:`NOT_PUSHED`.
    """
    try:
        is_reserved = event in NOT_PUSHED
    except TypeError:
        # It is something that no dict can hold.
        is_reserved = True
    if is_reserved:
        raise not_pushed(event)


def not_pushed(event: object) -> ConfigurationError:
    """The error of a push of one of :data:`NOT_PUSHED`, or of no text at all."""
    if not isinstance(event, str):
        return ConfigurationError(f"an event must be a str, not {legible(event)}")
    return ConfigurationError(
        f"{event} is the protocol's own and cannot be pushed: {NOT_PUSHED[event]}"
    )
