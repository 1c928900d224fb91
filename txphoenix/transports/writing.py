"""Writing to a TCP connection without a turn of the reactor, and how its bytes fare.

Twisted's ``transport.write()`` only puts data into a buffer.
The reactor is told to wait until the socket can be written, finds in its next turn that
it can, writes, and is told to wait no more: three system calls and a turn for a write
that nearly always can be done at once.
Where one push follows the reply to another, that is a fifth of a client's time.
"""

from __future__ import annotations

import socket
import sys
from typing import Any, Final

from twisted.internet.abstract import FileDescriptor
from twisted.internet.tcp import Connection
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol

__all__ = [
    "bytes_received",
    "descriptor_of",
    "in_kernel",
    "unwritten",
    "unwritten_by",
    "write_now",
    "write_some",
    "write_through",
]

# Where Linux has tcpi_bytes_received in its struct tcp_info, since its release 4.1.
_BYTES_RECEIVED: Final = slice(128, 136)


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


def descriptor_of(transport: Any) -> FileDescriptor | None:
    """What writes to the system, below TLS and whatever else is wrapped around it.

    None where that is not Twisted's own, and so cannot be asked what it holds.
    """
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return transport if isinstance(transport, FileDescriptor) else None


def unwritten_by(descriptor: Any) -> int:
    """How many bytes a descriptor holds that the system has not been given."""
    held: int = len(descriptor.dataBuffer) - descriptor.offset + descriptor._tempDataLen
    return held


def unwritten(transport: Any) -> int:
    """How many bytes a transport with a :func:`descriptor_of` has not written yet.

    Those that TLS has encrypted count as what they have become.
    """
    total = 0
    while isinstance(transport, ProtocolWrapper):
        # What TLS collects before it encrypts, and what it cannot encrypt for now.
        collected = getattr(getattr(transport, "_aggregator", None), "_buffer", ())
        kept = getattr(transport, "_appSendBuffer", ())
        total += sum(map(len, collected)) + sum(map(len, kept))
        transport = transport.transport
    return total + unwritten_by(transport)


def write_through(transport: Any, data: bytes) -> None:
    """Write, and have TLS encrypt it at once.

    By itself it waits for the reactor's next turn, in which there may be more.
    Here what is written in one turn is one write already.
    """
    aggregator = getattr(transport, "_aggregator", None)
    if aggregator is None or not isinstance(transport, TLSMemoryBIOProtocol):
        transport.write(data)
        return
    aggregator.flush()
    TLSMemoryBIOProtocol.write(transport, data)


def in_kernel(descriptor: FileDescriptor) -> int:
    """How many bytes the system has been given that the peer has not acknowledged.

    It is 0 where the system does not tell.
    """
    try:
        # Not every system has these.
        from fcntl import ioctl
        from termios import TIOCOUTQ

        answer = ioctl(descriptor.fileno(), TIOCOUTQ, b"\0" * 4)
    except (ImportError, OSError, ValueError, AttributeError):
        # The socket may be closed.
        return 0
    return int.from_bytes(answer, sys.byteorder)


def bytes_received(descriptor: FileDescriptor | None) -> int:
    """How many bytes have ever come from the peer, down to the last one.

    A record of TLS is read when it is whole; on a slow line that takes its time.
    It is 0 where the system does not tell.
    """
    if sys.platform != "linux":
        # Others that have the option have another struct.
        return 0
    try:
        connection: socket.socket = descriptor.socket  # type: ignore[union-attr]
        said = connection.getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.stop
        )
    except (OSError, AttributeError):
        # The socket may be closed, or be no TCP's.
        return 0
    return int.from_bytes(said[_BYTES_RECEIVED], sys.byteorder)
