"""The pushes of one channel: those kept for the join, and those awaiting a reply.

::

    keep  ->  write  ->  take: answered | forget: expired or cancelled
                     ->  take_sent: the channel has ended, or was interrupted
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail

from ..error_texts import UNWRITTEN
from ..errors import (
    BufferFull,
    ConfigurationError,
    NotConnected,
    PhoenixError,
    PushError,
    PushInterrupted,
    PushTimeout,
    SerializerError,
)
from ..options.options import Options
from ..protocol.channel_states import Input, State
from ..protocol.message import Message, new_message
from ..protocol.reserved_events import NOT_PUSHED, check_pushed, not_pushed
from ..runtime.reactor_thread import DEV_MODE, check_thread
from ..telemetry import push_handlers
from .channel_events import ChannelEvents
from .dropped_pushes import DroppedPushes
from .interfaces import Member, Sender
from .pending import PendingPush
from .push_ends import tell_failed, tell_replied
from .unavailable import not_joined
from .waiters import NextJoins
from .writers import NOT_YET

__all__ = ["LatestJoin", "PushSender", "Pushes"]

# Up to Python 3.11 a function is called where a member of an enumeration is read.
_JOINED, _CLOSED, _LEAVING = State.JOINED, State.CLOSED, State.LEAVING

# What the server answers to a push for a topic that it does not hold joined.
_UNMATCHED_TOPIC = {"reason": "unmatched topic"}


class PushSender(Sender, Protocol):
    """What pushes are sent by, and what says whether they may be."""

    @property
    def options(self) -> Options:
        """The client's options, which say how much may wait."""

    @property
    def is_writable(self) -> bool:
        """Whether pushes can be sent: the connection is open, and takes more."""

    @property
    def next_joins(self) -> NextJoins:
        """The joins that wait for a topic to be left."""

    @property
    def dropped(self) -> DroppedPushes:
        """What was never sent, and nobody waits for."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""

    def check_timeout(self, timeout: float | None) -> float:
        """Check a timeout."""

    def hold_pushes(self, topic: str) -> None:
        """Have the channel be told when the connection takes more."""

    def not_connected(self, what: str) -> NotConnected:
        """The error of what needs a connection, where there will be none."""


class LatestJoin(Protocol):
    """The joins of a channel, as its pushes know them."""

    @property
    def ref(self) -> str | None:
        """The ref of the join that the server has, or None."""


class PushingMember(Member, Protocol):
    """A channel's inside, as its pushes know it."""

    @property
    def joins(self) -> LatestJoin:
        """With which join they are sent."""

    @property
    def manager(self) -> PushSender:
        """Sends them."""

    @property
    def ended_by(self) -> object:
        """What has ended the channel the last time."""


