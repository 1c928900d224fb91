"""How a client gets its WebSocket, or is refused: Phoenix's answers over HTTP.

The order of the checks is Phoenix's: the method, the auth token, ``vsn``, the
application's ``connect``, and only then the headers that an upgrade needs.
"""

from __future__ import annotations

import base64
import hashlib
from time import time
from typing import cast

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.server import Request

from .codec import ServerCodec
from .connect import Refused, Socket
from .connections import ConnectionWrapper
from .endpoint import Endpoint
from .http import Mount, answer, header_list, header_values
from .options import SocketOptions
from .path import PathPattern
from .session import ServerSession
from .websocket import PhoenixServerFactory, PhoenixServerProtocol

__all__ = ["UpgradeFault", "WebSocketMount"]

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_TOKEN_PREFIX = "base64url.bearer.phx."
_DEFLATE = "permessage-deflate"


class WebSocketMount(Mount):
    """Answers what comes to the WebSocket path of one socket."""

    transport = "websocket"

    def __init__(
        self, endpoint: Endpoint, options: SocketOptions, path: PathPattern
    ) -> None:
        super().__init__(endpoint, options, path)
        self._factory = PhoenixServerFactory(endpoint, options)

    async def handle(self, request: Request) -> None:
        """Upgrade the connection, or refuse."""
        endpoint = self.endpoint
        refusal = endpoint.refusal_of(self.transport)
        if refusal is not None:
            self.refuse(request, refusal)
        elif request.method != b"GET":
            answer(endpoint, request, 400)
        else:
            await self._connect(request)

    async def _connect(self, request: Request) -> None:
        endpoint = self.endpoint
        offered = header_list(request, "sec-websocket-protocol")
        takes_token = self.options.auth_token and endpoint.flavour.takes_auth_token
        try:
            token = _bearer_token(offered) if takes_token else None
            socket, codec = await self.connect(request, token)
            upgrade = _Upgrade(request)
        except Refused:
            answer(endpoint, request, 403)
        except UpgradeFault as fault:
            answer(endpoint, request, 400, str(fault).encode("utf-8"))
        except CancelledError:
            raise
        except Exception:
            self.crashed(request, Failure())
        else:
            protocol = "phoenix" if takes_token and "phoenix" in offered else None
            self._upgrade(upgrade, socket, codec, protocol)

    def _upgrade(
        self,
        upgrade: _Upgrade,
        socket: Socket,
        codec: ServerCodec,
        subprotocol: str | None,
    ) -> None:
        flavour = self.endpoint.flavour
        compression, extension = None, None
        if self.options.compression:
            compression = upgrade.deflate()
        if compression is not None:
            name, *parameters = compression.get_extension_string().split("; ")
            extension = flavour.extension_text(name, parameters)
        head = flavour.upgrade_head(
            upgrade.accept_key(),
            datetimeToString(time()).decode("ascii"),
            subprotocol,
            extension,
        )
        protocol = cast(
            PhoenixServerProtocol,
            self._factory.buildProtocol(upgrade.request.getClientAddress()),
        )
        session = ServerSession(self.endpoint, self.options, socket, codec, protocol)
        upgrade.hand_over(protocol)
        protocol.begin(session, head, compression)


class UpgradeFault(ValueError):
    """A request that cannot be upgraded; it says why, as Phoenix's adapter does."""


class _Upgrade:
    """A request that has what an upgrade needs.

    :raises UpgradeFault: it has not.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self._require_token("connection", "upgrade")
        self._require_token("upgrade", "websocket")
        if not self._values("sec-websocket-key"):
            raise UpgradeFault("'sec-websocket-key' header is absent")
        versions = self._values("sec-websocket-version")
        if versions != ["13"]:
            raise UpgradeFault(
                "'sec-websocket-version' header must equal '13', "
                f"got {_inspect(versions)}"
            )

    def _values(self, name: str) -> list[str]:
        return header_values(self.request, name)

    def _require_token(self, name: str, token: str) -> None:
        values = self._values(name)
        if token not in header_list(self.request, name, lower=True):
            raise UpgradeFault(
                f"'{name}' header must contain '{token}', got {_inspect(values)}"
            )

    def accept_key(self) -> str:
        """The value of ``Sec-WebSocket-Accept``."""
        key = self._values("sec-websocket-key")[0]
        digest = hashlib.sha1((key + _MAGIC).encode("latin-1")).digest()
        return base64.b64encode(digest).decode("ascii")

    def deflate(self) -> PerMessageDeflateOfferAccept | None:
        """How the client's first valid offer of permessage-deflate is taken, if any."""
        for offer in header_list(self.request, "sec-websocket-extensions"):
            name, *texts = (part.strip() for part in offer.split(";"))
            if name != _DEFLATE:
                continue
            parameters: dict[str, list[str | bool]] = {}
            for text in texts:
                key, is_set, value = text.partition("=")
                parameters.setdefault(key, []).append(value if is_set else True)
            try:
                parsed = PerMessageDeflateOffer.parse(parameters)
            except Exception:
                # RFC 7692, section 7.1: what is no valid offer is declined.
                # Autobahn's exception for that has no class of its own.
                continue
            bits = 15 if parsed.accept_max_window_bits else 0
            return PerMessageDeflateOfferAccept(parsed, request_max_window_bits=bits)
        return None

    def hand_over(self, protocol: PhoenixServerProtocol) -> None:
        """From here on the connection is the protocol's."""
        channel = self.request.channel
        connection, channel.transport = channel.transport, None
        cast(ConnectionWrapper, connection).upgrade(protocol)


def _bearer_token(protocols: list[str]) -> str | None:
    """The auth token among the offered subprotocols.

    :raises ValueError: it is not standard base64 without padding, of UTF-8.
    """
    for protocol in protocols:
        if protocol.startswith(_TOKEN_PREFIX):
            encoded = protocol.removeprefix(_TOKEN_PREFIX)
            padding = "=" * (-len(encoded) % 4)
            return base64.b64decode(encoded + padding, validate=True).decode("utf-8")
    return None


def _inspect(values: list[str]) -> str:
    """A list of strings as Elixir's ``inspect`` shows it."""
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
