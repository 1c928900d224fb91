"""Phoenix's serializers: between a :class:`~txphoenix.message.Message` and a frame.

Pure functions of their input; nothing here knows of sockets or of Twisted.

V2 (``vsn=2.0.0``) is described in :mod:`txphoenix.protocol.v2_frames`.

V1 (``vsn=1.0.0``, deprecated) is a JSON object in a text frame::

    {"topic": topic, "event": event, "payload": payload, "ref": ref}

and ``"join_ref": join_ref`` besides in every message of a channel; what the server
sends has none.

There is one registry of versions for the whole process, which begins with these two.
What is added to it by :func:`register` may be named by the option ``vsn`` of every
client.

JSON itself is the work of a codec, see :class:`~txphoenix.interfaces.JSONCodec` and
:mod:`txphoenix.protocol.json_codecs`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

from ..errors import ConfigurationError, SerializerError
from ..legible import error_text, legible
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
from .redact import redact_word
from .v2_frames import V2Frames

__all__ = [
    "StandardJSON",
    "V1Serializer",
    "V2Serializer",
    "check_version",
    "default_json",
    "has_functions",
    "is_whole",
    "known_versions",
    "register",
    "serializer_for",
]


class V2Serializer(V2Frames[Message]):
    """Phoenix's V2 serializer, JSON and binary.

    :param json: the JSON codec, by default what :func:`default_json` gives.
        The module :mod:`json` stands for
        :class:`~txphoenix.protocol.json_codecs.StandardJSON`, and ``orjson`` for what
        :func:`default_json` makes of it.
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
    """The version that the server is told."""

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


def has_functions(value: object, *names: str) -> bool:
    """Whether a value has all functions of these names."""
    return all(callable(getattr(value, name, None)) for name in names)


def is_whole(value: object) -> TypeGuard[Serializer]:
    """Whether a value that is no JSON codec is a serializer with its version."""
    return has_functions(value, "encode", "decode") and hasattr(value, "vsn")


SerializerFactory: TypeAlias = Callable[[JSONCodec | None], Serializer]
"""Makes a serializer of the JSON codec that a client was given, or of None."""

_factories: dict[str, SerializerFactory] = {
    serializer.vsn: serializer for serializer in (V2Serializer, V1Serializer)
}


def register(vsn: str, factory: SerializerFactory) -> Callable[[], None]:
    """Add a serializer that the option ``vsn`` may name, for all clients.

    :param vsn: what the server is told, such as ``"3.0.0"``.
    :param factory: takes the JSON codec that a client was given as ``serializer``, or
        None, and returns an :class:`~txphoenix.interfaces.Serializer`.
        It is called for each client, and once more where ``reconfigure()`` changes
        either option.
        What it returns needs no ``vsn``: the server is told that of the registry.
    :return: call it, and the version is unknown again; clients that have it keep it.
    :raises ConfigurationError: the version is no text, or has a serializer already,
        which is not replaced behind the back of who uses it; or the factory cannot be
        called.
    """
    if not isinstance(vsn, str) or not vsn:
        raise ConfigurationError(
            f"vsn must be a str that is not empty, not {legible(vsn)}"
        )
    if not callable(factory):
        raise ConfigurationError(
            "the factory of a serializer must be a callable that takes a JSON codec or "
            f"None, not a value of type {type(factory).__name__}"
        )
    if vsn in _factories:
        raise ConfigurationError(
            f"vsn {legible(vsn)} has a serializer already; "
            "a client can be given another by the option serializer"
        )
    _factories[vsn] = factory
    # Called again, it must not remove what is registered by then.
    mine = [vsn]

    def remove() -> None:
        while mine:
            del _factories[mine.pop()]

    return remove


def known_versions() -> list[str]:
    """The versions that have a serializer, in the order in which they were added."""
    return list(_factories)


def check_version(vsn: object) -> None:
    """Check that a version has a serializer.

    :raises ConfigurationError: it has none.
    """
    if not isinstance(vsn, str) or vsn not in _factories:
        known = " or ".join(map(repr, _factories))
        raise ConfigurationError(
            f"vsn must be {known}, not {legible(redact_word(vsn))}; "
            "others are made known by "
            "txphoenix.serializer.register(vsn, factory), or by the option serializer"
        )


def serializer_for(vsn: str, json: JSONCodec | None = None) -> Serializer:
    """The serializer of a protocol version.

    :param vsn: ``"2.0.0"``, ``"1.0.0"``, which is deprecated, or what :func:`register`
        was told of.
    :param json: the JSON codec, by default what :func:`default_json` gives.
    :raises ConfigurationError: if there is no such version, or if what was registered
        for it makes no serializer.
    """
    check_version(vsn)
    factory = _factories[vsn]
    if factory is V2Serializer or factory is V1Serializer:
        return factory(json)
    try:
        made = factory(json)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the serializer of vsn {legible(vsn)} cannot be made: "
            f"{type(error).__name__}: {error_text(error)}"
        ) from error
    if isinstance(made, type) or not has_functions(made, "encode", "decode"):
        raise ConfigurationError(
            f"what is registered for vsn {legible(vsn)} must make an object with the "
            f"functions encode and decode, not one of type {type(made).__name__}"
        )
    return made
