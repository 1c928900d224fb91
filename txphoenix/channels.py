"""The channels of one client: which topic is whose, and what follows a crash.

A ``MultiService`` starts and stops its children and never restarts one.
:class:`ChannelManager` does: an exception out of a callback of a channel is a crash
of that channel alone.
It is logged, told to the channel's ``on_error`` hooks, and the channel begins anew,
until it has crashed more than ``max_restarts`` times in ``max_seconds``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar, overload

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from . import telemetry
from .channel import Channel
from .channel_factory import ChannelFactory, find_factory, make_channel
from .channel_machine import ChannelMachine
from .channel_params import with_defaults
from .channel_set import ChannelSet
from .channel_states import State
from .checks import channel_class as check_channel_class
from .checks import seconds as check_seconds
from .checks import topic as check_topic
from .connection import Connection
from .deadlines import Deadline, Deadlines
from .dropped_pushes import DroppedPushes
from .errors import ENDINGS, UNWRITTEN, NotConnected
from .inbox import Inbox
from .join_queue import JoinQueue
from .kept_errors import unraised
from .message import PHX_REPLY, Message
from .options import Options
from .package_log import package_log
from .state import SocketState, status_of
from .state_changes import StateChanges
from .unavailable import not_connected
from .writers import Writers

__all__ = ["ChannelManager"]

log = Logger(observer=package_log)

_C = TypeVar("_C", bound=Channel)

# Phoenix itself ends a connection on which nothing comes for so many seconds.
_LONGEST_INTERVAL = 60.0


def _tell_nobody() -> None:
    """Nobody is to be told yet."""


_UNSETTLED = frozenset({State.JOINING, State.ERRORED})


class ChannelManager(ChannelSet):
    """Topic -> :class:`~txphoenix.channel.Channel`.

    A channel is one of its services from the moment it joins to its end.

    :param clock: tells the time and calls later.
    :param options: the client's options.
    :param connection: sends.
    :param state: is told of each channel's status.
    """

    def __init__(
        self,
        clock: IReactorTime,
        options: Options,
        connection: Connection,
        state: SocketState,
    ) -> None:
        super().__init__()
        self.deadlines = Deadlines.of(clock)
        self.connection = connection
        self._state = state
        self._crashes: dict[str, deque[float]] = {}
        self._paused: dict[str, None] = {}
        # The topics whose kept pushes wait for the connection to take more.
        self._held: dict[str, None] = {}
        self.writers = Writers()
        self.dropped = DroppedPushes(self.deadlines)
        # The topics whose first join on a connection has not been answered, and who
        # waits for these.
        self._unsettled: dict[str, None] = {}
        self._settling: list[Deferred[None]] = []
        self._offline_because: BaseException | None = None
        self._changes = StateChanges()
        self.joins = JoinQueue(self.deadlines, connection)
        self.joins_sent: Callable[[], None] = _tell_nobody
        """Told when no join waits to be sent."""
        # Why there will be no connection, or was none the last time it was so.
        self._abandoned_because: BaseException | None = None
        # The two that are on the way of each push.
        self.send = connection.send
        self.next_ref = connection.next_ref
        self.reset_options(options)

    def reset_options(self, options: Options) -> None:
        """Use other options from now on."""
        self._options = options
        self.timeout = options.timeout
        self.joins.window = options.join_window
        self.joins.patience = options.heartbeat_timeout + min(
            options.heartbeat_interval, _LONGEST_INTERVAL
        )
        self.joins.fill()
        self._each(lambda channel: channel.resize_inbox(options.receive_buffer))

    # -- What the client calls ----------------------------------------------------

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_C] = ...
    ) -> _C: ...

    def make(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make the channel of a topic, which is closed until it joins.

        :param topic: any but ``"phoenix"``, which is the heartbeats'.
        :param params: what its joins send, over the client's
            ``default_channel_params``; see :mod:`txphoenix.channel_params`.
        :param channel_class: the channel's class, or a callable that takes topic,
            params and this manager and makes it, such as
            ``functools.partial(Room, db=db)``; by default what ``topic_channel_map``
            has for the topic, or else ``default_channel_class``.
        :raises ConfigurationError: the topic is none, or what is called makes no
            channel of it.
            What it raises by itself is passed on.
        """
        topic = check_topic("a topic", topic)
        if channel_class is None:
            name, factory = find_factory(topic, self._options)
        else:
            name, factory = "channel_class", channel_class
            check_channel_class(name, factory)
        params = with_defaults(self._options.default_channel_params, params)
        return make_channel(name, factory, topic, params, self)

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_C] = ...
    ) -> _C: ...

    def start_channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make a channel and have it join, and join again whatever happens.

        Nobody waits for this join: a server that refuses it is asked again, with the
        delays of ``rejoin_backoff``.
        The log has the first failure, the channel's ``on_error`` hooks have each.
        """
        channel = self.make(topic, params, channel_class)
        channel.keep_trying()
        channel.join().addErrback(self._log_failed_start, channel)
        return channel

    def when_settled(self) -> Deferred[None]:
        """Wait until each channel has joined, or tried to.

        One whose join was refused, or not answered in time, is tried again, but not
        waited for.

        :return: a Deferred of None.
            It fails, with the reason, if there will be no connection.
        """
        if not self._unsettled:
            return succeed(None)
        settling: Deferred[None] = Deferred()
        self._settling.append(settling)
        return settling

    def is_join_waiting(self, topic: str) -> bool:
        """Whether there will be a join of a topic that has not been sent yet."""
        channel = self.routes.get(topic)
        return channel is not None and channel.is_join_waiting

    def with_join_ref(self, message: Message) -> Message:
        """Give a message without a join_ref that of its topic's channel."""
        channel = self.routes.get(message.topic)
        if message.join_ref is not None or channel is None:
            return message
        return message._replace(join_ref=channel.join_ref)

    # -- What the client tells ----------------------------------------------------

    def connection_opened(self) -> None:
        """Have each channel join."""
        self._offline_because = None
        self._each(lambda channel: channel.connection_opened())

    def connection_lost(self, reason: BaseException, was_asked: bool) -> None:
        """Have each channel wait for the next connection."""
        self._paused.clear()
        self.joins.clear()
        self._offline_because = unraised(reason)
        # Whatever has become of their joins, these join anew.
        self._unsettled.update(
            (topic, None)
            for topic, channel in self.routes.items()
            if channel.state in _UNSETTLED
        )
        super().connection_lost(reason, was_asked)

    def connection_failed(self, reason: BaseException) -> None:
        """Take note that there is no connection, and why."""
        self._offline_because = unraised(reason)

    def connection_writable(self) -> None:
        """Have channels that are joined send what they have kept."""
        held, self._held = self._held, {}
        for topic in held:
            channel = self.routes.get(topic)
            if channel is not None:
                channel.send_kept()

    def abandon(self, error: BaseException) -> None:
        """There will be no connection: fail all that waits for one."""
        self._abandoned_because = error
        self._withdraw(error)
        self._each(lambda channel: channel.abandoned(error))
        settling, self._settling = self._settling, []
        for deferred in settling:
            deferred.errback(error)

    # -- What channels call -------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.connection.is_open

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
        if self.is_open:
            return "not joined"
        return self._offline_because or "no connection"

    @property
    def elapsed(self) -> Callable[[], float]:
        """Tells the seconds since some moment; see :mod:`txphoenix.elapsed`."""
        return self.deadlines.elapsed

    @property
    def push_buffer(self) -> int:
        """How many pushes a channel keeps."""
        return self._options.push_buffer

    @property
    def write_buffer(self) -> int:
        """How many bytes wait to be written at most."""
        return self._options.write_buffer

    @property
    def is_wanted(self) -> bool:
        """Whether there is, or soon will be, a connection."""
        return self.connection.is_wanted

    def hold_pushes(self, topic: str) -> None:
        """Have a channel be told when the connection takes more."""
        self._held[topic] = None

    def not_connected(self, what: str) -> NotConnected:
        """The error of what needs a connection, where there will be none.

        :param what: what cannot be done.
        """
        return not_connected(what, self._abandoned_because, bool(self.running))

    def check_timeout(self, timeout: float | None) -> float:
        """Check a timeout.

        :return: seconds; the client's ``timeout`` for None.
        :raises ConfigurationError: it is not a positive number.
        """
        if timeout is None:
            return self.timeout
        checked: float = check_seconds("a timeout", timeout)
        return checked

    def rejoin_delay(self, attempt: int) -> float:
        """The seconds before a rejoin; the first is number 0."""
        try:
            delay = float(self._options.channel_backoff(attempt))
            if not isfinite(delay):
                raise ValueError(f"a delay must be finite, not {delay}")
        except BaseException:
            log.failure("rejoin_backoff failed; joining again in a second")
            return 1.0
        return max(0.0, delay)

    def closed(self, channel: ChannelMachine) -> None:
        """Forget its crashes, and wait for its join no more."""
        self._crashes.pop(channel.topic, None)
        self._settled(channel.topic)

    def state_changed(self, channel: ChannelMachine, old: State, new: State) -> None:
        """Take note of a channel's new state."""
        self._state.update_channel_status(channel.topic, status_of(new), channel.params)
        self._changes.add(channel.topic, old, new)
        if new not in _UNSETTLED:
            self._settled(channel.topic)
        elif old not in _UNSETTLED:
            self._unsettled[channel.topic] = None

    def tell_changes(self) -> None:
        """Tell telemetry of new states; who is told may call any channel."""
        self._changes.tell(self.parent)

    def check_settled(self, channel: ChannelMachine) -> None:
        """Have the next join, and tell those who wait for a channel's new state.

        Each is done if it is so far.
        """
        self.tell_changes()
        self.writers.check(channel)
        joins = self.joins
        if joins.waiting or joins.prepared:
            joins.fill()
        elif self._state.to_send:
            self.joins_sent()
        if self._settling and not self._unsettled:
            settling, self._settling = self._settling, []
            for deferred in settling:
                deferred.callback(None)

    def joined(self, channel: ChannelMachine, response: Any, duration: float) -> None:
        """Take note that the server has taken a join."""
        telemetry.channel_joined(self.parent, channel.topic, channel, response)
        telemetry.channel_join_duration(self.parent, channel.topic, channel, duration)

    def join_failed(
        self, channel: ChannelMachine, error: BaseException, is_awaited: bool
    ) -> None:
        """Take note of a failed join.

        :param is_awaited: whether somebody waits for it, and will be told.
        """
        telemetry.channel_join_error(self.parent, channel.topic, channel, error)
        # The first of a connection is enough for the log.
        if self._settled(channel.topic) and not is_awaited:
            log.warn(
                "{channel!r} could not be joined again, and is tried again: {reason}",
                channel=channel,
                reason=error,
            )

    def leave_answered(self, channel: ChannelMachine, duration: float) -> None:
        """Take note that the server has answered a leave."""
        telemetry.channel_leave_duration(self.parent, channel.topic, channel, duration)

    def left(self, channel: ChannelMachine, reason: object) -> None:
        """Take note of the end of a channel."""
        telemetry.channel_left(self.parent, channel.topic, channel, reason)

    def make_inbox(self, topic: str) -> Inbox:
        """Make the queue of a channel's ``receive()``."""
        return Inbox(
            topic,
            self._options.receive_buffer,
            lambda: self.pause_reading(topic),
            lambda: self.resume_reading(topic),
            self._await_reader,
        )

    def pause_reading(self, topic: str) -> None:
        """Hold the connection's messages back: a channel has enough for now."""
        if not self._paused:
            self.connection.pause_reading()
        self._paused[topic] = None

    def resume_reading(self, topic: str) -> None:
        """Go on, unless another channel still has enough.

        What was held back is delivered before this returns.
        """
        if topic in self._paused:
            del self._paused[topic]
            if not self._paused:
                self.connection.resume_reading()

    def count_stale(self, message: Message) -> None:
        """Count a message of a join that is over."""
        self._state.stale_messages += 1
        self._take_note(message)

    def count_unrouted(self, message: Message) -> None:
        """Count a message for a topic that no channel has."""
        self._state.unrouted_messages += 1
        self._take_note(message)

    def crashed(self, channel: ChannelMachine, failure: Failure, attempt: int) -> None:
        """Restart a channel one of whose callbacks has raised, or end it.

        :param attempt: the number of the attempt to join in which it was called.
        """
        error = failure.value or RuntimeError("an unknown failure")
        is_past = channel.is_past(attempt)
        if isinstance(error, ENDINGS) and (is_past or not self.is_open):
            # What has ended the join, or the connection, has been told already.
            log.info(
                "{channel!r}: a callback ended early: {reason}",
                channel=channel,
                reason=error,
            )
            return
        log.failure("{channel!r}: a callback raised", failure=failure, channel=channel)
        if self.routes.get(channel.topic) is not channel:
            return
        if is_past:
            # It has begun anew since, or ends anyway, and in good order.
            channel.report_error(error)
        elif channel.restart == "temporary" or self._crashes_too_often(channel.topic):
            channel.stop_after(error)
        else:
            channel.restart_after(error)

    # -- Inside -------------------------------------------------------------------

    def _settled(self, topic: str) -> bool:
        """Wait for a channel's first join no more.

        :return: whether it was waited for.
        """
        if topic not in self._unsettled:
            return False
        del self._unsettled[topic]
        if not self._unsettled:
            # A dict that was filled once keeps its size.
            self._unsettled = {}
        return True

    def _take_note(self, message: Message) -> None:
        # It may be the answer to a join that was given up.
        if message.event == PHX_REPLY:
            self.joins.server_answered(message.ref)

    def _await_reader(self, inbox: Deadline) -> None:
        # A reader has as much time as a server to show that it is there.
        options = self._options
        self.deadlines.set(
            inbox, options.heartbeat_interval + options.heartbeat_timeout
        )

    def _crashes_too_often(self, topic: str) -> bool:
        options = self._options
        now = self.elapsed()
        crashes = self._crashes.setdefault(topic, deque())
        crashes.append(now)
        while crashes[0] < now - options.max_seconds:
            crashes.popleft()
        return len(crashes) > options.max_restarts

    def _log_failed_start(self, failure: Failure, channel: Channel) -> None:
        log.warn(
            "{channel!r} could not be joined: {reason}",
            channel=channel,
            reason=failure.getErrorMessage(),
        )
