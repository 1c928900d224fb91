"""Which clients there are: each transport has its share of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["BARRED", "CHANNELS", "Seat", "seats", "topic_of"]

CHANNELS = 10
"""The channels of each client."""

BARRED = "/barred"
"""The path of a socket that has long-poll alone: a network without WebSockets."""


class Seat(NamedTuple):
    """A client's place.

    :ivar number: the client's number, and its proxy's.
    :ivar kind: what it is called in reports.
    :ivar transport: ``"websocket"`` or ``"longpoll"``.
    :ivar secure: whether there is TLS.
    :ivar falls_back: whether it falls back to long-poll.
    :ivar path: the socket's path.
    :ivar options: what other options it has.
    """

    number: int
    kind: str
    transport: str
    secure: bool
    falls_back: bool
    path: str
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return f"client {self.number} ({self.kind})"


_KINDS: tuple[tuple[str, str, bool, bool, str], ...] = (
    # Of ten clients.
    *[("WebSocket", "websocket", False, False, "/socket")] * 3,
    *[("WebSocket, TLS", "websocket", True, False, "/socket")] * 2,
    ("long-poll", "longpoll", False, False, "/socket"),
    ("long-poll, TLS", "longpoll", True, False, "/socket"),
    ("fallback", "websocket", False, True, "/socket"),
    ("fallback, TLS", "websocket", True, True, "/socket"),
    ("fallback, barred", "websocket", False, True, BARRED),
)


_DETOURS = {"fast_frames": False, "fast_http": False, "fast_tls": False}

_OPTIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    # Of fifty clients, ten each.
    ("", {}),
    ("", {}),
    ("", {}),
    (", compressed", {"compression": True}),
    (", without short ways", _DETOURS),
)


def seats(count: int) -> list[Seat]:
    """So many clients' places; of ten there is one of each kind, or more."""
    made = []
    for number in range(count):
        kind, transport, secure, falls_back, path = _KINDS[number % len(_KINDS)]
        more, options = _OPTIONS[number // len(_KINDS) % len(_OPTIONS)]
        made.append(
            Seat(number, kind + more, transport, secure, falls_back, path, options)
        )
    return made


def topic_of(client: int, channel: int) -> str:
    """The topic of a client's channel; no other client has it."""
    return f"soak:{client}:{channel}"
