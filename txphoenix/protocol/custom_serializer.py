"""Serializers of the user's: how they are known, and what becomes of their faults.

A serializer of the user's may raise anything, and return anything.
Whatever it is, it costs the message or the frame, and never the connection: so it is a
:exc:`~txphoenix.errors.SerializerError` for all that is above.
"""

from __future__ import annotations

from typing import Any, cast

from ..errors import SerializerError
from ..legible import error_text
from .field_checks import checked_fields, payload_of, start_of
from .json_codecs import JSONCodec
from .message import Message, Serializer, new_message
from .serializer import V1Serializer, V2Serializer, is_whole, serializer_for

__all__ = ["chosen_serializer", "guarded", "reads_v2"]

# What of a serializer can be set on the object itself, in place of its class's.
_REPLACED = {"encode", "decode", "encode_binary", "decode_binary", "to_message"}


def guarded(serializer: Serializer) -> Serializer:
    """A serializer that raises nothing else than SerializerErrors.

    :return: the same, where it is one of our own.
    """
    is_ours = type(serializer) in (V1Serializer, V2Serializer)
    if is_ours and _REPLACED.isdisjoint(vars(serializer)):
        return serializer
    return _Guarded(serializer)


def reads_v2(serializer: Serializer) -> V2Serializer | None:
    """The serializer behind it, if text is read as V2 has it.

    That is the case of ours, and of a subclass that has no ``decode`` of its own, nor a
    part of it that is for text: what such a class reads in another way are binary
    frames.
    """
    if isinstance(serializer, _Guarded):
        serializer = serializer.serializer
    # Only what the base class's own constructor has made has what is needed.
    if isinstance(serializer, V2Serializer) and hasattr(serializer, "parse"):
        ours = V2Serializer.decode, V2Serializer.to_message
        its: tuple[Any, ...] = serializer.decode, serializer.to_message
        if all(getattr(one, "__func__", None) in ours for one in its):
            return serializer
    return None


def chosen_serializer(vsn: str, given: JSONCodec | Serializer | None) -> Serializer:
    """The serializer that the options ``vsn`` and ``serializer`` mean.

    :param given: a JSON codec, a whole serializer, or None.
    :return: one that raises nothing else than
        :exc:`~txphoenix.errors.SerializerError`.
    :raises ConfigurationError: as :func:`serializer_for`.
    """
    if is_whole(given):
        return guarded(given)
    return guarded(serializer_for(vsn, cast("JSONCodec | None", given)))


class _Guarded:
    """Has another serializer do the work, and looks at what it returns and raises."""

    __slots__ = ("_decode", "_encode", "serializer", "vsn")

    def __init__(self, serializer: Serializer) -> None:
        self.serializer = serializer
        self.vsn = getattr(serializer, "vsn", "")
        self._encode: Any = serializer.encode
        self._decode: Any = serializer.decode

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame; see :meth:`.Serializer.encode`."""
        try:
            frame = self._encode(message)
        except SerializerError:
            raise
        except BaseException as error:
            raise SerializerError(
                f"cannot encode {payload_of(message)}: {_raised(error)}"
            ) from error
        fault = _fault_of(frame)
        if fault:
            raise SerializerError(f"cannot encode {payload_of(message)}: {fault}")
        return cast("tuple[bytes, bool]", frame)

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a frame; see :meth:`.Serializer.decode`."""
        try:
            message = self._decode(data, is_binary)
        except SerializerError:
            raise
        except BaseException as error:
            raise SerializerError(
                f"cannot decode {start_of(data)}: {_raised(error)}"
            ) from error
        if not isinstance(message, Message):
            raise SerializerError(
                "decode of the serializer must return a Message, "
                f"not {type(message).__name__}, for {start_of(data)}"
            )
        fields = checked_fields(message, data)
        # A subclass of the user's may tell more.
        return message if fields[:2] == message[:2] else new_message(Message, fields)


def _raised(error: BaseException) -> str:
    """An exception in words; many say nothing without their type."""
    return f"the serializer raised {type(error).__name__}: {error_text(error)}"


def _fault_of(frame: object) -> str:
    """What is wrong with what ``encode`` has returned; ``""`` if nothing is."""
    if not isinstance(frame, tuple) or len(frame) != 2:
        what = f"{type(frame).__name__}"
    else:
        data, is_binary = frame
        if isinstance(data, bytes) and isinstance(is_binary, bool):
            # A server ends the connection at a text frame that is no text.
            return "" if is_binary or _is_utf8(data) else "a text frame must be UTF-8"
        what = f"({type(data).__name__}, {type(is_binary).__name__})"
    return f"encode of the serializer must return (bytes, bool), not {what}"


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
