"""Recorded frames, read and written without the serializer that they are to test.

The refs in a recording are the recorder's, and ours are others.
So a frame of a recording is compared, or sent, with the refs replaced and every other
byte as it was recorded.
"""

from __future__ import annotations

import json
from typing import Any

from txphoenix.protocol.event_names import PHX_REPLY
from txphoenix.protocol.message import Message

from .recordings import WireFrame

__all__ = ["Refs", "read_frame", "with_refs"]

# Whose frame it is and its kind -> the fields that its lengths are of.
_LAYOUTS = {
    (False, 0): ("join_ref", "ref", "topic", "event"),
    (True, 0): ("join_ref", "topic", "event"),
    (True, 1): ("join_ref", "ref", "topic", "status"),
    (True, 2): ("topic", "event"),
}


class Refs:
    """The recorder's refs and ours, which stand for each other."""

    def __init__(self) -> None:
        self._ours: dict[Any, str | None] = {}

    def learn(self, recorded: Any, ours: str | None) -> None:
        """Take note of the ref that ours has where the recorder had ``recorded``."""
        self._ours[recorded] = ours

    def ours(self, recorded: Any) -> str | None:
        """Our ref, or None where the recorder had none or one of no message so far."""
        return self._ours.get(recorded)

    def answered(self, recorded: Any) -> Any:
        """The ref as a server would send it; one it has made up stays as it is."""
        return self._ours.get(recorded, recorded)


def read_frame(frame: WireFrame) -> Message:
    """Take the frame of a recording apart."""
    if frame.is_binary:
        fields, data = _read_binary(frame)
        payload: Any = data
        event = fields.get("event", PHX_REPLY)
        if event == PHX_REPLY:
            payload = {"status": fields["status"], "response": data}
        return Message(
            fields.get("join_ref"), fields.get("ref"), fields["topic"], event, payload
        )
    value = json.loads(frame.data)
    if isinstance(value, dict):
        value = [value.get(name) for name in Message._fields]
    return Message(*value[:5])


def with_refs(frame: WireFrame, join_ref: Any, ref: Any) -> bytes:
    """The frame of a recording with other refs.

    In version 1 each message of a channel gets a ``join_ref``: our client sends it, and
    the recorder's did not; the server of the recordings has no need of it.
    """
    if frame.is_binary:
        fields, data = _read_binary(frame)
        refs = {"join_ref": join_ref or "", "ref": ref or ""}
        texts = [refs.get(name, text).encode() for name, text in fields.items()]
        return bytes([frame.data[0], *map(len, texts)]) + b"".join(texts) + data
    value = json.loads(frame.data)
    # If this does not hold, the frame cannot be written as it was recorded.
    assert _compact(value) == frame.data, frame
    if isinstance(value, dict):
        value["ref"] = ref
        if join_ref is not None:
            value["join_ref"] = join_ref
    else:
        value[:2] = [join_ref, ref]
    return _compact(value)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _read_binary(frame: WireFrame) -> tuple[dict[str, str], bytes]:
    data = frame.data
    names = _LAYOUTS[frame.is_sent_by_server, data[0]]
    start = 1 + len(names)
    fields = {}
    for name, size in zip(names, data[1:start], strict=True):
        fields[name] = data[start : start + size].decode()
        start += size
    return fields, data[start:]
