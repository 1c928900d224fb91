"""Where the server of a run is, and whom its certificate makes trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate

from txphoenix import client_tls

from .server import HOST

__all__ = ["Address"]


@dataclass(frozen=True)
class Address:
    """One of the server's ports.

    :param port: its number.
    :param authority: the file with the certificate to trust; with it there is TLS.
    """

    port: int
    authority: Path | None = None

    def url(self, path: str) -> str:
        """The URL of a WebSocket there."""
        scheme = "wss" if self.authority else "ws"
        return f"{scheme}://{HOST}:{self.port}{path}"

    @cached_property
    def tls(self) -> Any:
        """The option ``tls``: trusts that certificate alone, for this host alone.

        All sockets of a process share it, as those of a gateway would.
        """
        if self.authority is None:
            return None
        certificate = Certificate.loadPEM(self.authority.read_bytes())
        return client_tls(HOST, trust_root=certificate)
