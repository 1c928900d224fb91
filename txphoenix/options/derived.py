"""What follows from a client's options, and what they are shown as."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..protocol import backoff as backoffs
from ..protocol.backoff import Backoff, ErrorBackoff
from ..runtime.backoff_calls import BackoffCall, with_error

__all__ = ["DerivedOptions"]

# One serves all clients: it keeps nothing of who asks it.
_REJOIN_DELAY = with_error(backoffs.rejoin())


class DerivedOptions:
    """What is asked of options that nobody gives."""

    backoff: Backoff | ErrorBackoff | None
    rejoin_backoff: Backoff | ErrorBackoff | None
    reconnect_interval: float

    @cached_property
    def retry_delay(self) -> BackoffCall:
        """:attr:`backoff`, or the default, which takes the number and the error."""
        backoff = self.backoff or backoffs.reconnect(self.reconnect_interval)
        return with_error(backoff)

    @cached_property
    def rejoin_delay(self) -> BackoffCall:
        """:attr:`rejoin_backoff`, or the default, in the same way."""
        return with_error(self.rejoin_backoff) if self.rejoin_backoff else _REJOIN_DELAY

    def snapshot(self) -> dict[str, Any]:
        """Every option by name, as JSON can hold it, with the secrets cut out.

        Values of parameters and headers, the token and the values in the URL's query
        are shown as ``"[redacted]"``, callables as ``"<callable>"``, classes by their
        dotted names.
        """
        from .snapshot import snapshot

        return snapshot(self)

    def __repr__(self) -> str:
        from .snapshot import changed_options

        return f"Options({changed_options(self)})"
