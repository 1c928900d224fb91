"""What follows from a client's options, and what they are shown as."""

from __future__ import annotations

from typing import Any

from ..protocol import backoff as backoffs
from ..protocol.backoff import Backoff
from .snapshot import changed_options, snapshot

__all__ = ["DerivedOptions"]

# It keeps nothing of who asks it: one serves all clients.
_REJOIN_BACKOFF = backoffs.rejoin()
# What an attempt asks for, where it is a callable.
_ASKED = ("url", "params", "headers", "auth_token", "endpoint", "transport")


class DerivedOptions:
    """What is asked of options that nobody gives."""

    backoff: Backoff | None
    rejoin_backoff: Backoff | None
    reconnect_interval: float

    @property
    def reconnect_backoff(self) -> Backoff:
        """:attr:`backoff`, or the default."""
        return self.backoff or backoffs.reconnect(self.reconnect_interval)

    @property
    def channel_backoff(self) -> Backoff:
        """:attr:`rejoin_backoff`, or the default."""
        return self.rejoin_backoff or _REJOIN_BACKOFF

    @property
    def asks_anew(self) -> bool:
        """Whether an attempt asks a callable, which may answer otherwise next time."""
        return any(callable(getattr(self, name)) for name in _ASKED)

    def snapshot(self) -> dict[str, Any]:
        """Every option by name, as JSON can hold it, with the secrets cut out.

        Values of parameters and headers, the token and the values in the URL's query
        are shown as :data:`txphoenix.protocol.redact.REDACTED`, callables as
        ``"<callable>"``, classes by their dotted names.
        """
        return snapshot(self)

    def __repr__(self) -> str:
        return f"Options({changed_options(self)})"
