"""What the requests of long-poll say of themselves: their URL and their headers."""

from __future__ import annotations

import idna
from twisted.web.http_headers import Headers

from ..protocol.url import Target
from .attempt import Attempt
from .request_headers import request_headers

__all__ = ["headers_of", "poll_headers_of", "url_of"]

_AUTH_HEADER = "X-Phoenix-AuthToken"


def url_of(target: Target) -> str:
    """The URL of the requests, as far as it matters: the endpoint knows the way."""
    scheme = "https" if target.secure else "http"
    # An address can share a cookie with no other host, so that any name does for it.
    host = "x" if ":" in target.host else _agent_host(target.server_name)
    return f"{scheme}://{host}:{target.port}{target.resource}"


def _agent_host(name: str) -> str:
    """The host, as far as treq takes it, which asks for one of IDNA.

    The domain that it is in is kept: a cookie may be for all of that.
    """
    return ".".join(map(_agent_label, name.split(".")))


def _agent_label(label: str) -> str:
    try:
        idna.alabel(label)
    except idna.IDNAError:
        return "x"
    return label


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
