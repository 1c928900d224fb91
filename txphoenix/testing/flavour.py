"""What differs between the Phoenix servers that the kit can stand in for.

Each row was read off a recorded conversation with that server; but that of 1.8.11 is
1.8.12's, with the rule for pushes that its ``lib/phoenix/socket.ex`` has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from txphoenix.protocol.close_codes import GOING_AWAY, NORMAL, PROTOCOL_ERROR

__all__ = ["FLAVOURS", "Flavour", "flavour_named"]


@dataclass(frozen=True)
class Flavour:
    """One Phoenix version behind one web server.

    :ivar name: Phoenix's version and the web server; a minor version stands for its
        latest release.
    :ivar kick_code: the close code after a ``disconnect`` broadcast to a socket's id.
    :ivar idle_code: the close code after too long a silence of the client.
    :ivar echoes_close_code: whether a client's close is answered with the client's
        own code; if not, with 1000.
    :ivar crash_payload: the payload of ``phx_error``.
    :ivar takes_push: whether a push is delivered, by its join_ref and that of the join;
        if not, it is dropped without a word.
    :ivar takes_auth_token: whether the version knows auth tokens.
    :ivar closes_after_crash: whether the connection ends after an HTTP 500.
    :ivar static_headers: the headers that each answer over HTTP carries, but for those
        of an upgrade.
    :ivar compresses: whether answers over HTTP are compressed if the client accepts it.
    :ivar takes_session_header: whether long-poll's session may be named in a header.
    :ivar poll_cache_control: long-poll's ``Cache-Control``.
    """

    name: str
    kick_code: int
    idle_code: int
    echoes_close_code: bool
    crash_payload: Mapping[str, Any]
    takes_push: Callable[[str | None, str | None], bool]
    takes_auth_token: bool
    closes_after_crash: bool
    static_headers: tuple[tuple[str, str], ...]
    compresses: bool
    takes_session_header: bool
    poll_cache_control: str

    def upgrade_head(
        self, accept: str, date: str, protocol: str | None, extension: str | None
    ) -> bytes:
        """The head of the answer that upgrades to WebSocket.

        :param accept: the value of ``Sec-WebSocket-Accept``.
        :param date: the value of ``Date``.
        :param protocol: the subprotocol, if one was agreed on.
        :param extension: the extension with its parameters, if one was agreed on.
        """
        headers = [("date", date), ("upgrade", "websocket"), ("connection", "Upgrade")]
        headers.append(("sec-websocket-accept", accept))
        if extension is not None:
            headers.append(("sec-websocket-extensions", extension))
        headers.append(("cache-control", "max-age=0, private, must-revalidate"))
        if protocol is not None:
            headers.append(("sec-websocket-protocol", protocol))
        return _head("HTTP/1.1 101 Switching Protocols", headers)

    def extension_text(self, name: str, parameters: Iterable[str]) -> str:
        """An agreed extension with its parameters, as the server writes it."""
        return ";".join((name, *parameters))


class _Cowboy(Flavour):
    """Cowboy names itself, and sorts its headers."""

    def upgrade_head(
        self, accept: str, date: str, protocol: str | None, extension: str | None
    ) -> bytes:
        plain = super().upgrade_head(accept, date, protocol, extension).decode("ascii")
        first, *lines = plain.rstrip("\r\n").split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        return _head(first, sorted([*headers, ("server", "Cowboy")]))

    def extension_text(self, name: str, parameters: Iterable[str]) -> str:
        return "; ".join((name, *parameters))


def _any_push(_of_push: str | None, _of_join: str | None) -> bool:
    """Take all, as Phoenix does up to 1.8.2."""
    return True


def _named_push(of_push: str | None, of_join: str | None) -> bool:
    """Take what names the join, or all if the join had no name: 1.8.3 to 1.8.11."""
    return of_join is None or of_push == of_join


def _present_push(of_push: str | None, of_join: str | None) -> bool:
    """Take what names the join, or none: 1.8.12 and later."""
    return of_push is None or of_push == of_join


def _head(first: str, headers: Iterable[tuple[str, ...]]) -> bytes:
    lines = [first, *(": ".join(header) for header in headers), "", ""]
    return "\r\n".join(lines).encode("ascii")


_CRASH = MappingProxyType({"reason": "channel_crash"})
_BANDIT = (("vary", "accept-encoding"),)
_COWBOY = (("server", "Cowboy"),)

_LATEST = Flavour(
    "1.8-bandit",
    kick_code=GOING_AWAY,
    idle_code=PROTOCOL_ERROR,
    echoes_close_code=False,
    crash_payload=_CRASH,
    takes_push=_present_push,
    takes_auth_token=True,
    closes_after_crash=True,
    static_headers=_BANDIT,
    compresses=True,
    takes_session_header=True,
    poll_cache_control="no-store",
)

FLAVOURS: Mapping[str, Flavour] = MappingProxyType(
    {
        flavour.name: flavour
        for flavour in (
            _LATEST,
            replace(_LATEST, name="1.8.11-bandit", takes_push=_named_push),
            _Cowboy(
                "1.8-cowboy",
                kick_code=GOING_AWAY,
                idle_code=NORMAL,
                echoes_close_code=True,
                crash_payload=_CRASH,
                takes_push=_present_push,
                takes_auth_token=True,
                closes_after_crash=False,
                static_headers=_COWBOY,
                compresses=False,
                takes_session_header=True,
                poll_cache_control="no-store",
            ),
            Flavour(
                "1.7-bandit",
                kick_code=NORMAL,
                idle_code=PROTOCOL_ERROR,
                echoes_close_code=False,
                crash_payload=MappingProxyType({}),
                takes_push=_any_push,
                takes_auth_token=False,
                closes_after_crash=True,
                static_headers=_BANDIT,
                compresses=True,
                takes_session_header=False,
                poll_cache_control="max-age=0, private, must-revalidate",
            ),
        )
    }
)
"""Name -> flavour."""


def flavour_named(name: str) -> Flavour:
    """The flavour of that name.

    :raises ValueError: there is none.
    """
    try:
        return FLAVOURS[name]
    except KeyError:
        known = ", ".join(map(repr, FLAVOURS))
        raise ValueError(f"flavour must be one of {known}, not {name!r}") from None
