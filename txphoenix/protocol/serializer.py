"""Phoenix's serializers: between a :class:`~txphoenix.message.Message` and a frame.

Pure functions of their input; nothing here knows of sockets or of Twisted.

V2 (``vsn=2.0.0``) is a JSON array in a text frame::

    [join_ref, ref, topic, event, payload]

or, if the payload is bytes, a binary frame, where ``n(x)`` is one byte, the length of
``x`` in UTF-8::

    client's push  0 n(join_ref) n(ref) n(topic) n(event)  join_ref ref topic event data
    server's push  0 n(join_ref) n(topic) n(event)         join_ref topic event data
    reply          1 n(join_ref) n(ref) n(topic) n(status) join_ref ref topic status ...
    broadcast      2 n(topic) n(event)                     topic event data

V1 (``vsn=1.0.0``, deprecated) is a JSON object in a text frame::

    {"topic": topic, "event": event, "payload": payload, "ref": ref}

and ``"join_ref": join_ref`` besides in a join and in a leave.

JSON itself is the work of a codec, see :class:`~txphoenix.interfaces.JSONCodec` and
:mod:`txphoenix.protocol.json_codecs`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, SerializerError
from ..legible import error_text, legible
from .json_codecs import StandardJSON, as_codec, default_json, walk
from .message import PHX_REPLY, Message, new_message

if TYPE_CHECKING:
    from .interfaces import JSONCodec, Serializer

__all__ = [
    "StandardJSON",
    "V1Serializer",
    "V2Serializer",
    "default_json",
    "serializer_for",
]

# The kinds of binary frames, in their first byte.
_PUSH = 0
_REPLY = 1
_BROADCAST = 2

# How many of the bytes after the kind are lengths, in what a server sends.
_LENGTHS = {_PUSH: 3, _REPLY: 4, _BROADCAST: 2}

# A field of a client's binary push has a length of one byte.
_BINARY_FIELDS = ("join_ref", "ref", "topic", "event")
_MAX_BINARY_FIELD = 255

_BINARY_TYPES = (bytes, bytearray, memoryview)

# How much of a bad frame an error shows.
_SHOWN = 60


class V2Serializer:
    """Phoenix's V2 serializer, JSON and binary.

    :param json: the JSON codec, by default what :func:`default_json` gives.
        The modules :mod:`json` and ``orjson`` stand for
        :class:`~txphoenix.protocol.json_codecs.StandardJSON` and
        :class:`~txphoenix.protocol.json_codecs.Orjson`.
    :raises ConfigurationError: if ``json`` has no ``loads`` or no ``dumps``.
    """

    vsn = "2.0.0"

    def __init__(self, json: JSONCodec | None = None) -> None:
        codec = as_codec(json)
        self.parse: Callable[[bytes], Any] = codec.loads
        """Reads the JSON of a text frame: :meth:`to_message` takes what it returns."""
        self.parse_short_numbers: Callable[[bytes], Any] = getattr(
            codec, "loads_short_numbers", codec.loads
        )
        """The same, for text without long numbers
        (:func:`~txphoenix.protocol.json_codecs.may_have_long_number`).
        """
        self._dumps: Callable[[Any], str | bytes] = codec.dumps

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """What to send for a message.

        A payload that is bytes, a bytearray or a memoryview goes into a binary frame.
        Any other is encoded as JSON.

        :return: the frame's content, and whether the frame is binary.
        :raises SerializerError: if the payload is not JSON, if topic or event is not a
            string, or if one of the strings of a binary message is longer than 255
            bytes.
        """
        fields: tuple[Any, ...] = message
        join_ref, ref, topic, event, payload = fields
        if not (isinstance(topic, str) and isinstance(event, str)):
            raise _not_strings(topic, event)
        # Most payloads are dicts, and this way they take one test.
        if type(payload) is not dict and isinstance(payload, _BINARY_TYPES):
            return _encode_binary(message), True
        try:
            # A plain tuple, since orjson refuses subclasses of tuple.
            data = self._dumps((join_ref, ref, topic, event, payload))
            if type(data) is not bytes:
                data = _as_bytes(data)
        except BaseException as error:
            raise _unencodable(message, error) from error
        # Some codecs make null of NaN. A byte is found faster than a word, and JSON has
        # few of this one.
        if 117 in data and b"null" in data:
            _refuse_nan(message)
        return data, False

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """The message in a frame.

        Elements after the fifth are ignored, and integer refs become strings.
        The payload of a binary message is bytes; that of a binary reply is
        ``{"status": status, "response": bytes}``, as in a reply in JSON.

        :param data: the frame's content.
        :param is_binary: whether the frame is binary.
        :raises SerializerError: if it is not a message.
        """
        if is_binary:
            return _decode_binary(data)
        try:
            fields = self.parse(data)
        except BaseException as error:
            raise _not_json(data, error) from error
        return self.to_message(fields, data)

    def to_message(self, fields: Any, data: bytes) -> Message:
        """The message in what :attr:`parse` has read.

        :param data: the frame's content, for errors.
        :raises SerializerError: if it is not a message.
        """
        # What a server sends is as it must be, so that is looked at first.
        if type(fields) is list and len(fields) == 5:
            join_ref, ref, topic, event, _ = fields
            if (
                type(topic) is str
                and type(event) is str
                and (ref is None or type(ref) is str)
                and (join_ref is None or type(join_ref) is str)
            ):
                return new_message(Message, fields)
        if type(fields) is not list or len(fields) < 5:
            raise SerializerError(
                f"expected [join_ref, ref, topic, event, payload], got {_cut(data)}"
            )
        return _checked(fields[:5], data)


class V1Serializer:
    """Phoenix's V1 serializer, deprecated: JSON only, and no join_ref from the server.

    Without join_refs what belongs to an earlier join of a topic cannot be told from
    what belongs to the present one.

    :param json: the JSON codec, as for :class:`V2Serializer`.
    :raises ConfigurationError: if ``json`` has no ``loads`` or no ``dumps``.
    """

    vsn = "1.0.0"

    def __init__(self, json: JSONCodec | None = None) -> None:
        warnings.warn(
            "Phoenix's V1 serializer is deprecated; use vsn 2.0.0",
            DeprecationWarning,
            stacklevel=2,
        )
        codec = as_codec(json)
        self._loads: Callable[[bytes], Any] = codec.loads
        self._dumps: Callable[[Any], str | bytes] = codec.dumps

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """What to send for a message.

        The join_ref goes with every message of a channel.
        Phoenix ignores a leave without it, and from 1.8.3 to 1.8.11 a push as well,
        both without a word.

        :return: the frame's content, and False, since the frame is never binary.
        :raises SerializerError: if the payload is not JSON, bytes included, or if
            topic or event is not a string.
        """
        values: tuple[Any, ...] = message
        join_ref, ref, topic, event, payload = values
        if not (isinstance(topic, str) and isinstance(event, str)):
            raise _not_strings(topic, event)
        if isinstance(payload, _BINARY_TYPES):
            raise SerializerError(
                f"cannot encode {_name(message)}: V1 has no binary messages, use V2"
            )
        fields = {"topic": topic, "event": event, "payload": payload, "ref": ref}
        if join_ref is not None:
            fields["join_ref"] = join_ref
        try:
            data = _as_bytes(self._dumps(fields))
        except BaseException as error:
            raise _unencodable(message, error) from error
        _refuse_nan(message)
        return data, False

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """The message in a frame; Phoenix sends no join_ref, so that it is None.

        :param data: the frame's content.
        :param is_binary: whether the frame is binary, which is an error.
        :raises SerializerError: if it is not a message.
        """
        if is_binary:
            raise SerializerError(f"V1 has no binary messages, got {_cut(data)}")
        try:
            fields = self._loads(data)
        except BaseException as error:
            raise _not_json(data, error) from error
        if not isinstance(fields, dict) or not fields.keys() >= {"topic", "event"}:
            raise SerializerError(
                'expected {"topic", "event", "payload", "ref"}, got ' + _cut(data)
            )
        return _checked(map(fields.get, Message._fields), data)


_SERIALIZERS: dict[str, Callable[[JSONCodec | None], Serializer]] = {
    serializer.vsn: serializer for serializer in (V1Serializer, V2Serializer)
}


def serializer_for(vsn: str, json: JSONCodec | None = None) -> Serializer:
    """The serializer of a protocol version.

    :param vsn: ``"2.0.0"``, or ``"1.0.0"``, which is deprecated.
    :param json: the JSON codec, by default what :func:`default_json` gives.
    :raises ConfigurationError: if there is no such version; a server would refuse it.
    """
    try:
        make = _SERIALIZERS[vsn]
    except (KeyError, TypeError):
        known = " or ".join(map(repr, _SERIALIZERS))
        raise ConfigurationError(f"vsn must be {known}, not {legible(vsn)}") from None
    return make(json)


def _encode_binary(message: Message) -> bytes:
    """The binary frame of a client's push."""
    *texts, payload = message
    try:
        fields = [b"" if text is None else text.encode("utf-8") for text in texts]
        # A length over 255 is not a byte, and released memoryviews give none.
        return b"".join((bytes((_PUSH, *map(len, fields))), *fields, bytes(payload)))
    except (AttributeError, ValueError) as error:
        raise _unencodable_binary(message, error) from error


