"""What can take the place of our serializers and of the JSON codec under them.

These are :class:`typing.Protocol` classes: an object that has the methods is
enough, nothing needs to be inherited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .message import Message

__all__ = ["JSONCodec", "Serializer"]


@runtime_checkable
class JSONCodec(Protocol):
    """The pair of functions that the ``serializer`` option asks for.

    The modules :mod:`json` and ``orjson`` both qualify.
    """

    def loads(self, data: str | bytes, /) -> Any:
        """Parse JSON text.

        :raises ValueError: the text is not JSON.
        """

    def dumps(self, value: Any, /) -> str | bytes:
        """Make JSON text of a value.

        :raises TypeError: the value has a type that JSON does not know.
        """


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
