"""TLS at the cost of its cryptography.

Twisted's TLS collects small writes until the reactor's next turn, encrypts them by a
record, and has the reactor wait until the socket can be written.
It hands on what it reads by a record as well, and looks after each read and write
whether there is any more, which OpenSSL answers with an error: that costs more than
the decryption of a message.
So here::

    a read      its records are counted by their headers (RFC 8446 section 5.1), and as
                many are asked for; all that was in them is delivered at once
    a write     is encrypted at once, or kept until the handshake is done, and the
                WebSocket's is given to the socket at once

What brought no data (a ticket, a new key, an alert) may have an answer, and that is
looked for then alone.
Whatever does not look like TLS is left to OpenSSL: from there on it is asked until it
has no more.

Certificates are verified in what the option ``tls`` makes, as under Twisted's TLS: see
:mod:`txphoenix.transports.tls`.
Errors and ends are Twisted's as well.
With ``fast_tls`` set to false, the client's option, TLS is Twisted's own.
"""

from __future__ import annotations

from typing import Any, Final

from OpenSSL.SSL import Error, SysCallError, WantReadError, ZeroReturnError
from twisted.internet.interfaces import IHandshakeListener, IProtocol
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import directlyProvides, providedBy

from .openssl_calls import Calls, fast_calls
from .tls_producer import TLSProducer
from .tls_records import RecordCounter
from .write_at_once import write_now

__all__ = ["FastTLSTransport"]

# OpenSSL is given so many bytes at a time: its buffers stay as large as they were once.
_MOST_AT_ONCE: Final = 2**15
# The most plain text in a record (RFC 8446 section 5.1).
_LONGEST_TEXT: Final = 2**14
# What encryption adds to what is given at a time, and more.
_ADDED: Final = 1024


