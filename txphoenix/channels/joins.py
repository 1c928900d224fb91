"""The joins of one channel: the one under way, from its beginning to its end.

::

    begin -> enter_queue -> prepare: params, init() -> send -> answered
                          ^                                        |
                          +--- rejoin due, connection opened ------+--- failed

When a join's turn comes, and when its time runs, is the business of
:mod:`txphoenix.channels.join_queue`; when the channel joins again, that of
:mod:`txphoenix.channels.rejoins`.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..error_texts import UNWRITTEN
from ..errors import JoinError, JoinTimeout, SerializerError
from ..protocol.channel_states import Input, State
from ..protocol.message import Message
from .callbacks import run_callback
from .interfaces import Member
from .join_preparation import JoinPreparation, PreparingMember
from .leaves import tell_leave
from .pending import PendingJoin, PendingPush, PendingReply
from .pushes import Pushes
from .rejoins import Rejoins
from .surroundings import JoinSender

__all__ = ["Joins"]


# Up to Python 3.11 a function is called where a member of an enumeration is read.
_OK, _OPEN, _LEAVING = Input.OK, Input.OPEN, State.LEAVING


class JoiningMember(PreparingMember, Member, Protocol):
    """A channel's inside, as its joins know it."""

    @property
    def joins(self) -> Joins:
        """These joins."""

    @property
    def made_pushes(self) -> Pushes | None:
        """What was kept for the join, if there were any pushes so far."""

    @property
    def manager(self) -> JoinSender:
        """Sends."""

    def take_topic(self) -> None:
        """Be the channel of the topic."""

    def stop(self, reason: object) -> None:
        """End at once."""


