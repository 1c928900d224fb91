"""A site's say in what its clients speak by TLS (ALPN, RFC 7301)."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocolNegotiationFactory

__all__ = ["OnlyHTTP1"]


class OnlyHTTP1:
    """What a factory inherits whose connections speak HTTP/1.1 and nothing else.

    A WebSocket begins with that (RFC 6455 section 4.1).
    """

    def __conform__(self, interface: object) -> Any:
        """Be asked for protocols by a Twisted that refuses clients otherwise.

        An older one looks but for who declares the interface, and refuses none without.
        """
        return self if interface is IProtocolNegotiationFactory else None

    def acceptableProtocols(self) -> list[bytes]:
        """What a client may choose."""
        return [b"http/1.1"]
