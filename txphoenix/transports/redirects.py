"""Redirects of the opening handshake: where they lead, and what may go there.

A redirect is followed as RFC 9110 section 15.4 has it, for one attempt alone: the next
begins at the client's own URL again.

What was meant for a server goes to no other one.
The same server is the same host by the same port; by the ports of ``ws`` and ``wss``
as well, where one leads to the other.
A place names its own query, so that no parameters are added to it; but where it names
none, and is on the same server, it has the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import CookieJar
from typing import Final
from urllib.parse import urldefrag, urljoin

from ..errors import ConfigurationError, HandshakeRefused
from ..legible import error_text
from ..options.options import Options
from ..protocol.query_params import merge_params
from ..protocol.redact import redact_url
from ..protocol.url import Target, parse
from .attempt import Attempt

__all__ = ["REDIRECTS", "Redirects"]

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
"""The statuses of answers that lead elsewhere, all to be asked by GET."""

# What of the user's headers tells nothing that only one server is to know.
_HARMLESS: Final = frozenset(
    {"accept", "accept-language", "cache-control", "origin", "pragma", "user-agent"}
)
_DEFAULT_PORTS: Final = (80, 443)


class Redirects:
    """Those of one attempt.

    :param options: the client's options.
    :param target: where it goes first.
    :param attempt: what it has for that server.
    :ivar target: where it goes now.
    :ivar attempt: what it has for the server there.
    :ivar latest: the latest that was followed, as an error; None if none was.
    """

    def __init__(self, options: Options, target: Target, attempt: Attempt) -> None:
        self.target = target
        self.attempt = attempt
        self.latest: HandshakeRefused | None = None
        self._options = options
        self._first = target
        self._given = attempt
        self._count = 0

    def __repr__(self) -> str:
        return f"<Redirects to {self.target!r}>"

    def follow(self, refused: HandshakeRefused) -> HandshakeRefused | None:
        """Go where an answer leads.

        :return: None if :attr:`target` and :attr:`attempt` are for that place now; the
            error, if the answer leads nowhere, or where this may not go.
        """
        if refused.status not in REDIRECTS:
            return refused
        try:
            target = self._next_target(refused.headers)
        except ValueError as error:
            said = self._cut_out(error_text(error, 500))
            return self._redirected(refused, said)
        said = f"redirected to {self.shown(target)}"
        why_not = self._why_not(target)
        if why_not:
            return self._redirected(refused, f"{said}, {why_not}")
        self.latest = self._redirected(refused, said)
        self._count += 1
        if not _is_same_server(self.target, target):
            self.attempt = self.attempt._replace(
                url=target.url("wss" if target.secure else "ws"),
                params={},
                headers={
                    name: value
                    for name, value in self.attempt.headers.items()
                    if name.lower() in _HARMLESS
                },
                auth_token=None,
            )
        self.target = target
        return None

    def shown(self, target: Target) -> str:
        """The URL of a place, without the secrets; a path may repeat one as well."""
        scheme = "http" if self._options.transport == "longpoll" else "ws"
        if target is not self._first:
            target = target._replace(path=self._cut_out(target.path))
        return redact_url(target.url(f"{scheme}s" if target.secure else scheme))

    def jar(self, jar: CookieJar | None) -> CookieJar | None:
        """The jar whose cookies may go there; None for none.

        A cookie is for all ports of its host (RFC 6265 section 8.5), and here another
        port is another server.
        """
        first = self._first
        is_same_host = first.server_name.lower() == self.target.server_name.lower()
        is_other_port = is_same_host and not _is_same_server(first, self.target)
        return None if is_other_port else jar

    def explain(self, error: BaseException) -> None:
        """Have an error tell what has led there: as its cause, or as its context."""
        if error is self.latest:
            return
        if error.__cause__ is None:
            error.__cause__ = self.latest
        elif error.__cause__ is not self.latest:
            error.__context__ = self.latest

    def _cut_out(self, text: str) -> str:
        """What a server says, without the secrets that the first one was given."""
        # Few servers lead elsewhere.
        from .request_secrets import RequestSecrets

        given = self._given
        secrets = RequestSecrets(self._first, given.headers, given.auth_token)
        return secrets.cut_out(text)

    def _redirected(self, refused: HandshakeRefused, said: str) -> HandshakeRefused:
        """A redirect, as the error that it is."""
        # Few servers lead elsewhere.
        from .refusal import told

        error = told(refused.status, refused.headers, refused.reason, said)
        error.retry_after = refused.retry_after
        error.url = self.shown(self.target)
        error.__cause__ = self.latest
        return error

    def _next_target(self, headers: Mapping[str, str]) -> Target:
        """Where an answer leads.

        :raises ValueError: nowhere.
        """
        location = headers.get("location", "")
        if not location:
            raise ValueError("redirected without a Location")
        before = self.target
        # It may be UTF-8, which no header should be.
        with suppress(UnicodeError):
            location = location.encode("iso-8859-1").decode("utf-8")
        try:
            base = before.url("https" if before.secure else "http")
            target = parse(urldefrag(urljoin(base, location)).url)
        except ConfigurationError as error:
            raise ValueError(f"redirected to no URL: Location: {error}") from None
        except ValueError:
            # What urljoin() raises quotes the host, and a password before it.
            raise ValueError(
                "redirected to no URL: Location: url has a host that is none"
            ) from None
        query = target.query
        if "?" not in location and _is_same_server(before, target):
            query = before.query
        # The frames are of this version, wherever they go.
        return target._replace(query=merge_params(query, {"vsn": self._options.vsn}))

    def _why_not(self, target: Target) -> str:
        """Why a place is not gone to, in words; nothing if it is."""
        options = self._options
        if self.target.secure and not target.secure:
            return "which has no TLS"
        if not options.max_redirects:
            return "and max_redirects is 0"
        if self._count >= options.max_redirects:
            return f"and max_redirects ({options.max_redirects}) were followed"
        endpoint = options.endpoint
        if _is_same_server(self.target, target):
            return ""
        if endpoint is not None and not callable(endpoint):
            return "where the option endpoint does not lead"
        if target.secure and not _names_host(options.tls):
            return "where the option tls does not lead, since it names no host"
        return ""


def _is_same_server(before: Target, after: Target) -> bool:
    """Whether what one was told may be told the other."""
    if before.server_name.lower() != after.server_name.lower():
        return False
    ports = before.port, after.port
    is_upgrade = after.secure and not before.secure and ports == _DEFAULT_PORTS
    return before.port == after.port or is_upgrade


def _names_host(tls: object) -> bool:
    """Whether TLS ends at another host before it has shown a certificate of ours."""
    if tls is None:
        return True
    # Few clients have any, and few servers lead elsewhere.
    from .tls import names_host

    return names_host(tls)
