"""What went over the wire, as lines of text, and what is not the same in two of them.

A trace has these lines, session by session::

    connect websocket {"socket": "main", "vsn": "2.0.0"}
    C> ["1", "1", "echo:a", "phx_join", {}]
    S< ["1", "1", "echo:a", "phx_reply", {"response": {}, "status": "ok"}]
    C> binary ["1", "2", "echo:a", "binary", {"bytes": "00ff"}]
    push: ok {"bytes": "00ff"}
    a hears pushed {"n": 1}

Refs are numbered anew, in the order in which each socket sends them for the first time.
phoenix.js takes more numbers than it sends: it counts callbacks with the same counter,
two for each channel, and gives a push that waits one number when it begins to wait and
another when it is sent.
That no ref is used twice is looked at as well.
Presence's refs are the server's choice, and are numbered in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.testing import Frame, ServerSession, Socket

from .script import shown

__all__ = ["Decoded", "RefNumbers", "Unlike", "decoded", "differences", "trace"]

Decoded = Callable[[Frame, ServerSession], Message]
"""What reads a frame, of the client or of the server."""


class RefNumbers:
    """Numbers the refs of one socket anew.

    :ivar faults: what was wrong with them.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._numbers: dict[str, str] = {}

    def sent(self, ref: str | None) -> str | None:
        """The new number of the ref of a message that the client sends."""
        if ref is None:
            return None
        if ref in self._numbers:
            self.faults.append(f"ref {ref!r} was used twice")
        number = self._numbers[ref] = str(len(self._numbers) + 1)
        return number

    def known(self, ref: str | None) -> str | None:
        """The new number of a ref that the client has sent before."""
        return None if ref is None else self._numbers.get(ref, f"unknown {ref}")


class Unlike(NamedTuple):
    """What is not the same in two traces.

    :ivar first: the lines that only the first has.
    :ivar second: those that only the second has.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]


def differences(first: Iterable[str], second: Iterable[str]) -> Unlike:
    """Compare two lists of lines."""
    one, two = list(first), list(second)
    changes = SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    unlike = [change for change in changes if change[0] != "equal"]
    return Unlike(
        tuple(line for _, start, end, _, _ in unlike for line in one[start:end]),
        tuple(line for _, _, _, start, end in unlike for line in two[start:end]),
    )


def decoded(frame: Frame, session: ServerSession) -> Message:
    """Read a frame of version 2.0.0."""
    if frame.is_sent:
        return V2Serializer().decode(frame.data, frame.is_binary)
    return session.codec.decode(frame.data, frame.is_binary)


def trace(
    sessions: Iterable[ServerSession],
    told: Mapping[str, Any],
    decoded: Decoded = decoded,
) -> tuple[list[str], list[str]]:
    """The trace of sessions, and what is wrong with their refs.

    :param told: how each thing has ended (``outcomes``), and what each channel has
        heard (``heard``); their lines come last.
    :param decoded: reads the frames.
    """
    lines: list[str] = []
    refs: dict[str, RefNumbers] = {}
    presences: dict[str, str] = {}
    for session in sessions:
        socket = session.socket
        name = str(socket.params.get("socket"))
        numbers = refs.setdefault(name, RefNumbers())
        lines.append(_connect_line(socket))
        for frame in session.frames:
            message = decoded(frame, session)
            lines.append(_frame_line(frame, message, numbers, presences))
    for name, how in told["outcomes"].items():
        word, *response = [how] if isinstance(how, str) else how
        lines.append(" ".join([f"{name}: {word}", *map(shown, response)]))
    for name, heard in told["heard"].items():
        for event, payload in heard:
            lines.append(f"{name} hears {event} {shown(_plain(payload, presences))}")
    faults = [
        f"socket {name}: {fault}"
        for name, numbers in refs.items()
        for fault in numbers.faults
    ]
    return lines, faults


def _frame_line(
    frame: Frame, message: Message, numbers: RefNumbers, presences: dict[str, str]
) -> str:
    # Before the join_ref, which it is itself in a join.
    ref = (numbers.known if frame.is_sent else numbers.sent)(message.ref)
    parts = [
        numbers.known(message.join_ref),
        ref,
        message.topic,
        message.event,
        _plain(message.payload, presences),
    ]
    who = "S<" if frame.is_sent else "C>"
    kind = " binary" if frame.is_binary else ""
    return f"{who}{kind} {shown(parts)}"


def _connect_line(socket: Socket) -> str:
    params = dict(socket.params)
    if "token" in params:
        # A session that is gone was asked for, and this is the one that is new.
        params["token"] = "of a session that is gone"
    token = "" if socket.auth_token is None else f" token {socket.auth_token}"
    return f"connect {socket.transport} {shown(params)}{token}"


def _plain(value: Any, presences: dict[str, str]) -> Any:
    """A payload as JSON has it, with the refs of presences numbered anew."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [_plain(each, presences) for each in value]
    if isinstance(value, dict):
        return dict(_plain_items(value, presences))
    return value


def _plain_items(
    value: dict[str, Any], presences: dict[str, str]
) -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        if key in ("phx_ref", "phx_ref_prev"):
            yield key, presences.setdefault(each, f"presence {len(presences) + 1}")
        else:
            yield key, _plain(each, presences)
