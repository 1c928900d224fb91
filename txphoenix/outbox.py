"""What ``SocketClient.push()`` has been given: sent, or kept until it can be."""

from __future__ import annotations

from collections.abc import Callable

from .channels import ChannelManager
from .connection import Connection
from .errors import BufferFull, SerializerError
from .message import Message
from .state import SocketState

__all__ = ["Outbox"]


class Outbox:
    """The messages of one client that are no channel's pushes.

    :param state: keeps them while there is no connection.
    :param connection: sends them.
    :param channels: knows the join_ref of a topic.
    :param tell: is told of one that was kept and cannot be encoded.
    """

    __slots__ = ("_channels", "_connection", "_state", "_tell")

    def __init__(
        self,
        state: SocketState,
        connection: Connection,
        channels: ChannelManager,
        tell: Callable[[Exception], None],
    ) -> None:
        self._state = state
        self._connection = connection
        self._channels = channels
        self._tell = tell

    def why_not_push(self, topic: str = "", event: str = "") -> Exception | None:
        """Why a message would be refused now, or None if it would be taken."""
        options, connection = self._state.options, self._connection
        if connection.is_open:
            limit, buffer = options.write_buffer, "write_buffer"
            is_full = connection.is_full
        elif connection.is_wanted:
            limit, buffer = options.send_buffer, "send_buffer"
            is_full = len(self._state.to_send) >= limit
        else:
            return self._channels.not_connected(f"{event} cannot be sent to {topic}")
        return BufferFull(limit, topic, event, buffer) if is_full else None

    def push(self, message: Message) -> None:
        """Send a message, or keep it until there is a connection.

        :raises NotConnected: there will be none.
        :raises BufferFull: too much waits already.
        :raises SerializerError: it cannot be encoded.
        """
        error = self.why_not_push(message.topic, message.event)
        if error is not None:
            raise error
        if self._connection.is_open:
            self._connection.send(self._channels.with_join_ref(message))
        else:
            self._state.keep_to_send(message)

    def send_kept(self) -> None:
        """Send what was kept, in order, as far as the connection takes it."""
        connection, state = self._connection, self._state
        # Whoever is told of an error may close the connection.
        while connection.is_open and not connection.is_full:
            message = state.pop_to_send()
            if message is None:
                break
            try:
                connection.send(self._channels.with_join_ref(message))
            except SerializerError as error:
                state.tell_never_sent(message, error)
                self._tell(error)

    def abandon(self, reason: BaseException) -> None:
        """Drop what was kept: there will be no connection."""
        for message in self._state.pop_all_to_send():
            self._state.tell_never_sent(message, reason)
