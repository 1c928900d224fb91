"""What went wrong below a transport, in words for a person."""

from __future__ import annotations

from OpenSSL.SSL import Error as TLSError
from service_identity import CertificateError, VerificationError
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectionClosed

from ..errors import ConnectionFailed
from ..legible import error_text, legible

__all__ = ["failed_with"]

# What no callable of a user's raises.
_OF_THE_NETWORK = (
    CancelledError,
    CertificateError,
    ConnectError,
    ConnectionClosed,
    TLSError,
    VerificationError,
)


def failed_with(cause: BaseException, when: str = "") -> ConnectionFailed:
    """Make the error that tells of another one, which becomes its cause.

    :param cause: what Twisted or OpenSSL has said.
    :param when: what was being done, if that is no part of the cause.
    """
    words = _describe(cause)
    failed = ConnectionFailed(f"{when}: {words}" if when else words)
    failed.__cause__ = cause
    if isinstance(cause, _OF_THE_NETWORK):
        # It tells nothing: these frames are ours, and hold headers and URLs.
        # Twisted has one ConnectionDone for all connections of the process; what hung
        # on that would stay for good.
        cause.__traceback__ = None
    return failed


def _describe(cause: BaseException) -> str:
    if isinstance(cause, VerificationError | CertificateError):
        return f"TLS: the certificate is for another host: {error_text(cause)}"
    if isinstance(cause, TLSError):
        return f"TLS: {_describe_tls(cause)}"
    return f"{type(cause).__name__}: {error_text(cause)}"


def _describe_tls(cause: TLSError) -> str:
    # Who has no trouble with TLS need not wait for it to load.
    from .server_identity import NoTLS

    if isinstance(cause, NoTLS):
        return error_text(cause)
    # A queue of (library, function, reason), of which the last is what was done.
    # It may be empty, or no queue at all.
    queue = cause.args[0] if cause.args else ()
    if isinstance(queue, list | tuple) and queue:
        return str(queue[-1][-1])
    return legible(cause)
