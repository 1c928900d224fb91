"""How a client gets its WebSocket, or is refused: Phoenix's answers over HTTP.

The order of the checks is Phoenix's: the method, the auth token, ``vsn``, the
application's ``connect``, and only then the headers that an upgrade needs.
"""

from __future__ import annotations

import base64
import hashlib
from time import time
from typing import TYPE_CHECKING, Any, cast

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from .codec import codec_for
from .connect import Refused, Socket, plug_params
from .connections import ConnectionWrapper
from .session import ServerSession
from .websocket import PhoenixServerFactory, PhoenixServerProtocol

if TYPE_CHECKING:
    from .codec import ServerCodec
    from .endpoint import Endpoint
    from .options import SocketOptions

__all__ = ["Root", "UpgradeFault", "WebSocketMount", "answer", "server_error"]

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_TOKEN_PREFIX = "base64url.bearer.phx."
_DEFLATE = "permessage-deflate"
_ERROR_BODY = b'{"errors":{"detail":"Internal Server Error"}}'


class Root(Resource):
    """The whole of a server's HTTP: its sockets, and 404 for the rest."""

    isLeaf = True

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._mounts: dict[str, WebSocketMount] = {}

    def render(self, request: Request) -> int:
        """Hand the request to the socket of its path."""
        path = request.path.decode("latin-1")
        options = self._endpoint.sockets.get(path.removesuffix("/websocket"))
        if options is None or not path.endswith("/websocket"):
            return answer(self._endpoint, request, 404, b"not found")
        mount = self._mounts.get(path)
        if mount is None:
            mount = self._mounts[path] = WebSocketMount(self._endpoint, options)
        return mount.render(request)


