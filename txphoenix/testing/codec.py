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

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from txphoenix.protocol.event_names import PHX_REPLY
from txphoenix.protocol.json_codecs import JSONCodec, as_codec
from txphoenix.protocol.message import Message

__all__ = [
    "CodecError",
    "ServerCodec",
    "ServerV1Codec",
    "ServerV2Codec",
    "checked_serializers",
    "codec_for",
    "decoded",
    "encoded",
]

_PUSH, _REPLY, _BROADCAST = 0, 1, 2


class CodecError(ValueError):
    """A frame that is no message, or a message that cannot be encoded."""


class ServerCodec(Protocol):
    """One version of the server's side of the wire.

    It keeps nothing of a client, for it serves all that ask for its version.
    Whatever else than :exc:`CodecError` it raises is taken for one.
    """

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a client's frame.

        :raises CodecError: it is not a message; the client is closed with 1011, as by
            Phoenix.
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
    """Version 2.0.0: a JSON array of five, and binary frames.

    :param json: the JSON codec.
    """

    name: ClassVar[str] = "Phoenix.Socket.V2.JSONSerializer"
    """What Phoenix calls it."""

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
    """Version 1.0.0: a JSON object, and nothing binary.

    :param json: the JSON codec.
    """

    name: ClassVar[str] = "Phoenix.Socket.V1.JSONSerializer"
    """What Phoenix calls it."""

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


def checked_serializers(
    serializers: Mapping[str, ServerCodec] | None,
) -> dict[str, ServerCodec]:
    """The codecs that a server was given, by version.

    :raises ValueError: one of them is no codec, or has no version.
    """
    for vsn, codec in (serializers or {}).items():
        if not isinstance(vsn, str) or not vsn:
            raise ValueError(
                f"the version of a serializer must be a str, not empty, not {vsn!r}"
            )
        functions = (getattr(codec, name, None) for name in ("encode", "decode"))
        if isinstance(codec, type) or not all(map(callable, functions)):
            raise ValueError(
                f"the serializer of {vsn!r} must be a ServerCodec, an object with "
                f"encode and decode, not {codec!r}"
            )
    return dict(serializers or {})


def decoded(codec: ServerCodec, data: bytes, is_binary: bool) -> Message:
    """Read a client's frame by a codec that may be the user's.

    :raises CodecError: it is not a message, or the codec has raised anything.
    """
    try:
        message = codec.decode(data, is_binary)
    except CodecError:
        raise
    except Exception as error:
        raise _raised(codec, "decode", error) from error
    if not isinstance(message, Message):
        raise _returned(codec, "decode", "a Message", message)
    return message


def encoded(codec: ServerCodec, message: Message) -> tuple[bytes, bool]:
    """Make a frame by a codec that may be the user's.

    :raises CodecError: it cannot be encoded, or the codec has raised anything.
    """
    try:
        frame = codec.encode(message)
    except CodecError:
        raise
    except Exception as error:
        raise _raised(codec, "encode", error) from error
    if not (
        isinstance(frame, tuple) and [type(value) for value in frame] == [bytes, bool]
    ):
        raise _returned(codec, "encode", "(bytes, bool)", frame)
    return frame


def _raised(codec: object, function: str, error: Exception) -> CodecError:
    name = type(codec).__name__
    return CodecError(f"{name}.{function} raised {type(error).__name__}: {error}")


def _returned(codec: object, function: str, wanted: str, result: object) -> CodecError:
    name = type(codec).__name__
    return CodecError(f"{name}.{function} must return {wanted}, not {result!r:.100}")


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
