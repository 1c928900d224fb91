"""Frames of the server, read for a trace: what differs from run to run has names."""

from __future__ import annotations

import json
from typing import Any

from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.supabase.testing import SupabaseV1Codec, UserBroadcast
from txphoenix.testing import Frame, ServerSession

from .script import TOKENS

__all__ = ["decoded"]

_USER_BROADCAST = 4
_NAMES = {token: f"token of {name}" for name, token in TOKENS.items()}


def decoded(frame: Frame, session: ServerSession) -> Message:
    """Read a frame of either version.

    Tokens are named by who has them, and the time of a change is ``now``.
    A user's broadcast of kind 3 or 4 is shown with its event, payload and metadata.
    """
    message = _read(frame, session)
    return message._replace(payload=_plain(message.payload))


def _read(frame: Frame, session: ServerSession) -> Message:
    if not frame.is_sent:
        return session.codec.decode(frame.data, frame.is_binary)
    if isinstance(session.codec, SupabaseV1Codec):
        # A server's message is read as a client's: both are objects.
        return session.codec.decode(frame.data, frame.is_binary)
    if frame.is_binary and frame.data[0] == _USER_BROADCAST:
        return _user_broadcast(frame.data)
    return V2Serializer().decode(frame.data, frame.is_binary)


def _user_broadcast(data: bytes) -> Message:
    *lengths, encoding = data[1:5]
    parts = []
    start = 5
    for length in lengths:
        parts.append(data[start : start + length].decode("utf-8"))
        start += length
    topic, event, metadata = parts
    read = json.loads(metadata) if metadata else {}
    payload = UserBroadcast(event, data[start:], encoding == 1, read)
    return Message(None, None, topic, "broadcast", payload)


def _plain(value: Any) -> Any:
    if isinstance(value, UserBroadcast):
        payload = json.loads(value.payload) if value.is_json else value.payload
        shown = {"event": value.event, "payload": payload}
        return {**shown, "metadata": value.metadata} if value.metadata else shown
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {
            name: "now" if name == "commit_timestamp" else _plain(each)
            for name, each in value.items()
        }
    return _NAMES.get(value, value) if isinstance(value, str) else value
