"""The channels of one client: which topic is whose, and what follows a crash.

A ``MultiService`` starts and stops its children and never restarts one.
:class:`ChannelKeeper` does: an exception out of a callback of a channel is a crash
of that channel alone.
It is logged, told to the channel's ``on_error`` hooks, and the channel begins anew,
until it has crashed more than ``max_restarts`` times in ``max_seconds``; see
:mod:`txphoenix.channels.supervision`.
Who observes what happens to the channels subscribes to
:class:`txphoenix.channels.channel_events.ChannelEvents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, overload

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..error_texts import UNWRITTEN
from ..errors import NotConnected
from ..options.channel_kinds import ChannelFactory
from ..options.checks import channel_class as check_channel_class
from ..options.checks import seconds as check_seconds
from ..options.checks import topic as check_topic
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.backoff import checked
from ..protocol.message import Message
from ..runtime.deadlines import Deadlines
from ..runtime.kept_errors import unraised
from ..runtime.package_log import package_log
from .callbacks import Called, raised_in
from .channel import Channel, keep_trying
from .channel_events import ChannelEvents
from .channel_set import ChannelSet
from .dropped_pushes import DroppedPushes
from .factory import find_factory, make_channel
from .inbox import Inbox
from .interfaces import ChannelConnection, Member, ObservedChannel
from .join_queue import JoinQueue
from .membership import Membership
from .params import with_defaults
from .reading_pauses import ReadingPauses
from .settling import Settling
from .supervision import Supervision
from .unavailable import not_connected
from .writers import Writers

__all__ = ["ChannelKeeper"]

log = Logger("txphoenix.channels", observer=package_log)

_Made = TypeVar("_Made", bound=Channel)

# Phoenix itself ends a connection on which nothing comes for so many seconds.
_LONGEST_INTERVAL = 60.0


class MessagesBehindJoins(Protocol):
    """Messages that are no channel's, and go behind the joins of their topics."""

    @property
    def to_send(self) -> Sequence[Message]:
        """Those that wait, the oldest first."""


