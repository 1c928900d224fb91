"""What WebSocket and long-poll share of HTTP: the connect, and the answers."""

from __future__ import annotations

import gzip
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from ..runtime.package_log import package_log
from .codec import ServerCodec
from .connect import Refused, Socket, plug_params
from .endpoint import Endpoint
from .hooks import WrongAnswer, socket_id
from .options import SocketOptions
from .path import PathPattern

__all__ = ["JSON", "Mount", "answer", "header_list", "header_values", "server_error"]

JSON = "application/json; charset=utf-8"
"""The content type of what is JSON."""

_CACHE_CONTROL = "max-age=0, private, must-revalidate"
_ERROR_BODY = b'{"errors":{"detail":"Internal Server Error"}}'


class Mount(ABC):
    """Answers what comes to one path of a socket.

    :cvar transport: what :attr:`Socket.transport` is.
    :param endpoint: the server.
    :param options: the socket's options.
    :param path: where it is.
    """

    _log = Logger(observer=package_log)
    transport: ClassVar[str]

    def __init__(
        self, endpoint: Endpoint, options: SocketOptions, path: PathPattern
    ) -> None:
        self.endpoint = endpoint
        self.options = options
        self.path = path

    def render(self, request: Request) -> int:
        """Answer, now or once the application has decided."""
        handling = Deferred.fromCoroutine(self._handle(request))
        handling.addErrback(self._not_handled)
        # The client may be gone before.
        request.notifyFinish().addErrback(lambda _: handling.cancel())
        return NOT_DONE_YET

    @abstractmethod
    async def handle(self, request: Request) -> None:
        """Answer a request, once the server is not paused."""

    async def connect(
        self, request: Request, token: str | None
    ) -> tuple[Socket, ServerCodec]:
        """Ask the application whether the client may connect.

        :param token: the client's auth token.
        :raises Refused: it may not.
        :raises WrongAnswer: it has said neither.
        """
        endpoint, options = self.endpoint, self.options
        params = plug_params(request.uri.partition(b"?")[2].decode("latin-1"))
        params.update(self.path.match(request.path.decode("latin-1")) or {})
        codec = endpoint.codecs.find(
            str(params.get("vsn", "1.0.0")), options.serializers
        )
        if codec is None:
            raise Refused()
        # Phoenix's own have a name that is Phoenix's.
        name = getattr(codec, "name", type(codec).__name__)
        socket = self._socket(request, params, name, token)
        if options.connect is not None:
            answered = await maybeDeferred(options.connect, params, socket)
            socket.id = socket_id(answered)
        return socket, codec

    def refuse(self, request: Request, status: int) -> None:
        """Answer as the server was told to answer handshakes."""
        answers = self.endpoint.refusal_answers
        headers, body = answers.get(None) or answers.get(self.transport) or ({}, b"")
        for name, value in headers.items():
            request.setHeader(name.encode("ascii"), value.encode("utf-8"))
        answer(self.endpoint, request, status, body)

    def crashed(self, request: Request, failure: Failure) -> None:
        """Answer a request whose handling has raised.

        It is logged as text: a crash on purpose is no error of the test that provokes
        it, but a wrong answer is.
        """
        if failure.check(WrongAnswer):
            self._log.failure("connect crashed", failure)
        else:
            self._log.info(
                "connect crashed: {error}\n{traceback}",
                error=failure.getErrorMessage(),
                traceback=failure.getTraceback(),
            )
        server_error(self.endpoint, request)

    async def _handle(self, request: Request) -> None:
        await self.endpoint.when_resumed()
        await self.handle(request)

    def _not_handled(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("{transport}", failure, transport=self.transport)

    def _socket(
        self, request: Request, params: Any, serializer: str, token: str | None
    ) -> Socket:
        headers = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        scheme = "https" if request.isSecure() else "http"
        uri = request.uri.decode("latin-1")
        peer = request.getClientAddress()
        return Socket(
            params=params,
            headers=headers,
            uri=f"{scheme}://{headers.get('host', '')}{uri}",
            peer=(getattr(peer, "host", ""), getattr(peer, "port", 0)),
            transport=self.transport,
            serializer=serializer,
            auth_token=token,
            ssl_cert=_client_certificate(request),
        )


def _client_certificate(request: Request) -> bytes | None:
    """What the client has shown in TLS (DER), if there is TLS and it was asked."""
    get_handle = getattr(request.transport, "getHandle", None)
    connection = get_handle() if get_handle is not None and request.isSecure() else None
    get_certificate = getattr(connection, "get_peer_certificate", None)
    certificate = None if get_certificate is None else get_certificate()
    if certificate is None:
        return None
    return dump_certificate(FILETYPE_ASN1, certificate)


def header_values(request: Request, name: str) -> list[str]:
    """The values of a request's header, as many as there are."""
    raw = request.requestHeaders.getRawHeaders(name.encode("ascii"), [])
    return [value.decode("latin-1") for value in raw]


def header_list(request: Request, name: str, lower: bool = False) -> list[str]:
    """The parts of a request's header that are separated by commas."""
    texts = [
        value.lower() if lower else value for value in header_values(request, name)
    ]
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]


def answer(
    endpoint: Endpoint,
    request: Request,
    status: int,
    body: bytes = b"",
    content_type: str | None = None,
    cache_control: str = _CACHE_CONTROL,
) -> int:
    """Finish a request with a whole body and the headers that the server's have.

    :param content_type: what the body is; without one it is not compressed.
    """
    request.setResponseCode(status)
    headers = request.responseHeaders
    headers.removeHeader(b"server")
    request.defaultContentType = None
    if content_type is not None:
        headers.setRawHeaders(b"content-type", [content_type.encode("ascii")])
        accepted = header_list(request, "accept-encoding", lower=True)
        if endpoint.flavour.compresses and "gzip" in accepted:
            body = gzip.compress(body, mtime=0)
            headers.setRawHeaders(b"content-encoding", [b"gzip"])
    headers.setRawHeaders(b"content-length", [b"%d" % len(body)])
    for name, value in endpoint.flavour.static_headers:
        headers.setRawHeaders(name.encode("ascii"), [value.encode("ascii")])
    headers.setRawHeaders(b"cache-control", [cache_control.encode("ascii")])
    request.write(body)
    request.finish()
    return NOT_DONE_YET


def server_error(endpoint: Endpoint, request: Request) -> None:
    """Answer with HTTP 500, as Phoenix does for an exception."""
    channel = request.channel
    answer(endpoint, request, 500, _ERROR_BODY, JSON)
    if endpoint.flavour.closes_after_crash:
        channel.loseConnection()
