"""Fuzzes the serializers: V1 and V2, JSON by either codec, and binary frames.

The first byte of an input says which serializer, and whether the rest is a binary
frame.
A frame is a message or a :exc:`~txphoenix.errors.SerializerError`, by either codec
alike; a message that is encoded and decoded again is the same.
"""

from __future__ import annotations

import warnings
from typing import Any

from txphoenix.errors import SerializerError
from txphoenix.protocol.json_codecs import default_json, may_have_long_number
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import StandardJSON, V1Serializer, V2Serializer
from txphoenix.test.message_rules import message_in_binary, message_in_text
from txphoenix.test.strict_json import depth_of

__all__ = ["serializers"]

# Either codec reads and writes what is nested so deep; how much more, each says itself.
_DEEP = 100
# Python reads integers of so many digits, unless it is told otherwise.
_MANY_DIGITS = 4300
# What an error says of a frame is bounded.
_LONG_TEXT = 600

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    _V1 = V1Serializer(default_json()), V1Serializer(StandardJSON())
_V2 = V2Serializer(default_json()), V2Serializer(StandardJSON())


def serializers(data: bytes) -> None:
    """The target."""
    if not data:
        return
    is_binary, is_first = bool(data[0] & 1), bool(data[0] & 2)
    frame = data[1:]
    if is_binary:
        message = _decoded(_V1[0] if is_first else _V2[0], frame, True)
        expected = None if is_first else message_in_binary(frame)
        if message != expected:
            raise AssertionError(f"{message!r}, and not {expected!r}")
        if message is not None:
            _encode_binary(message)
    else:
        _json(frame, is_first)


def _json(frame: bytes, is_first: bool) -> None:
    """A text frame."""
    codecs: Any = _V1 if is_first else _V2
    found, other = (_decoded(serializer, frame, False) for serializer in codecs)
    if depth_of(frame) > _DEEP or len(frame) > _MANY_DIGITS:
        return
    if repr(found) != repr(other):
        raise AssertionError(f"{found!r} by one codec, {other!r} by the other")
    expected = message_in_text(frame, is_first)
    if repr(found) != repr(expected):
        raise AssertionError(f"{found!r}, and not {expected!r}")
    if not is_first:
        _read_shortly(frame)
    for serializer in codecs if found is not None else ():
        again = serializer.decode(*serializer.encode(found))
        if repr(again) != repr(found):
            raise AssertionError(f"{found!r} came back as {again!r}")


def _decoded(serializer: Any, frame: bytes, is_binary: bool) -> Message | None:
    """The message; None if there is none."""
    try:
        message = serializer.decode(frame, is_binary)
    except SerializerError as error:
        if len(str(error)) > _LONG_TEXT:
            raise AssertionError("an error as long as the frame") from error
        return None
    if type(message) is not Message:
        raise AssertionError(f"no message: {message!r}")
    return message


def _read_shortly(frame: bytes) -> None:
    """What the short way reads, the long one reads alike."""
    serializer = _V2[0]
    if may_have_long_number(frame):
        return
    found = []
    for parse in (serializer.parse, serializer.parse_short_numbers):
        try:
            found.append(repr(parse(frame)))
        except ValueError:
            found.append("")
    if found[0] != found[1]:
        raise AssertionError(f"{found[1]} the short way, and {found[0]} the long one")


def _encode_binary(message: Message) -> None:
    """A binary message can be sent; one of a reply is none."""
    if not isinstance(message.payload, bytes):
        try:
            _V2[0].encode(message)
        except SerializerError:
            return
        raise AssertionError("bytes were written as JSON")
    frame, is_binary = _V2[0].encode(message)
    # A client's push has four lengths (Phoenix's V2 serializer).
    texts = [text or "" for text in message[:4]]
    sizes = [len(text.encode()) for text in texts]
    head = bytes([0, *sizes]) + "".join(texts).encode()
    if not is_binary or frame != head + message.payload:
        raise AssertionError(f"{frame!r} for {message!r}")
