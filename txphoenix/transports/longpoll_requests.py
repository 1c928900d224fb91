"""What the requests of long-poll say of themselves: their URL and their headers."""

from __future__ import annotations

from twisted.web.http_headers import Headers

from ..protocol.url import Target
from .attempt import Attempt
from .request_headers import request_headers

__all__ = ["headers_of", "poll_headers_of", "url_of"]

_AUTH_HEADER = "X-Phoenix-AuthToken"


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
