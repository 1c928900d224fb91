"""What a close frame of ours may say."""

from __future__ import annotations

from .errors import ConfigurationError
from .legible import legible

__all__ = ["check_close"]

# What a control frame's 125 bytes leave beside the code (RFC 6455 section 5.5).
_LONGEST_REASON = 123


def check_close(code: int, reason: str) -> None:
    """Check what a close frame of ours would say.

    :raises ConfigurationError: the code is not a client's to send (RFC 6455 section
        7.4), or the reason is too long.
    """
    is_number = isinstance(code, int) and not isinstance(code, bool)
    if not (is_number and (code == 1000 or 3000 <= code <= 4999)):
        raise ConfigurationError(
            f"a close code must be 1000 or from 3000 to 4999, not {legible(code)}"
        )
    if not isinstance(reason, str):
        raise ConfigurationError(f"a close reason must be a str, not {legible(reason)}")
    size = len(reason.encode("utf-8", "replace"))
    if size > _LONGEST_REASON:
        raise ConfigurationError(
            f"a close reason must have at most {_LONGEST_REASON} bytes of UTF-8,"
            f" not {size}"
        )
