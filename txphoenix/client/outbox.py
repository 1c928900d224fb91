"""What ``SocketClient.push()`` has been given: sent, or kept until it can be.

A message is kept as long as there is no connection, and as long as the join of its
topic has not been sent: the server would refuse what comes before that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..channels.channel_observer import ChannelObserver
from ..channels.keeper import ChannelKeeper
from ..errors import (
    BufferFull,
    ConfigurationError,
    NotConnected,
    PhoenixError,
    SerializerError,
)
from ..protocol.message import Message
from ..telemetry import channel_handlers, push_handlers
from .connection import Connection
from .state import SocketState

__all__ = ["Outbox"]


class Outbox(ChannelObserver):
    """The messages of one client that are no channel's pushes.

    :param state: keeps them.
    :param connection: sends them.
    :param channels: knows the join_ref of a topic, and which joins have not been sent.
    :param tell: is told of one that was kept and cannot be encoded.
    """

    __slots__ = ("_began", "_channels", "_connection", "_is_held", "_state", "_tell")

    def __init__(
        self,
        state: SocketState,
        connection: Connection,
        channels: ChannelKeeper,
        tell: Callable[[Exception], None],
    ) -> None:
        self._state = state
        self._connection = connection
        self._channels = channels
        self._tell = tell
        self._is_held = False
        # When what is kept was pushed, by its ref, while telemetry wants to know.
        self._began: dict[str | None, float] | None = None
        channels.events.subscribe(self)

    def why_not_push(self, topic: str = "", event: str = "") -> Exception | None:
        """Why a message would be refused now, or None if it would be taken."""
        options, connection = self._state.options, self._connection
        if self._may_go(topic):
            limit, buffer = options.write_buffer, "write_buffer"
            is_full = connection.is_full
        elif connection.is_wanted:
            limit, buffer = options.send_buffer, "send_buffer"
            is_full = len(self._state.to_send) >= limit
        else:
            return self._channels.not_connected(f"{event} cannot be sent to {topic}")
        return BufferFull(limit, topic, event, buffer) if is_full else None

    def push(self, message: Message) -> Message:
        """Give a message the client's next ref, and send it or keep it.

        :return: the message with its ref.
        :raises NotConnected: there is no connection, and there will be none.
        :raises BufferFull: too much waits already.
        :raises SerializerError: it cannot be encoded.
        :raises ConfigurationError: it is no Message.
        """
        if not isinstance(message, Message):
            kind = type(message).__name__
            raise ConfigurationError(f"push() takes a Message, not a {kind}")
        message = message._replace(ref=self._connection.next_ref())
        try:
            why_not = self.why_not_push(message.topic, message.event)
            if why_not is not None:
                raise why_not
            if self._may_go(message.topic):
                self._connection.send(self._channels.with_join_ref(message))
            else:
                self._state.keep_to_send(message)
                if push_handlers:
                    self._note_begin(message)
        except PhoenixError as error:
            if push_handlers:
                self._tell_failed(message, error)
            raise
        return message

    @contextmanager
    def behind_joins(self) -> Iterator[None]:
        """Keep what is kept while joins are put in line, and then send it."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        self.send_kept()

    def joins_sent(self) -> None:
        """Send what went behind joins."""
        self.send_kept()

    def send_kept(self) -> None:
        """Send what was kept, oldest first, as far as the connection takes it.

        What has to wait for a join stays.
        """
        connection, state = self._connection, self._state
        if self._is_held or not state.to_send:
            return
        waiting = []
        # Whoever is told of an error may close the connection.
        while connection.is_open and not connection.is_full:
            message = state.pop_to_send()
            if message is None:
                break
            if self._may_go(message.topic):
                self._send_kept(message)
            else:
                waiting.append(message)
        state.put_back(waiting)

    def abandon(self, reason: BaseException) -> None:
        """Drop what was kept: there will be no connection."""
        messages = self._state.pop_all_to_send()
        if messages:
            # The log tells of all of them at once, telemetry of each.
            self._state.tell_never_sent(messages[0], reason, len(messages) - 1)
        for message in messages:
            self._tell_dropped(message, reason)

    def _may_go(self, topic: str) -> bool:
        return self._connection.is_open and not self._channels.is_join_waiting(topic)

    def _never_sent(self, message: Message, reason: BaseException) -> None:
        """Tell that a message which was kept will not be sent."""
        self._state.tell_never_sent(message, reason)
        self._tell_dropped(message, reason)

    def _tell_dropped(self, message: Message, reason: BaseException) -> None:
        if channel_handlers:
            self._channels.messages_dropped(message.topic, 1, "unsent")
        duration = self._forget_begin(message)
        if push_handlers:
            self._tell_failed(message, reason, duration)

    def _note_begin(self, message: Message) -> None:
        if self._began is None:
            self._began = {}
        self._began[message.ref] = self._channels.deadlines.elapsed()

    def _forget_begin(self, message: Message) -> float:
        """How long ago a message was pushed; 0.0 if nobody wanted to know then."""
        began = self._began.pop(message.ref, None) if self._began else None
        return 0.0 if began is None else self._channels.deadlines.elapsed() - began

    def _tell_failed(
        self, message: Message, error: BaseException, duration: float = 0.0
    ) -> None:
        channels, topic = self._channels, message.topic
        channel = channels.find(topic)
        for observer in channels.events.of_pushes:
            observer.push_failed(topic, channel, message.event, error, duration)

    def _send_kept(self, message: Message) -> None:
        try:
            self._connection.send(self._channels.with_join_ref(message))
            self._forget_begin(message)
        except SerializerError as error:
            self._never_sent(message, error)
            self._tell(error)
        except NotConnected as error:
            # The codec is the user's, and has closed the connection.
            if self._connection.is_wanted:
                self._state.put_back([message])
            else:
                self._never_sent(message, error)
