"""The buffers between OpenSSL and a transport, which never shrink by themselves.

A connection has two (``BIO_s_mem``), and each stays as large as it has been once: the
certificates of a handshake, or a read of 64 KiB, take memory until the connection ends.
pyOpenSSL has no name for exchanging them, and holds them by names of its own; where it
should call them something else, they are left as they are.
"""

from __future__ import annotations

from typing import Any, Final

from OpenSSL import SSL

__all__ = ["renew_buffers"]

_LIB: Final[Any] = getattr(SSL, "_lib", None)
_FFI: Final[Any] = getattr(SSL, "_ffi", None)
_CALLS: Final = ("BIO_new", "BIO_s_mem", "BIO_free", "BIO_read", "BIO_write")
_CAN_RENEW: Final = _FFI is not None and all(
    hasattr(_LIB, name) for name in (*_CALLS, "SSL_set_bio")
)

# How much is taken out of a buffer at a time.
_PIECE: Final = 4096


def renew_buffers(connection: SSL.Connection) -> None:
    """Have a connection without a socket use new buffers, with what is in the old.

    It may be called between any two calls of the connection's methods, by the transport
    that the buffers are for: whoever else has got hold of the old ones holds nothing.
    """
    names = vars(connection)
    old = [names.get("_into_ssl"), names.get("_from_ssl")]
    if not _CAN_RENEW or None in old or names.get("_ssl") is None:
        return
    new: list[Any] = []
    for _ in old:
        buffer = _LIB.BIO_new(_LIB.BIO_s_mem())
        if buffer == _FFI.NULL:
            break
        new.append(buffer)
    if len(new) < len(old):
        # There is no memory; the old ones serve on.
        for buffer in new:
            _LIB.BIO_free(buffer)
        return
    for source, target in zip(old, new, strict=True):
        _move(source, target)
    # With that the old ones are freed, and the new ones belong to the connection.
    _LIB.SSL_set_bio(names["_ssl"], *new)
    names["_into_ssl"], names["_from_ssl"] = new


def _move(source: Any, target: Any) -> None:
    """Move what is in a buffer."""
    piece = _FFI.new("char[]", _PIECE)
    while (size := _LIB.BIO_read(source, piece, _PIECE)) > 0:
        _LIB.BIO_write(target, piece, size)
