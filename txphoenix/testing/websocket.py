"""The server's WebSocket: Autobahn frames, the session decides."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOfferAccept
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import implementer

from txphoenix.protocol.close_codes import NORMAL
from txphoenix.runtime.quiet_log import QuietLog

from .endpoint import Endpoint
from .options import SocketOptions
from .session import ServerSession

__all__ = ["PhoenixServerFactory", "PhoenixServerProtocol"]


@implementer(IPushProducer)
class PhoenixServerProtocol(WebSocketServerProtocol):
    """One client's WebSocket, opened by :class:`.handshake.WebSocketMount`.

    The handshake's HTTP is done when this protocol begins, and it adds to Autobahn's
    what Phoenix's servers do: which close codes they answer with, the limit on a
    client's silence, and that nothing is answered while the session is held.
    """

    factory: PhoenixServerFactory
    # Its warnings are of clients that go, which a test that has them go knows of.
    log = QuietLog()
    websocket_version = 13
    _session: ServerSession
    _idle_call: IDelayedCall | None = None
    _close_call: IDelayedCall | None = None
    _last_read = 0.0

    def begin(
        self,
        session: ServerSession,
        head: bytes,
        compression: PerMessageDeflateOfferAccept | None,
    ) -> None:
        """Send the head of the answer, and be open.

        It is what ``succeedHandshake`` does at its end, which would send a head of
        its own.
        """
        self._session = session
        if compression is not None:
            self._perMessageCompress = PerMessageDeflate.create_from_offer_accept(
                True, compression
            )
        transport = cast(Any, self.transport)
        transport.write(head)
        transport.registerProducer(self, True)
        self.state = self.STATE_OPEN
        self.inside_message = False
        self.current_frame: Any = None
        self._last_read = self._now()
        self._watch_silence()
        self.onOpen()

    # Autobahn's callbacks.

    def connectionMade(self) -> None:
        """The transport is a wrapper, which Autobahn's would ask for its TLS."""
        self.peer = str(cast(Any, self.transport).getPeer())
        self._connectionMade()

    def onOpen(self) -> None:
        """The session begins."""
        self._session.endpoint.session_opened(self._session)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A frame has come."""
        self._session.receive(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """A ping waits its turn, as it does in a Phoenix process."""
        self._session.post(self.sendPong, payload)

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        """A close frame waits its turn too, unless it answers ours."""
        if self.state != self.STATE_OPEN:
            return super().onCloseFrame(code, reasonRaw)  # type: ignore[arg-type]
        self._session.post(super().onCloseFrame, code, reasonRaw)
        return None

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        """The connection has ended."""
        for call in (self._idle_call, self._close_call):
            if call is not None and call.active():
                call.cancel()
        self._session.lost()

    def dataReceived(self, data: bytes) -> None:
        """Anything at all from the client ends its silence."""
        self._last_read = self._now()
        super().dataReceived(data)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """Phoenix's servers give no reason; the answer to a close varies."""
        if isReply:
            flavour = self._session.endpoint.flavour
            code = self.remoteCloseCode if flavour.echoes_close_code else NORMAL
        is_open = self.state == self.STATE_OPEN
        super().sendCloseFrame(code=code, reasonUtf8=None, isReply=isReply)
        if is_open and not isReply:
            self._close_call = self.factory.reactor.callLater(
                self._session.endpoint.close_timeout, self.dropConnection, abort=True
            )

    def dropConnection(self, abort: bool = False) -> None:
        """After a whole closing handshake there is nothing to abort."""
        super().dropConnection(abort and not self.wasClean)

    # The session's transport.

    def send(self, data: bytes, is_binary: bool) -> None:
        """Send a frame, unless the connection is closing."""
        if self.state == self.STATE_OPEN:
            self.sendMessage(data, is_binary)

    def close(self, code: int) -> None:
        """Close in good order."""
        self.sendCloseFrame(code=code)

    def drop(self) -> None:
        """End the connection without a close frame."""
        self.dropConnection()

    # The producer: what TCP does not take yet holds a flood back.

    def pauseProducing(self) -> None:
        """The write buffer is full."""
        self._session.set_writable(False)

    def resumeProducing(self) -> None:
        """The write buffer has room."""
        self._session.set_writable(True)

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._session.set_writable(True)

    # The client's silence.

    def _now(self) -> float:
        return float(self.factory.reactor.seconds())

    def _watch_silence(self) -> None:
        timeout = self.factory.options.timeout
        if timeout is None or self.state != self.STATE_OPEN:
            return
        # One timer, set again for what is left: no timer is touched for each read.
        left = self._last_read + timeout - self._now()
        if left > 0:
            # Looked at in the session's turn: what was held back is no silence.
            self._idle_call = self.factory.reactor.callLater(
                left, self._session.post, self._watch_silence
            )
        else:
            self._session.close(self._session.endpoint.flavour.idle_code)


class PhoenixServerFactory(WebSocketServerFactory):
    """Makes the protocols of one socket.

    Autobahn's own timers are off: they would run on another loop than the server's.
    """

    protocol: Any = PhoenixServerProtocol

    def __init__(self, endpoint: Endpoint, options: SocketOptions) -> None:
        super().__init__(reactor=endpoint.reactor)
        self.reactor: Any = endpoint.reactor
        self.options = options
        self.setProtocolOptions(
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            maxFramePayloadSize=options.max_frame_size,
        )
