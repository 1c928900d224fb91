"""What the option ``tls`` makes of each connection, where that may raise.

It may be an object of the user's.
Twisted asks it in the middle of ``makeConnection``, and what it raises there is told to
nobody who waits: the attempt would end only when its time is over.
So it is asked here, and a connection whose handshake fails takes the place of one that
cannot be made.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import TLS_CLIENT_METHOD, Connection, Context, WantReadError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from ..errors import ConfigurationError
from ..legible import error_text
from ..runtime.package_log import package_log
from .tls import NoTLS

__all__ = ["guarded"]

log = Logger("txphoenix.transports.tls_creator", observer=package_log)


def guarded(tls: Any) -> Any:
    """Have what the option ``tls`` says fail a handshake rather than raise."""
    return _GuardedTLS(tls)


@implementer(IOpenSSLClientConnectionCreator)
class _GuardedTLS:
    """Has everything that the user's object has."""

    def __init__(self, creator: Any) -> None:
        self._creator = creator

    def __getattr__(self, name: str) -> Any:
        if name == "_creator":
            # It is being copied, and has nothing yet.
            raise AttributeError(name)
        return getattr(self._creator, name)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Connection:
        try:
            connection = self._creator.clientConnectionForTLS(tlsProtocol)
        except ConfigurationError as error:
            # Its files, as a rule: the attempt tells of them, as it does of a token's.
            refused = NoTLS(error_text(error))
            refused.__cause__ = error
            return _failing(refused)
        except BaseException as error:
            log.failure("the option tls raised", level=LogLevel.error)
            name = type(error).__name__
            refused = NoTLS(f"the option tls raised {name}: {error_text(error)}")
            refused.__cause__ = error
            return _failing(refused)
        fault = _fault_of(connection)
        return connection if fault is None else _failing(NoTLS(fault))


def _fault_of(connection: Any) -> str | None:
    """Why Twisted cannot use what has been made; None if it can."""
    wanted = "the option tls must make an OpenSSL.SSL.Connection without a socket"
    if not isinstance(connection, Connection):
        return f"{wanted}, not a value of type {type(connection).__name__}"
    try:
        connection.bio_read(1)
    except WantReadError:
        # Nothing is there yet, and something may come.
        return None
    except Exception:
        return f"{wanted}, not one that has a socket"
    return f"{wanted}, and a new one"


def _failing(error: NoTLS) -> Connection:
    """Make a connection of which nothing comes but an error."""
    connection = Connection(Context(TLS_CLIENT_METHOD), None)

    def fail(*_arguments: Any) -> Any:
        raise error

    connection.do_handshake = fail  # type: ignore[method-assign]
    connection.send = fail  # type: ignore[method-assign,assignment]
    return connection
