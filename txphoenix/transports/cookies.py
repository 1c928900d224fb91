"""The cookies that a server sets, and gets back with each request.

A load balancer leads each request of a client to the same server by them.
What goes where, and for how long, is decided by the rules of :mod:`http.cookiejar`:
domain, path, ``Secure``, ``Max-Age`` and ``Expires``.

A jar is of one session of long-poll, or the client's own for as long as it lives (the
option ``cookies``), for WebSockets and long-poll alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import Any, Final
from urllib.request import Request

from ..url import Target

__all__ = ["ServerCookies"]

# As much as RFC 6265 section 6.1 asks for.
_LONGEST_COOKIE: Final = 4096

# RFC 6265 section 4.1.1, but for the spaces and commas that are found everywhere.
_FIT: Final = re.compile(r"[\x20-\x7e]*")

_MAX_AGE: Final = re.compile(r";\s*max-age\s*(?:=([^;]*))?(?=;|$)", re.IGNORECASE)
_AGE: Final = re.compile(r"(-?[0-9]{1,10})[0-9]*")


class ServerCookies:
    """The cookies for one server and path.

    :param jar: has them, and others'.
    :param target: what is requested.
    """

    def __init__(self, jar: CookieJar, target: Target) -> None:
        self._jar = jar
        # A WebSocket's cookies are those of HTTP (RFC 6455 section 4.1).
        scheme = "https" if target.secure else "http"
        self._url = f"{scheme}://{target.authority}{target.path or '/'}"

    def take(self, lines: Iterable[str]) -> None:
        """Put cookies into the jar, as far as the rules allow.

        :param lines: values of ``Set-Cookie``.
        """
        answer = HTTPMessage()
        for line in lines:
            if len(line) <= _LONGEST_COOKIE and _FIT.fullmatch(line):
                answer["Set-Cookie"] = _MAX_AGE.sub(_readable_age, line)
        # Of an answer it asks for the headers alone.
        response: Any = _Response(answer)
        self._jar.extract_cookies(response, Request(self._url))

    def value(self, given: str | None = None) -> str | None:
        """Tell the value of ``Cookie`` for the next request.

        :param given: the user's own, whose cookies go before those of the same name.
        :return: None if there are no cookies.
            A cookie of the jar that is not ASCII, or has control characters, is left
            out: a jar of the user's may hold anything.
        """
        request = Request(self._url)
        self._jar.add_cookie_header(request)
        held = request.get_header("Cookie") or ""
        names = {_name(cookie) for cookie in (given or "").split(";")}
        cookies = [
            cookie
            for cookie in held.split("; ")
            if cookie and _FIT.fullmatch(cookie) and _name(cookie) not in names
        ]
        if not cookies:
            return given
        return "; ".join([given.rstrip("; "), *cookies] if given else cookies)

    def added_to(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Make headers that have the cookies too, in one ``Cookie``."""
        others = {
            name: value for name, value in headers.items() if name.lower() != "cookie"
        }
        given = next(
            (value for name, value in headers.items() if name not in others), None
        )
        value = self.value(given)
        return others if value is None else {**others, "Cookie": value}


class _Response:
    def __init__(self, headers: HTTPMessage) -> None:
        self._headers = headers

    def info(self) -> HTTPMessage:
        return self._headers


def _name(cookie: str) -> str:
    return cookie.partition("=")[0].strip()


def _readable_age(attribute: re.Match[str]) -> str:
    """A ``Max-Age`` as http.cookiejar can read it; else it takes no cookie at all.

    What is no number does not count (RFC 6265 section 5.2.2), and ten digits are three
    hundred years.
    """
    age = _AGE.fullmatch((attribute[1] or "").strip(' "'))
    return "" if age is None else f"; Max-Age={age[1]}"
