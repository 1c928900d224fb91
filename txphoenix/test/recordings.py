"""Reads the recorded conversations in ``wire/``.

A recording is a list of sections, and a section a list of what happened, in order:
frames, ends of connections, control requests and remarks.
The first section is of raw handshakes and the last of HTTP exchanges; those have parts
of their own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "RECORDINGS",
    "Closed",
    "Control",
    "Exchange",
    "Handshake",
    "Happening",
    "Pong",
    "Recording",
    "Remark",
    "Section",
    "WireFrame",
    "comparable",
    "recording",
]

WIRE = Path(__file__).with_name("wire")
RECORDINGS = ("1.8-bandit", "1.8-cowboy", "1.7-bandit")
"""The recorded servers, named as the flavours of :mod:`txphoenix.testing` are."""


@dataclass(frozen=True)
class WireFrame:
    """A frame.

    :ivar is_sent_by_server: whose it is.
    :ivar client: which client's connection it is on; ``""`` if there is only one.
    :ivar data: its payload.
    :ivar is_binary: whether it is a binary frame.
    :ivar missing: how many characters the recording has cut off.
    """

    is_sent_by_server: bool
    client: str
    data: bytes
    is_binary: bool = False
    missing: int = 0


@dataclass(frozen=True)
class Closed:
    """The connection has ended, and the client saw that close code."""

    client: str
    code: int


@dataclass(frozen=True)
class Pong:
    """The server has answered a WebSocket ping."""

    client: str
    payload: bytes


@dataclass(frozen=True)
class Control:
    """What the recording asked of the server by other means, and its answer."""

    path: str
    query: str
    answer: Any


@dataclass(frozen=True)
class Remark:
    """Something the recording says in words."""

    text: str


@dataclass(frozen=True)
class Handshake:
    """An answer to a raw request for an upgrade.

    :ivar title: what was asked.
    :ivar status: the status line.
    :ivar headers: name and value of each header, in order.
    :ivar body: the body.
    :ivar is_closed: whether the server has closed the connection after it.
    """

    title: str
    status: str
    headers: tuple[tuple[str, str], ...]
    body: str
    is_closed: bool


@dataclass(frozen=True)
class Exchange:
    """A request over HTTP and its answer.

    :ivar title: the part of the section that it is in.
    :ivar body: the request's body.
    :ivar answer: the answer's body, cut off if it does not end a JSON value.
    :ivar duration: seconds.
    """

    title: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer: str
    duration: float


Happening = WireFrame | Closed | Pong | Control | Remark | Handshake | Exchange


@dataclass
class Section:
    """A part of a recording.

    :ivar title: what it shows.
    :ivar happenings: what happened, in order.
    """

    title: str
    happenings: list[Happening] = field(default_factory=list)

    def frames(self, client: str | None = None) -> list[WireFrame]:
        """The frames, of one client or all."""
        return [
            it
            for it in self.happenings
            if isinstance(it, WireFrame) and client in (None, it.client)
        ]


@dataclass
class Recording:
    """One conversation.

    :ivar flavour: the server, as :mod:`txphoenix.testing` names it.
    :ivar versions: the versions in words.
    :ivar sections: its sections, in order.
    """

    flavour: str
    versions: str
    sections: list[Section]

    def section(self, title: str) -> Section:
        """The section of that title, or the only one whose title begins so."""
        found = [it for it in self.sections if it.title.startswith(title)]
        exact = [it for it in found if it.title == title]
        [section] = exact or found
        return section


@cache
def recording(flavour: str) -> Recording:
    """Read the recording of a flavour."""
    text = (WIRE / f"phoenix-{flavour}.txt").read_text("utf-8")
    first, *lines = text.split("\n")
    sections: list[Section] = []
    texts: list[list[str]] = []
    for line in lines:
        if line.startswith("== "):
            sections.append(Section(line.removeprefix("== ")))
            texts.append([])
        elif texts:
            texts[-1].append(line)
    for section, content in zip(sections, texts, strict=True):
        section.happenings.extend(_happenings(section.title, content))
    return Recording(flavour, first.removeprefix("# "), sections)


def _happenings(title: str, lines: list[str]) -> list[Happening]:
    if title == "handshake, raw":
        return list(_handshakes(lines))
    if title == "long-poll":
        return list(_exchanges(lines))
    return [_happening(line) for line in lines if line]


_FRAME = re.compile(r"([CS])[<>]([a-z]?) (.*)", re.DOTALL)
_SPECIAL = re.compile(r"(binary|text|\[close|\[pong) ([0-9a-f]*)\]?")
_CUT = re.compile(r" \.\.\.\[(\d+) chars\]$")


def _happening(line: str) -> Happening:
    frame = _FRAME.fullmatch(line)
    if frame is not None:
        return _frame(frame[1] == "S", frame[2], frame[3])
    text = line.strip()
    if text.startswith("POST /control/"):
        url, _, answer = text.removeprefix("POST ").partition(" -> ")
        path, _, query = url.partition("?")
        return Control(path, query, json.loads(answer))
    return Remark(text.removeprefix("-- "))


def _frame(is_sent_by_server: bool, client: str, text: str) -> Happening:
    special = _SPECIAL.fullmatch(text)
    if special is not None:
        kind, rest = special.groups()
        if kind == "[close":
            return Closed(client, int(rest))
        if kind == "[pong":
            return Pong(client, bytes.fromhex(rest))
        data = bytes.fromhex(rest)
        return WireFrame(is_sent_by_server, client, data, kind == "binary")
    if text.endswith(" fragments"):
        return Remark(text)
    cut = _CUT.search(text)
    if cut is None:
        return WireFrame(is_sent_by_server, client, text.encode("utf-8"))
    whole = text[: cut.start()]
    missing = int(cut[1]) - len(whole)
    return WireFrame(is_sent_by_server, client, whole.encode("utf-8"), missing=missing)


def _handshakes(lines: list[str]) -> list[Handshake]:
    blank = lines.index("")
    found = [_handshake("an upgrade", [*lines[:blank], ""])]
    title = ""
    for line in lines[blank:]:
        if line.startswith("-- "):
            title = line.removeprefix("-- ")
        elif line:
            found.append(_handshake(title, line.split(" | ")))
    return found


def _handshake(title: str, parts: list[str]) -> Handshake:
    blank = parts.index("")
    status, *headers = parts[:blank]
    body = "".join(parts[blank + 1 :]).strip()
    pairs = [header.partition(": ") for header in headers]
    return Handshake(
        title,
        status,
        tuple((name, value) for name, _, value in pairs),
        body.removesuffix("[closed by server]"),
        body.endswith("[closed by server]"),
    )


_REQUEST = re.compile(r"C> ([A-Z]+) (\S+) (\{.*?\}) (.*)")
_ANSWER = re.compile(r"S< HTTP (\d+) (\{.*\}) \((\d+) ms\)")


def _exchanges(lines: list[str]) -> list[Happening]:
    found: list[Happening] = []
    title = ""
    request: tuple[str, ...] = ()
    body: list[str] = []
    for index, line in enumerate(lines):
        asked, answered = _REQUEST.fullmatch(line), _ANSWER.fullmatch(line)
        if asked is not None:
            request, body = asked.groups(), [asked[4]]
        elif answered is not None:
            method, url, headers, _ = request
            found.append(
                Exchange(
                    title,
                    method,
                    url,
                    json.loads(headers),
                    "\n".join(body),
                    int(answered[1]),
                    json.loads(answered[2]),
                    lines[index + 1].strip(),
                    int(answered[3]) / 1000,
                )
            )
            request = ()
        elif request:
            body.append(line)
        elif line.startswith("-- "):
            title = line.removeprefix("-- ")
        elif "POST /control/" in line or line.startswith("   ("):
            found.append(_happening(line))
    return found


def comparable(frames: list[WireFrame]) -> list[Any]:
    """What of some frames is the same in every run.

    Presence refs are replaced by their order of appearance, so that a frame that names
    an earlier one's ref must name the right one.

    :return: the parsed JSON of the text frames, the bytes of the binary ones.
    """
    refs: dict[str, str] = {}
    return [
        it.data if it.is_binary else _comparable(json.loads(it.data), refs)
        for it in frames
    ]


def _comparable(value: Any, refs: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_comparable(item, refs) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key in sorted(value):
        item = value[key]
        if key in ("phx_ref", "phx_ref_prev"):
            result[key] = refs.setdefault(item, f"ref {len(refs)}")
        elif key == "online_at":
            result[key] = "a moment"
        elif key == "port":
            result[key] = "a port"
        elif key == "uri":
            result[key] = re.sub(r":\d+/", ":port/", item)
        else:
            result[key] = _comparable(item, refs)
    return result
