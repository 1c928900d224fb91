"""Fuzzes the server's answer to the opening handshake, whole and in pieces.

The first byte of an input says what is offered, the second in which pieces the rest is
read; ``ACCEPT`` in that stands for the one right value.
It opens or is refused as :mod:`.handshake_rules` has it, however it comes.
"""

from __future__ import annotations

from typing import NamedTuple

from txphoenix.errors import ConnectionFailed
from txphoenix.transports.answer_head import accepted_head, read_head

from .handshake_rules import verdict
from .session import ACCEPT, Session, reads

__all__ = ["handshake"]

_TOKEN = "base64url.bearer.phx.c2VjcmV0"
_PROTOCOLS = ("phoenix", _TOKEN)
_LONGEST = 64 * 1024


class _Outcome(NamedTuple):
    said: str
    heads: list[bytes]
    error: str
    is_deflated: bool


def handshake(data: bytes) -> None:
    """The target."""
    if len(data) < 2:
        return
    is_compressed, seed = bool(data[0] & 1), data[1]
    protocols = _PROTOCOLS if data[0] & 2 else ()
    answer = data[2:]
    whole = _outcome(answer, 0, is_compressed, protocols)
    if seed:
        pieces = _outcome(answer, seed, is_compressed, protocols)
        if pieces != whole:
            raise AssertionError(f"{pieces} in pieces, and whole {whole}")
    _look_at_head(answer, protocols)


def _outcome(
    answer: bytes, seed: int, is_compressed: bool, protocols: tuple[str, ...]
) -> _Outcome:
    """What has become of it, which must be what the rules say."""
    session = Session(is_compressed, protocols)
    session.protocol.websocket_key = key = b"dGhlIHNhbXBsZSBub25jZQ=="
    accept = session.with_accept(ACCEPT)
    answer = session.with_accept(answer)
    expected = verdict(answer, key, protocols, is_compressed)
    for piece in reads(answer, seed):
        session.receive(piece)
        if session.opened or session.is_dropped:
            break
    is_refused = session.is_dropped or session.is_refused
    said = "open" if session.opened else "refused" if is_refused else "waiting"
    if expected not in ("either", said) or (said == "open" and accept not in answer):
        raise AssertionError(f"{said}, and not {expected}: {answer!r}")
    is_deflated = session.protocol._perMessageCompress is not None
    session.end()
    error = session.error
    if not isinstance(error, ConnectionFailed):
        raise AssertionError(f"told {error!r}")
    if _TOKEN in str(error) and said == "refused":
        raise AssertionError("the error holds the token")
    text = "" if session.opened else repr(error)
    return _Outcome(said, [bytes(head) for head in session.heads], text, is_deflated)


def _look_at_head(answer: bytes, protocols: tuple[str, ...]) -> None:
    """The same by the functions alone, which must not raise."""
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    accepted = accepted_head(answer, key, protocols, _LONGEST)
    if accepted is not None and verdict(answer, key, protocols, False) != "open":
        raise AssertionError(f"taken without a look: {answer!r}")
    status, _, _ = read_head(answer.decode("iso-8859-1"))
    if status is not None and not 0 <= status <= 999:
        raise AssertionError(f"a status of {status}")
