"""TLS sessions: a client that comes back to its server need not shake hands in full.

A server hands out what its client may come back with: a ticket, or in TLS 1.2 the id of
a session that it keeps (RFC 8446 section 2.2, RFC 5246 section 7.3)::

    C: ClientHello                  C: ClientHello, with the ticket
    S: its certificate, a proof     S: Finished
    C: Finished                     C: Finished
    S: a ticket                     S: another ticket

What is saved is the proof, which costs the server most of its handshake, and the
judging of the certificate.
The keys are exchanged anew, so that they are as good as those of a full handshake, and
nothing is sent before the handshake has ended (no early data, section 8 of RFC 8446).

A client keeps one session: the latest, when its connection has ended.

- It is offered once, so that nobody on the way sees two connections with one ticket
  (RFC 8446 appendix C.4).
  What becomes of that handshake leaves none behind but its own.
- It goes to no other host or port, and to none where another object says whom to trust
  and what to show: the option ``tls``, or the authorities of the machine once they
  have changed.
- It is offered for no longer than each certificate was good for that the server was
  verified by, as a handshake without certificates would not tell.
- Only connections of :class:`~txphoenix.transports.tls.VerifyingTLS` offer one, which
  compare the server's name in such a handshake as in any other, and only those leave
  one behind whose certificates have been judged there.
  Other objects of the user's may judge in a full handshake alone.

Each client has its own, those of one process too: sessions are no more shared than
tokens are.
"""

from __future__ import annotations

import weakref
from functools import partial
from time import time
from typing import Any, Final, NamedTuple

from OpenSSL.SSL import (
    SENT_SHUTDOWN,
    Connection,
    Error,
    Session,
    SysCallError,
    WantReadError,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.tcp import Connection as TCPConnection
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..runtime.package_log import package_log
from .tls import HANDSHAKE, VerifyingTLS, is_judged, is_verified

__all__ = ["TLSSessions", "keep_session"]

log = Logger("txphoenix.transports.tls_sessions", observer=package_log)

# What a connection has of ours: what is known of its session, and two methods.
_ORIGIN: Final = "_txphoenix_session"
_END_INPUT: Final = "bio_shutdown"
_RECEIVE: Final = "recv"


class TLSSessions:
    """The latest session of a client, until that is offered."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def resuming(self, tls: Any, given: object, host: str, port: int) -> Any:
        """Have connections offer the session of the one before.

        :param tls: makes the connections; returned as it is if that cannot be.
        :param given: the option ``tls``.
        :param host: the server's, as the URL has it.
        :param port: the server's.
        """
        if not isinstance(tls, VerifyingTLS):
            return tls
        return _ResumingTLS(tls, self, _Server(host, port, given))

    def offer(self, connection: Connection, server: _Server) -> None:
        """Have a new connection offer the session, if that is one for it."""
        kept, self._kept = self._kept, None
        good_until = None
        if (
            kept is not None
            and kept.server.is_same(server)
            and time() < kept.good_until
            and kept.context is connection.get_context()
        ):
            connection.set_session(kept.session)
            good_until = kept.good_until
        own = vars(connection)
        own[_ORIGIN] = _Origin(self, server, good_until)
        own[_END_INPUT] = partial(_end_input, weakref.ref(connection))

    def keep(self, kept: _Kept) -> None:
        """Keep a session in the place of the one before."""
        self._kept = kept


class _Server(NamedTuple):
    """Whom a session is with, and what is asked of it."""

    host: str
    port: int
    tls: object

    def is_same(self, other: _Server) -> bool:
        """Whether it is that server, verified by the same object."""
        return self[:2] == other[:2] and self.tls is other.tls


class _Origin(NamedTuple):
    """What a connection was begun with.

    :ivar good_until: how long the certificates are good, in seconds since 1970, by
        which the server of the session was verified that was offered; None if none was.
    """

    sessions: TLSSessions
    server: _Server
    good_until: float | None


class _Kept(NamedTuple):
    """A session, with all that must be the same for it to be resumed."""

    session: Session
    context: object
    server: _Server
    good_until: float

    def __repr__(self) -> str:
        return f"<session with {self.server.host}:{self.server.port}>"


@implementer(IOpenSSLClientConnectionCreator)
class _ResumingTLS:
    """Makes the connections of one attempt."""

    def __init__(self, tls: Any, sessions: TLSSessions, server: _Server) -> None:
        self._tls = tls
        self._sessions = sessions
        self._server = server

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Connection:
        connection: Connection = self._tls.clientConnectionForTLS(tlsProtocol)
        self._sessions.offer(connection, self._server)
        return connection


def keep_session(transport: Any, reason: Failure) -> None:
    """Keep the session of a connection that has ended, if it may be resumed.

    Call it in ``connectionLost``: tickets come after the handshake, whenever the server
    likes.

    :param transport: any transport.
    :param reason: why it has ended.
        What an error of TLS has ended is not resumed.
    """
    # What does TLS above it has all attributes of the one below, so ask for the class.
    if isinstance(transport, TCPConnection) and not transport.TLS:
        # It is TCP alone, which has no handle once it has ended.
        return
    try:
        get_handle = getattr(transport, "getHandle", None)
        connection = None if get_handle is None else get_handle()
        if isinstance(connection, Connection):
            own = vars(connection)
            origin = own.pop(_ORIGIN, None)
            if origin is None:
                return
            may_resume = is_verified(connection) and not isinstance(reason.value, Error)
            # Without them it no longer holds itself.
            for name in (_END_INPUT, _RECEIVE, HANDSHAKE):
                own.pop(name, None)
            if may_resume:
                _keep(connection, origin)
    except Exception as error:
        # The transport may be of the user's making, and it has ended anyway.
        log.debug("no TLS session to keep: {error}", error=error)


def _keep(connection: Connection, origin: _Origin) -> None:
    session = connection.get_session()
    if session is None:
        return
    # There is no chain where a session was resumed.
    chain = connection.get_verified_chain()
    if chain:
        if not is_judged(connection):
            # An endpoint of the user's has had it verified in another way, if at all.
            return
        good_until = min(
            certificate.to_cryptography().not_valid_after_utc.timestamp()
            for certificate in chain
        )
    elif origin.good_until is not None:
        good_until = origin.good_until
    else:
        return
    # Of a connection that ends without close_notify OpenSSL discards the session, a
    # rule which TLS 1.1 has dropped (RFC 4346 section 7.2.1).
    connection.set_shutdown(connection.get_shutdown() | SENT_SHUTDOWN)
    origin.sessions.keep(
        _Kept(session, connection.get_context(), origin.server, good_until)
    )


def _end_input(reference: weakref.ref[Connection]) -> None:
    """There is nothing more to come for a connection.

    Twisted tells OpenSSL, and asks it what that means: if the server has not said
    goodbye, that is an error, with which OpenSSL discards the session.
    So it is not told, and the same error is raised here.
    """
    connection = reference()
    if connection is None:
        return
    receive = connection.recv

    def receive_rest(*arguments: Any) -> bytes:
        try:
            return receive(*arguments)
        except WantReadError:
            raise SysCallError(-1, "Unexpected EOF") from None

    vars(connection)[_RECEIVE] = receive_rest
