"""Phoenix's V2 wire format: between the five fields of a message and a frame.

A message is any tuple of the five here.

A text frame holds a JSON array::

    [join_ref, ref, topic, event, payload]

If the payload is bytes the frame is binary, where ``n(x)`` is one byte, the length of
``x`` in UTF-8::

    client's push  0 n(join_ref) n(ref) n(topic) n(event)  join_ref ref topic event data
    server's push  0 n(join_ref) n(topic) n(event)         join_ref topic event data
    reply          1 n(join_ref) n(ref) n(topic) n(status) join_ref ref topic status ...
    broadcast      2 n(topic) n(event)                     topic event data
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..errors import SerializerError
from ..legible import error_text
from .event_names import PHX_REPLY
from .field_checks import (
    BINARY_TYPES,
    Fields,
    checked_fields,
    not_json,
    not_strings,
    payload_of,
    refuse_nan,
    start_of,
    unencodable,
)
from .json_codecs import JSONCodec, as_bytes, as_codec

__all__ = ["V2Frames"]

_Message = TypeVar("_Message", bound=Fields)

# The kinds of binary frames, in their first byte.
_PUSH = 0
_REPLY = 1
_BROADCAST = 2

# How many of the bytes after the kind are lengths, in what a server sends.
_LENGTHS = {_PUSH: 3, _REPLY: 4, _BROADCAST: 2}

# A field of a client's binary push has a length of one byte.
_BINARY_FIELDS = ("join_ref", "ref", "topic", "event")
_MAX_BINARY_FIELD = 255

# Half the time that calling the class takes.
_new = tuple.__new__


class V2Frames(Generic[_Message]):
    """Makes frames of messages, and messages of frames.

    :param kind: what a message is made as: a class of tuples of the five fields.
    :param json: the JSON codec, by default what
        :func:`~txphoenix.serializer.default_json` gives.
    :raises ConfigurationError: if ``json`` has no ``loads`` or no ``dumps``.
    """

    vsn = "2.0.0"
    """The version that the server is told."""

    def __init__(self, kind: type[_Message], json: JSONCodec | None = None) -> None:
        codec = as_codec(json)
        self._kind = kind
        self.parse: Callable[[bytes], Any] = codec.loads
        """Reads the JSON of a text frame: :meth:`to_message` takes what it returns."""
        self.parse_short_numbers: Callable[[bytes], Any] = getattr(
            codec, "loads_short_numbers", codec.loads
        )
        """The same, for text without long numbers
        (:func:`~txphoenix.protocol.json_codecs.may_have_long_number`).
        """
        self._dumps: Callable[[Any], str | bytes] = codec.dumps

    def encode(self, message: _Message) -> tuple[bytes, bool]:
        """What to send for a message.

        A payload that is bytes, a bytearray or a memoryview goes into a binary frame.
        Any other is encoded as JSON.

        :return: the frame's content, and whether the frame is binary.
        :raises SerializerError: if the payload is not JSON, if topic or event is not a
            string, or if one of the strings of a binary message is longer than 255
            bytes.
        """
        join_ref, ref, topic, event, payload = message
        if not (isinstance(topic, str) and isinstance(event, str)):
            raise not_strings(topic, event)
        # Most payloads are dicts, and this way they take one test.
        if type(payload) is not dict and isinstance(payload, BINARY_TYPES):
            return self.encode_binary(message), True
        try:
            # A plain tuple, since orjson refuses subclasses of tuple.
            data = self._dumps((join_ref, ref, topic, event, payload))
            if type(data) is not bytes:
                data = as_bytes(data)
        except BaseException as error:
            raise unencodable(message, error) from error
        # Some codecs make null of NaN. A byte is found faster than a word, and JSON has
        # few of this one.
        if 117 in data and b"null" in data:
            refuse_nan(message)
        return data, False

    def decode(self, data: bytes, is_binary: bool) -> _Message:
        """The message in a frame.

        Elements after the fifth are ignored, and integer refs become strings.
        The payload of a binary message is bytes; that of a binary reply is
        ``{"status": status, "response": bytes}``, as in a reply in JSON.

        :param data: the frame's content.
        :param is_binary: whether the frame is binary.
        :raises SerializerError: if it is not a message.
        """
        if is_binary:
            return self.decode_binary(data)
        try:
            fields = self.parse(data)
        except BaseException as error:
            raise not_json(data, error) from error
        return self.to_message(fields, data)

    def to_message(self, fields: Any, data: bytes) -> _Message:
        """The message in what was read of a text frame.

        :param fields: what the JSON codec has made of the frame.
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
                return _new(self._kind, fields)
        if type(fields) is not list or len(fields) < 5:
            raise SerializerError(
                f"expected [join_ref, ref, topic, event, payload], got {start_of(data)}"
            )
        return _new(self._kind, checked_fields(fields[:5], data))

    def encode_binary(self, message: _Message) -> bytes:
        """The binary frame of a message whose payload is bytes.

        A subclass may override it, and :meth:`decode_binary`: text frames go on to take
        the fast way then.

        :raises SerializerError: as :meth:`encode`.
        """
        return _encode_binary(message)

    def decode_binary(self, data: bytes) -> _Message:
        """The message in a binary frame.

        :param data: the frame's content.
        :raises SerializerError: if it is not a message.
        """
        return _new(self._kind, _decode_binary(data))


