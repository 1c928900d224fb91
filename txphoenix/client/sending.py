"""How a message leaves: codec, limit, transport, telemetry.

What encodes a message and what is told of it may be the user's, and end the connection
or the join that the message belongs to.
Who has to look after that in between encodes and writes in two steps.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service

from .. import telemetry
from ..errors import MessageTooLarge, NotConnected
from ..protocol.message import Message
from ..transports.interfaces import Transport
from .interfaces import ConnectionListener

__all__ = ["SendingConnection"]


class SendingConnection(Service):
    """A :class:`~txphoenix.client.connection.Connection`, but for how it opens."""

    is_open: bool
    attempts: int
    _encode: Callable[[Message], tuple[bytes, bool]]
    _max_message_size: int
    _transport: Transport | None
    _listener: ConnectionListener

    def send(self, message: Message) -> int | None:
        """Send a message, whether or not the connection is full.

        :return: a mark for ``withdraw``; None where the transport gives none.
        :raises NotConnected: there is no connection.
        :raises MessageTooLarge: it has more bytes than ``max_message_size``.
        :raises SerializerError: it cannot be encoded.
        """
        attempts = self.attempts
        # The codec may be the user's, and close the connection, or open another.
        data, is_binary = self._encode(message)
        if len(data) > self._max_message_size:
            raise MessageTooLarge(len(data), self._max_message_size)
        if not self.is_open or attempts != self.attempts or self._transport is None:
            raise NotConnected(f"{message.event} cannot be sent to {message.topic}")
        # As write() does it, without the call: this is on the way of each push.
        try:
            mark = self._transport.send(data, is_binary)
        except NotConnected:
            raise
        except BaseException as error:
            # Nobody knows what was sent, and the loss says so to who waits for a reply.
            self._raised(error)
            return None
        if telemetry.message_handlers:
            telemetry.message_event("sent", self._listener, message, len(data))
        return mark

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make the frame of a message, for :meth:`write`.

        :raises MessageTooLarge: it has more bytes than ``max_message_size``.
        :raises SerializerError: it cannot be encoded.
        """
        data, is_binary = self._encode(message)
        if len(data) > self._max_message_size:
            raise MessageTooLarge(len(data), self._max_message_size)
        return data, is_binary

    def write(self, message: Message, data: bytes, is_binary: bool) -> int | None:
        """Send the frame of a message.

        :return: as :meth:`send`.
        :raises NotConnected: there is no connection.
        """
        if not self.is_open or self._transport is None:
            raise NotConnected(f"{message.event} cannot be sent to {message.topic}")
        try:
            mark = self._transport.send(data, is_binary)
        except NotConnected:
            raise
        except BaseException as error:
            self._raised(error)
            return None
        if telemetry.message_handlers:
            telemetry.message_event("sent", self._listener, message, len(data))
        return mark

    def _raised(self, error: BaseException) -> None:
        """Take the transport for lost."""
        raise NotImplementedError(f"{type(self).__name__} must lose its transport")
