"""The WebSocket's compression: what is offered, which answer is taken (RFC 7692)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

from ..errors import HandshakeRefused

__all__ = ["accepts", "answers_offer", "offered"]


def offered(is_wanted: bool) -> list[PerMessageDeflateOffer]:
    """What a handshake offers."""
    return [PerMessageDeflateOffer()] if is_wanted else []


def accepts(is_wanted: bool) -> Callable[[Any], Any]:
    """What decides over the server's answer, for Autobahn."""
    return _accept if is_wanted else _refuse


def _refuse(_response: Any) -> None:
    """Take no compression that was not offered."""


def _accept(response: Any) -> PerMessageDeflateResponseAccept | None:
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


def answers_offer(reason: Exception) -> bool:
    """Whether a handshake has failed whose answer speaks of extensions.

    It need not be for that that it has failed, but without an offer it cannot be.
    """
    return (
        isinstance(reason, HandshakeRefused)
        and reason.status == 101
        and "sec-websocket-extensions" in reason.headers
    )
