"""Phoenix's serializers: between a :class:`~txphoenix.message.Message` and a frame.

Pure functions of their input; nothing here knows of sockets or of Twisted.

V2 (``vsn=2.0.0``) is described in :mod:`txphoenix.protocol.v2_frames`.

V1 (``vsn=1.0.0``, deprecated) is a JSON object in a text frame::

    {"topic": topic, "event": event, "payload": payload, "ref": ref}

and ``"join_ref": join_ref`` besides in every message of a channel; what the server
sends has none.

JSON itself is the work of a codec, see :class:`~txphoenix.interfaces.JSONCodec` and
:mod:`txphoenix.protocol.json_codecs`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError, SerializerError
from ..legible import legible
from .field_checks import (
    BINARY_TYPES,
    checked_fields,
    not_json,
    not_strings,
    payload_of,
    refuse_nan,
    start_of,
    unencodable,
)
from .json_codecs import JSONCodec, StandardJSON, as_bytes, as_codec, default_json
from .message import Message, Serializer, new_message
from .v2_frames import V2Frames

__all__ = [
    "StandardJSON",
    "V1Serializer",
    "V2Serializer",
    "default_json",
    "serializer_for",
]


class V2Serializer(V2Frames[Message]):
    """Phoenix's V2 serializer, JSON and binary.

    :param json: the JSON codec, by default what :func:`default_json` gives.
        The modules :mod:`json` and ``orjson`` stand for
        :class:`~txphoenix.protocol.json_codecs.StandardJSON` and
        :class:`~txphoenix.protocol.json_codecs.Orjson`.
    :raises ConfigurationError: if ``json`` has no ``loads`` or no ``dumps``.
    """

    def __init__(self, json: JSONCodec | None = None) -> None:
        super().__init__(Message, json)


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
        join_ref, ref, topic, event, payload = message
        if not (isinstance(topic, str) and isinstance(event, str)):
            raise not_strings(topic, event)
        if isinstance(payload, BINARY_TYPES):
            raise SerializerError(
                f"cannot encode {payload_of(message)}: "
                "V1 has no binary messages, use V2"
            )
        fields = {"topic": topic, "event": event, "payload": payload, "ref": ref}
        if join_ref is not None:
            fields["join_ref"] = join_ref
        try:
            data = as_bytes(self._dumps(fields))
        except BaseException as error:
            raise unencodable(message, error) from error
        refuse_nan(message)
        return data, False

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """The message in a frame; Phoenix sends no join_ref, so that it is None.

        :param data: the frame's content.
        :param is_binary: whether the frame is binary, which is an error.
        :raises SerializerError: if it is not a message.
        """
        if is_binary:
            raise SerializerError(f"V1 has no binary messages, got {start_of(data)}")
        try:
            fields = self._loads(data)
        except BaseException as error:
            raise not_json(data, error) from error
        if not isinstance(fields, dict) or not fields.keys() >= {"topic", "event"}:
            raise SerializerError(
                'expected {"topic", "event", "payload", "ref"}, got ' + start_of(data)
            )
        values = map(fields.get, Message._fields)
        return new_message(Message, checked_fields(values, data))


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
