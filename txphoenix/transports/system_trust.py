"""Whom this machine trusts: the context of OpenSSL that holds its authorities.

To read them takes milliseconds and most of a megabyte, and what was read can serve all
connections: a context knows nothing of hosts, and the names of a certificate are
compared by each connection for itself (:mod:`txphoenix.transports.tls`).
So there is one for the process.

The authorities may change while it runs.
They are read again, for the connections that begin then, when ``SSL_CERT_FILE`` or
``SSL_CERT_DIR`` say something else, when one of the files or directories has changed,
which is looked at once a second at most, and otherwise once a day: a link in a
directory may lead to something else without any sign of it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions, platformTrust

__all__ = ["SystemTrust", "system_trust"]

_LOOK_AFTER: Final = 1.0
_READ_AFTER: Final = 24 * 3600.0
_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class SystemTrust:
    """The context with the machine's authorities, made when it is asked for.

    :param seconds: tells the time.
    """

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._context: SSL.Context | None = None
        # What it was made of, and when.
        self._variables: tuple[str | None, ...] = ()
        self._state: list[Any] = []
        self._read_at = self._looked_at = 0.0

    def context(self) -> SSL.Context:
        """The context for a connection that begins now.

        It is the same one for as long as the authorities are the same.
        """
        now = self._seconds()
        variables = tuple(map(os.environ.get, _VARIABLES))
        if self._context is not None and variables == self._variables:
            if now - self._looked_at < _LOOK_AFTER:
                return self._context
            self._looked_at = now
            if self._state == _state() and now - self._read_at < _READ_AFTER:
                return self._context
        # What changes while it is read is another state than this one.
        self._variables, self._state = variables, _state()
        self._read_at = self._looked_at = now
        # Without tickets a server of TLS 1.2 could hardly resume a session.
        options = CertificateOptions(
            trustRoot=platformTrust(), enableSessionTickets=True
        )
        self._context = options.getContext()
        return self._context


system_trust = SystemTrust()
"""That of this process."""


def _state() -> list[Any]:
    """What tells whether the authorities have changed."""
    state: list[Any] = []
    for path in _places():
        try:
            found = os.stat(path)
        except OSError:
            state.append(None)
        else:
            state.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return state


def _places() -> Iterator[str]:
    """Where the authorities may be: OpenSSL's places, and those pyOpenSSL adds."""
    default = ssl.get_default_verify_paths()
    file, directories = map(os.environ.get, _VARIABLES)
    yield default.openssl_cafile if file is None else file
    yield from (default.openssl_capath if directories is None else directories).split(
        os.pathsep
    )
    if file is None and directories is None:
        yield from getattr(SSL, "_CERTIFICATE_FILE_LOCATIONS", ())
        yield from getattr(SSL, "_CERTIFICATE_PATH_LOCATIONS", ())