class WebSocketMount:
    """Answers what comes to the WebSocket path of one socket."""

    _log = Logger()

    def __init__(self, endpoint: Endpoint, options: SocketOptions) -> None:
        self._endpoint = endpoint
        self._options = options
        self._factory = PhoenixServerFactory(endpoint, options)

    def render(self, request: Request) -> int:
        """Answer, now or once the application has decided."""
        handling = Deferred.fromCoroutine(self._handle(request))
        handling.addErrback(self._not_handled)
        # The client may be gone before.
        request.notifyFinish().addErrback(lambda _: handling.cancel())
        return NOT_DONE_YET

    def _not_handled(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("handshake", failure)

    async def _handle(self, request: Request) -> None:
        endpoint = self._endpoint
        await endpoint.when_resumed()
        if endpoint.refuse_status is not None:
            answer(endpoint, request, endpoint.refuse_status)
        elif request.method != b"GET":
            answer(endpoint, request, 400)
        else:
            await self._connect(request)

    async def _connect(self, request: Request) -> None:
        endpoint, options = self._endpoint, self._options
        offered = _header_list(request, "sec-websocket-protocol")
        takes_token = options.auth_token and endpoint.flavour.takes_auth_token
        try:
            params = plug_params(request.uri.partition(b"?")[2].decode("latin-1"))
            token = _bearer_token(offered) if takes_token else None
            codec = codec_for(str(params.get("vsn", "1.0.0")), endpoint.json)
            if codec is None:
                raise Refused()
            socket = _socket(request, params, codec.name, token)
            if options.connect is not None:
                socket.id = await maybeDeferred(options.connect, params, socket)
            upgrade = _Upgrade(request)
        except Refused:
            answer(endpoint, request, 403)
        except UpgradeFault as fault:
            answer(endpoint, request, 400, str(fault).encode("utf-8"))
        except CancelledError:
            raise
        except Exception:
            self._crashed(request, Failure())
        else:
            protocol = "phoenix" if takes_token and "phoenix" in offered else None
            self._upgrade(upgrade, socket, codec, protocol)

    def _crashed(self, request: Request, failure: Failure) -> None:
        # Logged as text: a crash on purpose is no error of the test that provokes it.
        self._log.info(
            "connect crashed: {error}\n{traceback}",
            error=failure.getErrorMessage(),
            traceback=failure.getTraceback(),
        )
        server_error(self._endpoint, request)

    def _upgrade(
        self,
        upgrade: _Upgrade,
        socket: Socket,
        codec: ServerCodec,
        subprotocol: str | None,
    ) -> None:
        flavour = self._endpoint.flavour
        compression, extension = None, None
        if self._options.compression:
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
        session = ServerSession(self._endpoint, self._options, socket, codec, protocol)
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
        return _header_values(self.request, name)

    def _require_token(self, name: str, token: str) -> None:
        values = self._values(name)
        if token not in _header_list(self.request, name, lower=True):
            raise UpgradeFault(
                f"'{name}' header must contain '{token}', got {_inspect(values)}"
            )

    def accept_key(self) -> str:
        """The value of ``Sec-WebSocket-Accept``."""
        key = self._values("sec-websocket-key")[0]
        digest = hashlib.sha1((key + _MAGIC).encode("latin-1")).digest()
        return base64.b64encode(digest).decode("ascii")

    def deflate(self) -> PerMessageDeflateOfferAccept | None:
        """How the client's first offer of permessage-deflate is taken, if any."""
        for offer in _header_list(self.request, "sec-websocket-extensions"):
            name, *texts = (part.strip() for part in offer.split(";"))
            if name != _DEFLATE:
                continue
            parameters: dict[str, list[str | bool]] = {}
            for text in texts:
                key, is_set, value = text.partition("=")
                parameters.setdefault(key, []).append(value if is_set else True)
            parsed = PerMessageDeflateOffer.parse(parameters)
            bits = 15 if parsed.accept_max_window_bits else 0
            return PerMessageDeflateOfferAccept(parsed, request_max_window_bits=bits)
        return None

    def hand_over(self, protocol: PhoenixServerProtocol) -> None:
        """From here on the connection is the protocol's."""
        channel = self.request.channel
        connection, channel.transport = channel.transport, None
        cast(ConnectionWrapper, connection).upgrade(protocol)


def _socket(
    request: Request, params: dict[str, Any], serializer: str, token: str | None
) -> Socket:
    headers = {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    scheme = "https" if request.isSecure() else "http"
    peer = request.getClientAddress()
    return Socket(
        params=params,
        headers=headers,
        uri=f"{scheme}://{headers.get('host', '')}{request.uri.decode('latin-1')}",
        peer=(getattr(peer, "host", ""), getattr(peer, "port", 0)),
        transport="websocket",
        serializer=serializer,
        auth_token=token,
    )


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


def _header_values(request: Request, name: str) -> list[str]:
    raw = request.requestHeaders.getRawHeaders(name.encode("ascii"), [])
    return [value.decode("latin-1") for value in raw]


def _header_list(request: Request, name: str, lower: bool = False) -> list[str]:
    texts = [
        value.lower() if lower else value for value in _header_values(request, name)
    ]
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]


def _inspect(values: list[str]) -> str:
    """A list of strings as Elixir's ``inspect`` shows it."""
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def answer(
    endpoint: Endpoint,
    request: Request,
    status: int,
    body: bytes = b"",
    content_type: str | None = None,
) -> int:
    """Finish a request with a whole body and the headers that the server's have."""
    request.setResponseCode(status)
    headers = request.responseHeaders
    headers.removeHeader(b"server")
    request.defaultContentType = None
    headers.setRawHeaders(b"content-length", [b"%d" % len(body)])
    for name, value in endpoint.flavour.static_headers:
        headers.setRawHeaders(name.encode("ascii"), [value.encode("ascii")])
    if content_type is not None:
        headers.setRawHeaders(b"content-type", [content_type.encode("ascii")])
    headers.setRawHeaders(b"cache-control", [b"max-age=0, private, must-revalidate"])
    request.write(body)
    request.finish()
    return NOT_DONE_YET


def server_error(endpoint: Endpoint, request: Request) -> None:
    """Answer with HTTP 500, as Phoenix does for an exception."""
    channel = request.channel
    answer(endpoint, request, 500, _ERROR_BODY, "application/json; charset=utf-8")
    if endpoint.flavour.closes_after_crash:
        channel.loseConnection()
