"""What is told of an error out of a user's code, whose text may hold a secret.

That is its class and those of its causes, and of TLS the reason: that comes from
OpenSSL's own table or is our text of a certificate, and who runs a program needs it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from OpenSSL.SSL import Error as TLSError
from service_identity import CertificateError, VerificationError
from twisted.python.failure import Failure

from ..legible import cut, error_text
from .server_identity import CertificateRefused

__all__ = ["classes_of"]

# So many causes of causes are told.
_MOST: Final = 5

# As OpenSSL writes its reasons, of which one may name a host (of 253 characters at
# most); something else is somebody's own.
_REASON: Final = re.compile(r"[\w /:.,'-]{1,400}", re.ASCII)

# No word of them is so long, but a token is.
_NO_WORD: Final = re.compile(r"[A-Za-z0-9]{24}")


def classes_of(error: BaseException) -> str:
    """The class of an error and those of its causes, one behind the other.

    Where the cause is one of TLS it is the last, and the reason stands behind it.
    A group of errors stands for its first.
    Nothing is raised, whatever the class of an error overrides: that would be shown.
    """
    names: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and len(seen) < _MOST and id(cause) not in seen:
        seen.add(id(cause))
        try:
            name = _named(cause)
        except BaseException:
            name = "an error"
        try:
            reason = _tls_reason(cause)
            inner = None if reason else _cause_of(cause)
        except BaseException:
            reason, inner = "", None
        names.append(f"{name} (TLS: {reason})" if reason else name)
        cause = inner if isinstance(inner, BaseException) else None
    return " because of ".join(names)


def _named(error: BaseException) -> str:
    kind = type(error)
    # OpenSSL's own is called Error and no more.
    name = f"{kind.__module__}.{kind.__name__}" if kind is TLSError else kind.__name__
    return cut(name)


def _cause_of(error: BaseException) -> BaseException | None:
    """What has led to an error, as Python says it, or Twisted, or urllib."""
    if error.__cause__ is not None:
        return error.__cause__
    # As they are kept: a property would be somebody's code.
    kept = vars(error)
    reasons = kept.get("reasons")
    inner: Any = kept.get("subFailure", kept.get("reason"))
    if isinstance(error, BaseExceptionGroup):
        # As of asyncio.TaskGroup.
        inner = error.exceptions[0]
    elif isinstance(reasons, list | tuple) and reasons:
        inner = reasons[0]
    if isinstance(inner, Failure):
        inner = inner.value
    if isinstance(inner, BaseException):
        return inner
    return None if error.__suppress_context__ else error.__context__


def _tls_reason(error: BaseException) -> str:
    """Why there is no TLS; nothing if that is not what an error says."""
    kind = type(error)
    if kind is CertificateRefused:
        return error_text(error)
    if isinstance(error, CertificateError | VerificationError):
        return "the certificate is for another host"
    reason: Any = None
    if kind is TLSError:
        queue = error.args[0] if error.args else ()
        last = queue[-1] if isinstance(queue, list | tuple) and queue else ()
        reason = last[-1] if isinstance(last, list | tuple) and last else None
    elif kind.__module__ == "ssl":
        # That of the standard library, which asyncio and urllib have.
        reason = getattr(error, "verify_message", None)
        if isinstance(reason, str):
            reason = f"certificate verify failed: {reason}"
        else:
            reason = getattr(error, "reason", None)
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        return ""
    return "" if kind is TLSError and _NO_WORD.search(reason) else cut(reason)
