"""TLS in memory: a client's transport on a TCP connection without a socket."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, cast

from OpenSSL.SSL import WantReadError
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix.testing.tls import self_signed
from txphoenix.transports.client_tls import client_tls
from txphoenix.transports.fast_tls_endpoint import FastTLSFactory
from txphoenix.transports.tls import verified

from .certificates import key_pem
from .openssl_server import IS_THERE, OpenSSLServer

__all__ = ["Client", "Line", "Reluctant", "TLSWireTestCase"]


class _Socket:
    """What a connection needs of a socket.

    :ivar room: how many more bytes it takes.
    :ivar sent: what it has taken.
    """

    def __init__(self) -> None:
        self.room = 10**9
        self.sent = b""

    def send(self, data: Any) -> int:
        """Take what there is room for."""
        if not self.room:
            raise BlockingIOError(11, "full")
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def fileno(self) -> int:
        """No file at all."""
        return -1

    def close(self, *_arguments: Any) -> None:
        """Do nothing, as for the rest."""

    setblocking = shutdown = setsockopt = close


class _Reactor(Clock):
    """Remembers who wants to read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.addReader, self.removeReader = self.readers.add, self.readers.discard
        self.addWriter, self.removeWriter = self.writers.add, self.writers.discard


class Line(Connection):
    """Twisted's own TCP connection, over a socket in memory."""

    def __init__(self) -> None:
        self.memory = _Socket()
        self.clock = _Reactor()
        super().__init__(cast(Any, self.memory), Protocol(), cast(Any, self.clock))
        self.connected = 1
        self.startReading()

    def sent(self) -> bytes:
        """Have the reactor's turns, and take what was sent."""
        while self in self.clock.writers and self.memory.room and not self._aborting:
            if self.doWrite() is not None:
                self.lose()
                break
        sent, self.memory.sent = self.memory.sent, b""
        return sent

    def lose(self, reason: BaseException | None = None) -> None:
        """End the connection, as the reactor does."""
        if self.connected:
            self.connectionLost(connectionDone if reason is None else Failure(reason))

    def getPeer(self) -> Any:
        """Nobody knows."""
        return None

    getHost = getPeer


class Reluctant:
    """OpenSSL's calls, but for one that it is not willing to serve."""

    def __init__(self, calls: Any) -> None:
        self._calls = calls
        self.is_willing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calls, name)

    def send(self, data: bytes) -> Any:
        """Encrypt it, or do not."""
        if not self.is_willing:
            raise WantReadError
        return self._calls.send(data)


@implementer(IHandshakeListener)
class Client(Protocol):
    """Notes what it is told.

    :ivar reads: what it was given.
    :ivar lost: why it has ended.
    :ivar on_data: what it does then.
    """

    def __init__(self) -> None:
        self.reads: list[bytes] = []
        self.lost: list[Any] = []
        self.handshakes = 0
        self.on_data: Any = None
        self.transport: Any = None

    def handshakeCompleted(self) -> None:
        """Note it."""
        self.handshakes += 1

    def dataReceived(self, data: bytes) -> None:
        """Note it."""
        self.reads.append(data)
        if self.on_data is not None:
            self.on_data()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note it."""
        self.lost.append(reason.value)

    @property
    def received(self) -> bytes:
        """All of it."""
        return b"".join(self.reads)


@cache
def _credentials() -> Any:
    """One key for all tests, for it takes a while."""
    return self_signed()


class TLSWireTestCase(SynchronousTestCase):
    """A client, our TLS, and the system's OpenSSL as a server."""

    if not IS_THERE:
        skip = "there is no library of OpenSSL 3"

    host = "localhost"
    is_old = False

    def setUp(self) -> None:
        """Begin the handshake."""
        credentials = _credentials()
        directory = self.mktemp()
        os.makedirs(directory)
        pem = os.path.join(directory, "server.pem")
        with open(pem, "wb") as file:
            file.write(credentials.authority_pem + key_pem(credentials))
        self.server = OpenSSLServer(pem, self.is_old)
        self.addCleanup(self.server.free)
        self.line = Line()
        self.client = Client()
        self.tls = self.transport()
        self.line.protocol = self.tls

    def transport(self) -> Any:
        """Make the client's side."""
        creator = verified(client_tls(self.host, _credentials().trust_root))
        factory = Factory.forProtocol(lambda: self.client)
        return FastTLSFactory(creator, factory).buildProtocol(cast(Any, None))

    def begin(self) -> None:
        """Connect, and say nothing yet."""
        self.tls.makeConnection(self.line)

    def shake_hands(self) -> None:
        """Do all of the handshake."""
        self.begin()
        self.exchange()
        self.assertEqual(self.client.handshakes, 1)

    def exchange(self) -> None:
        """Hand on what each side says, until there is silence."""
        while True:
            said = self.line.sent()
            self.server.feed(said)
            answer = self.server.out()
            if not said and not answer:
                return
            self.give(answer)

    def give(self, data: bytes) -> None:
        """Have the client read that, as far as it reads."""
        if data and self.line.connected and self.line in self.line.clock.readers:
            self.tls.dataReceived(data)

    def assert_ended(self, *kinds: type[BaseException]) -> None:
        """The protocol was told once, and nothing is left."""
        self.line.sent()
        self.assertEqual(len(self.client.lost), 1, self.client.lost)
        self.assertIsInstance(self.client.lost[0], kinds)
        self.assertIsNone(self.tls.getHandle())
        self.assertIsNone(self.tls.getPeerCertificate())
        self.assertIsNone(self.tls.negotiatedProtocol)
        self.assertIsNone(self.tls.wrappedProtocol)
        self.assertEqual(self.tls.kept_bytes, 0)
        clock = self.line.clock
        self.assertEqual((clock.readers, clock.writers), (set(), set()))
        self.assertEqual(clock.getDelayedCalls(), [])
        self.tls.write(b"late")
        self.tls.dataReceived(b"late")
        self.tls.loseConnection()
        self.assertEqual(self.tls.write_out(b"late"), 0)
