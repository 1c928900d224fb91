"""What a server answered when a connection opened.

A load balancer names the node in a header or a cookie, a gateway counts the requests
that are left, and Phoenix may send a header of the application's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..legible import cut

__all__ = ["Handshake", "cookie_lines", "header_lines"]


@dataclass(frozen=True, slots=True, repr=False)
class Handshake:
    """The answer to the request that opened a connection.

    It may hold secrets, of which its ``repr`` shows none.

    :ivar transport: ``"websocket"`` or ``"longpoll"``.
    :ivar status: HTTP's status: 101 for a WebSocket, 200 for long-poll.
    :ivar subprotocol: the WebSocket subprotocol that the server has chosen, or None.
    :ivar head: the answer as it came, up to its body.
    """

    transport: str
    status: int
    subprotocol: str | None = None
    # A client has one of these all its life, and few ask for what is in it.
    head: bytes = b""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The headers one by one, as they came: each a name and a value."""
        return header_lines(self.head)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by their lower-case names.

        The values of one that came several times are joined by commas (RFC 9110
        section 5.2); of ``set-cookie`` rather take :attr:`cookies`.
        """
        headers: dict[str, str] = {}
        for name, value in self.lines:
            lower = name.lower()
            before = f"{headers[lower]}, " if lower in headers else ""
            headers[lower] = before + value
        return headers

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that the answer set: their values by their names."""
        pairs = (line.partition(";")[0] for line in cookie_lines(self.lines))
        return {
            name.strip(): value.strip()
            for name, equals, value in (pair.partition("=") for pair in pairs)
            if equals
        }

    def __repr__(self) -> str:
        # They are the server's words.
        names = cut(", ".join(sorted(self.headers)))
        return f"<Handshake {self.transport} {self.status}, headers: {names}>"


def header_lines(head: bytes) -> tuple[tuple[str, str], ...]:
    """Read the headers of an answer.

    :param head: the answer up to its body; what is no header in it is left out.
    """
    lines = head.decode("iso-8859-1").replace("\r\n", "\n").split("\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)


def cookie_lines(lines: Iterable[tuple[str, str]]) -> list[str]:
    """The values of ``Set-Cookie``, each of which sets one cookie."""
    return [value for name, value in lines if name.lower() == "set-cookie"]
