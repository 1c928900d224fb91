"""What ``get_state()`` and ``put_state()`` read and write.

Elixir's phoenix_socket_client holds a socket's state in an ``Agent``; this is its place
in the tree of services.
It has the options, the status, the channels, the messages that wait for a connection,
and whatever a user puts there under a name of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

from ..channels.channel_observer import ChannelObserver
from ..channels.interfaces import ObservedChannel
from ..channels.state_changes import STATUS
from ..errors import BufferFull, ConfigurationError, ConnectionFailed
from ..legible import error_text, legible
from ..options.options import OPTIONS, Options
from ..options.shown_name import shown_name, shown_url
from ..protocol.channel_states import State
from ..protocol.message import Message
from ..protocol.redact import REDACTED, redact_params, shown
from ..runtime.package_log import package_log
from .connection import Connection, next_attempt
from .connection_observer import ConnectionObserver

__all__ = ["SocketState"]

log = Logger("txphoenix.state", observer=package_log)

# Up to Python 3.11 a function is called where a member of an enumeration is read.
_CLOSED = State.CLOSED

# How many topics are remembered as left.
_LEFT_TOPICS = 100


class SocketState(Service, ConnectionObserver, ChannelObserver):
    """The state of one client.

    :param options: the client's options.
    """

    name = "state"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.status = "disconnected"
        # Made at its first use: an empty deque takes 760 bytes.
        self._to_send: deque[Message] | None = None
        self.dropped_frames = 0
        """How many frames came that were no messages."""
        self.stale_messages = 0
        """How many messages came for a join that was over."""
        self.unrouted_messages = 0
        """How many messages came for a topic that no channel has."""
        # Two tables, for one of pairs would give the garbage collector a pair more to
        # look through for each channel.
        self._statuses: dict[str, str] = {}
        self._params: dict[str, Any] = {}
        # The topics that are left, the latest last, and what users put here; made at
        # their first use as well.
        self._left: dict[str, None] | None = None
        self._custom: dict[str, Any] | None = None
        self.idle = False
        """Whether the connection was closed because nobody needed it."""
        self.connection: Connection | None = None
        """Knows what is planned, of which there is nothing to keep."""

    @property
    def connected(self) -> bool:
        """Whether the client is connected."""
        return self.status == "connected"

    @property
    def next_attempt_in(self) -> float | None:
        """In how many seconds the next attempt begins; None if none is planned."""
        connection = self.connection
        return None if connection is None else next_attempt(connection)

    @property
    def next_attempt_at(self) -> float | None:
        """When that is, as the reactor tells the time."""
        connection, left = self.connection, self.next_attempt_in
        if connection is None or left is None:
            return None
        return connection.link.clock.seconds() + left

    @property
    def shown_url(self) -> str:
        """The client's URL, fit for a log."""
        return shown_url(self.options)

    @property
    def joined_channels(self) -> dict[str, dict[str, Any]]:
        """Topic -> ``{"params": ..., "status": ...}``.

        The status is ``"joining"``, ``"joined"``, ``"leaving"``, ``"errored"``, or
        ``"left"`` for the latest hundred that are closed.
        """
        return {
            topic: {"status": status, "params": self._params[topic]}
            for topic, status in self._statuses.items()
        }

    def get(self, key: str) -> Any:
        """The value of an option or, if there is no such option, of what else is here.

        :raises KeyError: there is nothing of that name.
        """
        if key in OPTIONS:
            return getattr(self.options, key)
        if key in _OWN:
            return getattr(self, key)
        return (self._custom or {})[key]

    def put(self, key: str, value: Any) -> None:
        """Keep a value under a name of the user's own.

        :raises ConfigurationError: the name is an option's, which ``reconfigure``
            changes, or one that the client keeps up to date itself.
        """
        if not isinstance(key, str):
            raise ConfigurationError(f"a key must be a str, not {legible(key)}")
        if key in OPTIONS:
            raise ConfigurationError(
                f"{key!r} is an option; change it with reconfigure({key}=...)"
            )
        if key in _OWN:
            raise ConfigurationError(
                f"{key!r} is kept by the client, and cannot be set"
            )
        if self._custom is None:
            self._custom = {}
        self._custom[key] = value

    def snapshot(self) -> dict[str, Any]:
        """All of it, as JSON can hold it, with the secrets cut out."""
        return {
            **{key: shown(value) for key, value in (self._custom or {}).items()},
            **self.options.snapshot(),
            "status": self.status,
            "connected": self.connected,
            "idle": self.idle,
            "next_attempt_in": self.next_attempt_in,
            "next_attempt_at": self.next_attempt_at,
            "to_send": len(self.to_send),
            "joined_channels": {
                topic: {"status": status, "params": _shown_params(self._params[topic])}
                for topic, status in self._statuses.items()
            },
            "dropped_frames": self.dropped_frames,
            "stale_messages": self.stale_messages,
            "unrouted_messages": self.unrouted_messages,
        }

    # -- What the connection tells ------------------------------------------------

    def connection_connecting(self) -> None:
        """Take note of an attempt."""
        self.status = "connecting"

    def connection_opened(self, _duration: float) -> None:
        """Take note that the connection is open."""
        self.status = "connected"

    def connection_lost(self, _reason: ConnectionFailed, _was_asked: bool) -> None:
        """Take note that it is not open any more."""
        self.status = "disconnected"

    def connection_failed(self, _reason: Exception) -> None:
        """Take note that an attempt has ended."""
        self.status = "disconnected"

    def frame_dropped(self, reason: Exception) -> None:
        """Count a frame that was no message."""
        self.dropped_frames += 1
        # A server that sends nothing else must not fill the log as well.
        if self.dropped_frames & (self.dropped_frames - 1) == 0:
            log.warn(
                "{client}: frame {count} dropped: {reason}",
                client=shown_name(self.options),
                count=self.dropped_frames,
                reason=error_text(reason),
            )

    def message_stale(self, _message: Message) -> None:
        """Count a message of a join that is over."""
        self.stale_messages += 1

    def message_unrouted(self, _message: Message) -> None:
        """Count a message for a topic that no channel has."""
        self.unrouted_messages += 1

    # -- Messages that wait for a connection --------------------------------------

    @property
    def to_send(self) -> Sequence[Message]:
        """The messages that are kept, oldest first."""
        return self._to_send or ()

    def keep_to_send(self, message: Message) -> None:
        """Keep a message until there is a connection.

        :raises BufferFull: ``send_buffer`` messages are kept already.
        """
        if self._to_send is None:
            self._to_send = deque()
        if len(self._to_send) >= self.options.send_buffer:
            raise BufferFull(
                self.options.send_buffer, message.topic, message.event, "send_buffer"
            )
        self._to_send.append(message)

    def pop_to_send(self) -> Message | None:
        """Take the oldest message that was kept; None if there is none."""
        if not self._to_send:
            self._to_send = None
            return None
        return self._to_send.popleft()

    def put_back(self, messages: list[Message]) -> None:
        """Keep messages again that were kept before all others."""
        if messages:
            self._to_send = deque([*messages, *self.to_send])

    def pop_all_to_send(self) -> list[Message]:
        """Take all messages that were kept, oldest first."""
        messages, self._to_send = list(self.to_send), None
        return messages

    def tell_never_sent(
        self, message: Message, reason: BaseException, others: int = 0
    ) -> None:
        """Have the log say that a message which was kept will not be sent.

        :param others: how many others share its fate.
        """
        log.warn(
            "{topic}: {event} was never sent{more}: {reason}",
            topic=message.topic,
            event=message.event,
            count=others + 1,
            more=f", nor were others ({others})" if others else "",
            reason=error_text(reason),
        )

    # -- Channels -----------------------------------------------------------------

    def channel_changed(
        self, channel: ObservedChannel, _old: State, new: State
    ) -> None:
        """Take note of a channel's new state."""
        topic = channel.topic
        if new is _CLOSED or self._left:
            self.update_channel_status(topic, STATUS[new], channel.params)
        else:
            self._statuses[topic] = STATUS[new]
            self._params[topic] = channel.params

    def update_channel_status(self, topic: str, status: str, params: Any) -> None:
        """Set the status of a topic."""
        self._statuses[topic] = status
        self._params[topic] = params
        left = self._left
        if left and topic in left:
            del left[topic]
        if status == "left":
            if left is None:
                left = self._left = {}
            left[topic] = None
            if len(left) > _LEFT_TOPICS:
                self.remove_channel(next(iter(left)))

    def remove_channel(self, topic: str) -> None:
        """Forget a topic; it is no error if it is not known."""
        self._statuses.pop(topic, None)
        self._params.pop(topic, None)
        if self._left:
            self._left.pop(topic, None)


_OWN = frozenset(
    {
        "status",
        "connected",
        "idle",
        "next_attempt_in",
        "next_attempt_at",
        "to_send",
        "joined_channels",
        "dropped_frames",
        "stale_messages",
        "unrouted_messages",
    }
)


def _shown_params(params: Any) -> Any:
    if callable(params):
        return "<callable>"
    return redact_params(params) if isinstance(params, Mapping) else REDACTED
