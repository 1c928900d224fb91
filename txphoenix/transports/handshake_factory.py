"""What a WebSocket's protocol asks of its factory, and whom it tells what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..errors import ConnectionFailed, HandshakeRefused
from ..options.options import Options
from ..runtime.deadlines import Deadlines
from .interfaces import TransportListener

__all__ = ["HandshakeFactory"]


class HandshakeFactory(Protocol):
    """The factory, as its protocol knows it: what to ask for, and whom to tell."""

    @property
    def options(self) -> Options:
        """The client's."""

    @property
    def deadlines(self) -> Deadlines:
        """What times the closing handshake."""

    @property
    def connection(self) -> TransportListener:
        """Whom an open protocol tells of its frames."""

    @property
    def protocols(self) -> Sequence[str]:
        """The subprotocols that are offered."""

    @property
    def perMessageCompressionAccept(self) -> Any:
        """Decides on the compression that a server wants."""

    def encode_request(self, key: bytes) -> bytes:
        """The request of the opening handshake."""

    def refused(
        self,
        status: int | None,
        headers: Mapping[str, str],
        phrase: str,
        body: bytes = b"",
    ) -> HandshakeRefused:
        """Make the error of an answer that is no yes."""

    def head_received(self, head: bytes) -> None:
        """The server has answered, whatever it says."""

    def protocol_opened(self) -> None:
        """The protocol is open."""

    def frames_unsent(self, count: int) -> None:
        """A transport has ended with frames that had not left."""

    def protocol_failed(self, reason: Exception) -> None:
        """The protocol was lost before it was open."""

    def protocol_lost(self, reason: ConnectionFailed) -> None:
        """The open protocol was lost."""
