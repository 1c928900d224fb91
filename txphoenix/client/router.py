"""Who gets what has come: a channel, the heartbeat, who asks for topics, or nobody."""

from __future__ import annotations

from collections.abc import Sequence

from ..channels.channel import Channel
from ..channels.keeper import ChannelKeeper
from ..channels.membership import Membership
from ..protocol.event_names import PHOENIX_TOPIC, PHX_REPLY
from ..protocol.message import Message, Serializer
from ..protocol.reserved_events import NOT_PUSHED
from ..runtime.hooks import call_hooks
from ..telemetry import channel_handlers
from ..transports.interfaces import FrameReceivers
from .connection import Connection
from .connection_observer import ConnectionObserver
from .hooks import HookLists
from .receiving import frame_receivers

__all__ = ["MessageRouter"]


class MessageRouter:
    """Hands on what one client receives.

    What comes in numbers does not pass here, but is handed on by
    :mod:`txphoenix.client.receiving`.

    :param connection: from which they come.
    :param channels: have the topics.
    :param hooks: are called with messages, and with the error of a frame that is none.
    :param observers: are told of such frames.
    """

    __slots__ = ("_channels", "_connection", "_hooks", "_observers")

    def __init__(
        self,
        connection: Connection,
        channels: ChannelKeeper,
        hooks: HookLists,
        observers: Sequence[ConnectionObserver],
    ) -> None:
        self._connection = connection
        self._channels = channels
        self._hooks = hooks
        self._observers = observers

    def frame_receivers(self, serializer: Serializer) -> FrameReceivers:
        """Make what takes the frames of a transport that has opened."""
        return frame_receivers(
            self._connection,
            serializer,
            self,
            self._connection.link,
            self._channels.routes,
            self._hooks,
        )

    def message_received(self, message: Message) -> None:
        """Give a message to the channel that has its topic."""
        if self._hooks.message:
            hooks = self._hooks
            call_hooks(hooks.message, message, called=("on_message", hooks))
        channels = self._channels
        membership = channels.routes.get(message.topic)
        if membership is not None:
            try:
                membership.channel.dispatch(message)
            except BaseException as error:
                channels.give_up(membership, error)
        elif message.topic == PHOENIX_TOPIC:
            heartbeat = self._connection.link.heartbeat
            if heartbeat is not None:
                heartbeat.dispatch(message)
            channels.joins.server_answered(message.ref)
        else:
            self._of_no_channel(message)

    def _of_no_channel(self, message: Message) -> None:
        channels, topics = self._channels, self._hooks.topics
        if message.event == PHX_REPLY:
            # It may be for a join that was given up.
            channels.joins.server_answered(message.ref)
        if topics is not None and topics.take(message):
            return
        # Of a channel that was left, say, and the server had not heard of it yet.
        for observer in channels.events.observers:
            observer.message_unrouted(message)
        # With each leave comes a phx_close, which is no message to the user.
        if channel_handlers and message.event not in NOT_PUSHED:
            channels.messages_dropped(message.topic, 1, "unrouted")

    def channel_raised(
        self, membership: Membership[Channel], error: BaseException
    ) -> None:
        """End a channel that has raised at a reply."""
        self._channels.give_up(membership, error)

    def frame_dropped(self, reason: Exception) -> None:
        """Report a frame that is no message."""
        for observer in self._observers:
            observer.frame_dropped(reason)
        self._hooks.tell_error(reason)
