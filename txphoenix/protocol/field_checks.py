"""What every serializer checks of a message's five fields, and the words if it fails.

A message is any tuple of the five here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from ..errors import SerializerError
from ..legible import error_text
from .json_codecs import walk

__all__ = [
    "BINARY_TYPES",
    "Fields",
    "checked_fields",
    "not_json",
    "not_strings",
    "payload_of",
    "refuse_nan",
    "start_of",
    "unencodable",
]

Fields: TypeAlias = tuple[str | None, str | None, str, str, Any]
"""The join_ref, ref, topic, event and payload of a message."""

BINARY_TYPES: Final = (bytes, bytearray, memoryview)
"""The types of the payload of a binary message."""

# How much of a bad frame an error shows.
_SHOWN: Final = 60


def checked_fields(fields: Iterable[Any], data: bytes) -> Fields:
    """The fields that a frame holds, where refs may be integers as well.

    :param data: the frame's content, for errors.
    :raises SerializerError: if one is of another type.
    """
    join_ref, ref, topic, event, payload = fields
    for name, value in (("topic", topic), ("event", event)):
        if not isinstance(value, str):
            raise SerializerError(
                f"expected a string as {name}, not {_type(value)}, in {start_of(data)}"
            )
    for name, value in (("join_ref", join_ref), ("ref", ref)):
        if value is not None and type(value) not in (str, int):
            raise SerializerError(
                f"expected a string or null as {name}, not {_type(value)}, "
                f"in {start_of(data)}"
            )
    return _text(join_ref, data), _text(ref, data), topic, event, payload


def _text(ref: object, data: bytes) -> str | None:
    try:
        return None if ref is None else str(ref)
    except ValueError as error:
        # A codec of the user's may read more digits than Python writes.
        raise SerializerError(
            f"expected a shorter number as ref, in {start_of(data)}: "
            f"{error_text(error)}"
        ) from error


def refuse_nan(message: Fields) -> None:
    """Check that the payload holds no float that became null without a word.

    :raises SerializerError: if it does.
    """
    for item in walk(message[4]):
        if isinstance(item, float) and not math.isfinite(item):
            raise SerializerError(
                f"cannot encode {payload_of(message)}: JSON has no {item}"
            )


def unencodable(message: Fields, error: BaseException) -> SerializerError:
    """The error for a message that the codec refused."""
    payload = message[4]
    text = (
        f"cannot encode {payload_of(message)}, a {_type(payload)}: {error_text(error)}"
    )
    if not isinstance(payload, BINARY_TYPES) and any(
        isinstance(item, BINARY_TYPES) for item in walk(payload)
    ):
        text += "; bytes can be a payload, but not be inside of one"
    return SerializerError(text)


def not_strings(topic: object, event: object) -> SerializerError:
    """The error for a message whose topic or event is no string."""
    return SerializerError(
        "topic and event of a message must be strings, "
        f"not {_type(topic)} and {_type(event)}"
    )


def not_json(data: bytes, error: BaseException) -> SerializerError:
    """The error for a frame that the codec refused."""
    return SerializerError(f"expected JSON, got {start_of(data)}: {error_text(error)}")


def payload_of(message: Fields) -> str:
    """How an error names the payload of a message."""
    _, _, topic, event, _ = message
    return f"the payload of {start_of(event)} to {start_of(topic)}"


def _type(value: object) -> str:
    return type(value).__name__


def start_of(data: bytes | str) -> str:
    """The beginning of a frame or a string, for an error."""
    start = data[:_SHOWN]
    shown = repr(start if isinstance(start, str) else bytes(start))
    return shown if len(data) <= _SHOWN else f"{shown}... ({len(data)} in all)"
