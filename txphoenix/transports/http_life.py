"""What tells that a request is alive, and that a connection is still its server's.

That the peer takes bytes of ours shows in the system alone, and so does the part of a
record of TLS.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from .writing import bytes_received, descriptor_of, in_kernel, unwritten

__all__ = ["LifeSigns", "is_quiet", "unwritten_of"]

_PEEK: Final = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)


class LifeSigns:
    """What has come and gone over one connection."""

    __slots__ = ("_came", "_not_taken")

    def __init__(self) -> None:
        # How many bytes of ours the peer had not taken, when that was looked at last.
        self._not_taken = 0
        # How many bytes had ever come.
        self._came = 0

    def begin(self, transport: Any) -> None:
        """Let what has come and gone for an earlier request be of no account."""
        self.has_moved(transport)

    def seen(self, transport: Any) -> None:
        """All that has come until now is known."""
        self._came = bytes_received(descriptor_of(transport))

    def has_moved(self, transport: Any) -> bool:
        """Whether anything has come or gone since this was asked last."""
        descriptor = descriptor_of(transport)
        not_taken, came = self._not_taken, self._came
        if descriptor is not None:
            self._not_taken = unwritten(transport) + in_kernel(descriptor)
            self._came = bytes_received(descriptor)
        return self._not_taken < not_taken or came < self._came


def unwritten_of(transport: Any) -> int:
    """How many bytes the system has not been given, as far as that can be known.

    After the loss it is what was so then.
    """
    return 0 if descriptor_of(transport) is None else unwritten(transport)


def is_quiet(transport: Any) -> bool:
    """Whether nothing waits to be read, neither bytes nor the end.

    Bytes that nobody has asked for must not be read as the answer to what is asked
    next; and a request over a connection that the server has ended is lost.
    Where the system cannot be asked, there is nothing.
    """
    connection = getattr(descriptor_of(transport), "socket", None)
    try:
        if connection is not None:
            connection.recv(1, _PEEK)
    except (BlockingIOError, AttributeError, TypeError):
        return True
    except OSError:
        return False
    return connection is None
