"""Supabase's frames: Phoenix's of version 2.0.0, and two kinds for broadcasts.

======================  ==============================================================
frame                   layout, each length one byte
======================  ==============================================================
what the client sends   ``03``, lengths of join_ref, ref, topic, event and metadata,
                        encoding, join_ref, ref, topic, event, metadata, payload
what the server sends   ``04``, lengths of topic, event and metadata, encoding, topic,
                        event, metadata, payload
======================  ==============================================================

The encoding is ``00`` for bytes and ``01`` for JSON; the metadata are JSON, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix.errors import SerializerError
from txphoenix.interfaces import JSONCodec
from txphoenix.message import Message
from txphoenix.serializer import V2Serializer, default_json

__all__ = ["BROADCAST", "EncodedBroadcast", "SupabaseSerializer"]

BROADCAST = "broadcast"
"""The event of each message that a user broadcasts."""

_SENT, _RECEIVED = 3, 4
_BYTES, _JSON = 0, 1
_HEAD = 5
_LONGEST = 255


class EncodedBroadcast(bytes):
    """The payload of a broadcast, on its way into a frame of kind 3.

    :ivar event: the user's event.
    :ivar is_json: whether it is JSON, or bytes of the user.
    :ivar metadata: what the server is told of it.
    """

    event: str
    is_json: bool
    metadata: bytes

    @classmethod
    def of(
        cls,
        event: str,
        payload: Any,
        metadata: Mapping[str, Any],
        json: JSONCodec,
    ) -> EncodedBroadcast:
        """Encode what a user broadcasts.

        :param payload: bytes, or any JSON value.
        :raises SerializerError: the payload is neither.
        """
        is_json = not isinstance(payload, (bytes, bytearray, memoryview))
        data = _dumps(json, payload) if is_json else bytes(payload)
        if is_json and b"null" in data:
            # Some codecs make null of NaN, which Phoenix's own serializer refuses.
            V2Serializer(json).encode(Message(None, None, "", event, payload))
        made = cls(data)
        made.event = event
        made.is_json = is_json
        made.metadata = _dumps(json, dict(metadata)) if metadata else b""
        return made


class SupabaseSerializer(V2Serializer):
    """Version 2.0.0 as Supabase speaks it.

    :param json: the JSON codec, as for :class:`txphoenix.serializer.V2Serializer`.
    """

    def __init__(self, json: JSONCodec | None = None) -> None:
        super().__init__(json)
        self.json: JSONCodec = default_json() if json is None else json

    def encode_binary(self, message: Message) -> bytes:
        """The binary frame of a message; of kind 3 for a broadcast of a user.

        :raises SerializerError: one of its strings is longer than 255 bytes.
        """
        payload = message.payload
        if not isinstance(payload, EncodedBroadcast):
            return super().encode_binary(message)
        texts = (message.join_ref or "", message.ref or "", message.topic)
        parts = [text.encode("utf-8") for text in (*texts, payload.event)]
        parts.append(payload.metadata)
        names = ("join_ref", "ref", "topic", "event", "metadata")
        for name, part in zip(names, parts, strict=True):
            if len(part) > _LONGEST:
                raise SerializerError(
                    f"cannot encode a broadcast: its {name} has at most {_LONGEST} "
                    f"bytes, and this one has {len(part)}"
                )
        head = bytes([_SENT, *map(len, parts), _JSON if payload.is_json else _BYTES])
        return b"".join((head, *parts, payload))

    def decode_binary(self, data: bytes) -> Message:
        """The message in a binary frame.

        :raises SerializerError: it is of an unknown kind, or ends too early.
        """
        if data[:1] != bytes([_RECEIVED]):
            return super().decode_binary(data)
        if len(data) < _HEAD or len(data) < _HEAD + sum(data[1:4]):
            raise SerializerError(
                f"a broadcast of kind 4 ends too early: {data[:20].hex()}"
            )
        parts = []
        start = _HEAD
        for length in data[1:4]:
            parts.append(bytes(data[start : start + length]))
            start += length
        body = bytes(data[start:])
        try:
            topic, event = (part.decode("utf-8") for part in parts[:2])
            payload = self.json.loads(body) if data[4] == _JSON else body
            metadata = self.json.loads(parts[2]) if parts[2] else None
        except (ValueError, RecursionError) as error:
            raise SerializerError(
                f"a broadcast of kind 4 has text that is none: {data[:20].hex()}"
            ) from error
        told = {"type": BROADCAST, "event": event, "payload": payload}
        if metadata is not None:
            told["meta"] = metadata
        return Message(None, None, topic, BROADCAST, told)


def _dumps(json: JSONCodec, value: Any) -> bytes:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializerError(f"cannot encode a broadcast: {error}") from error
    return text if isinstance(text, bytes) else text.encode("utf-8")
