"""What the errors of :mod:`txphoenix.errors` say: their texts, made of what they hold.

What others have said is cut in them, and its control characters are escaped.
"""

from __future__ import annotations

from typing import Any, Final

from .legible import LONGEST, cut, error_text, legible

__all__ = [
    "CLOSE_MEANINGS",
    "LONGEST_TEXT",
    "TAKEN",
    "UNWRITTEN",
    "channel_closed",
    "connect_timeout",
    "connection_closed",
    "handshake_refused",
    "heartbeat_timeout",
    "join_of",
    "not_in_time",
    "push_answered",
    "push_interrupted",
    "push_of",
    "push_refused",
    "push_timeout",
    "reason_in",
    "said_in",
]

LONGEST_TEXT: Final = 2000
"""The most characters of the text of an error; what it is made of is cut before."""

TAKEN: Final = "the topic has a channel already (error.channel has it)"
"""Why a join is refused before it is sent."""

UNWRITTEN: Final = "it still waited to be written"
"""Why a message was never sent over a connection that was there."""

CLOSE_MEANINGS: Final = {
    1000: "normal closure",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no code given",
    1006: "no close frame",
    1007: "invalid data",
    1008: "policy violation",
    1009: "message too big",
    1010: "missing extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS failure",
}
"""The close codes a client may see, from RFC 6455 section 7.4.1 and IANA's registry."""


def reason_in(response: object) -> Any:
    """What a reply names as its reason, as Phoenix's own replies do, else None."""
    return response.get("reason") if isinstance(response, dict) else None


def said_in(response: object) -> str:
    """What a reply says: its reason, if it names one, or all of it."""
    reason = reason_in(response)
    return legible(response if reason is None else reason)


def connect_timeout(timeout: float, waiting_for: str) -> str:
    """What had not come within ``timeout`` seconds."""
    missing = f": still waiting for {waiting_for}" if waiting_for else ""
    return f"no connection within {timeout:g} s{missing}"


def handshake_refused(status: int | None, reason: str, said: str = "") -> str:
    """What a server has answered instead of opening the connection.

    :param said: what the body of the answer says.
    """
    named = "" if status is None else f"HTTP {status}"
    answer = " ".join(filter(None, (named, cut(reason)))) or "no HTTP answer"
    more = f": {cut(said, 2 * LONGEST)}" if said else ""
    return f"handshake refused: {answer}{more}"


def heartbeat_timeout(timeout: float, stood_still: float | None) -> str:
    """No heartbeat was answered, or none could be sent."""
    if stood_still is None:
        return f"no reply to a heartbeat within {timeout:g} s"
    return (
        f"the machine or the process stood still for {stood_still:.0f} s,"
        " without a heartbeat"
    )


def connection_closed(code: int, reason: str) -> str:
    """With what a connection was closed."""
    meaning = f" ({CLOSE_MEANINGS[code]})" if code in CLOSE_MEANINGS else ""
    said = f": {legible(reason)}" if reason else ""
    return f"connection closed with code {code}{meaning}{said}"


def channel_closed(reason: object, topic: str) -> str:
    """Which channel was closed, and why.

    :param reason: an error, what the server sent, or None.
    """
    channel = f"channel {legible(topic)}" if topic else "channel"
    if reason is None:
        return f"{channel} closed"
    if isinstance(reason, BaseException):
        why = error_text(reason)
    else:
        why = cut(reason) if isinstance(reason, str) else legible(reason)
    return f"{channel} closed: {why}"


def join_of(topic: str) -> str:
    """How a join is named."""
    return f"join of {legible(topic)}" if topic else "join"


def push_of(event: str, topic: str) -> str:
    """How a push is named."""
    of = f" of {legible(event)}" if event else ""
    to = f" to {legible(topic)}" if topic else ""
    return f"push{of}{to}"


def push_answered(event: str, topic: str, status: str, response: object) -> str:
    """What the reply to a push is."""
    said = said_in(response)
    return f"{push_of(event, topic)} answered {legible(status)}: {said}"


def push_timeout(
    event: str, topic: str, timeout: float, obstacle: BaseException | str | None
) -> str:
    """What became of a push that was to be answered within ``timeout`` seconds."""
    return f"{push_of(event, topic)} {not_in_time(timeout, obstacle)}"


def push_interrupted(
    event: str, topic: str, reason: BaseException | None, was_sent: bool
) -> str:
    """What became of a push that was ended by ``reason``."""
    fate = "sent but not answered" if was_sent else "not sent"
    why = "" if reason is None else f": {error_text(reason)}"
    return f"{push_of(event, topic)} {fate}{why}"


def push_refused(event: str, topic: str, limit: int, buffer: str) -> str:
    """Which buffer has no room for a push.

    :param limit: how much it holds.
    :param buffer: the option whose buffer it is, or nothing.
    """
    unit = "bytes" if buffer == "write_buffer" else "messages"
    named = f" ({buffer})" if buffer else ""
    waiting = f"{limit} {unit} are waiting already{named}"
    return f"{push_of(event, topic)} refused: {waiting}"


def not_in_time(timeout: float, obstacle: BaseException | str | None) -> str:
    """What became of a message that was to be answered within ``timeout`` seconds.

    :param obstacle: why it was not even sent; None if it was.
    """
    if obstacle is None:
        return f"not answered within {timeout:g} s"
    if isinstance(obstacle, BaseException):
        # It has a cause and a URL, each of which is cut already.
        obstacle = f"no connection: {error_text(obstacle, 2 * LONGEST)}"
    return f"not sent within {timeout:g} s: {obstacle}"
