"""What a server answered when a connection opened: ``client.handshake``.

A load balancer names the node in a header or a cookie, a gateway counts the requests
that are left, and Phoenix may send a header of the application's own.
"""

from __future__ import annotations

from .protocol.handshake import Handshake

__all__ = ["Handshake"]
