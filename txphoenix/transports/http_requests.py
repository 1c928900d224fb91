"""What long-poll asks of an HTTP client, and what each of the two has of its own rules.

::

    longpoll.py -> HTTPRequests -> HTTPSession   our own client        (http.py)
                                -> TreqSession   treq, Twisted's agent (treq_session.py)

The option ``fast_http`` says which; :mod:`.longpoll_connector` makes it.
To a user, and to a server, both are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.web.http_headers import Headers

from ..errors import ConnectionFailed, MessageTooLarge
from .cookies import ServerCookies
from .failures import failed_with
from .http_head import Answer

__all__ = [
    "LONGEST_IDLE",
    "MOST_IDLE",
    "HTTPRequests",
    "NoAnswer",
    "cause_of",
    "cookies_of",
    "resource_of",
]

LONGEST_IDLE: Final = 4
"""Seconds after which an idle connection is ended.

Servers and load balancers end theirs, the quickest after 5.
A request that is on its way at that moment is lost, and nobody knows whether it was
acted on; so ours end sooner.
"""

MOST_IDLE: Final = 2
"""The idle connections that are kept: no more than a poll and a publish need."""

# What would end a request's first line, or is no ASCII.
_NOT_IN_URLS: Final = re.compile(r"[^\x21-\x7e]")


class NoAnswer(ConnectionFailed):
    """A request has been silent for too long."""


class HTTPRequests(Protocol):
    """Requests to one server, over connections of which none outlives it.

    A request may take as long as it is alive: bytes of its answer come, or bytes of its
    body go.
    It is silence that is timed.
    """

    limit: int
    """The most bytes that the body of an answer may have."""

    @property
    def connection(self) -> Any:
        """The transport of the oldest connection; None if there is none."""

    def request(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None = None,
        timeout: float | None = None,
        written: Callable[[], None] | None = None,
    ) -> Deferred[Answer]:
        """Make a request; redirects are not followed.

        A request that has failed is not made again: its answer may have been lost.

        :param url: what is asked for; every request goes to the same server.
        :param timeout: the seconds that this one may be silent, if not the session's.
        :param written: called before the Deferred fires, if the system has been given
            all of the body.
        :return: a Deferred of the answer.
            It fails with :exc:`.AnswerTooLarge` if it is over a limit, with
            :exc:`.MalformedAnswer` if it cannot be understood, with :exc:`NoAnswer` if
            it is silent for too long, with
            :exc:`twisted.internet.defer.CancelledError` at :meth:`close`, and with
            another :exc:`ConnectionFailed` if there is no connection, or it ends.
            None of these has a traceback, which would hold the headers.
        :raises ValueError: the URL cannot be sent as it is.
        """

    def close(self) -> Deferred[None]:
        """Give all requests up and end all connections.

        :return: a Deferred of None that fires when no connection is left.
        """


def resource_of(url: str) -> tuple[str, str]:
    """The host that a URL names, with its port, and what is asked of it.

    :raises ValueError: the URL cannot be sent as it is.
    """
    parts = urlsplit(url)
    resource = parts.path or "/"
    if parts.query:
        resource += f"?{parts.query}"
    if _NOT_IN_URLS.search(resource):
        raise ValueError("what is requested must be percent-encoded")
    return parts.netloc, resource


def cookies_of(headers: Headers, cookies: ServerCookies | None) -> bytes | None:
    """The value of a request's ``Cookie``: the user's cookies, and the server's.

    :return: None if that is what the headers say, or nothing.
    """
    if cookies is None:
        return None
    given = headers.getRawHeaders("Cookie")
    value = cookies.value("; ".join(given) if given else None)
    # A jar may hold anything, and a header is one line.
    return None if value is None else b" ".join(value.encode("utf-8").splitlines())


def cause_of(error: BaseException | None) -> BaseException:
    """What a request has failed with, of what has happened below it."""
    if isinstance(error, CancelledError):
        return CancelledError()
    if isinstance(error, ConnectionFailed | MessageTooLarge):
        error.__traceback__ = error.__context__ = None
        return error
    return failed_with(error or ConnectionFailed("no reason was given"))
