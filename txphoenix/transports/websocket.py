"""The WebSocket transport: Autobahn's protocol under Twisted's reconnecting factory.

::

    EndpointConnector -> endpoint -> PhoenixClientFactory.buildProtocol
                                          |
                     PhoenixClientProtocol (onOpen, onMessage, onClose)
                                          |
                 TransportListener (transport_opened, frame_received, ...)

The protocol only forwards, and the factory
(:mod:`txphoenix.transports.websocket_factory`) only asks; all sense is in the client's
connection, which is that listener.

Autobahn's own timers run on the loop of txaio, not on the client's reactor.
They are off: the connector times the opening handshake, and this the closing one.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConnectionClosed, ConnectionFailed
from ..protocol.close_codes import NO_CLOSE_FRAME, NORMAL
from ..protocol.handshake import Handshake
from ..runtime.deadlines import DelayedCall
from ..runtime.package_log import package_log
from .answer_head import AnswerHead, accepted_head, is_refusal, plain_head, read_head
from .failures import failed_with
from .frames import FastFrameProtocol
from .handshake_factory import HandshakeFactory
from .session_defaults import own_attributes, with_protocol_defaults
from .upgrade import TOKEN_PREFIX
from .websocket_ends import why_closed, why_not_opened
from .write_at_once import write_now

__all__ = ["PhoenixClientProtocol"]

log = Logger("txphoenix.transports.websocket", observer=package_log)

# The most bytes of an answer to the handshake, interim answers included.
# Common HTTP servers and clients draw the line at a quarter of it or less.
_LONGEST_HEAD = 64 * 1024


@with_protocol_defaults
class PhoenixClientProtocol(FastFrameProtocol):
    """One WebSocket; a :class:`txphoenix.interfaces.Transport`.

    Nothing that a server sends raises out of it, to an endpoint that may not know what
    to do: what raises all the same is logged, and ends the connection.
    """

    __slots__ = (
        "_answer",
        "_head",
        "_is_opened",
        "_writer",
        "current_frame",
        "data",
        "handshake",
        "inside_message",
        "state",
        "websocket_key",
    )

    factory: HandshakeFactory
    _why_closed, _why_not_opened = why_closed, why_not_opened
    needs_heartbeat = True
    fault: str | None = None
    """What was wrong with the answer to the handshake."""
    refused: Any = None
    """Reads an answer that is no yes, if there is one."""
    lost_reason: BaseException = ConnectionDone()
    """What the transport has said of its end."""
    aborted_because = ""
    """Why we have ended it, where that was our doing."""
    _is_lost = False
    _is_told = False
    _broken_by: BaseException | None = None
    _closing_timer: DelayedCall | None = None

    def __init__(self) -> None:
        # Autobahn's own is left out: see session_defaults.
        self.set_frames_up()
        self.state = self.STATE_CONNECTING
        self.data = b""
        self.current_frame = None
        self.inside_message = False
        self.websocket_key = b""
        self._head = b""
        # What has come of an answer to the handshake, unless it came at once.
        self._answer: AnswerHead | None = None
        self._is_opened = False
        self.handshake: Handshake | None = None

    # -- Transport ----------------------------------------------------------------

    # As it is, for a method that calls it would be one more call for each push.
    send = FastFrameProtocol.send_frame
    unwritten_bytes = property(lambda self: self._writer.unwritten)
    """How many bytes wait to be written."""

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send a close frame; the server answers and ends the connection."""
        self.sendClose(code, reason or None)

    def writes_full(self) -> None:
        """Tell the connection that as many bytes wait as may."""
        self.factory.connection.transport_full()

    def writes_free(self) -> None:
        """Tell the connection that fewer do again."""
        self.factory.connection.transport_writable()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is None:
            # An endpoint has had it made, and has never connected it.
            self._is_told = True
            self.factory.protocol_failed(ConnectionFailed("never connected"))
            return
        if self._broken_by is not None:
            self._closeConnection(abort=True)
            return
        # Autobahn puts it into the log.
        self.wasNotCleanReason = self.wasNotCleanReason or "given up"
        self.dropConnection(abort=True)

    def dismiss(self) -> None:
        """Tell nothing more, and take nothing: another has its place."""
        self._is_told = self._is_lost = True
        self.state = self.STATE_CLOSED
        if self.refused is not None:
            self.refused.end()
        self._stop_closing_timer()

    # -- What the endpoint calls --------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Begin the handshake, over TLS that does not fail open, and is loaded now."""
        if self._is_told:
            # It was given up meanwhile.
            self.transport = transport
            self._closeConnection(abort=True)
            return
        try:
            from .tls import verify_transport

            verify_transport(transport)
            super().makeConnection(transport)
        except BaseException as error:
            self.transport = transport
            self._broke(error)

    def dataReceived(self, data: bytes) -> None:
        """Take what was read."""
        try:
            # As Autobahn does it, without a call more for each read, and its counts.
            self._read_size = len(data)
            self.data += data
            self.consumeData()
        except BaseException as error:
            self._broke(error)

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and read on."""
        try:
            super().resume_reading()
        except BaseException as error:
            self._broke(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remember what the transport says; ``onClose`` follows."""
        from .tls_sessions import keep_session

        keep_session(self.transport, reason)
        if self._is_told:
            return
        self._is_lost = True
        if self.refused is not None:
            self.refused.end()
        self.lost_reason = reason.value or ConnectionDone()
        self._stop_closing_timer()
        try:
            # Autobahn only logs the reason, and stumbles over some errors of TLS.
            super().connectionLost(connectionDone)
        except BaseException as error:
            self._broke(error)
        self._tell_end(False, None, None)

    # -- Autobahn -----------------------------------------------------------------

    def connectionMade(self) -> None:
        """Begin, without what Autobahn finds out of the transport for nobody."""
        self._connectionMade()

    def _connectionMade(self) -> None:
        """Ask the server for a WebSocket, as the client's options say.

        Autobahn would set all of its attributes before it does so.
        """
        own_attributes(self)
        options = self.factory.options
        self.limit_messages(options.max_message_size)
        self.limit_writes(options.write_buffer)
        if not options.fast_frames:
            self.fast_frames = False
        if options.compression:
            self.perMessageCompressionAccept = self.factory.perMessageCompressionAccept
        self.startHandshake()

    def startHandshake(self) -> None:
        """Send the request."""
        self.websocket_key = b64encode(os.urandom(16))
        write_now(self.transport, self.factory.encode_request(self.websocket_key))

    def onOpen(self) -> None:
        """Tell the connection that it is open."""
        self._is_opened = True
        self.handshake = Handshake(
            "websocket", 101, self.websocket_protocol_in_use, self._head
        )
        try:
            self.factory.protocol_opened()
            self.factory.connection.transport_opened(self)
        except BaseException as error:
            # Autobahn calls this as a callback of a Deferred, which nobody looks at.
            self._broke(error)

    @property
    def onMessage(self) -> Callable[[bytes, bool], None]:
        """Whoever takes a frame that Autobahn has put together."""
        return self.factory.connection.frame_received

    def receiver_of(self, read: bytes) -> Callable[[bytes, bool], None]:
        """Whoever takes the frames in a read; asked for once a read."""
        return self.factory.connection.receiver_of(read)

    def processHandshake(self) -> Any:
        """Read the server's answer to the handshake, as soon as all of it is there.

        An answer that leaves nothing to weigh is read here, and so is the body of a
        refusal; of all others Autobahn decides, which always fails the handshake.
        """
        data, self.data = self.data, b""  # Autobahn would copy it with each read.
        answer = self._answer
        if self.refused is not None:
            return self._take_refusal(data)
        if answer is None:
            accepted = accepted_head(
                data, self.websocket_key, self.factory.protocols, _LONGEST_HEAD
            )
            if accepted is not None:
                return self._accepted(*accepted, data)
            answer = self._answer = AnswerHead(_LONGEST_HEAD)
        try:
            read = answer.read(data)
        except ValueError as error:
            return self.failHandshake(str(error))
        if read is None:
            return None
        self._head, rest = read
        self.factory.head_received(self._head)
        status, _, _ = read_head(self._head.decode("iso-8859-1"))
        if is_refusal(status):
            return self._refused(rest)
        self.data = plain_head(self._head) + b"\r\n\r\n" + rest
        result = super().processHandshake()
        if self._is_opened:
            self._forget_handshake()
        return result

    def _refused(self, data: bytes) -> None:
        """The answer is no yes: read what else it says, unless it leads elsewhere."""
        from .refused_upgrade import RefusedUpgrade

        self.refused = refused = RefusedUpgrade(self._head, self.factory.deadlines)
        refused.when_enough().addCallback(lambda _: self.failHandshake("refused"))
        self._take_refusal(data)

    def _take_refusal(self, data: bytes) -> None:
        if self.refused is not None and self.refused.take(data):
            self.failHandshake("refused")

    def _accepted(self, head: bytes, protocol: str | None, data: bytes) -> None:
        """Open the session, as Autobahn does it."""
        self._head = head
        self.factory.head_received(head)
        self.websocket_protocol_in_use = protocol
        self.data = data[len(head) + len(b"\r\n\r\n") :]
        self.state = self.STATE_OPEN
        self._onOpen()
        self._forget_handshake()
        if self.data:
            self.consumeData()

    def failHandshake(self, reason: str) -> None:
        """Remember why the handshake failed; the loss follows."""
        if TOKEN_PREFIX in reason:
            # Autobahn repeats what was offered, and that is the token.
            reason = "the server chose a subprotocol that was not offered"
        self.fault = reason
        super().failHandshake(reason)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """Begin or answer the closing handshake, and time what is left of it."""
        super().sendCloseFrame(code, reasonUtf8, isReply)
        # A close that a pause held back may be read after the loss.
        if self._closing_timer is None and not self._is_lost:
            self._closing_timer = self.factory.deadlines.callLater(
                self.factory.options.close_timeout, self._closing_timed_out
            )
            self.factory.connection.transport_closing()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell the factory how it ended."""
        if self.unsent_frames:
            self.factory.frames_unsent(self.unsent_frames)
        self._tell_end(wasClean, code, reason)

    # -- Inside -------------------------------------------------------------------

    def _may_consume(self) -> bool:
        """Let go of what follows the server's close frame (RFC 6455 section 1.4)."""
        if self.wasClean:
            self.data = b""
        return super()._may_consume()

    def _broke(self, error: BaseException) -> None:
        """Log what has just been raised, and end the connection."""
        if self._broken_by is None:
            self._broken_by = error
            log.failure("{protocol!r} raised; the connection ends", protocol=self)
        if not self._is_lost:
            self._closeConnection(abort=True)

    def _tell_end(self, was_clean: bool, code: int | None, reason: str | None) -> None:
        """Tell the factory how it ended, once."""
        if self._is_told:
            return
        # To say why may raise as well, and this is then called again.
        error: Any = self._broken_by
        if error is None and self._is_opened:
            error = self._why_closed(was_clean, code, reason)
        elif error is None:
            error = self._why_not_opened()
        elif self._is_opened:
            error = ConnectionClosed(NO_CLOSE_FRAME, "an error of our own")
            error.__cause__ = self._broken_by
        else:
            error = failed_with(error, "an error of our own")
        self._is_told = True
        if self._is_opened:
            self.factory.protocol_lost(error)
        else:
            self.factory.protocol_failed(error)

    @property
    def answer_head(self) -> bytes:
        """What has come of the head of the answer to the handshake."""
        begun = b"" if self._answer is None else self._answer.begun
        return self._head or begun

    def _stop_closing_timer(self) -> None:
        timer, self._closing_timer = self._closing_timer, None
        if timer is not None:
            timer.cancel()

    def _forget_handshake(self) -> None:
        """Let go of what an open session has no use for, secrets among it."""
        self._head = self.websocket_key = b""
        if self._answer is not None:
            # Autobahn has read it, and kept what it found.
            self._answer = None
            self.http_response_data = b""
            self.http_status_line = ""
            self.http_headers = {}
        # Of what was offered, a server may choose the auth token.
        self.websocket_protocol_in_use = None

    def _closing_timed_out(self) -> None:
        self._closing_timer = None
        seconds = self.factory.options.close_timeout
        self.aborted_because = f"the server did not finish the close in {seconds:g} s"
        # Autobahn takes a second drop for a mistake; the transport does not.
        self._closeConnection(abort=True)
