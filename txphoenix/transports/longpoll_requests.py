"""What the requests of long-poll say of themselves: their URL and their headers."""

from __future__ import annotations

from twisted.web.http_headers import Headers

from ..errors import HandshakeRefused
from ..protocol.url import Target
from .attempt import Attempt
from .cookies import ServerCookies
from .request_headers import request_headers
from .request_secrets import RequestSecrets

__all__ = [
    "headers_of",
    "is_session_named",
    "name_session",
    "poll_headers_of",
    "secrets_of",
    "url_of",
]

_AUTH_HEADER = "X-Phoenix-AuthToken"
_SESSION_HEADER = "X-Phoenix-Longpoll-Token"
# What no user has given.
_OURS = frozenset({"host", "user-agent", "accept"})


def url_of(target: Target) -> str:
    """The URL of the requests."""
    return target.url("https" if target.secure else "http")


def headers_of(target: Target, attempt: Attempt) -> Headers:
    """Make the headers of each request."""
    headers = Headers()
    for name, value in request_headers(target, attempt.headers, {}).items():
        headers.setRawHeaders(name, [value])
    return headers


def poll_headers_of(headers: Headers, attempt: Attempt) -> Headers:
    """Make the headers of the polls, of those of each request."""
    headers = headers.copy()
    if not headers.hasHeader("Accept"):
        headers.setRawHeaders("Accept", ["application/json"])
    if attempt.auth_token is not None and not headers.hasHeader(_AUTH_HEADER):
        headers.setRawHeaders(_AUTH_HEADER, [attempt.auth_token])
    return headers


def name_session(headers: Headers, token: str) -> None:
    """Have the headers name the session, which the URL need not do then.

    :raises HandshakeRefused: a header cannot hold the server's token.
    """
    if not all("!" <= character <= "~" for character in token):
        raise HandshakeRefused(200, {}, "a token that no header can hold")
    headers.setRawHeaders(_SESSION_HEADER, [token])


def is_session_named(headers: Headers) -> bool:
    """Whether headers name the session."""
    return headers.hasHeader(_SESSION_HEADER)


def secrets_of(
    target: Target, headers: Headers, cookies: ServerCookies | None = None
) -> RequestSecrets:
    """What is to be cut out of what the server says of the requests.

    :param cookies: those that go along.
    """
    given = {
        name.decode("latin-1"): b", ".join(values).decode("utf-8", "replace")
        for name, values in headers.getAllRawHeaders()
    }
    held = None if cookies is None else cookies.value()
    if held is not None:
        given["the jar's cookies"] = held
    return RequestSecrets(
        target,
        {name: value for name, value in given.items() if name.lower() not in _OURS},
    )