class Joins:
    """What one channel knows of its joins.

    :ivar membership: what it is a part of.
    :ivar ref: the ref of the join that the server has, or None.
    :ivar awaited: the join or the leave that waits for its answer; there is one of the
        two at a time.
    :ivar awaited_ref: the ref of the one that was sent last.
    :ivar attempt: counts the joins and their ends, so that what began in one and comes
        later finds out: params, and failures of callbacks.
    :ivar is_initialised: whether :meth:`txphoenix.Channel.init` is done for the join.
    :ivar keeps_trying: whether a failed join is tried again rather than being the end.
    :ivar is_closing: whether the channel is to be told of its end; joins wait for that.
    :ivar made_rejoins: when it joins again, if it was interrupted since it began.
    """

    __slots__ = (
        "_pending",
        "_preparation",
        "attempt",
        "awaited",
        "awaited_ref",
        "is_closing",
        "is_initialised",
        "keeps_trying",
        "made_rejoins",
        "membership",
        "ref",
    )

    def __init__(self, membership: JoiningMember) -> None:
        self.membership = membership
        self.ref: str | None = None
        self.awaited: PendingReply | None = None
        self.awaited_ref: str | None = None
        self.attempt = 0
        self.is_initialised = False
        self.keeps_trying = self.is_closing = False
        # The join under way, and what it asks of the user.
        self._pending: PendingJoin | None = None
        self._preparation: JoinPreparation | None = None
        self.made_rejoins: Rejoins | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the channel joins on this connection, and has not sent that yet."""
        pending = self._pending
        return pending is not None and pending.is_queued and self.ref is None

    @property
    def is_asking(self) -> bool:
        """Whether a join waits for its params or for init()."""
        preparation = self._preparation
        return preparation is not None and preparation.is_waiting

    def is_past(self, attempt: int) -> bool:
        """Whether what began in that attempt to join does not concern the present."""
        return attempt != self.attempt or self.membership.state is _LEAVING

    def keep_trying(self) -> None:
        """Have the first join be tried until it succeeds, as a rejoin is."""
        self.keeps_trying = True

    def first(self, seconds: float) -> PendingJoin:
        """Make the join that the user wants, which is to :meth:`begin`."""
        is_patient = self.keeps_trying and self.membership.state is State.CLOSED
        self.keeps_trying = self.keeps_trying and not is_patient
        return PendingJoin(self, seconds, is_patient)

    def forget_init(self) -> None:
        """Have the next join begin with :meth:`txphoenix.Channel.init`."""
        self.is_initialised = False

    # -- The way of a join --------------------------------------------------------

    def begin(self, pending: PendingJoin) -> None:
        """Take the topic for a join, which is sent as soon as that is possible."""
        manager = self.membership.manager
        self._pending, self.keeps_trying = pending, pending.is_patient
        self.membership.take_topic()
        if manager.connection.is_open:
            self.membership.give(_OPEN)
        elif self._pending is pending:
            # The channel's own start has not ended it.
            # One that has waited for a leave has used up some of its time.
            pending.wait_to_be_sent(manager.deadlines)

    def enter_queue(self) -> None:
        """Have the join, or a rejoin, take its turn."""
        manager = self.membership.manager
        if self.made_rejoins is not None:
            self.made_rejoins.cancel()
        if self._pending is None:
            self._pending = PendingJoin(self, manager.timeout, is_patient=True)
        manager.joins.enter(self._pending)

    def prepare(self, pending: PendingJoin) -> None:
        """Ask for what the join sends; its turn has come."""
        self.attempt = attempt = self.attempt + 1
        membership = self.membership
        channel = membership.channel
        params = channel.params
        if callable(params):
            self._preparation = JoinPreparation(self, pending)
            self._preparation.ask_for(params)
            return
        begun = self.is_initialised or run_callback(membership, channel.init, params)
        # It may have crashed, or left, or have lost us the connection.
        if begun and attempt == self.attempt:
            if begun is True:
                self.prepared(pending, params)
            else:
                self._preparation = JoinPreparation(self, pending)
                self._preparation.wait_for(begun, params)

    def prepared(self, pending: PendingJoin, params: Any) -> None:
        """Send the join, or have it wait until that is possible."""
        self.is_initialised = True
        self._preparation = None
        pending.prepared(params)
        manager = self.membership.manager
        if manager.connection.is_open:
            manager.joins.ready(pending)

    def send(self, pending: PendingJoin) -> None:
        """Send the join, for which everything is there."""
        membership = self.membership
        manager = membership.manager
        connection = manager.connection
        ref = manager.next_ref()
        message = Message.join(membership.topic, pending.params, ref)
        attempt = self.attempt
        try:
            data, is_binary = connection.encode(message)
        except SerializerError as error:
            if attempt == self.attempt:
                self.failed(error)
            return
        # The codec may be the user's, and have ended the join, or the connection.
        if attempt != self.attempt or not connection.is_open:
            return
        # First, since telemetry is told that it is sent, and may leave.
        self.ref = ref
        pending.sending(manager.deadlines.elapsed(), int(ref))
        self.awaited, self.awaited_ref = pending, ref
        manager.joins.sent(pending)
        pending.sent(connection.write(message, data, is_binary))

    def enter(self, pending: PendingJoin, response: Any) -> None:
        """Be joined: send what was kept, and tell who waits."""
        membership = self.membership
        channel, manager = membership.channel, membership.manager
        attempt = self.attempt
        self.keeps_trying = True
        if self.made_rejoins is not None:
            self.made_rejoins.joined()
        # A connection that is closing keeps them for the next.
        pushes = membership.made_pushes if manager.connection.is_open else None
        unsent = () if pushes is None else pushes.write_kept(self.ref)
        events = manager.events
        if events.at_rest:
            events.rest()
        # Whoever is asked or told may have ended the join: is_past(), without the call.
        if attempt == self.attempt and membership.state is not _LEAVING:
            duration = manager.deadlines.elapsed() - pending.sent_at
            for observer in events.of_joins:
                observer.channel_joined(channel, response, duration)
        is_over = attempt != self.attempt or membership.state is _LEAVING
        is_well = is_over or run_callback(membership, channel.handle_join, response)
        for push, error in unsent:
            push.fail(error)
        if is_over:
            return
        if not is_well:
            # The join of the restart takes the Deferred over, if it can be sent.
            if self._pending is pending and not pending.is_queued:
                pending.wait_to_be_sent(manager.deadlines)
            return
        if self._pending is pending:
            self._pending = None
        pending.succeed(response)

    # -- What becomes of it -------------------------------------------------------

    def expect(self, ref: str, leave: PendingReply) -> None:
        """Wait for the reply to a leave."""
        self.awaited, self.awaited_ref = leave, ref

    def take_awaited(self) -> PendingReply | None:
        """Take away who waits for the reply to ``awaited_ref``: it is there."""
        awaited, self.awaited = self.awaited, None
        return awaited

    def answered(self, pending: PendingJoin, status: str, response: Any) -> None:
        """Take the reply to the join."""
        membership = self.membership
        membership.manager.joins.answered(pending)
        if status == "ok":
            membership.give(_OK, pending, response)
        else:
            self.failed(JoinError(response, membership.topic))

    def expired(self, pending: PendingJoin) -> None:
        """Give up a join that was not answered in time, or go on waiting for it."""
        membership = self.membership
        manager = membership.manager
        if manager.joins.keeps(pending):
            return
        obstacle: BaseException | str | None = None
        if pending is not self._pending:
            obstacle = "the topic is still being left"
        elif self.is_asking:
            obstacle = "waiting for its params or init()"
        elif not pending.was_sent:
            obstacle = manager.obstacle
        elif self.ref is not None and manager.connection.withdraw(pending.mark):
            self.ref = None
            pending.withdrawn()
            obstacle = None if pending.was_sent else UNWRITTEN
        error = JoinTimeout(pending.timeout, membership.topic, obstacle)
        if pending is not self._pending:
            membership.withdraw(error)
            return
        # The server may have joined us all the same.
        tell_leave(membership)
        self.failed(error)

    def cancelled(self, pending: PendingJoin) -> None:
        """Leave, because the join's Deferred was cancelled."""
        if pending is self._pending:
            self.membership.stop("left")
        else:
            self.membership.withdraw("left")

    def was_reached(self) -> None:
        """Take note that the server has come to the join, whatever has become of it."""
        if self._pending is not None:
            self.membership.manager.joins.answered(self._pending)

    def failed(self, error: BaseException) -> None:
        """Try again, or be over, after a join that has failed."""
        membership = self.membership
        is_awaited = self._pending is not None and self._pending.deferred is not None
        for observer in membership.manager.events.observers:
            observer.join_failed(membership.channel, error, is_awaited)
        if not self.keeps_trying:
            membership.give(Input.REFUSED, error)
            return
        joins = self.take()
        membership.give(Input.RETRY, error)
        for join in joins:
            join.fail(error)

    def interrupted(self) -> list[PendingPush]:
        """Be no longer joined; return the pushes that will not be answered."""
        manager = self.membership.manager
        was_sent, self.ref = self.ref is not None, None
        self.attempt += 1
        if self.made_rejoins is not None:
            self.made_rejoins.cancel()
            self.made_rejoins.interrupted()
        pending = self._pending
        if pending is not None:
            if was_sent and manager.connection.withdraw(pending.mark):
                pending.withdrawn()
            manager.joins.remove(pending)
            pending.wait_to_be_sent(manager.deadlines)
            if pending.deferred is None:
                self._pending = None
        self.awaited = None
        pushes = self.membership.made_pushes
        return [] if pushes is None else pushes.take_sent()

    @property
    def rejoins(self) -> Rejoins:
        """When it joins again."""
        if self.made_rejoins is None:
            self.made_rejoins = Rejoins(self.membership)
        return self.made_rejoins

    def take(self, with_patient: bool = True) -> list[PendingJoin]:
        """Take away the join under way, if there is one.

        :param with_patient: also one that waits for another connection if it is left.
        """
        self.awaited = None
        pending = self._pending
        if pending is None:
            return []
        manager = self.membership.manager
        manager.joins.remove(pending)
        if pending.is_patient and not with_patient:
            pending.wait_to_be_sent(manager.deadlines)
            return []
        self._pending = None
        return [pending]

    def end(self) -> list[PendingJoin]:
        """Be as if there had been no join; stop_asking() and end_is_told() follow.

        :return: the join under way, if there is one.
        """
        if self.made_rejoins is not None:
            self.made_rejoins.cancel()
        self.ref = self.made_rejoins = None
        self.attempt += 1
        self.keeps_trying = self.is_initialised = False
        self.is_closing = True
        return self.take()

    def end_is_told(self) -> None:
        """Let it join again: what goes before that is done."""
        self.is_closing = False

    def stop_asking(self) -> None:
        """Wait no more for params or init()."""
        preparation, self._preparation = self._preparation, None
        if preparation is not None:
            preparation.cancel()
