"""The system's OpenSSL as a server in memory, for what Python's own API cannot do.

New keys, tickets at any time and another handshake are the server's to begin, and
neither :mod:`ssl` nor pyOpenSSL can have it do so.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, Final

__all__ = ["IS_THERE", "OpenSSLServer"]

_FILETYPE_PEM: Final = 1
_SET_MAX_PROTO_VERSION: Final = 124
_TLS_1_2: Final = 0x0303
_ZERO_RETURN: Final = 6


def _library() -> Any:
    try:
        path = ctypes.util.find_library("ssl")
        library: Any = None if path is None else ctypes.CDLL(path)
        # Since OpenSSL 3.0.
        return library if hasattr(library, "SSL_new_session_ticket") else None
    except OSError:
        return None


_ssl: Any = _library()
IS_THERE: Final = _ssl is not None
"""Whether there is such a library."""

if IS_THERE:
    _crypto: Any = ctypes.CDLL(ctypes.util.find_library("crypto"))
    for _name in ("TLS_server_method", "SSL_CTX_new", "SSL_new"):
        getattr(_ssl, _name).restype = ctypes.c_void_p
    for _name in ("BIO_s_mem", "BIO_new"):
        getattr(_crypto, _name).restype = ctypes.c_void_p


class OpenSSLServer:
    """One connection.

    :param pem: the path of a file with a key and its certificate.
    :param is_old: whether it speaks TLS 1.2 at most.

    :ivar received: what the client has sent.
    :ivar is_closed: whether the client has said goodbye.
    """

    def __init__(self, pem: str, is_old: bool = False) -> None:
        path = pem.encode()
        context = ctypes.c_void_p(
            _ssl.SSL_CTX_new(ctypes.c_void_p(_ssl.TLS_server_method()))
        )
        _ssl.SSL_CTX_use_certificate_chain_file(context, path)
        _ssl.SSL_CTX_use_PrivateKey_file(context, path, _FILETYPE_PEM)
        if is_old:
            version = ctypes.c_long(_TLS_1_2)
            _ssl.SSL_CTX_ctrl(context, _SET_MAX_PROTO_VERSION, version, None)
        self._ssl = ctypes.c_void_p(_ssl.SSL_new(context))
        _ssl.SSL_CTX_free(context)
        memory = ctypes.c_void_p(_crypto.BIO_s_mem())
        self._in = ctypes.c_void_p(_crypto.BIO_new(memory))
        self._out = ctypes.c_void_p(_crypto.BIO_new(memory))
        _ssl.SSL_set_bio(self._ssl, self._in, self._out)
        _ssl.SSL_set_accept_state(self._ssl)
        self.received = b""
        self.is_closed = False

    def free(self) -> None:
        """Give its memory back."""
        _ssl.SSL_free(self._ssl)

    def feed(self, data: bytes) -> None:
        """Take what the client has sent, and read it."""
        if data:
            _crypto.BIO_write(self._in, data, len(data))
        self.read()

    def read(self) -> None:
        """Read what is there; the handshake goes on with it."""
        buffer = ctypes.create_string_buffer(2**14)
        while True:
            size = _ssl.SSL_read(self._ssl, buffer, len(buffer))
            if size <= 0:
                if _ssl.SSL_get_error(self._ssl, size) == _ZERO_RETURN:
                    self.is_closed = True
                return
            self.received += buffer.raw[:size]

    def write(self, data: bytes) -> None:
        """Encrypt that, by as many records as it takes."""
        if _ssl.SSL_write(self._ssl, data, len(data)) != len(data):
            raise ValueError("it could not be written")

    def out(self) -> bytes:
        """Take what it has for the client."""
        buffer = ctypes.create_string_buffer(2**16)
        data = b""
        while True:
            size = _crypto.BIO_read(self._out, buffer, len(buffer))
            if size <= 0:
                return data
            data += buffer.raw[:size]

    def new_key(self, is_asked: bool) -> None:
        """Use a new key from the next record on (TLS 1.3).

        :param is_asked: whether the client is to do so as well.
        """
        _ssl.SSL_key_update(self._ssl, int(is_asked))
        _ssl.SSL_do_handshake(self._ssl)

    def ticket(self) -> None:
        """Send another ticket (TLS 1.3)."""
        _ssl.SSL_new_session_ticket(self._ssl)
        _ssl.SSL_do_handshake(self._ssl)

    def shake_hands_again(self) -> None:
        """Ask for another handshake (TLS 1.2)."""
        _ssl.SSL_renegotiate(self._ssl)
        _ssl.SSL_do_handshake(self._ssl)

    def say_goodbye(self) -> None:
        """Send close_notify."""
        _ssl.SSL_shutdown(self._ssl)