def _unencodable_binary(message: Message, error: Exception) -> SerializerError:
    """The error for a message that does not fit a binary frame."""
    cannot = f"cannot encode {_name(message)}"
    for name, text in zip(_BINARY_FIELDS, message, strict=False):
        if text is not None and not isinstance(text, str):
            return SerializerError(f"{cannot}: {name} must be text, not {_type(text)}")
        size = len((text or "").encode("utf-8", "surrogatepass"))
        if size > _MAX_BINARY_FIELD:
            return SerializerError(
                f"{cannot}: in a binary message {name} has at most "
                f"{_MAX_BINARY_FIELD} bytes, and this one has {size}"
            )
    return SerializerError(f"{cannot}: {error_text(error)}")


def _decode_binary(data: bytes) -> Message:
    """The message in a binary frame of a server."""
    kind = data[0] if data else None
    count = _LENGTHS.get(kind) if isinstance(kind, int) else None
    if count is None:
        raise SerializerError(
            f"expected a binary frame of kind 0, 1 or 2, got {_cut(data)}"
        )
    lengths = data[1 : 1 + count]
    start = 1 + count
    needed = start + sum(lengths)
    if len(lengths) < count or len(data) < needed:
        raise SerializerError(
            f"expected a binary frame of at least {needed} bytes, got {_cut(data)}"
        )
    texts = []
    try:
        for length in lengths:
            texts.append(str(data[start : start + length], "utf-8"))
            start += length
    except UnicodeDecodeError as error:
        raise SerializerError(
            f"expected UTF-8 in a binary frame, got {_cut(data)}: {error_text(error)}"
        ) from error
    payload = bytes(data[start:])
    if kind == _PUSH:
        join_ref, topic, event = texts
        return Message(join_ref or None, None, topic, event, payload)
    if kind == _REPLY:
        join_ref, ref, topic, status = texts
        reply = {"status": status, "response": payload}
        return Message(join_ref or None, ref or None, topic, PHX_REPLY, reply)
    topic, event = texts
    return Message(None, None, topic, event, payload)


