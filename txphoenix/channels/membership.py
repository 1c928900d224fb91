"""A channel from the inside: its life, and what it has.

::

    Channel        what users call and override
      Membership   its state; gives inputs to its life, and does what follows
        LIFE       the table: which state is next, and what follows
        Joins      the join under way, and when it joins again
        Leave      the leave under way
        Pushes     those kept for the join, and those that await a reply
        ChannelHooks, Inbox, PresenceHistory, StopList

A channel is told by its manager, by the replies it waits for and by the server, and
each of these is an input to the table of :mod:`txphoenix.protocol.channel_states`.
Each action sends first, then fires Deferreds and calls the user's code, which may
call anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from ..errors import AlreadyJoined, ChannelClosed
from ..protocol.channel_states import LIFE, Action, Input, State
from ..runtime.hooks import call_hook
from .callbacks import Called
from .hooks import NO_HOOKS, ChannelHooks
from .inbox import Inbox
from .interfaces import ChannelCallbacks
from .joins import Joins
from .leaves import Leave, tell_leave
from .pending import PendingJoin, PendingPush
from .presence_history import PresenceHistory
from .pushes import Pushes
from .surroundings import Surroundings
from .unavailable import not_joined
from .waiters import StopList

__all__ = ["Holder", "Membership"]

_C_co = TypeVar("_C_co", bound=ChannelCallbacks, covariant=True)
_C_contra = TypeVar("_C_contra", bound=ChannelCallbacks, contravariant=True)


class Holder(Surroundings, Protocol[_C_contra]):
    """What holds a channel: its manager, as its inside knows it."""

    def crashed(
        self, membership: Membership[_C_contra], failure: Failure, called: Called
    ) -> None:
        """A callback has raised that was called in an attempt to join."""

    def register(self, membership: Membership[_C_contra]) -> None:
        """Give a topic to a channel."""

    def unregister(self, membership: Membership[_C_contra]) -> None:
        """Take the topic away from a channel that has closed."""

    def give_up(self, membership: Membership[_C_contra], error: BaseException) -> None:
        """End a channel that has raised."""


class Membership(Generic[_C_co]):
    """The inside of one channel.

    What a channel rarely needs is made at its first use: an idle channel stays small.

    :param channel: what users call and override.
    :param manager: sends for the channel, and supervises it.
    :ivar topic: the channel's topic.
    :ivar state: which state of its life it is in.
    :ivar ended_by: what has ended it the last time, for who wonders.
    :ivar made_inbox: its inbox, if anybody has needed it so far.
    :ivar made_pushes: its pushes, if there were any so far.
    """

    __slots__ = (
        "_leave",
        "_stops",
        "channel",
        "ended_by",
        "hooks",
        "joins",
        "made_inbox",
        "made_pushes",
        "manager",
        "presences",
        "state",
        "topic",
    )

    def __init__(self, channel: _C_co, manager: Holder[_C_co]) -> None:
        self.channel = channel
        self.manager = manager
        self.topic = channel.topic
        self.state = _CLOSED
        self.joins = Joins(self)
        self.made_pushes: Pushes | None = None
        self.hooks = NO_HOOKS
        self.presences: PresenceHistory | None = None
        self.ended_by: object = None
        # The leave under way.
        self._leave: Leave | None = None
        self.made_inbox: Inbox | None = None
        self._stops: StopList | None = None

    def __repr__(self) -> str:
        return f"<Membership of {self.channel!r}>"

    def give(self, given: Input, *args: Any) -> None:
        """Go on to the next state, and do what follows.

        :param args: what the action takes.
        """
        old = self.state
        new, act, of_joins = _STEPS[old][given]
        manager = self.manager
        if new is not old:
            self.state = new
            channel = self.channel
            for observer in manager.events.of_changes:
                observer.channel_changed(channel, old, new)
        if act is not None:
            act(self.joins if of_joins else self, *args)
        if new is not old or given is _RETRY:
            manager.check_settled(self.channel)

    # -- What it has, made at its first use ---------------------------------------

    def own_hooks(self) -> ChannelHooks:
        """The channel's hooks, to add some."""
        if self.hooks is NO_HOOKS:
            self.hooks = ChannelHooks()
        return self.hooks

    def own_presences(self) -> PresenceHistory:
        """What is kept of its presences."""
        if self.presences is None:
            events = type(self.channel).presence_events
            self.presences = PresenceHistory(events[0])
        return self.presences

    @property
    def inbox(self) -> Inbox:
        """The messages that wait for ``receive()``."""
        inbox = self.made_inbox
        if inbox is None:
            inbox = self.made_inbox = self.manager.pauses.make_inbox(self.topic)
            if self.state is State.CLOSED:
                inbox.close(not_joined(self.topic, self.state, self.ended_by))
        return inbox

    @property
    def pushes(self) -> Pushes:
        """What it has to send, and has sent."""
        if self.made_pushes is None:
            self.made_pushes = Pushes(self)
        return self.made_pushes

    @property
    def stops(self) -> StopList:
        """Those who wait for its end."""
        if self._stops is None:
            self._stops = StopList(self.manager.stop_waiters)
        return self._stops

    # -- Its join, and its leave --------------------------------------------------

    def join(self, seconds: float) -> Deferred[Any]:
        """Join, as the user wants it.

        :param seconds: the time it has.
        :return: what :meth:`txphoenix.Channel.join` returns.
        """
        manager, pending = self.manager, self.joins.first(seconds)
        if not manager.connection.is_wanted:
            manager.events.tell_missed()
            may_wait = pending.is_patient and not manager.is_ending
            if not (may_wait or manager.connection.is_wanted):
                return fail(manager.cannot_join(self))
        deferred = pending.wait()
        manager.next_joins.begin(pending)
        return deferred

    def take_topic(self) -> None:
        """Be the channel of the topic, from a join to the end."""
        if self.made_inbox is not None:
            self.made_inbox.open()
        self.manager.register(self)

    def leave(self, seconds: float) -> Deferred[None]:
        """Leave, as the user wants it.

        :param seconds: for how long the server's answer is waited for.
        :return: what :meth:`txphoenix.Channel.leave` returns.
        """
        leave = Leave(self)
        deferred = leave.wait()
        if self._leave is None:
            self._leave = leave
        else:
            self._leave.add(leave)
        self.give(Input.LEAVE, leave, seconds)
        return deferred

    def take_pushes(self) -> list[PendingPush]:
        """Take away all pushes, sent or not."""
        return [] if self.made_pushes is None else self.made_pushes.take_all()

    def is_left_by(self, leave: Leave) -> bool:
        """Whether that leave is the one under way, and the channel has not ended."""
        return leave is self._leave

    # -- What the manager tells ---------------------------------------------------

    def connection_opened(self) -> None:
        """Join, or join again."""
        # Whoever was told before may have called join(), which is under way then.
        if self.joins.ref is None and not self.joins.is_asking:
            self.give(Input.OPEN)

    def connection_lost(self, reason: BaseException, was_asked: bool) -> None:
        """Wait for the next connection.

        :param was_asked: whether the user has closed this one, which is no error.
        """
        if self.state is State.JOINING and self.joins.ref is None:
            # The join was never sent: it has lost nothing.
            self.joins.interrupted()
            self.joins.stop_asking()
        else:
            self.give(Input.LOST, reason, was_asked)

    def abandoned(self, error: BaseException) -> None:
        """Fail all that waits: there will be no connection until further notice.

        What is tried again joins after a later ``connect()``.
        """
        pushes = self.made_pushes
        kept = [] if pushes is None else pushes.take_kept()
        joins = self.joins.take(with_patient=False) if self.joins.keeps_trying else None
        if joins is None:
            self.give(Input.REFUSED, error)
        self.manager.dropped.fail([*(joins or ()), *kept], error)
        if self.made_inbox is not None:
            self.made_inbox.interrupt(error)

    def resize_inbox(self, limit: int) -> None:
        """Keep another number of messages for ``receive()``."""
        if self.made_inbox is not None:
            self.made_inbox.resize(limit)

    def crashed(self, failure: Failure, called: Called) -> None:
        """Have what follows the crash of a callback follow."""
        self.manager.crashed(self, failure, called)

    def stop(self, reason: object, crash: BaseException | None = None) -> None:
        """End at once: tell the server, if it is there, and wait for nothing.

        :param reason: what :meth:`txphoenix.Channel.on_close` tells.
        :param crash: the crash of a callback after which it is not restarted.
        """
        tell_leave(self)
        self.give(Input.STOP, reason, crash)

    def withdraw(self, reason: object) -> None:
        """Wait no more to join once the topic has been left.

        Where this channel waits for another one, that was all there was of it.

        :param reason: what its ``on_close`` would be told.
        """
        manager = self.manager
        manager.given_up(self, reason)
        pending = manager.next_joins.take(self)
        if pending is None:
            return
        stops = self._take_stops() if self.state is _CLOSED else ()
        error = reason if isinstance(reason, BaseException) else None
        pending.fail(error or ChannelClosed(reason, self.topic))
        manager.stop_waiters.tell(stops, error)
        manager.writers.check(self.channel)

    # -- The actions --------------------------------------------------------------

    def _plan_rejoin(self, error: BaseException, delay: float | None = None) -> None:
        interrupted = self.joins.interrupted()
        self.joins.rejoins.plan(error, delay)
        self._tell_interrupted(interrupted, error)

    def _tell_interrupted(
        self, pushes: list[PendingPush], error: BaseException, is_told: bool = True
    ) -> None:
        self.joins.stop_asking()
        if pushes:
            self.pushes.interrupt(pushes, error)
        if is_told:
            self.hooks.tell_error(error, self.topic)

    def _leave_nothing(self, *_args: Any) -> None:
        leave, self._leave = self._leave, None
        self.withdraw("left")
        if leave is not None:
            leave.done()

    def _stop_leaving(self, reason: object, *_args: Any) -> None:
        # Another channel may wait for the topic, and is not the one that stops.
        pending = self.manager.next_joins.take(self)
        self._end("left")
        if pending is not None:
            pending.fail(ChannelClosed(reason, self.topic))

    def _end(self, reason: object, crash: BaseException | None = None) -> None:
        manager, channel, topic = self.manager, self.channel, self.topic
        joins = self.joins.end()
        pushes = self.take_pushes()
        leave, self._leave = self._leave, None
        stops = self._take_stops() if self._stops is not None else ()
        self.ended_by = reason
        error = reason if isinstance(reason, BaseException) else None
        tell = None
        try:
            manager.unregister(self)
            if self.presences is not None:
                self.presences.forget()
            self.joins.stop_asking()
            if self.made_inbox is not None:
                tell = self.made_inbox.end(ChannelClosed(reason, topic))
            events = manager.events
            if events.at_rest:
                events.rest()
            for observer in events.of_ends:
                observer.channel_ended(channel, reason)
        finally:
            self.joins.end_is_told()
        # The end is not supervised: there is nothing left to restart.
        call_hook(channel.handle_close, reason, called=("handle_close", topic))
        if crash is not None:
            self.hooks.tell_error(crash, topic)
        self.hooks.tell_close(reason, topic)
        if joins or pushes:
            for join in joins:
                join.fail(error or ChannelClosed(reason, topic))
            manager.dropped.close(pushes, reason, topic)
        if leave is not None:
            leave.done()
        manager.stop_waiters.tell(stops, error)
        manager.next_joins.begin_next(topic)
        # Last, since a loop that joins it anew reads on, and its queue is open by now.
        if tell is not None:
            tell()

    def _take_stops(self) -> list[Any]:
        stops, self._stops = self._stops, None
        return [] if stops is None else stops.take()


