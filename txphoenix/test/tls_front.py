"""What stands before servers on the internet: it ends TLS and passes on the inside.

Its TLS is that of the standard library, which tells whether a session was resumed.
"""

from __future__ import annotations

import ssl
import tempfile
from typing import Any, cast

from OpenSSL import crypto
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.python.failure import Failure

from .network import reactor

__all__ = ["TLSFront", "server_context"]

_PEM = crypto.FILETYPE_PEM


def server_context(certificate: CertificateOptions) -> ssl.SSLContext:
    """The context of a server with a certificate; it knows no sessions yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own, key = cast(Any, certificate.certificate), cast(Any, certificate.privateKey)
    with tempfile.NamedTemporaryFile() as file:
        for one in (own, *certificate.extraCertChain):
            file.write(crypto.dump_certificate(_PEM, one))
        file.write(crypto.dump_privatekey(_PEM, key))
        file.flush()
        context.load_cert_chain(file.name)
    return context


class TLSFront(Factory):
    """Passes on what clients say inside of TLS.

    :param port: the server's port on 127.0.0.1.
    :param context: the TLS of the next connections; it may be set anew.
    """

    noisy = False

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port = port
        self.context = context
        self.resumed: list[bool] = []
        """Of each handshake that has ended well, whether it resumed a session."""
        self.is_mute = False
        """Whether it ends connections in the middle of their handshakes."""
        self.connections: list[_Near] = []
        # With an object that ends without a goodbye OpenSSL drops its session, which in
        # TLS 1.2 may be nowhere else.
        self.tls: list[ssl.SSLObject] = []

    def buildProtocol(self, addr: Any) -> _Near:
        """Take a connection."""
        near = _Near(self)
        self.connections.append(near)
        return near

    def drop(self) -> None:
        """End all connections at once, without a word."""
        for near in self.connections[:]:
            cast(Any, near.transport).abortConnection()


class _Near(Protocol):
    """The side of the client."""

    def __init__(self, front: TLSFront) -> None:
        self._front = front
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = front.context.wrap_bio(self._in, self._out, server_side=True)
        front.tls.append(self._tls)
        self._is_open = False
        self._unsent: list[bytes] = []
        self._far: Any = None

    def connectionMade(self) -> None:
        """Connect to the server."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self._front.port)
        endpoint.connect(Factory.forProtocol(_Far)).addCallback(self._connected)

    def dataReceived(self, data: bytes) -> None:
        """Take what the client says."""
        self._in.write(data)
        try:
            if not self._is_open:
                if self._front.is_mute:
                    cast(Any, self.transport).abortConnection()
                    return
                self._tls.do_handshake()
                self._is_open = True
                self._front.resumed.append(bool(self._tls.session_reused))
            while said := self._tls.read(1 << 16):
                self._unsent.append(said)
            cast(Any, self.transport).loseConnection()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            cast(Any, self.transport).loseConnection()
        self._flush()

    def answer(self, data: bytes) -> None:
        """Tell the client what the server says."""
        self._tls.write(data)
        self._flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the other side."""
        self._front.connections.remove(self)
        if self._far is not None:
            self._far.transport.loseConnection()

    def end(self) -> None:
        """The server has ended the connection."""
        cast(Any, self.transport).loseConnection()

    def _connected(self, far: Any) -> None:
        far.near = self
        self._far = far
        if not self.connected:
            far.transport.loseConnection()
        self._flush()

    def _flush(self) -> None:
        cast(Any, self.transport).write(self._out.read())
        if self._far is not None:
            self._far.transport.writeSequence(self._unsent)
            self._unsent.clear()


class _Far(Protocol):
    """The side of the server."""

    near: _Near

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self.near.answer(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the client's side."""
        self.near.end()