class Pushes:
    """What one channel has to send, and what it has sent and waits for.

    A channel has it from its first push on, and each of the two tables from their first
    use: an idle channel has none.

    :param membership: what it is a part of.
    :ivar topic: the channel's topic.
    """

    __slots__ = ("_kept", "_membership", "_sent", "topic")

    def __init__(self, membership: PushingMember) -> None:
        self._membership = membership
        self.topic = membership.topic
        # A plain dict finds its first behind all that were taken out before it.
        self._kept: OrderedDict[PendingPush, None] | None = None
        self._sent: dict[str | None, PendingPush] | None = None

    def push(self, event: str, payload: Any, timeout: float | None) -> Deferred[Any]:
        """Push, as the user wants it.

        :return: what :meth:`txphoenix.Channel.push` returns.
        """
        if DEV_MODE or Deferred.debug:
            check_thread("push")
        membership = self._membership
        manager = membership.manager
        if timeout is None:
            seconds = manager.timeout
        else:
            try:
                seconds = manager.check_timeout(timeout)
            except ConfigurationError as wrong:
                return fail(self._refused(event, wrong))
        try:
            if event in NOT_PUSHED:
                return fail(self._refused(event, not_pushed(event)))
        except TypeError:
            # It is something that no dict can hold.
            return fail(self._refused(event, not_pushed(event)))
        pending = PendingPush(self, event, payload, seconds)
        deferred = pending.wait()
        if membership.state is _JOINED and manager.is_writable:
            error = self.write(pending, membership.joins.ref)
        else:
            error = self.why_not(event)
            if error is None:
                self.keep(pending)
        if error is not None:
            pending.fail(error)
        return deferred

    def push_async(self, event: str, payload: Any) -> None:
        """Push without a reply, as the user wants it.

        What :meth:`txphoenix.Channel.push_async` raises is raised.
        """
        if DEV_MODE or Deferred.debug:
            check_thread("push_async")
        membership = self._membership
        manager = membership.manager
        try:
            check_pushed(event)
            if membership.state is _JOINED and manager.is_writable:
                fields = (
                    membership.joins.ref,
                    manager.next_ref(),
                    self.topic,
                    event,
                    payload,
                )
                manager.send(new_message(Message, fields))
                return
            why_not = self.why_not(event)
            if why_not is not None:
                raise why_not
        except PhoenixError as error:
            self._refused(event, error)
            raise
        pending = PendingPush(self, event, payload, manager.timeout, wants_reply=False)
        self.keep(pending)

    @property
    def kept(self) -> int:
        """How many pushes wait to be sent."""
        return len(self._kept or ())

    @property
    def awaiting_reply(self) -> int:
        """How many pushes were sent, and wait for their replies."""
        return len(self._sent or ())

    def keep(self, pending: PendingPush) -> None:
        """Hold a push back until :meth:`write_kept`; its time is running."""
        if self._kept is None:
            self._kept = OrderedDict()
        self._kept[pending] = None
        self._membership.manager.deadlines.set(pending, pending.timeout)

    def write(self, pending: PendingPush, join_ref: str | None) -> Exception | None:
        """Send a push.

        :return: why it could not be sent, or None.
        """
        membership = self._membership
        manager = membership.manager
        ref = manager.next_ref()
        if not pending.is_set:
            # First, for telemetry counts from here, and to encode it takes time too.
            manager.deadlines.set(pending, pending.timeout)
        try:
            mark = manager.send(
                new_message(
                    Message,
                    (join_ref, ref, self.topic, pending.event, pending.payload),
                )
            )
        except (SerializerError, NotConnected) as error:
            # The latter where a codec of the user's has closed the connection.
            return error
        if not pending.wants_reply:
            pending.succeed(None)
            return None
        if membership.joins.ref != join_ref:
            # Who has encoded it, or was told that it is sent, has ended the join.
            return self._cut_short(pending, mark)
        pending.sent(ref, mark)
        sent = self._sent
        if sent is None:
            sent = self._sent = {}
        sent[ref] = pending
        return None

    def write_kept(self, join_ref: str | None) -> list[tuple[PendingPush, Exception]]:
        """Send what was kept, in order, as far as the connection takes it.

        :return: those that could not be sent, each with its error; they are still to
            be failed.
        """
        failed: list[tuple[PendingPush, Exception]] = []
        membership = self._membership
        kept, manager = self._kept, membership.manager
        while kept and manager.is_writable:
            pending = next(iter(kept))
            if membership.joins.ref != join_ref:
                # Who has encoded one, or was told of it, has ended the join.
                return failed
            del kept[pending]
            error = self.write(pending, join_ref)
            if error is not None:
                failed.append((pending, error))
        if kept:
            manager.hold_pushes(self.topic)
        elif kept is self._kept:
            self._kept = None
        return failed

    def send_kept(self) -> None:
        """Send what was kept, now that the connection takes more."""
        membership = self._membership
        if membership.state is _JOINED:
            for pending, error in self.write_kept(membership.joins.ref):
                pending.fail(error)

    def why_not(self, event: str = "a message") -> Exception | None:
        """Why a push would be refused now, or None if it would be taken."""
        membership = self._membership
        manager, state = membership.manager, membership.state
        if state is _CLOSED or state is _LEAVING:
            joins_next = manager.next_joins.has(membership)
            return not_joined(self.topic, state, membership.ended_by, joins_next)
        if not manager.connection.is_wanted:
            return manager.not_connected(f"{event} cannot be pushed to {self.topic}")
        if state is _JOINED and manager.connection.is_open:
            if manager.is_writable:
                return None
            limit, buffer = manager.options.write_buffer, "write_buffer"
        elif self.kept < manager.options.push_buffer:
            return None
        else:
            limit, buffer = manager.options.push_buffer, "push_buffer"
        return BufferFull(limit, self.topic, event, buffer)

    def why_not_send(self) -> Exception | None:
        """Why a push would not be sent now, be it that it would only be kept."""
        membership = self._membership
        if membership.manager.next_joins.has(membership):
            return NOT_YET
        error = self.why_not()
        is_there = membership.state is _JOINED and membership.manager.connection.is_open
        return error if error is not None or is_there else NOT_YET

    def _refused(self, event: object, error: PhoenixError) -> PhoenixError:
        """Tell who observes of a push that was never one; returns the error."""
        if push_handlers:
            tell_failed(self._membership, event, error)
        return error

    def _cut_short(self, pending: PendingPush, mark: int | None) -> Exception:
        """Take a push back whose join has ended while it was sent.

        :return: what it fails with.
        """
        membership = self._membership
        was_sent = not membership.manager.connection.withdraw(mark)
        state = membership.state
        if state in (_CLOSED, _LEAVING):
            ended_by = membership.ended_by
            return not_joined(self.topic, state, ended_by, was_sent=was_sent)
        return PushInterrupted(None, self.topic, pending.event, was_sent)

    def take(self, ref: str | None) -> PendingPush | None:
        """Take away who waits for the reply to ``ref``; a second one finds nobody."""
        sent = self._sent
        return None if sent is None else sent.pop(ref, None)

    def awaits(self, ref: str | None) -> bool:
        """Whether anybody waits for the reply to ``ref``."""
        return self._sent is not None and ref in self._sent

    def forget(self, pending: PendingPush) -> None:
        """Drop a push whose time is over or that was cancelled."""
        if pending.ref is not None:
            if self._sent is not None:
                self._sent.pop(pending.ref, None)
        elif self._kept is not None:
            self._kept.pop(pending, None)

    def take_kept(self) -> list[PendingPush]:
        """Take away the pushes that were never sent."""
        kept, self._kept = self._kept, None
        return list(kept) if kept else []

    def take_sent(self) -> list[PendingPush]:
        """Take away the pushes that will not be answered any more."""
        sent, self._sent = self._sent, None
        return [] if sent is None else list(sent.values())

    def take_all(self) -> list[PendingPush]:
        """Take away all pushes: those that were sent, and those that were not."""
        sent, kept = self.take_sent(), self.take_kept()
        return [*sent, *kept] if kept else sent

    # -- What becomes of them -----------------------------------------------------

    def expired(self, pending: PendingPush) -> None:
        """Give up a push that was not answered, or not even sent, in time."""
        manager = self._membership.manager
        obstacle: BaseException | str | None = None
        if pending.ref is None:
            obstacle = manager.obstacle
        elif manager.connection.withdraw(pending.mark):
            obstacle = UNWRITTEN
        self.forget(pending)
        pending.fail(PushTimeout(pending.timeout, self.topic, pending.event, obstacle))

    def dropped(self, pending: PendingPush, error: BaseException) -> None:
        """Have the log tell of a push that nobody waits for, and that was not sent."""
        self._membership.manager.dropped.add(self.topic, pending.event, error)

    def replied(self, pending: PendingPush, status: object, response: object) -> None:
        """Tell who observes of a reply."""
        tell_replied(self._membership, pending, status, response)

    def failed(self, pending: PendingPush, error: BaseException) -> None:
        """Tell who observes of a push that ends without a reply."""
        tell_failed(self._membership, pending.event, error, pending)

    def cancelled(self, pending: PendingPush) -> None:
        """Take a push out of the tables, and out of what waits to be written."""
        self.forget(pending)
        if pending.ref is not None:
            self._membership.manager.connection.withdraw(pending.mark)

    def refused_without_join_ref(self, error: PushError) -> None:
        """See whether the server does not hold the channel joined.

        It says so in the reply to a push, and only there: we believed to be joined
        and are not, which is as good as a crash.
        """
        if error.response == _UNMATCHED_TOPIC:
            self._membership.give(Input.RETRY, error)

    def interrupt(self, pushes: list[PendingPush], error: BaseException) -> None:
        """Fail those of which the replies will not come any more.

        :param pushes: what :meth:`take_sent` has taken away.
        """
        withdraw = self._membership.manager.connection.withdraw
        for pending in pushes:
            was_sent = not withdraw(pending.mark)
            pending.fail(PushInterrupted(error, self.topic, pending.event, was_sent))
