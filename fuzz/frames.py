"""Fuzzes the WebSocket frames that a server sends, whole and in pieces.

The first byte of an input says whether the session is compressed, the second in which
pieces the rest is read.
What becomes of it must be what :mod:`txphoenix.test.frame_rules` has.
"""

from __future__ import annotations

from txphoenix.errors import ConnectionClosed
from txphoenix.test.frame_rules import FrameRules

from .session import LIMIT, Session, reads

__all__ = ["frames"]

_DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
_CLOSE, _PONG = 8, 10


def frames(data: bytes) -> None:
    """The target."""
    if len(data) < 2:
        return
    is_deflated = bool(data[0] & 1)
    session = Session(is_deflated)
    session.open(_DEFLATE if is_deflated else b"")
    rules = FrameRules(LIMIT, is_deflated)
    for piece in reads(data[2:], data[1]):
        session.receive(piece)
        rules.take(piece)
        _compare(session, rules)
        if rules.is_over or _closes(session):
            break
    session.end()
    _compare_ends(session, rules)


def _closes(session: Session) -> list[bytes]:
    """The close frames that were sent."""
    return [frame.payload for frame in session.sent if frame.opcode == _CLOSE]


def _compare(session: Session, rules: FrameRules) -> None:
    """What was delivered and answered so far, and whether it is over."""
    if session.messages != rules.messages:
        raise AssertionError(f"delivered {session.messages}, not {rules.messages}")
    pongs = [frame.payload for frame in session.sent if frame.opcode == _PONG]
    # Behind a close frame nothing is answered any more.
    if pongs != rules.pings[: len(pongs) if _closes(session) else None]:
        raise AssertionError(f"answered the pings {rules.pings} by {pongs}")
    codes = [int.from_bytes(payload[:2], "big") for payload in _closes(session)]
    if rules.closed is not None:
        # RFC 6455 section 5.5.1: it is answered, by the same code or another.
        expected = {rules.closed, 1000, 0, *rules.may_fail}
    elif rules.must_fail:
        expected = rules.must_fail
    elif codes:
        expected = rules.may_fail
    else:
        if session.is_dropped:
            raise AssertionError("dropped without a reason")
        return
    if len(codes) != 1 or codes[0] not in expected:
        raise AssertionError(f"closed with {codes}, not with one of {expected}")


def _compare_ends(session: Session, rules: FrameRules) -> None:
    """What was told at the end."""
    error = session.error
    if not isinstance(error, ConnectionClosed):
        raise AssertionError(f"told {error!r}")
    if rules.closed is not None and not rules.may_fail:
        if (error.code, error.was_clean) != (rules.closed, True):
            raise AssertionError(f"told {error!r}, not the server's {rules.closed}")
    elif _closes(session):
        if error.code not in rules.may_fail or error.was_clean:
            raise AssertionError(f"told {error!r}, not one of {rules.may_fail}")
    elif error.code != 1006:
        raise AssertionError(f"told {error!r}, not 1006")
