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

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from ..channels.channel import Channel
from ..channels.membership import Membership
from ..errors import SerializerError
from ..protocol.custom_serializer import reads_v2
from ..protocol.event_names import PHX_REPLY
from ..protocol.json_codecs import may_have_long_number
from ..protocol.message import Message, Serializer
from ..protocol.serializer import V2Serializer
from ..runtime.hooks import log_hook_failure, watch_hook
from ..telemetry import message_event, message_handlers, traffic_handlers
from ..telemetry.handlers import message_watchers
from ..transports.interfaces import FrameReceiver, FrameReceivers
from .traffic import CountedLink, count_message

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


class MessageHooks(Protocol):
    """Who may want each message whole."""

    @property
    def message(self) -> Sequence[object]:
        """The client's hooks for all messages."""


def _ignore(_data: bytes, _is_binary: bool) -> None:
    """Take a frame for nobody."""


NOBODY: FrameReceivers = (_ignore, lambda _read: _ignore)
"""Takes the frames that come before the first transport is open."""


def frame_receivers(
    connection: FrameSource,
    serializer: Serializer,
    receiver: MessageReceiver,
    link: CountedLink,
    memberships: Mapping[str, Membership[Channel]],
    hooks: MessageHooks,
) -> FrameReceivers:
    """Make what takes the frames of one transport.

    :param connection: what the transport belongs to; once it is closing, frames are
        ignored.
    :param serializer: reads the frames.
    :param receiver: is told of messages, and of frames that are none.
    :param link: by which they come, as telemetry is told of it.
    :param memberships: the client's channels, by topic.
    :param hooks: the client's.
    :return: see :data:`~txphoenix.interfaces.FrameReceivers`.
    """
    owners = connection, serializer, receiver, link, memberships, hooks
    v2 = reads_v2(serializer)
    if v2 is not None:
        frames = _Receiving(v2, v2.parse_short_numbers, *owners)
        return frames.receive_exactly, frames.receiver_of
    receive = _Receiving(None, None, *owners).receive
    return receive, lambda _: receive


class _Receiving:
    """Takes the frames of one transport, by one way to read their JSON.

    Each client has one for as long as it is connected, so it has no closure: that is a
    dozen objects, which the garbage collector would walk.

    :param v2: makes messages of what parse has read; None where text is not V2's.
    :param parse: reads a frame of V2; None for other serializers.
    """

    __slots__ = (
        "_connection",
        "_hooks",
        "_link",
        "_long_numbers",
        "_memberships",
        "_parse",
        "_receiver",
        "_serializer",
        "_v2",
    )

    def __init__(
        self,
        v2: V2Serializer | None,
        parse: Callable[[bytes], Any] | None,
        connection: FrameSource,
        serializer: Serializer,
        receiver: MessageReceiver,
        link: CountedLink,
        memberships: Mapping[str, Membership[Channel]],
        hooks: MessageHooks,
    ) -> None:
        self._v2: V2Serializer = cast(Any, v2)
        self._parse: Callable[[bytes], Any] = cast(Any, parse)
        # Takes the frames that may have numbers which parse cannot read exactly; made
        # for the first of them.
        self._long_numbers: _Receiving | None = None
        self._connection = connection
        self._serializer = serializer
        self._receiver = receiver
        self._link = link
        self._memberships = memberships
        self._hooks = hooks

    def receiver_of(self, read: bytes) -> FrameReceiver:
        """What takes the frames in a read: asked for once a read."""
        if may_have_long_number(read):
            return self._made_long_numbers().receive_fast
        return self.receive_fast

    def receive_exactly(self, data: bytes, is_binary: bool) -> None:
        """Take a frame of V2 at which nobody has looked."""
        self._made_long_numbers().receive_fast(data, is_binary)

    def _made_long_numbers(self) -> _Receiving:
        if self._long_numbers is None:
            self._long_numbers = _Receiving(
                self._v2,
                self._v2.parse,
                self._connection,
                self._serializer,
                self._receiver,
                self._link,
                self._memberships,
                self._hooks,
            )
        return self._long_numbers

    def receive(self, data: bytes, is_binary: bool) -> None:
        """Take any frame."""
        if self._connection.is_open:
            self._deliver(len(data), self._serializer.decode, data, is_binary)

    def _deliver(self, size: int, read: Callable[..., Message], *args: Any) -> None:
        receiver = self._receiver
        try:
            message = read(*args)
        except SerializerError as error:
            receiver.frame_dropped(error)
            return
        if message_watchers:
            if traffic_handlers:
                count_message(self._link, "received", size)
            if message_handlers:
                message_event("received", self._link.client, message, size)
        receiver.message_received(message)

    def _counts_reply(
        self, membership: Membership[Channel], fields: Sequence[Any], size: int
    ) -> bool:
        """Count a reply for telemetry, if that is all it wants to know of it.

        A handler of messages comes first, and may end what waits.

        :return: whether it was counted: somebody waits for it, who may have it.
        """
        ref, joins, pushes = fields[1], membership.joins, membership.made_pushes
        is_awaited = joins.awaited is not None and ref == joins.awaited_ref
        if message_handlers or not (
            is_awaited or (pushes is not None and pushes.awaits(ref))
        ):
            return False
        count_message(self._link, "received", size)
        return True

    # One function, for a call costs as much as a tenth of all of it.
    def receive_fast(self, data: bytes, is_binary: bool) -> None:  # noqa: C901
        """Take a frame of V2, by the short way if it can go that."""
        if is_binary or not self._connection.is_open:
            self.receive(data, is_binary)
            return
        functions = pending = None
        # CPython reads what is in a slot faster than it calls it there.
        parse = self._parse
        try:
            join_ref, ref, topic, event, payload = fields = parse(data)
            membership = self._memberships.get(topic)
            if (
                membership is not None
                and (join_ref is None or join_ref == membership.joins.ref)
                and not self._hooks.message
            ):
                # A null among five values shows that they are a list's: a dict's
                # keys and a string's characters are strings.
                if ref is None:
                    functions = membership.hooks.get(event)
                elif (
                    event == PHX_REPLY
                    and type(fields) is list
                    and (
                        not message_watchers
                        or self._counts_reply(membership, fields, len(data))
                    )
                ):
                    if ref == membership.joins.awaited_ref:
                        pending = membership.joins.take_awaited()
                    elif membership.made_pushes is not None:
                        pending = membership.made_pushes.take(ref)
        except BaseException:
            # What is wrong is the serializer's to say.
            self.receive(data, is_binary)
            return
        if functions is not None:
            if message_watchers:
                if traffic_handlers:
                    count_message(self._link, "received", len(data))
                if message_handlers:
                    message_event("received", self._link.client, fields, len(data))
            for _, function in functions:
                # As call_hook() does it.
                try:
                    result = function(payload)
                    if result is not None:
                        watch_hook(result, function, (event, topic))
                except BaseException:
                    log_hook_failure(function, (event, topic))
        elif pending is not None:
            try:
                pending.answered(payload, join_ref)
            except BaseException as error:
                self._receiver.channel_raised(
                    cast(Membership[Channel], membership), error
                )
        else:
            self._deliver(len(data), self._v2.to_message, fields, data)
