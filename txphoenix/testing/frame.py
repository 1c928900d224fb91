"""A frame of a conversation, as it is kept and shown."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Frame"]


class Frame(NamedTuple):
    """One frame that a session has received or sent.

    ``str()`` gives it as the recordings show it.
    """

    is_sent: bool
    """Whether the server has sent it."""

    data: bytes
    """What is in it."""

    is_binary: bool
    """Whether it is a binary frame, and not one of text."""

    def __str__(self) -> str:
        who = "S<" if self.is_sent else "C>"
        if self.is_binary:
            return f"{who} binary {self.data.hex()}"
        return f"{who} {self.data.decode('utf-8')}"
