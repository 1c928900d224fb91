"""What a transport and its connector are asked, and whom they tell what happens.

::

    bytes -> Transport -> TransportListener.frame_received -> Message
    Message -> Serializer.encode -> Transport.send -> bytes

These are :class:`typing.Protocol` classes: an object that has the methods is
enough, nothing needs to be inherited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from ..errors import ConnectionFailed
from ..options.options import Options
from ..protocol.close_codes import NORMAL

__all__ = [
    "BoundedTransport",
    "ConnectionKeeper",
    "Connector",
    "DismissibleConnector",
    "FrameReceiver",
    "FrameReceivers",
    "LifeSigns",
    "ObservedTransport",
    "Transport",
    "TransportListener",
]

FrameReceiver = Callable[[bytes, bool], None]
"""Takes a frame: its content, and whether it is binary."""

FrameReceivers = tuple[FrameReceiver, Callable[[bytes], FrameReceiver]]
"""One for any frame, and a function that picks one for the frames in a read: looked at
together they cost less.
"""


class Transport(Protocol):
    """One open connection to a server.

    It lives from :meth:`TransportListener.transport_opened` to its loss, and
    is never opened twice.
    """

    needs_heartbeat: bool
    """Whether a server that is gone is found out by heartbeats alone."""

    def send(self, data: bytes, is_binary: bool) -> int | None:
        """Send one frame.

        :return: a mark, by which a :class:`BoundedTransport` is asked whether the
            frame has left; None from one that cannot tell.
        """

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close in good order; the loss is reported when it is done."""

    def abort(self) -> None:
        """Close at once, whatever is still under way."""

    def pause_reading(self) -> None:
        """Deliver no further message until :meth:`resume_reading`."""

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and go on."""


class LifeSigns(NamedTuple):
    """What a peer has shown of itself, so that a busy line is not held for dead."""

    has_read: bool
    """Whether anything has come since this was asked last."""

    taken: int
    """How many bytes the peer has taken, as far as the system tells."""

    is_under_way: bool
    """Whether the peer has not taken all that was sent before it was followed."""

    is_heard: bool = False
    """Whether what comes is seen although nothing is read.

    It is not where the system does not tell, or has no room for more.
    """


@runtime_checkable
class ObservedTransport(Transport, Protocol):
    """A transport that knows how its peer fares.

    Without these methods a peer is alive if it answers its heartbeats in time.
    """

    def follow_writes(self) -> None:
        """Have :meth:`signs_of_life` tell of what has been sent up to now."""

    def signs_of_life(self) -> LifeSigns:
        """What the peer has shown so far."""


class BoundedTransport(Transport, Protocol):
    """A transport that knows what it has not written yet.

    Once as many bytes wait as the option ``write_buffer`` says it calls
    :meth:`TransportListener.transport_full`, and
    :meth:`TransportListener.transport_writable` when fewer do.
    It takes what it is given all the same: whether to give more is not for it to
    decide.
    A transport without these methods is held to write all that it is given.
    It may tell as well, by an attribute ``unwritten_bytes``, how many bytes wait, for
    :meth:`txphoenix.SocketClient.buffers`, and by ``unsent_frames``, after the loss,
    how many frames had not left, for telemetry.

    A frame is named by the mark that :meth:`send` has returned; marks grow.
    """

    def has_left(self, mark: int) -> bool:
        """Whether a frame has left this process whole; asked after the loss."""

    def withdraw(self, mark: int) -> bool:
        """Take a frame back that nobody waits for any more.

        :return: whether nothing of it has left, nor ever will.
        """


class TransportListener(Protocol):
    """Whom a transport and its connector tell what happens.

    It is the factory's attribute ``connection``.
    """

    def attempt_started(self) -> None:
        """An attempt to open a transport begins."""

    def transport_opened(self, transport: Transport) -> None:
        """The server has taken the connection: messages can be sent."""

    def frame_received(self, data: bytes, is_binary: bool) -> None:
        """A whole frame has come."""

    def receiver_of(self, read: bytes) -> FrameReceiver:
        """What takes the frames in a read, where a transport knows that they are.

        It is :meth:`frame_received`, or something faster that does the same.
        """

    def transport_closing(self) -> None:
        """The closing handshake has begun: nothing can be sent any more."""

    def transport_full(self) -> None:
        """``write_buffer`` bytes wait to be written; called once until writable."""

    def transport_writable(self) -> None:
        """Fewer bytes than that wait again; called after ``transport_full`` alone."""

    def proved_stable(self) -> None:
        """The server has answered: the delays before attempts begin anew.

        It may be called each time; an answer in the first seconds proves nothing.
        """

    def transport_lost(self, reason: ConnectionFailed) -> bool:
        """The open transport has ended.

        :return: whether the factory shall open another.
        """

    def attempt_failed(self, reason: Exception) -> bool:
        """The transport could not be opened.

        :return: whether the factory shall try again.
        """


class ConnectionKeeper(TransportListener, Protocol):
    """Who keeps a connection over many transports: the factory asks whether to go on.

    A connector of the user's need not know of these; the factory and our own do.
    """

    def attempt_begins(self) -> None:
        """An attempt is to be made, and its connector to be chosen."""

    def encode_heartbeat(self) -> tuple[bytes, bool]:
        """Make a heartbeat's frame, in the format of the next transport."""

    def retry_delay(self, attempt: int) -> float:
        """The seconds to wait before an attempt; the first is number 0."""

    def retrying(self, attempt: int, delay: float) -> None:
        """The next attempt is planned."""


class Connector(Protocol):
    """What opens transports, one at a time.

    It is the part of :class:`twisted.internet.interfaces.IConnector` that
    :class:`twisted.internet.protocol.ReconnectingClientFactory` needs.

    The option ``transport`` may be a callable that makes one of a reactor, the factory
    and the options.
    Each attempt begins with ``factory.connection.attempt_started()``, and ends with
    ``factory.clientConnectionFailed(connector, failure)`` or with
    ``factory.connection.transport_opened(transport)``; the transport then tells
    ``factory.connection`` of its frames, and its end is
    ``factory.clientConnectionLost(connector, failure)`` with a
    :exc:`~txphoenix.errors.ConnectionFailed`.
    A connector whose transports are objects of their own had better give the transport
    in its place, so that a loss which it tells late is not taken for the next one's.

    An attempt that has not ended after ``connect_timeout``, and what was told to end
    and says nothing for ``close_timeout`` and a second more, is over all the same.
    Nobody listens to that connector any more, and the callable makes another.
    """

    def connect(self) -> None:
        """Begin an attempt to open a transport."""

    def stopConnecting(self) -> None:
        """Give up the attempt under way; it then fails.

        :raises twisted.internet.error.NotConnectingError: there is none.
        """

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""


class DismissibleConnector(Connector, Protocol):
    """A connector that can be told to be silent."""

    def dismiss(self) -> None:
        """Tell nothing more, whatever becomes of the attempt or the transport."""
