"""Faults to plant in the library: a target that does not find them is none.

``python -m fuzz --faults`` has each target find its own, and so do the tests, which go
without atheris.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from txphoenix.protocol import presence_sync
from txphoenix.protocol.presence_sync import Diff, State, Step, apply_diff
from txphoenix.transports.frames import FastFrameProtocol

__all__ = ["FAULTS", "plant", "planted"]


def _any_length(data: bytes, offset: int) -> tuple[int, int]:
    """A long header, whatever the form of its length."""
    start = 4 if data[offset + 1] == 126 else 10
    return start, int.from_bytes(data[offset + 2 : offset + start], "big")


def _first_length(value: str | None) -> int | None:
    """The first of several lengths."""
    found = re.match("[0-9]+", value or "")
    return int(found[0]) if found else None


def _leaves_first(current: State, diff: Diff) -> Step:
    """A diff whose leaves are applied before its joins."""
    state = dict(current)
    _, leaves = apply_diff(state, {"joins": {}, "leaves": diff["leaves"]})
    joins, _ = apply_diff(state, {"joins": diff["joins"], "leaves": {}})
    return Step(state, joins, leaves)


def _patch(name: str, value: Any) -> Callable[[], Any]:
    return lambda: mock.patch(f"txphoenix.{name}", value)


_NEVER = re.compile(rb"(?!)")

FAULTS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "serializers": {
        # A binary frame may end before its fields do.
        "size": lambda: mock.patch(
            "txphoenix.protocol.v2_frames.sum", lambda _: 0, create=True
        ),
        "refs": _patch(
            "protocol.v2_frames.checked_fields", lambda fields, _: tuple(fields)
        ),
    },
    "frames": {
        "text": _patch("transports.plain_frames.is_utf8", lambda _: True),
        "length": _patch("transports.plain_frames.long_header", _any_length),
        # What follows a close frame is delivered.
        "close": _patch(
            "transports.websocket.PhoenixClientProtocol._may_consume",
            FastFrameProtocol._may_consume,
        ),
    },
    "handshake": {
        "first line": _patch(
            "transports.answer_head._FIRST", re.compile(rb"HTTP/1\.1 101(?: [^\r]*)?")
        ),
        "status": _patch("transports.answer_head._ODD_101", _NEVER),
    },
    "http": {
        "length": _patch("transports.http_answer._length", _first_length),
        "chunk": _patch(
            "transports.http_chunks._LINE", re.compile(rb"([0-9a-fA-F_]{1,15})(?s:.*)")
        ),
    },
    "urls": {
        "host": _patch("protocol.host._LABEL", re.compile(".+", re.DOTALL)),
        "secret": _patch("protocol.url.redact_url", lambda url: url),
    },
    "presence": {
        "check": _patch("protocol.presence_sync.check_state", lambda *_: None),
        "order": lambda: mock.patch.object(presence_sync, "diff_step", _leaves_first),
    },
}
"""The faults of each target, by their names."""


def planted(target: str, fault: str) -> Any:
    """A context in which a fault is there."""
    return FAULTS[target][fault]()


def plant(target: str, fault: str) -> None:
    """Plant a fault for good."""
    planted(target, fault).start()
