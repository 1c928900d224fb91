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

from ..protocol.url import Target

__all__ = ["ServerCookies"]

# As much as RFC 6265 section 6.1 asks for.
_LONGEST_COOKIE: Final = 4096

# RFC 6265 section 4.1.1, but for the spaces and commas that are found everywhere.
_FIT: Final = re.compile(r"[\x20-\x7e]*")

_AGE: Final = re.compile(r"(-?[0-9]{1,10})[0-9]*")

# What http.cookiejar goes by in cookies of a kind that nobody sets (RFC 2965).
_OBSOLETE: Final = frozenset({"port", "version"})


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
        self._host = target.server_name

    def take(self, lines: Iterable[str]) -> None:
        """Put cookies into the jar, as far as the rules allow.

        :param lines: values of ``Set-Cookie``, each of which counts for more than
            those before it.
        """
        for line in lines:
            if len(line) <= _LONGEST_COOKIE and _FIT.fullmatch(line):
                # Of several it would first delete what any of them deletes.
                answer = HTTPMessage()
                answer["Set-Cookie"] = _readable(line, self._host)
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
        jar = self._jar
        if type(jar) is CookieJar and next(iter(jar), None) is None:
            # As nearly always; to ask it would cost as much as the rest of a request.
            return given
        request = Request(self._url)
        jar.add_cookie_header(request)
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


def _readable(line: str, host: str) -> str:
    """A cookie as http.cookiejar reads it like a browser.

    By itself it takes none that has an attribute which it cannot read, where RFC 6265
    section 5.2 has such an attribute not count.

    :param host: who has set it.
    """
    cookie, *attributes = line.split(";")
    # Of several with one name the last counts (RFC 6265 section 5.3).
    counting = {
        _pair(each)[0]: each for each in attributes if _counts(*_pair(each), host)
    }
    return ";".join([cookie, *map(_with_readable_age, counting.values())])


def _counts(name: str, value: str, host: str) -> bool:
    """Whether an attribute of a cookie counts."""
    match name:
        case "domain":
            # The whole of a domain without dots is nobody's but the host's own.
            domain = value.removeprefix(".").lower()
            return domain != "" and ("." in domain or domain != host)
        case "path":
            return value.startswith("/")
        case "max-age":
            return _AGE.fullmatch(value) is not None
    return name not in _OBSOLETE


def _with_readable_age(attribute: str) -> str:
    name, value = _pair(attribute)
    age = _AGE.fullmatch(value) if name == "max-age" else None
    # Ten digits are three hundred years.
    return attribute if age is None else f" Max-Age={age[1]}"


def _pair(attribute: str) -> tuple[str, str]:
    name, _, value = attribute.partition("=")
    return name.strip().lower(), value.strip(' "')