class ChannelKeeper(ChannelSet):
    """The one manager of channels that there is.

    What users call of it is :class:`txphoenix.channels.ChannelManager`.

    :param clock: tells the time and calls later.
    :param options: the client's options.
    :param connection: sends.
    :param events: who observes the channels has subscribed there, or will.
    :param kept: the messages of which some may wait for a join to be sent.
    """

    def __init__(
        self,
        clock: IReactorTime,
        options: Options,
        connection: ChannelConnection,
        events: ChannelEvents,
        kept: MessagesBehindJoins,
    ) -> None:
        super().__init__(Deadlines.of(clock))
        self.connection = connection
        self.options = options
        # The topics whose kept pushes wait for the connection to take more.
        self._held: dict[str, None] = {}
        # Made at their first use, which most clients never come to: what a client is
        # made of, the garbage collector walks for as long as there is the client.
        self._writers: Writers | None = None
        self._dropped: DroppedPushes | None = None
        self._pauses: ReadingPauses | None = None
        self._supervision: Supervision | None = None
        self.settling = Settling(self.routes, self.deadlines)
        self._offline_because: BaseException | None = None
        self.joins = JoinQueue(self.deadlines, connection)
        # Why there will be no connection, or was none the last time it was so.
        self._abandoned_because: BaseException | None = None
        # The two that are on the way of each push.
        self.send = connection.send
        self.next_ref = connection.next_ref
        self.events = events
        self.kept = kept
        events.subscribe(self.settling)
        events.subscribe(self.joins)
        self.reset_options(options)

    def reset_options(self, options: Options) -> None:
        """Use other options from now on."""
        self.options = options
        if self._pauses is not None:
            self._pauses.reset_options(options)
        self.timeout = options.timeout
        self.joins.reset(
            options.join_window,
            options.heartbeat_timeout
            + min(options.heartbeat_interval, _LONGEST_INTERVAL),
        )
        self._each(lambda membership: membership.resize_inbox(options.receive_buffer))

    # -- What the client calls ----------------------------------------------------

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_Made] = ...
    ) -> _Made: ...

    def make(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make the channel of a topic, which is closed until it joins."""
        topic = check_topic("a topic", topic)
        if channel_class is None:
            name, factory = find_factory(topic, self.options)
        else:
            name, factory = "channel_class", channel_class
            check_channel_class(name, factory)
        params = with_defaults(self.options.default_channel_params, params)
        return make_channel(name, factory, topic, params, self)

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_Made] = ...
    ) -> _Made: ...

    def start_channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make a channel and have it join, and join again whatever happens."""
        channel = self.make(topic, params, channel_class)
        keep_trying(channel)
        channel.join().addErrback(self._log_failed_start, channel)
        return channel

    def when_settled(self) -> Deferred[None]:
        """Wait until each channel has joined, or tried to."""
        return self.settling.wait()

    def make_inbox(self, name: str) -> Inbox:
        """Make a queue of messages, as that of ``receive()``."""
        return self.pauses.make_inbox(name)

    def is_join_waiting(self, topic: str) -> bool:
        """Whether there will be a join of a topic that has not been sent yet."""
        membership = self.routes.get(topic)
        return membership is not None and membership.joins.is_waiting

    def with_join_ref(self, message: Message) -> Message:
        """Give a message without a join_ref that of its topic's channel."""
        membership = self.routes.get(message.topic)
        if message.join_ref is not None or membership is None:
            return message
        return message._replace(join_ref=membership.joins.ref)

    # -- What the client tells ----------------------------------------------------

    def connection_opened(self) -> None:
        """Have each channel join."""
        self._offline_because = None
        self._each(lambda membership: membership.connection_opened())

    def connection_lost(self, reason: BaseException, was_asked: bool) -> None:
        """Have each channel wait for the next connection."""
        if self._pauses is not None:
            self._pauses.forget()
        self.joins.clear()
        self._offline_because = unraised(reason)
        self.settling.connection_lost()
        super().connection_lost(reason, was_asked)

    def connection_failed(self, reason: BaseException) -> None:
        """Take note that there is no connection, and why."""
        self._offline_because = unraised(reason)

    def connection_writable(self) -> None:
        """Have channels that are joined send what they have kept."""
        held, self._held = self._held, {}
        for topic in held:
            membership = self.routes.get(topic)
            if membership is not None and membership.made_pushes is not None:
                membership.made_pushes.send_kept()

    def abandon(self, error: BaseException) -> None:
        """There will be no connection: fail all that waits for one."""
        self._abandoned_because = error
        self._withdraw(error)
        self._each(lambda membership: membership.abandoned(error))
        self.settling.abandon(error)

    def check_writers(self) -> None:
        """Tell those who wait until a push would be sent, and for whom it would."""
        if self._writers is not None:
            self._writers.check()

    # -- What there is of it once it is used --------------------------------------

    @property
    def writers(self) -> Writers:
        """Who waits until a push would be sent."""
        if self._writers is None:
            self._writers = Writers()
        return self._writers

    @property
    def dropped(self) -> DroppedPushes:
        """The pushes that were never sent, for the log."""
        if self._dropped is None:
            self._dropped = DroppedPushes(self.deadlines, self.messages_dropped)
        return self._dropped

    @property
    def pauses(self) -> ReadingPauses:
        """Which channels hold the connection back."""
        if self._pauses is None:
            tell = self.messages_dropped
            self._pauses = ReadingPauses(
                self.connection, self.deadlines, self.options, self.events, tell
            )
        return self._pauses

    @property
    def supervision(self) -> Supervision:
        """What follows the crash of a channel."""
        if self._supervision is None:
            self._supervision = Supervision(self)
        return self._supervision

    # -- What channels call -------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether pushes can be sent: the connection is open, and takes more."""
        connection = self.connection
        return connection.is_open and not connection.is_full

    @property
    def obstacle(self) -> BaseException | str:
        """What keeps a channel from sending what it has kept, for an error."""
        if self.connection.is_full:
            return UNWRITTEN
        if self.connection.is_open:
            return "not joined"
        return self._offline_because or "no connection"

    def hold_pushes(self, topic: str) -> None:
        """Have a channel be told when the connection takes more."""
        self._held[topic] = None

    def not_connected(self, what: str) -> NotConnected:
        """The error of what needs a connection, where there will be none.

        :param what: what cannot be done.
        """
        return not_connected(what, self._abandoned_because, bool(self.running))

    def cannot_join(self, member: Member) -> NotConnected:
        """The error of a join for which there will be no connection."""
        error = self.not_connected(f"{member.topic} cannot be joined")
        self.given_up(member, error)
        return error

    def check_timeout(self, timeout: float | None) -> float:
        """Check a timeout."""
        if timeout is None:
            return self.timeout
        checked: float = check_seconds("a timeout", timeout)
        return checked

    def rejoin_delay(self, attempt: int, error: BaseException | None = None) -> float:
        """The seconds before a rejoin, after an error; the first is number 0."""
        try:
            return checked(self.options.rejoin_delay(attempt, error))
        except BaseException:
            text = "{client}: rejoin_backoff raised; joining again in 1 s"
            name = shown_name(self.options)
            log.failure(text, level=LogLevel.error, client=name)
            return 1.0

    def messages_dropped(self, topic: str, count: int, reason: str) -> None:
        """Tell who observes of messages that nobody will have.

        :param reason: ``"unread"``, ``"unsent"``, ``"stale"``, ``"unrouted"`` or
            ``"presence"``.
        """
        channel = self.find(topic)
        for observer in self.events.observers:
            observer.messages_dropped(topic, channel, count, reason)

    def crashed(
        self, membership: Membership[Channel], failure: Failure, called: Called
    ) -> None:
        """Have what follows the crash of a callback follow."""
        self.supervision.crashed(membership, failure, called)

    def tell_crash(self, channel: Channel, error: BaseException) -> None:
        """Tell who observes of a channel that has raised outside of its callbacks."""
        for observer in self.events.observers:
            observer.channel_crashed(channel, error, raised_in(error))

    def closed(self, topic: str) -> None:
        """Forget its crashes, and wait for its join no more."""
        if self._supervision is not None:
            self._supervision.forget(topic)
        self.settling.forget(topic)

    def check_settled(self, channel: ObservedChannel) -> None:
        """Have the next join, and tell those who wait for a channel's new state.

        Each is done if it is so far.
        """
        events = self.events
        if events.at_rest:
            events.rest()
        if self._writers is not None:
            self._writers.check(channel)
        joins = self.joins
        if joins.waiting or joins.prepared:
            if joins.has_room:
                joins.fill()
        elif self.kept.to_send:
            for observer in events.observers:
                observer.joins_sent()
        settling = self.settling
        if settling.waiting is not None or settling.rejoining is not None:
            settling.check()

    # -- Inside -------------------------------------------------------------------

    def _log_failed_start(self, failure: Failure, channel: Channel) -> None:
        self.settling.repeats.emit(
            log,
            LogLevel.warn,
            "{topic}: could not be joined, and is tried again: {reason}",
            topic=channel.topic,
            reason=failure.getErrorMessage(),
        )
