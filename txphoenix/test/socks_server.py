"""A SOCKS5 proxy, as small as can be (RFC 1928): no authentication, and CONNECT alone.

::

    C: 5, 1 method: 0
    S: 5, method 0
    C: 5, CONNECT, 0, the kind of address, the address, the port
    S: 5, done, 0, 1, 0.0.0.0, 0
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, ClassVar

from .network import Tunnel

__all__ = ["SOCKSServer"]

_SENT_FIRST = 3
_LENGTHS = {1: 4, 4: 16}


class SOCKSServer(Tunnel):
    """Connects wherever it is told to.

    :cvar asked: the hosts and ports that it was asked for.
    """

    asked: ClassVar[list[tuple[str, int]]] = []
    transport: Any
    _has_greeted = False

    def read_request(self, data: bytes) -> None:
        """Read what has come so far."""
        self._unread += data
        if not self._has_greeted and len(self._unread) >= _SENT_FIRST:
            self._has_greeted = True
            self._unread = self._unread[_SENT_FIRST:]
            self.transport.write(b"\x05\x00")
        if len(self._unread) < 5:
            return
        kind = self._unread[3]
        start, length = 4, _LENGTHS.get(kind, 0)
        if kind == 3:
            start, length = 5, self._unread[4]
        address = self._unread[start : start + length]
        port = self._unread[start + length : start + length + 2]
        if len(port) == 2:
            host = address.decode() if kind == 3 else str(ip_address(address))
            self.asked.append((host, int.from_bytes(port)))
            self.open(host, int.from_bytes(port))

    def opened(self) -> bytes:
        """What is said once the tunnel is open."""
        return b"\x05\x00\x00\x01" + bytes(6)
