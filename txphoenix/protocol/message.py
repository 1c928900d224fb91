"""What travels over a Phoenix socket: the message, and what turns it into a frame."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple, Protocol

from ..legible import legible
from .event_names import HEARTBEAT, PHOENIX_TOPIC, PHX_JOIN, PHX_LEAVE
from .v2_frames import V2Frames

__all__ = ["Message", "Serializer", "generate_ref", "new_message"]

_refs = count(1)

# The most of one field that the repr of a message shows.
_SHOWN_CHARACTERS = 1000


def generate_ref() -> str:
    """A ref that this process has not generated before: ``"1"``, ``"2"`` and so on.

    It is for messages made by hand.
    A client numbers its own messages with a counter of its own.
    """
    return str(next(_refs))


class Message(NamedTuple):
    """One message, its fields in the order of Phoenix's V2 serializer.

    :ivar join_ref: the ref of the join that the message belongs to, or None.
        In what the server sends it is None in broadcasts.
    :ivar ref: what a reply repeats so that it finds its push, or None.
    :ivar topic: the channel's topic, such as ``"rooms:lobby"``.
    :ivar event: the event's name, such as ``"new_msg"``.
    :ivar payload: any JSON value, or bytes for a binary message.
        In a reply it is ``{"status": status, "response": response}``.
    """

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any

    def __repr__(self) -> str:
        """All fields, cut: a payload may be of any length and depth."""
        fields = ", ".join(
            f"{name}={legible(value, _SHOWN_CHARACTERS)}"
            for name, value in zip(self._fields, self, strict=True)
        )
        return f"{type(self).__name__}({fields})"

    @classmethod
    def join(cls, topic: str, params: Any = None, ref: str | None = None) -> Message:
        """The message that joins a topic; its ref is its join_ref as well.

        :param params: what the server's ``join`` gets; None stands for ``{}``, and any
            mapping for a dict.
        :param ref: the ref, or None to generate one.
        """
        ref = generate_ref() if ref is None else ref
        if params is None:
            params = {}
        elif type(params) is dict or isinstance(params, Mapping):
            params = dict(params)
        return new_message(cls, (ref, ref, topic, PHX_JOIN, params))

    @classmethod
    def leave(
        cls, topic: str, ref: str | None = None, join_ref: str | None = None
    ) -> Message:
        """The message that leaves a topic.

        :param ref: the ref, or None to generate one.
        :param join_ref: the ref of the join that it ends.
            A server ignores a leave with the join_ref of an earlier join.
        """
        ref = generate_ref() if ref is None else ref
        return new_message(cls, (join_ref, ref, topic, PHX_LEAVE, {}))

    @classmethod
    def push(
        cls,
        topic: str,
        event: str,
        payload: Any,
        ref: str | None = None,
        join_ref: str | None = None,
    ) -> Message:
        """A message that sends an event to a topic.

        :param payload: any JSON value, or bytes, bytearray or memoryview for a binary
            message.
        :param ref: the ref, or None to generate one.
        :param join_ref: the ref of the topic's join.
            Phoenix 1.8.3 to 1.8.11 drop a push without it.
        """
        return cls(
            join_ref, generate_ref() if ref is None else ref, topic, event, payload
        )

    @classmethod
    def heartbeat(cls, ref: str) -> Message:
        """The message that keeps an idle socket open; the server replies to it."""
        return cls(None, ref, PHOENIX_TOPIC, HEARTBEAT, {})

    def encode(self, serializer: Serializer | None = None) -> tuple[bytes, bool]:
        """The message as it travels: the bytes, and whether the frame is binary.

        :param serializer: by default Phoenix's V2 serializer.
        :raises SerializerError: if the message cannot be encoded.
        """
        return (serializer or _default_serializer()).encode(self)

    @classmethod
    def decode(
        cls,
        data: bytes | str,
        serializer: Serializer | None = None,
        is_binary: bool = False,
    ) -> Message:
        """The message in a frame.

        :param data: the frame's content; a ``str`` is read as its UTF-8 bytes.
        :param serializer: by default Phoenix's V2 serializer.
        :param is_binary: whether it came in a binary frame.
        :raises SerializerError: if it is not a message.
        """
        # A lone surrogate becomes bad UTF-8, which the serializer refuses.
        encoded = (
            data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        )
        return (serializer or _default_serializer()).decode(encoded, is_binary)


new_message = tuple.__new__
"""``new_message(Message, fields)`` takes half the time that ``Message(...)`` takes."""


class Serializer(Protocol):
    """One version of Phoenix's wire format."""

    vsn: str
    """What the server is told in the ``vsn`` parameter of the URL."""

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame's payload of a message.

        :return: the payload, and whether it goes into a binary frame.
        :raises SerializerError: the message cannot be encoded.
        """

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a frame's payload.

        :raises SerializerError: the payload is not a message.
        """


def _default_serializer() -> Serializer:
    return V2Frames(Message)