def _encode_binary(message: Fields) -> bytes:
    """The binary frame of a client's push."""
    *texts, payload = message
    try:
        fields = [b"" if text is None else text.encode("utf-8") for text in texts]
        # A length over 255 is not a byte, and released memoryviews give none.
        return b"".join((bytes((_PUSH, *map(len, fields))), *fields, bytes(payload)))
    except (AttributeError, ValueError) as error:
        raise _unencodable_binary(message, error) from error


def _unencodable_binary(message: Fields, error: Exception) -> SerializerError:
    """The error for a message that does not fit a binary frame."""
    cannot = f"cannot encode {payload_of(message)}"
    for name, text in zip(_BINARY_FIELDS, message, strict=False):
        if text is not None and not isinstance(text, str):
            return SerializerError(
                f"{cannot}: {name} must be text, not {type(text).__name__}"
            )
        size = len((text or "").encode("utf-8", "surrogatepass"))
        if size > _MAX_BINARY_FIELD:
            return SerializerError(
                f"{cannot}: in a binary message {name} has at most "
                f"{_MAX_BINARY_FIELD} bytes, and this one has {size}"
            )
    return SerializerError(f"{cannot}: {error_text(error)}")


def _decode_binary(data: bytes) -> Fields:
    """The message in a binary frame of a server."""
    kind = data[0] if data else None
    count = _LENGTHS.get(kind) if isinstance(kind, int) else None
    if count is None:
        raise SerializerError(
            f"expected a binary frame of kind 0, 1 or 2, got {start_of(data)}"
        )
    lengths = data[1 : 1 + count]
    start = 1 + count
    needed = start + sum(lengths)
    if len(lengths) < count or len(data) < needed:
        raise SerializerError(
            f"expected a binary frame of at least {needed} bytes, got {start_of(data)}"
        )
    texts = []
    try:
        for length in lengths:
            texts.append(str(data[start : start + length], "utf-8"))
            start += length
    except UnicodeDecodeError as error:
        raise SerializerError(
            f"expected UTF-8 in a binary frame, got {start_of(data)}: "
            f"{error_text(error)}"
        ) from error
    payload = bytes(data[start:])
    if kind == _PUSH:
        join_ref, topic, event = texts
        return join_ref or None, None, topic, event, payload
    if kind == _REPLY:
        join_ref, ref, topic, status = texts
        reply = {"status": status, "response": payload}
        return join_ref or None, ref or None, topic, PHX_REPLY, reply
    topic, event = texts
    return None, None, topic, event, payload