def _refuse_second_join(member: Membership[Any], pending: PendingJoin) -> None:
    pending.fail(AlreadyJoined(member.channel))
    member.manager.writers.check(pending.joins.membership.channel)


# Each is called with what was given with the input, and with the membership before it;
# those on the way of each join with its joins.
_OF_JOINS: dict[Action, Callable[..., None]] = {
    Action.BEGIN_JOIN: Joins.begin,
    Action.SEND_JOIN: Joins.enter_queue,
    Action.ENTER: Joins.enter,
}
_ACTIONS: dict[Action, Callable[..., None]] = {
    **_OF_JOINS,
    Action.REFUSE_SECOND_JOIN: _refuse_second_join,
    Action.JOIN_AFTER_LEAVE: lambda member, join: member.manager.next_joins.wait(join),
    Action.PLAN_REJOIN: Membership._plan_rejoin,
    Action.WAIT_FOR_CONNECTION: lambda membership, reason, was_asked: (
        membership._tell_interrupted(
            membership.joins.interrupted(), reason, not was_asked
        )
    ),
    Action.SEND_LEAVE: lambda _, leave, time: leave.send(time),
    Action.LEAVE_NOTHING: Membership._leave_nothing,
    # The leave that is under way answers this one too.
    Action.LEAVE_AGAIN: lambda member, *_: member.withdraw("left"),
    Action.FINISH_LEAVE: lambda membership, *_: membership._end("left"),
    Action.STOP_LEAVING: Membership._stop_leaving,
    Action.WITHDRAW: lambda member, reason="stopped", *_: member.withdraw(reason),
    Action.END: Membership._end,
}

# The table of LIFE with these in it, and None for IGNORE: one look in place of three.
_STEPS: dict[State, dict[Input, tuple[State, Callable[..., None] | None, bool]]] = {}
for (_old, _given), (_new, _do) in LIFE.table.items():
    _STEPS.setdefault(_old, {})[_given] = _new, _ACTIONS.get(_do), _do in _OF_JOINS

# Up to Python 3.11 a function is called where a member of an enumeration is read.
_RETRY, _CLOSED = Input.RETRY, State.CLOSED
