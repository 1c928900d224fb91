"""The server's side of Phoenix's serializers: what it reads and what it writes.

A client writes pushes and reads replies, pushes and broadcasts; a server does the
opposite, and the two sides' frames differ.

===================  =============================================================
frame                layout, each length one byte
===================  =============================================================
client's push        ``00``, lengths, join_ref, ref, topic, event, data
server's push        ``00``, lengths, join_ref, topic, event, data
server's reply       ``01``, lengths, join_ref, ref, topic, status, data
server's broadcast   ``02``, lengths, topic, event, data
===================  =============================================================
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from txphoenix.protocol.event_names import PHX_REPLY
from txphoenix.protocol.json_codecs import JSONCodec, as_codec
from txphoenix.protocol.message import Message

__all__ = ["CodecError", "ServerCodec", "ServerV1Codec", "ServerV2Codec", "codec_for"]

_PUSH, _REPLY, _BROADCAST = 0, 1, 2


class CodecError(ValueError):
    """A frame that is no message, or a message that cannot be encoded."""


class ServerCodec(Protocol):
    """One version of the server's side of the wire."""

    name: ClassVar[str]
    """What Phoenix calls the serializer."""

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a client's frame.

        :raises CodecError: it is not a message.
        """

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame of a server's message.

        A message with neither ref nor join_ref is a broadcast.
        The payload of a reply is ``{"status": ..., "response": ...}``.

        :return: the frame's payload, and whether the frame is binary.
        :raises CodecError: the payload is not JSON, and not binary either.
        """


class _JSON:
    """What both versions do with JSON."""

    def __init__(self, json: JSONCodec | None = None) -> None:
        self._json = as_codec(json)

    def _loads(self, data: bytes) -> Any:
        try:
            return self._json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CodecError(f"expected JSON, not {data[:40]!r}") from error

    def _dumps(self, value: Any, message: Message) -> tuple[bytes, bool]:
        try:
            text = self._json.dumps(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise CodecError(
                f"the payload of {message.event!r} on {message.topic!r} "
                f"is not JSON: {error}"
            ) from error
        return (text.encode("utf-8") if isinstance(text, str) else text), False


class ServerV2Codec(_JSON):
    """Version 2.0.0: a JSON array of five, and binary frames."""

    name: ClassVar[str] = "Phoenix.Socket.V2.JSONSerializer"

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a client's frame: see :meth:`ServerCodec.decode`."""
        if is_binary:
            return _decode_binary(data)
        parts = self._loads(data)
        if not isinstance(parts, list) or len(parts) < 5:
            raise CodecError(
                "expected [join_ref, ref, topic, event, payload], "
                f"not {_shape(parts)}: {data[:40]!r}"
            )
        # Phoenix's decoder takes the head of a longer list.
        return Message(*parts[:5])

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame of a server's message: see :meth:`ServerCodec.encode`."""
        binary = _binary_payload(message)
        if binary is not None:
            return _encode_binary(message, binary), True
        return self._dumps(list(message), message)


class ServerV1Codec(_JSON):
    """Version 1.0.0: a JSON object, and nothing binary."""

    name: ClassVar[str] = "Phoenix.Socket.V1.JSONSerializer"

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a client's frame: see :meth:`ServerCodec.decode`."""
        if is_binary:
            raise CodecError("version 1.0.0 has no binary frames")
        parts = self._loads(data)
        if not isinstance(parts, dict) or not {"topic", "event", "payload"} <= set(
            parts
        ):
            raise CodecError(
                "expected an object with topic, event, payload and ref, "
                f"not {_shape(parts)}: {data[:40]!r}"
            )
        return Message(
            parts.get("join_ref"),
            parts.get("ref"),
            parts["topic"],
            parts["event"],
            parts["payload"],
        )

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame of a server's message: see :meth:`ServerCodec.encode`."""
        if _binary_payload(message) is not None:
            raise CodecError("version 1.0.0 has no binary payloads")
        value = {
            "event": message.event,
            "payload": message.payload,
            "ref": message.ref,
            "topic": message.topic,
        }
        return self._dumps(value, message)


def codec_for(vsn: str, json: JSONCodec | None = None) -> ServerCodec | None:
    """The codec for what a client's ``vsn`` parameter asks for.

    :return: ``None`` if no Phoenix server speaks it.
    """
    if vsn.startswith("2.0."):
        return ServerV2Codec(json)
    if vsn.startswith("1.0."):
        return ServerV1Codec(json)
    return None


def _shape(value: Any) -> str:
    return (
        f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    )


def _binary_payload(message: Message) -> bytes | None:
    payload = message.payload
    if message.event == PHX_REPLY and isinstance(payload, dict):
        payload = payload.get("response")
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    return None


def _decode_binary(data: bytes) -> Message:
    if len(data) < 5 or data[0] != _PUSH:
        raise CodecError(f"expected a binary push, not {data[:20].hex()!r}")
    strings: list[str] = []
    start = 5
    for length in data[1:5]:
        end = start + length
        if end > len(data):
            raise CodecError(f"binary push ends too early: {data[:20].hex()!r}")
        try:
            strings.append(data[start:end].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise CodecError(f"not UTF-8: {data[start:end][:20].hex()!r}") from error
        start = end
    join_ref, ref, topic, event = strings
    return Message(join_ref, ref, topic, event, data[start:])


def _encode_binary(message: Message, data: bytes) -> bytes:
    fields: tuple[Any, ...]
    if message.event == PHX_REPLY:
        status = message.payload["status"]
        kind, fields = _REPLY, (message.join_ref, message.ref, message.topic, status)
    elif message.ref is None and message.join_ref is None:
        kind, fields = _BROADCAST, (message.topic, message.event)
    else:
        kind, fields = _PUSH, (message.join_ref, message.topic, message.event)
    parts = [b"" if field is None else str(field).encode("utf-8") for field in fields]
    for part in parts:
        if len(part) > 255:
            raise CodecError(
                f"a string of a binary frame has 255 bytes at most, not {len(part)}"
            )
    return b"".join((bytes([kind, *map(len, parts)]), *parts, data))
