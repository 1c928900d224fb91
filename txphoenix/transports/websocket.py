"""The WebSocket transport: Autobahn's protocol under Twisted's reconnecting factory.

::

    EndpointConnector -> endpoint -> PhoenixClientFactory.buildProtocol
                                          |
                     PhoenixClientProtocol (onOpen, onMessage, onClose)
                                          |
                           Connection (transport_opened, frame_received, ...)

The protocol only forwards, and the factory only asks; all sense is in
:mod:`txphoenix.connection`.

Autobahn's own timers run on the loop of txaio, not on the client's reactor.
They are off; the connector times the opening handshake, and the protocol the
closing one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory
from autobahn.wamp.types import TransportDetails
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from autobahn.websocket.types import ConnectingRequest
from twisted.internet.interfaces import IConnector, IDelayedCall, IReactorTime
from twisted.internet.protocol import ReconnectingClientFactory, connectionDone
from twisted.python.failure import Failure

from .._version import __version__
from ..errors import ConnectionClosed, ConnectionFailed, HandshakeRefused
from ..options import Options
from ..url import parse
from .connector import EndpointConnector
from .frames import FastFrameProtocol

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["PhoenixClientFactory", "PhoenixClientProtocol"]

_TOKEN_PREFIX = "base64url.bearer.phx."


class PhoenixClientProtocol(FastFrameProtocol):
    """One WebSocket; a :class:`txphoenix.interfaces.Transport`."""

    factory: PhoenixClientFactory
    _refusal: str | None = None
    _lost_reason: Failure | None = None
    _is_opened = False
    _closing_timer: IDelayedCall | None = None

    # -- Transport ----------------------------------------------------------------

    def send(self, data: bytes, is_binary: bool) -> None:
        """Send one frame."""
        self.send_frame(data, is_binary)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame; the server answers and ends the connection."""
        self.sendClose(code, reason or None)

    def abort(self) -> None:
        """End the connection at once."""
        self.dropConnection(abort=True)

    # -- Autobahn -----------------------------------------------------------------

    def onConnecting(self, transport_details: TransportDetails) -> ConnectingRequest:
        """Tell Autobahn what to ask the server for."""
        return self.factory.connecting_request()

    def onOpen(self) -> None:
        """Tell the connection that it is open."""
        self._is_opened = True
        self.factory.connector.protocol_opened()
        self.factory.connection.transport_opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hand a frame on."""
        self.factory.connection.frame_received(payload, isBinary)

    def processHandshake(self) -> Any:
        """Read the server's answer to the handshake."""
        try:
            return super().processHandshake()
        except (ValueError, IndexError) as error:
            # Autobahn's parser of HTTP trusts the server.
            return self.failHandshake(f"malformed HTTP response: {error}")

    def failHandshake(self, reason: str) -> None:
        """Remember why the handshake failed; the loss follows."""
        self._refusal = reason
        super().failHandshake(reason)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """Begin or answer the closing handshake, and time what is left of it."""
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self.state == self.STATE_CLOSING and self._closing_timer is None:
            self._closing_timer = self.factory.reactor.callLater(
                self.factory.options.close_timeout, self._closing_timed_out
            )
            self.factory.connection.transport_closing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remember what the transport says; ``onClose`` follows."""
        self._lost_reason = reason
        if self._closing_timer is not None:
            self._closing_timer.cancel()
            self._closing_timer = None
        super().connectionLost(reason)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell the factory how it ended."""
        if not self._is_opened:
            self.factory.protocol_failed(self._why_not_opened())
        elif self.failedByMe:
            # The server broke the protocol; what we told it is what happened.
            said = (self.localCloseReason or b"").decode("utf-8", "replace")
            code = self.localCloseCode
            self.factory.protocol_lost(ConnectionClosed(code or 1006, said))
        else:
            self.factory.protocol_lost(
                ConnectionClosed(1005 if code is None else code, reason or "", wasClean)
            )

    # -- Inside -------------------------------------------------------------------

    def _closing_timed_out(self) -> None:
        self._closing_timer = None
        # Autobahn takes a second drop for a mistake; the transport does not.
        self.transport.abortConnection()

    def _why_not_opened(self) -> ConnectionFailed:
        if self._refusal is not None:
            return _refused(self)
        lost = self._lost_reason
        error = None if lost is None else lost.value
        return ConnectionFailed(f"lost during the handshake: {error}")


