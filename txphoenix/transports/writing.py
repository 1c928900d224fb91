"""How the bytes fare that are written to a connection, through TLS and the system."""

from __future__ import annotations

import socket
import sys
from typing import Any, Final

from twisted.internet.abstract import FileDescriptor
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol

from .fast_tls import FastTLSTransport

__all__ = [
    "bytes_received",
    "descriptor_of",
    "has_room",
    "in_kernel",
    "unwritten",
    "unwritten_by",
    "write_through",
]

# Where Linux has tcpi_bytes_received in its struct tcp_info, since its release 4.1.
_BYTES_RECEIVED: Final = slice(128, 136)
# What Linux tells of a socket's memory, since its release 4.12: numbers of 32 bits, of
# which the first is what is taken by all that was not read, and the second its limit.
_SO_MEMINFO: Final = 55


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
        if isinstance(transport, FastTLSTransport):
            total += transport.kept_bytes
        else:
            # What Twisted's TLS collects before it encrypts, and what it cannot
            # encrypt for now.
            collected = getattr(getattr(transport, "_aggregator", None), "_buffer", ())
            kept = getattr(transport, "_appSendBuffer", ())
            total += sum(map(len, collected)) + sum(map(len, kept))
        transport = transport.transport
    return total + unwritten_by(transport)


def write_through(transport: Any, data: bytes, at_once: bool = True) -> int:
    """Write, and have TLS encrypt it at once.

    Twisted's waits for the reactor's next turn, in which there may be more.
    Here what is written in one turn is one write already.

    :param at_once: whether our own TLS may write it before the reactor's next turn;
        all others write in that.
    :return: how many bytes more the transport has been given, as far as it tells.
    """
    before = unwritten(transport)
    aggregator = getattr(transport, "_aggregator", None)
    if isinstance(transport, FastTLSTransport):
        taken = transport.write_out(data, at_once)
        if taken >= len(data):
            return taken
    elif aggregator is None or not isinstance(transport, TLSMemoryBIOProtocol):
        transport.write(data)
    else:
        aggregator.flush()
        TLSMemoryBIOProtocol.write(transport, data)
    return unwritten(transport) - before


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


def has_room(descriptor: FileDescriptor | None) -> bool:
    """Whether bytes that come while nothing is read would show.

    A peer is told to wait once the system keeps enough for us; Linux does not say so
    before half of its room is taken.
    Other systems do not tell how many bytes have come, but whether any wait.
    """
    connection: Any = getattr(descriptor, "socket", None)
    if connection is None:
        return False
    if bytes_received(descriptor):
        try:
            said = connection.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 8)
        except OSError:
            return False
        taken = int.from_bytes(said[:4], sys.byteorder)
        return 2 * taken < int.from_bytes(said[4:], sys.byteorder)
    try:
        # Not every system has these.
        from fcntl import ioctl
        from termios import FIONREAD

        answer = ioctl(connection.fileno(), FIONREAD, b"\0" * 4)
    except (ImportError, OSError, ValueError):
        # The socket may be closed.
        return False
    return int.from_bytes(answer, sys.byteorder) == 0
