"""Serializers as users bring them, and the server's side of each."""

from __future__ import annotations

import json
from typing import Any

from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.testing import ServerCodec, ServerV2Codec

__all__ = ["SERVER_CODECS", "Objects", "OtherV2", "Scripted", "ShoutingV2"]


class Objects:
    """Another format: a JSON object, of which what is binary is hexadecimal text.

    A server's side of it is the same.
    """

    vsn = "3.0.0-objects"

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame."""
        text = json.dumps(message._asdict(), default=_as_hex)
        return text.encode("utf-8"), False

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a frame."""
        return Message(**json.loads(data, object_hook=_from_hex))


def _as_hex(data: Any) -> dict[str, str]:
    return {"hex": bytes(data).hex()}


def _from_hex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value


class OtherV2(V2Serializer):
    """Phoenix's V2 by another name."""

    vsn = "2.5.0"


class ShoutingV2(V2Serializer):
    """V2 whose binary frames alone are other ones: text in capitals, and no fields."""

    vsn = "2.9.0"

    def encode_binary(self, message: Message) -> bytes:
        """Make a binary frame."""
        return b"\x07" + bytes(message.payload).upper()

    def decode_binary(self, data: bytes) -> Message:
        """Read a binary frame."""
        return Message(None, None, "rooms:lobby", "shouted", data[1:])


class Scripted:
    """V2 until it is told to do something else.

    :ivar on_encode: in the place of ``encode``, if set.
    :ivar on_decode: in the place of ``decode``, if set.
    """

    vsn = "2.0.0"

    def __init__(self) -> None:
        self._v2 = V2Serializer()
        self.on_encode: Any = None
        self.on_decode: Any = None

    def encode(self, message: Message) -> Any:
        """Make a frame, or do what was said."""
        return (self.on_encode or self._v2.encode)(message)

    def decode(self, data: bytes, is_binary: bool) -> Any:
        """Read a frame, or do what was said."""
        return (self.on_decode or self._v2.decode)(data, is_binary)


SERVER_CODECS: dict[str, ServerCodec] = {
    Objects.vsn: Objects(),
    OtherV2.vsn: ServerV2Codec(),
    ShoutingV2.vsn: ServerV2Codec(),
}
"""What a server is given to speak with all of them."""