def _refused(protocol: PhoenixClientProtocol) -> HandshakeRefused:
    status: int | None = None
    words = str(getattr(protocol, "http_status_line", "")).split(maxsplit=2)
    if len(words) > 1 and words[1].isdigit():
        status = int(words[1])
    headers = dict(getattr(protocol, "http_headers", {}))
    return HandshakeRefused(status, headers, protocol._refusal or "")


class PhoenixClientFactory(ReconnectingClientFactory, WebSocketClientFactory):
    """Makes the protocols of one client, one at a time, and tries again.

    :param reactor: opens transports, tells the time and calls later.
    :param options: the client's options.
    :param connection: is told what happens, and asked whether to go on and when.
    """

    protocol = PhoenixClientProtocol  # type: ignore[assignment]
    noisy = False
    # The delay is ours: see retry().
    jitter = 0
    connector: EndpointConnector

    def __init__(
        self, reactor: IReactorTime, options: Options, connection: Connection
    ) -> None:
        WebSocketClientFactory.__init__(self, reactor=reactor)
        self.clock = reactor  # type: ignore[assignment]
        self.options = options
        self.connection = connection
        self.connector = EndpointConnector(reactor, self, options)
        self._request = ConnectingRequest()

    # -- What the connection calls ------------------------------------------------

    def start_trying(self) -> None:
        """Begin the first attempt."""
        # resetDelay() would do this as well, and lose a delayed call.
        self.continueTrying = 1
        self.retries = 0
        self.connector.connect()

    # -- What the connector calls -------------------------------------------------

    def prepare(
        self, url: str, headers: Mapping[str, str], auth_token: str | None
    ) -> None:
        """Set all that the next protocol is made with.

        The token is offered as a second subprotocol, as Phoenix 1.8 wants it:
        standard base64 without its padding.
        """
        protocols = []
        if auth_token is not None:
            encoded = b64encode(auth_token.encode("utf-8")).decode("ascii")
            protocols = ["phoenix", _TOKEN_PREFIX + encoded.rstrip("=")]
        target = parse(url)
        self.protocols = protocols
        self._request = ConnectingRequest(
            host=f"[{target.host}]" if ":" in target.host else target.host,
            port=target.port,
            resource=target.resource,
            headers=dict(headers),
            useragent=f"txphoenix/{__version__}",
            protocols=protocols,
        )
        self._set_protocol_options()

    def connecting_request(self) -> ConnectingRequest:
        """What the next handshake asks for."""
        return self._request

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol of an endpoint that has opened."""
        protocol: Any = super().buildProtocol(addr)
        self.connector.protocol_made(protocol)
        return protocol

    # -- What the protocol calls --------------------------------------------------

    def protocol_failed(self, reason: Exception) -> None:
        """The protocol was lost before it was open."""
        reason = self.connector.protocol_lost() or reason
        self.clientConnectionFailed(self.connector, Failure(reason))

    def protocol_lost(self, reason: ConnectionFailed) -> None:
        """The open protocol was lost."""
        self.connector.protocol_lost()
        self.clientConnectionLost(self.connector, Failure(reason))

    # -- ReconnectingClientFactory ------------------------------------------------

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Try again after a failed attempt, if the connection says so."""
        if self.connection.attempt_failed(cast(Exception, reason.value)):
            super().clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Try again after a lost transport, if the connection says so."""
        if self.connection.transport_lost(cast(ConnectionFailed, reason.value)):
            super().clientConnectionLost(connector, reason)

    def retry(self, connector: IConnector | None = None) -> None:
        """Plan the next attempt, after a delay that the connection decides."""
        if not self.continueTrying:
            return
        delay = self.delay = self.connection.retry_delay(self.retries)
        super().retry(connector)
        self.connection.retrying(self.retries, delay)

    # -- Inside -------------------------------------------------------------------

    def _set_protocol_options(self) -> None:
        options = self.options
        self.openHandshakeTimeout = 0
        self.closeHandshakeTimeout = 0
        self.serverConnectionDropTimeout = 0
        # Close with a code that says why, rather than by ending the connection.
        self.failByDrop = False
        self.maxMessagePayloadSize = options.max_message_size
        self.maxFramePayloadSize = options.max_message_size
        if options.compression:
            self.perMessageCompressionOffers = [PerMessageDeflateOffer()]
            self.perMessageCompressionAccept = _accept_compression  # type: ignore[assignment]
        else:
            self.perMessageCompressionOffers = []


def _accept_compression(response: Any) -> PerMessageDeflateResponseAccept | None:
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None
