"""The server's side of Supabase's two serializers, with their binary broadcasts.

Version 1.0.0 is Phoenix's own, and has no binary frames.
Version 2.0.0 is Phoenix's with two kinds of frame more, for what users broadcast
(``RealtimeWeb.Socket.V2Serializer`` in supabase/realtime):

======================  ==============================================================
frame                   layout, each length one byte
======================  ==============================================================
client's broadcast      ``03``, lengths of join_ref, ref, topic, event and metadata,
                        encoding, join_ref, ref, topic, event, metadata, payload
server's broadcast      ``04``, lengths of topic, event and metadata, encoding, topic,
                        event, metadata, payload
======================  ==============================================================

The encoding is ``00`` for bytes and ``01`` for JSON; the metadata are JSON, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from txphoenix.message import Message
from txphoenix.testing import CodecError, ServerV1Codec, ServerV2Codec

__all__ = ["BROADCAST", "SupabaseV1Codec", "SupabaseV2Codec", "UserBroadcast"]

BROADCAST = "broadcast"
"""The event of each message that a user broadcasts."""

_USER_BROADCAST_PUSH, _USER_BROADCAST = 3, 4
_BYTES, _JSON = 0, 1


class UserBroadcast(NamedTuple):
    """The payload of a ``broadcast`` that travels in a frame of kind 3 or 4.

    :ivar event: the user's event.
    :ivar payload: as it travels: bytes, or JSON that nobody has read yet.
    :ivar is_json: which of them it is.
    :ivar metadata: what the sender or the server says of it; ``{}`` for nothing.
    """

    event: str
    payload: bytes
    is_json: bool
    metadata: Mapping[str, Any] = {}

    @classmethod
    def of(
        cls, event: str, payload: Any, metadata: Mapping[str, Any] | None = None
    ) -> UserBroadcast:
        """The broadcast of bytes, or of any JSON value."""
        if isinstance(payload, (bytes, bytearray, memoryview)):
            return cls(event, bytes(payload), False, metadata or {})
        return cls(event, _dumps(payload), True, metadata or {})

    def as_json(self) -> dict[str, Any] | None:
        """What a client of version 1.0.0 is sent instead; None for what it cannot be.

        That is bytes, and JSON that is none
        (``UserBroadcast.convert_to_json_broadcast`` in supabase/realtime).
        """
        if not self.is_json:
            return None
        try:
            payload = json.loads(self.payload)
        except (ValueError, RecursionError):
            return None
        made = {"event": self.event, "payload": payload, "type": BROADCAST}
        return {**made, "meta": dict(self.metadata)} if self.metadata else made


class SupabaseV1Codec(ServerV1Codec):
    """Version 1.0.0: Phoenix's own, to which a user's broadcast is an object."""

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame of a server's message.

        :raises CodecError: the payload is bytes, or no JSON.
        """
        if isinstance(message.payload, UserBroadcast):
            payload = message.payload.as_json()
            if payload is None:
                raise CodecError("version 1.0.0 has no binary broadcasts")
            message = message._replace(payload=payload)
        return super().encode(message)


class SupabaseV2Codec(ServerV2Codec):
    """Version 2.0.0: Phoenix's, and the broadcasts of kinds 3 and 4."""

    name: ClassVar[str] = "RealtimeWeb.Socket.V2Serializer"
    """What Supabase calls it."""

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a client's frame.

        The payload of one of kind 3 is a :class:`UserBroadcast`.

        :raises CodecError: it is not a message.
        """
        if is_binary and data[:1] == bytes([_USER_BROADCAST_PUSH]):
            return _decoded(data)
        return super().decode(data, is_binary)

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame of a server's message; kind 4 of a :class:`UserBroadcast`.

        :raises CodecError: it cannot be encoded.
        """
        if isinstance(message.payload, UserBroadcast):
            return _encoded(message.topic, message.payload), True
        return super().encode(message)


def _decoded(data: bytes) -> Message:
    if len(data) < 7:
        raise CodecError(f"expected a broadcast of kind 3, not {data[:20].hex()!r}")
    *lengths, encoding = data[1:7]
    parts: list[str] = []
    start = 7
    for length in lengths:
        end = start + length
        if end > len(data):
            raise CodecError(f"broadcast ends too early: {data[:20].hex()!r}")
        try:
            parts.append(data[start:end].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise CodecError(f"not UTF-8: {data[start:end][:20].hex()!r}") from error
        start = end
    join_ref, ref, topic, event, text = parts
    try:
        metadata = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise CodecError(f"the metadata are no JSON: {text[:40]!r}") from error
    # Whatever is not 0 is JSON to the server.
    payload = UserBroadcast(event, data[start:], encoding != _BYTES, metadata)
    return Message(join_ref, ref, topic, BROADCAST, payload)


def _encoded(topic: str, broadcast: UserBroadcast) -> bytes:
    metadata = _dumps(dict(broadcast.metadata)) if broadcast.metadata else b""
    parts = [topic.encode("utf-8"), broadcast.event.encode("utf-8"), metadata]
    for part in parts:
        if len(part) > 255:
            raise CodecError(
                f"a string of a binary frame has 255 bytes at most, not {len(part)}"
            )
    encoding = _JSON if broadcast.is_json else _BYTES
    head = bytes([_USER_BROADCAST, *map(len, parts), encoding])
    return b"".join((head, *parts, broadcast.payload))


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
