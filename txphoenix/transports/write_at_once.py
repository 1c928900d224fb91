"""Writing to a TCP connection without a turn of the reactor.

Twisted's ``transport.write()`` only puts data into a buffer.
The reactor is told to wait until the socket can be written, finds in its next turn that
it can, writes, and is told to wait no more: three system calls and a turn for a write
that nearly always can be done at once.
Where one push follows the reply to another, that is a fifth of a client's time.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection

__all__ = ["write_now", "write_some"]


def write_now(transport: Any, data: bytes) -> None:
    """Write what the socket takes at once, and leave the rest to ``write()``."""
    written = write_some(transport, data)
    if written < len(data):
        transport.write(data[written:])


def write_some(transport: Any, data: bytes) -> int:
    """Write what the socket takes at once.

    That is nothing if anything is buffered, for order's sake, if the transport is
    closing, and if it is not Twisted's own TCP connection, in plain text.
    Nor is it anything after an error of the socket, so that this is the reactor's to
    find, and not that of whoever pushes.

    :return: how many bytes.
    """
    if (
        isinstance(transport, Connection)
        and not transport.TLS
        and transport.connected
        and not transport.disconnecting
        and not transport.dataBuffer
        # This one is Twisted's own; without a look at it nothing is written here.
        and not getattr(transport, "_tempDataBuffer", True)
    ):
        result = transport.writeSomeData(data)
        return result if isinstance(result, int) else 0
    return 0
