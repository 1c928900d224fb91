"""The four calls of OpenSSL that each message under TLS needs, without detours.

pyOpenSSL checks and converts its arguments, and asks after each call whether a callback
has raised: that takes more time than OpenSSL does for a message of 100 bytes.
What is called here are the same functions, by pyOpenSSL's own binding.
It has no public name, so that where anything of it is missing, pyOpenSSL's own calls
are made; and so they are where a connection is of another class, or has had one of them
replaced.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Protocol

from OpenSSL import _util
from OpenSSL.SSL import (
    TLS_CLIENT_METHOD,
    Connection,
    Context,
    Error,
    WantReadError,
)

__all__ = ["Calls", "fast_calls"]

_NAMES: Final = ("bio_read", "bio_write", "recv", "send")

_lib: Any = getattr(_util, "lib", None)
_ffi: Any = getattr(_util, "ffi", None)
_buffer: Any = getattr(_util, "no_zero_allocator", None)
_is_known: Final = _buffer is not None and all(
    hasattr(_lib, name) for name in ("BIO_read", "BIO_write", "SSL_read", "SSL_write")
)


class Calls(Protocol):
    """What is called; :class:`OpenSSL.SSL.Connection` says what they raise."""

    def bio_read(self, bufsiz: int) -> bytes:
        """Take what is to be sent to the peer."""

    def bio_write(self, buf: Any) -> int:
        """Give what has come from the peer."""

    def recv(self, bufsiz: int) -> bytes:
        """Decrypt one record."""

    def send(self, buf: Any) -> int:
        """Encrypt, in as many records as that takes."""


def fast_calls(connection: Any) -> Calls:
    """The calls of a connection, as fast as they can be had.

    :param connection: one of pyOpenSSL, without a socket.
    """
    calls: Calls = connection
    if (
        _works()
        and type(connection) is Connection
        and vars(connection).keys().isdisjoint(_NAMES)
    ):
        try:
            calls = _DirectCalls(connection)
        except AttributeError:
            # It has other private parts than those we know.
            return calls
    return calls


@cache
def _works() -> bool:
    """Whether the calls do what pyOpenSSL's own do, by the pyOpenSSL that is there."""
    if not _is_known:
        return False
    connection = Connection(Context(TLS_CLIENT_METHOD), None)
    connection.set_connect_state()
    try:
        calls = _DirectCalls(connection)
        try:
            calls.recv(1)
        except WantReadError:
            # It has said hello, in a record of the handshake.
            is_hello = calls.bio_read(2**14)[:1] == b"\x16"
        else:
            return False
        # No peer answers so, and it has to be noticed.
        calls.bio_write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        try:
            calls.recv(1)
        except WantReadError:
            return False
        except Error:
            return is_hello
    # What does not do what it did may do anything.
    except Exception:
        return False
    return False


class _DirectCalls:
    """Those of OpenSSL itself; nothing is kept but what the connection has."""

    __slots__ = ("_fail", "_from_ssl", "_into_ssl", "_ssl")

    def __init__(self, connection: Any) -> None:
        self._ssl = connection._ssl
        self._from_ssl = connection._from_ssl
        self._into_ssl = connection._into_ssl
        # It raises what OpenSSL's answer stands for.
        self._fail = connection._raise_ssl_error

    def bio_read(self, bufsiz: int) -> bytes:
        buffer = _buffer("char[]", bufsiz)
        size = _lib.BIO_read(self._from_ssl, buffer, bufsiz)
        if size <= 0:
            # BIO_read of a BIO in memory fails only if that is empty.
            raise WantReadError
        data: bytes = _ffi.buffer(buffer, size)[:]
        return data

    def bio_write(self, buf: Any) -> int:
        # An endpoint of the user's may read into a bytearray.
        data = buf if type(buf) is bytes else _ffi.from_buffer(buf)
        size: int = _lib.BIO_write(self._into_ssl, data, len(buf))
        if size != len(buf):
            raise MemoryError
        return size

    def recv(self, bufsiz: int) -> bytes:
        buffer = _buffer("char[]", bufsiz)
        size = _lib.SSL_read(self._ssl, buffer, bufsiz)
        if size <= 0:
            self._fail(self._ssl, size)
            raise WantReadError
        data: bytes = _ffi.buffer(buffer, size)[:]
        return data

    def send(self, buf: Any) -> int:
        size: int = _lib.SSL_write(self._ssl, _ffi.from_buffer(buf), len(buf))
        if size <= 0:
            self._fail(self._ssl, size)
            raise WantReadError
        return size
