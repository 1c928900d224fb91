"""The request that opens a WebSocket (RFC 6455 section 4.1).

Autobahn would write one too, with the port in ``Host`` in any case, and with its own
headers beside those of the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from ..protocol.url import Target
from .request_headers import request_headers

if TYPE_CHECKING:
    from .request_secrets import RequestSecrets

__all__ = ["GUID", "TOKEN_PREFIX", "UpgradeRequest"]

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What an answer proves to have been made for a key with (RFC 6455 section 1.3)."""

TOKEN_PREFIX: Final = "base64url.bearer.phx."
"""How the subprotocol begins that is the auth token."""

# Some proxies take a request that may be cached for one that they can answer.
_NOT_CACHED = {"Pragma": "no-cache", "Cache-Control": "no-cache"}


class UpgradeRequest(NamedTuple):
    """What to ask a server for."""

    target: Target
    headers: Mapping[str, str]
    """The user's headers."""
    protocols: Sequence[str]
    """The subprotocols that are offered; one may be the auth token."""
    extensions: Sequence[str]
    """The extensions that are offered."""
    auth_token: str | None = None
    """The token that is one of the subprotocols, if there is one."""

    def encode(self, key: bytes) -> bytes:
        """The whole request.

        :param key: the value of ``Sec-WebSocket-Key``.
        """
        headers = {
            **request_headers(self.target, self.headers, _NOT_CACHED),
            "Upgrade": "WebSocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode("ascii"),
            "Sec-WebSocket-Version": "13",
        }
        if self.protocols:
            headers["Sec-WebSocket-Protocol"] = ",".join(self.protocols)
        if self.extensions:
            headers["Sec-WebSocket-Extensions"] = ",".join(self.extensions)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = [f"GET {self.target.resource} HTTP/1.1", *lines, "", ""]
        return "\r\n".join(request).encode("utf-8")

    @property
    def secrets(self) -> RequestSecrets:
        """What of it is to be cut out of what the server says."""
        # Few requests are refused.
        from .request_secrets import RequestSecrets

        return RequestSecrets(self.target, self.headers, self.auth_token)

    def __repr__(self) -> str:
        return "<UpgradeRequest>"
