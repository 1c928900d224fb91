"""The WebSocket close codes that the protocol gives a meaning of its own.

They are those of RFC 6455 section 7.4.1 and of IANA's registry; long-polling has no
close frames, and its ends are told by the same codes.
What each says to people is in :mod:`txphoenix.error_texts`.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "MESSAGE_TOO_BIG",
    "NORMAL",
    "NO_CLOSE_FRAME",
    "NO_CODE",
    "PROTOCOL_ERROR",
    "SERVICE_RESTART",
    "TRY_AGAIN_LATER",
    "is_sent_by_clients",
]

NORMAL: Final = 1000
"""What there was to do is done: the code of a close that names none."""

GOING_AWAY: Final = 1001
"""An endpoint goes away, as Phoenix does of a socket that it is told to disconnect."""

PROTOCOL_ERROR: Final = 1002
"""The other side does not keep to the protocol, or speaks another."""

NO_CODE: Final = 1005
"""There was a close frame without a code; this one is never sent."""

NO_CLOSE_FRAME: Final = 1006
"""The connection ended without a close frame; this one is never sent."""

MESSAGE_TOO_BIG: Final = 1009
"""A message has more bytes than are taken."""

INTERNAL_ERROR: Final = 1011
"""A server could not go on, as Phoenix at a frame or an answer that it cannot read."""

SERVICE_RESTART: Final = 1012
"""A server closes all of its connections as it is shut down or deployed."""
TRY_AGAIN_LATER: Final = 1013
"""A server has too much to do, and wants to be left alone for a while."""

# A close frame of an application may have these (RFC 6455 section 7.4.2).
_LEAST_OF_APPLICATIONS: Final = 3000
_MOST_OF_APPLICATIONS: Final = 4999


def is_sent_by_clients(code: int) -> bool:
    """Whether a client may close a connection with a code: 1000, or 3000 to 4999."""
    return code == NORMAL or _LEAST_OF_APPLICATIONS <= code <= _MOST_OF_APPLICATIONS