def _checked(fields: Iterable[Any], data: bytes) -> Message:
    """A message whose refs may be integers, or the error that says what is wrong."""
    message = Message(*fields)
    for name in ("topic", "event"):
        value = getattr(message, name)
        if not isinstance(value, str):
            raise SerializerError(
                f"expected a string as {name}, not {_type(value)}, in {_cut(data)}"
            )
    for name in ("join_ref", "ref"):
        value = getattr(message, name)
        if value is not None and type(value) not in (str, int):
            raise SerializerError(
                f"expected a string or null as {name}, not {_type(value)}, "
                f"in {_cut(data)}"
            )
    return message._replace(join_ref=_text(message.join_ref), ref=_text(message.ref))


def _text(ref: object) -> str | None:
    return None if ref is None else str(ref)


def _as_bytes(data: object) -> bytes:
    """What a codec's dumps returned, as the bytes of a frame."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode("utf-8")
    raise TypeError(f"dumps of the JSON codec returned {_type(data)}")


def _refuse_nan(message: Message) -> None:
    """Raise if the payload holds a float that became null without a word."""
    for item in walk(message.payload):
        if isinstance(item, float) and not math.isfinite(item):
            raise SerializerError(f"cannot encode {_name(message)}: JSON has no {item}")


def _unencodable(message: Message, error: BaseException) -> SerializerError:
    """The error for a message that the codec refused."""
    payload = message.payload
    text = f"cannot encode {_name(message)}, a {_type(payload)}: {error_text(error)}"
    if not isinstance(payload, _BINARY_TYPES) and any(
        isinstance(item, _BINARY_TYPES) for item in walk(payload)
    ):
        text += "; bytes can be a payload, but not be inside of one"
    return SerializerError(text)


def _not_strings(topic: object, event: object) -> SerializerError:
    return SerializerError(
        "topic and event of a message must be strings, "
        f"not {_type(topic)} and {_type(event)}"
    )


def _not_json(data: bytes, error: BaseException) -> SerializerError:
    return SerializerError(f"expected JSON, got {_cut(data)}: {error_text(error)}")


def _name(message: Message) -> str:
    """How an error names the payload of a message."""
    return f"the payload of {_cut(message.event)} to {_cut(message.topic)}"


def _type(value: object) -> str:
    return type(value).__name__


def _cut(data: bytes | str) -> str:
    """The beginning of a frame or a string, for an error."""
    start = data[:_SHOWN]
    shown = repr(start if isinstance(start, str) else bytes(start))
    return shown if len(data) <= _SHOWN else f"{shown}... ({len(data)} in all)"