class FastTLSTransport(TLSMemoryBIOProtocol):
    """TLS of a client, between a transport and a protocol.

    It is of Twisted's class because Autobahn and users' objects ask for that, and does
    all by itself.

    :param factory: makes the connection of OpenSSL.
    :param protocol: talks through it.
    """

    factory: Any
    transport: Any
    wrappedProtocol: Any
    disconnecting = False

    def __init__(self, factory: Any, protocol: IProtocol) -> None:
        super().__init__(factory, protocol)
        # By the name that it has in Twisted's TLS; None after the end.
        self._tlsConnection: Any = None
        self._calls: Calls | None = None
        self._is_shaken = False
        # TLS has ended, by a goodbye or an error.
        self._is_over = False
        self._is_aborted = False
        # What has been written, and cannot be encrypted yet.
        self._kept: list[bytes] | None = None
        self.kept_bytes = 0
        """How many bytes have been written that are not encrypted yet."""
        self._producer: TLSProducer | None = None
        self._reason: Failure | None = None
        self._records = RecordCounter()

    # -- What is asked of a transport of TLS --------------------------------------

    def getPeerCertificate(self) -> Any:
        """The server's certificate; None if it has not shown any."""
        connection = self._tlsConnection
        return None if connection is None else connection.get_peer_certificate()

    def failVerification(self, reason: Failure) -> None:
        """End the connection: the server's certificate is no good.

        :param reason: what the protocol is told.
        """
        self._reason = reason
        self.abortConnection()

    # -- The handshake ------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Begin the handshake."""
        self._tlsConnection = connection = self.factory.connection_for(self)
        self._calls = fast_calls(connection)
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.wrappedProtocol.makeConnection(self)
        if not self._is_over and not self._is_aborted:
            try:
                self._shake_hands()
            except Error:
                self._finish(Failure())

    def _shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is done.

        :raises OpenSSL.SSL.Error: it has failed.
        """
        try:
            self._tlsConnection.do_handshake()
        except WantReadError:
            self._flush()
            return False
        self._is_shaken = True
        if IHandshakeListener.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.handshakeCompleted()
        if self._kept is None:
            self._flush()
        return True

    # -- Reading ------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Decrypt what was read, and deliver it all at once."""
        if self._is_over or self._is_aborted or not data:
            return
        texts: list[bytes] = []
        ended: Failure | None = None
        try:
            if len(data) <= _MOST_AT_ONCE:
                self._decrypt(data, texts)
            else:
                view = memoryview(data)
                for start in range(0, len(data), _MOST_AT_ONCE):
                    self._decrypt(view[start : start + _MOST_AT_ONCE], texts)
        except Error:
            ended = Failure()
        if texts and not self._is_aborted:
            self.wrappedProtocol.dataReceived(
                texts[0] if len(texts) == 1 else b"".join(texts)
            )
        # The protocol may have ended it meanwhile.
        if ended is not None and not self._is_over and not self._is_aborted:
            if isinstance(ended.value, ZeroReturnError):
                self._say_goodbye()
                ended = None
            self._finish(ended)

    def _decrypt(self, data: bytes | memoryview, texts: list[bytes]) -> None:
        """Add the texts of the records that are complete now.

        :raises OpenSSL.SSL.Error: TLS is over.
        """
        calls = self._calls
        if calls is None or self._is_over:
            return
        records = self._records.count(data)
        calls.bio_write(data)
        if not self._is_shaken:
            if self._is_aborted or not self._shake_hands():
                return
            # There may be records behind the last of the handshake.
            records = -1
            if self._producer is not None:
                self._producer.resumeProducing()
        if self._kept is not None:
            self._write_kept()
        receive = calls.recv
        try:
            if records >= 0:
                for _ in range(records):
                    texts.append(receive(_LONGEST_TEXT))
                return
            while True:
                texts.append(receive(_LONGEST_TEXT))
        except WantReadError:
            # One of them was none of the application's, and may have an answer.
            self._flush()

    # -- Writing ------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt, and have it leave with what is written in this turn of the reactor.

        What is written after :meth:`loseConnection` is dropped, unless a producer has
        still to finish.
        """
        self.write_out(data, at_once=False)

    def write_out(self, data: bytes, at_once: bool = True) -> int:
        """Encrypt and write at once, as far as the handshake and the socket allow it.

        :param at_once: otherwise it leaves in the reactor's next turn at the earliest.
        :return: how many bytes it has become below; fewer than it had if it was kept or
            dropped.
        """
        if self.disconnecting and self._producer is None:
            return 0
        return self._write(data, at_once)

    def _write(self, data: bytes, at_once: bool = True) -> int:
        calls = self._calls
        if calls is None or self._is_over or self._is_aborted:
            return 0
        if not self._is_shaken or self._kept is not None:
            self._keep(data)
            return 0
        size = len(data)
        rest: Any = data if size <= _MOST_AT_ONCE else memoryview(data)
        taken = done = 0
        try:
            while done < size:
                sent = calls.send(rest[:_MOST_AT_ONCE])
                done += sent
                rest = rest[sent:]
                taken += self._flush(sent, at_once)
        except WantReadError:
            # The server has begun another handshake, as it may before TLS 1.3.
            self._keep(bytes(rest))
            self._flush()
        except Error:
            self._finish(Failure())
        return taken

    def _keep(self, data: bytes) -> None:
        """Keep what cannot be encrypted for now."""
        if self._kept is None:
            self._kept = []
        self._kept.append(data)
        self.kept_bytes += len(data)
        if self._producer is not None:
            self._producer.pauseProducing()

    def _write_kept(self) -> None:
        """Write what was kept, and end what has waited for that."""
        kept = b"".join(self._kept or ())
        self._kept = None
        self.kept_bytes = 0
        self._write(kept)
        if self._kept is not None:
            return
        if self._producer is not None:
            self._producer.resumeProducing()
        elif self.disconnecting and not self._is_aborted:
            self._say_goodbye()

    def _flush(self, size: int = 0, at_once: bool = True) -> int:
        """Hand to the transport what OpenSSL has to say.

        :param size: of how many bytes that is made, if it is known.
        :return: how many bytes that was.
        """
        calls = self._calls
        if calls is None or self._is_aborted:
            return 0
        room = size + _ADDED
        total = 0
        try:
            while True:
                data = calls.bio_read(room)
                total += len(data)
                if at_once:
                    write_now(self.transport, data)
                else:
                    self.transport.write(data)
                if len(data) < room:
                    return total
        except WantReadError:
            return total

    @property
    def can_write(self) -> bool:
        """Whether what is written is encrypted at once."""
        return self._is_shaken and self._kept is None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a producer paused while there is enough to write."""
        if self._is_over:
            producer.stopProducing()
            return
        before, registered = self._producer, TLSProducer(self, producer, streaming)
        self._producer = registered
        try:
            # It raises if there is one already.
            self.transport.registerProducer(registered, streaming)
        except BaseException:
            self._producer = before
            raise

    def unregisterProducer(self) -> None:
        """Have no producer any more."""
        if self._producer is None:
            return
        self._producer = None
        self.transport.unregisterProducer()
        if self.disconnecting and self._kept is None:
            self._say_goodbye()

    # -- The end ------------------------------------------------------------------

    def loseConnection(self) -> None:
        """Write what was written, say goodbye, and wait for the server's."""
        if self.disconnecting or not self.connected:
            return
        if not self._is_shaken and self._kept is None:
            # There is nobody to say goodbye to.
            self.abortConnection()
            return
        self.disconnecting = True
        if self._kept is None and self._producer is None:
            self._say_goodbye()

    def abortConnection(self) -> None:
        """End the connection at once; nothing more is delivered or written."""
        self._is_aborted = self.disconnecting = True
        connection, transport = self._tlsConnection, self.transport
        if connection is not None and self._is_shaken:
            _shut(connection)
        (getattr(transport, "abortConnection", None) or transport.loseConnection)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the protocol of the end, by the error of TLS if there was one."""
        connection, protocol = self._tlsConnection, self.wrappedProtocol
        if not self._is_over and not self._is_aborted:
            # Whatever ended it, nobody has said goodbye.
            reason = Failure(CONNECTION_LOST)
            if connection is not None and self._is_shaken:
                # That says nothing against its session: another may resume it.
                _shut(connection)
        reason = self._reason or reason
        self._is_over = True
        self.connected = False
        self._kept = self._producer = self._reason = None
        self.kept_bytes = 0
        try:
            protocol.connectionLost(reason)
        finally:
            self._tlsConnection = self._calls = self.wrappedProtocol = None

    def _say_goodbye(self) -> None:
        """Begin or answer the end of TLS; with both, that of the connection."""
        connection = self._tlsConnection
        if connection is None:
            return
        is_answered = _shut(connection)
        self._flush()
        if is_answered:
            self.transport.loseConnection()

    def _finish(self, reason: Failure | None) -> None:
        """TLS is over, and so is the connection once that has been said.

        :param reason: the error, if there was one.
        """
        if self._reason is None and reason is not None:
            self._reason = _shown(reason)
        self._is_over = True
        # There may be an alert in it.
        self._flush()
        if not self._is_aborted:
            self.transport.loseConnection()


def _shut(connection: Any) -> bool:
    """Have OpenSSL say goodbye; return whether the server has."""
    try:
        is_answered: bool = connection.shutdown()
    except Error:
        # It cannot in the middle of a handshake.
        return False
    return is_answered


def _shown(failure: Failure) -> Failure:
    """What the protocol is told of an error.

    An end against the rules of TLS is a connection that was lost, as without TLS.
    """
    error = failure.value
    if isinstance(error, SysCallError):
        is_end = "unexpected eof" in str(error).lower()
    else:
        queue = error.args[0] if error is not None and error.args else None
        # OpenSSL 4 says nothing.
        is_end = not queue or queue[-1][2].lower().startswith("unexpected eof")
    return Failure(CONNECTION_LOST) if is_end else failure
