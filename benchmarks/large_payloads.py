"""What the clients in Python receive and push as large messages."""

from __future__ import annotations

import zlib
from typing import Any

from .checks import Sequence, Wrong
from .large_messages import HEAD, body

__all__ = ["Pushed", "Received"]


class Received:
    """Takes the server's messages, and looks at their order and length."""

    def __init__(self, count: int, size: int, is_binary: bool) -> None:
        self.sequence = Sequence(count)
        self._size = size
        self._is_binary = is_binary
        self._last: Any = None

    def take(self, payload: Any) -> None:
        """Take the next one."""
        self._last = payload
        if self._is_binary:
            number, _ = HEAD.unpack_from(payload)
            size = len(payload) - HEAD.size
        else:
            number, size = payload["n"], len(payload["body"])
        if size != self._size:
            self.sequence.fail(f"message {number} has {size} bytes, not {self._size}")
        self.sequence.take({"n": number})

    def check(self) -> None:
        """See that all came, and that the last is what was sent."""
        self.sequence.check()
        if self._is_binary:
            _, crc = HEAD.unpack_from(self._last)
            data = self._last[HEAD.size :]
        else:
            crc, data = self._last["crc"], self._last["body"].encode()
        if zlib.crc32(data) != crc:
            raise Wrong("the last message is not what was sent")


class Pushed:
    """Makes the client's messages."""

    def __init__(self, size: int, is_binary: bool) -> None:
        data = body(size, is_binary)
        self._crc = zlib.crc32(data)
        self._is_binary = is_binary
        self._text = "" if is_binary else data.decode()
        self._bytes = bytearray(HEAD.size) + data if is_binary else bytearray()

    def payload(self, number: int) -> Any:
        """The payload of one."""
        if self._is_binary:
            HEAD.pack_into(self._bytes, 0, number, self._crc)
            return self._bytes
        return {"n": number, "crc": self._crc, "body": self._text}
