"""The way of a frame that has come: what it says, and who is told.

::

    frame -> JSON -> the topic's channel -> the event's hooks
                                         -> the push that awaits this reply
          -> Message -> the client's hooks -> Channel.dispatch() -> handle_message()

All that is received passes here, so this is where speed is made or lost.
What comes in numbers is what a server pushes and broadcasts to hooks of a channel, and
replies.
For these the first two lines are the whole way: no
:class:`~txphoenix.message.Message` is made where nobody takes one whole, and nothing is
called where a look into a dict will do.
The third line is the way of everything else: V1, binary messages, messages without a
hook, the protocol's own, stale or malformed ones, and of all messages if the client has
hooks for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from ..channels.channel import Channel
from ..channels.membership import Membership
from ..errors import SerializerError
from ..protocol.event_names import PHX_REPLY
from ..protocol.json_codecs import may_have_long_number
from ..protocol.message import Message, Serializer
from ..protocol.serializer import V2Serializer
from ..runtime.hooks import Hooks, log_hook_failure, watch_hook
from ..telemetry import message_event, message_handlers
from ..transports.interfaces import FrameReceiver, FrameReceivers

__all__ = ["NOBODY", "frame_receivers"]


class FrameSource(Protocol):
    """Where frames come from: once it is closing they are ignored."""

    @property
    def is_open(self) -> bool:
        """Whether messages are taken."""


class MessageReceiver(Protocol):
    """Who takes what goes the long way."""

    def message_received(self, message: Message) -> None:
        """A message has come."""

    def frame_dropped(self, reason: Exception) -> None:
        """A frame has come that is no message."""

    def channel_raised(
        self, membership: Membership[Channel], error: BaseException
    ) -> None:
        """A channel has raised at a message of its own."""


def _ignore(_data: bytes, _is_binary: bool) -> None:
    """Take a frame for nobody."""


NOBODY: FrameReceivers = (_ignore, lambda _read: _ignore)
"""Takes the frames that come before the first transport is open."""


def frame_receivers(  # noqa: C901
    connection: FrameSource,
    serializer: Serializer,
    receiver: MessageReceiver,
    client: object,
    memberships: Mapping[str, Membership[Channel]],
    hooks: Hooks,
) -> FrameReceivers:
    """Make the functions that take the frames of one transport.

    :param connection: what the transport belongs to; once it is closing, frames are
        ignored.
    :param serializer: reads the frames.
    :param receiver: is told of messages, and of frames that are none.
    :param client: whose messages telemetry is told of.
    :param memberships: the client's channels, by topic.
    :param hooks: the client's hooks for all messages.
    :return: see :data:`~txphoenix.interfaces.FrameReceivers`.
    """
    decode = serializer.decode

    def deliver(size: int, read: Callable[..., Message], *args: Any) -> None:
        try:
            message = read(*args)
        except SerializerError as error:
            receiver.frame_dropped(error)
            return
        if message_handlers:
            message_event("received", client, message, size)
        receiver.message_received(message)

    def receive(data: bytes, is_binary: bool) -> None:
        if connection.is_open:
            deliver(len(data), decode, data, is_binary)

    if not isinstance(serializer, V2Serializer):
        return receive, lambda _: receive

    to_message = serializer.to_message
    find = memberships.get

    def fast(parse: Callable[[bytes], Any]) -> FrameReceiver:  # noqa: C901
        # One function, for a call costs as much as a tenth of all of it.
        def receive_fast(data: bytes, is_binary: bool) -> None:  # noqa: C901
            if is_binary or not connection.is_open:
                receive(data, is_binary)
                return
            functions = pending = None
            try:
                join_ref, ref, topic, event, payload = fields = parse(data)
                membership = find(topic)
                if (
                    membership is not None
                    and (join_ref is None or join_ref == membership.joins.ref)
                    and not hooks.entries
                ):
                    # A null among five values shows that they are a list's: a dict's
                    # keys and a string's characters are strings.
                    if ref is None:
                        functions = membership.hooks.get(event)
                    elif (
                        event == PHX_REPLY
                        and type(fields) is list
                        # A telemetry handler comes first, and may end what waits.
                        and not message_handlers
                    ):
                        if ref == membership.joins.awaited_ref:
                            pending = membership.joins.take_awaited()
                        elif membership.made_pushes is not None:
                            pending = membership.made_pushes.take(ref)
            except BaseException:
                # What is wrong is the serializer's to say.
                receive(data, is_binary)
                return
            if functions is None and pending is None:
                deliver(len(data), to_message, fields, data)
                return
            if pending is not None:
                try:
                    pending.answered(payload, join_ref)
                except BaseException as error:
                    receiver.channel_raised(
                        cast(Membership[Channel], membership), error
                    )
                return
            if message_handlers:
                message_event("received", client, fields, len(data))
            for _, function in functions or ():
                # As call_hook() does it.
                try:
                    result = function(payload)
                    if result is not None:
                        watch_hook(result, function)
                except BaseException:
                    log_hook_failure(function)

        return receive_fast

    receive_any = fast(serializer.parse)
    receive_short = fast(serializer.parse_short_numbers)

    def receiver_of(read: bytes) -> FrameReceiver:
        return receive_any if may_have_long_number(read) else receive_short

    return receive_any, receiver_of
