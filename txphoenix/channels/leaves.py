"""The leave of one channel: what is sent, and who waits for it."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from ..errors import NotConnected, SerializerError
from ..protocol.channel_states import Input, State
from ..protocol.message import Message
from ..runtime.package_log import package_log
from .channel_events import ChannelEvents
from .dropped_pushes import DroppedPushes
from .inbox import Inbox
from .interfaces import Member, Sender
from .join_queue import JoinQueue
from .pending import PendingJoin, PendingPush, PendingReply
from .pushes import LatestJoin

__all__ = ["Leave", "tell_leave"]

log = Logger("txphoenix.channel", observer=package_log)

# Up to Python 3.11 a function is called where a member of an enumeration is read.
_LEFT, _LEAVING = Input.LEFT, State.LEAVING


class JoinedMember(Member, Protocol):
    """A channel's inside, as what tells the server of its end knows it."""

    @property
    def joins(self) -> LatestJoin:
        """Which join the server has."""

    @property
    def manager(self) -> Sender:
        """Sends."""


class LeftJoins(LatestJoin, Protocol):
    """The joins of a channel, as its leave knows them."""

    def take(self) -> list[PendingJoin]:
        """Take away the join under way, if there is one."""

    def expect(self, ref: str, leave: PendingReply) -> None:
        """Wait for the reply to a leave."""


class LeaveSender(Sender, Protocol):
    """What a leave is sent by, and who is told that it was answered."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""

    @property
    def dropped(self) -> DroppedPushes:
        """Fails what will not be answered."""

    @property
    def joins(self) -> JoinQueue:
        """Finds out from an answer how far the server has come."""


class LeavingMember(JoinedMember, Protocol):
    """A channel's inside, as its leave knows it."""

    @property
    def joins(self) -> LeftJoins:
        """Its joins, of which there is none any more."""

    @property
    def made_inbox(self) -> Inbox | None:
        """Its inbox, if anybody has needed it so far."""

    @property
    def manager(self) -> LeaveSender:
        """Sends."""

    def take_pushes(self) -> list[PendingPush]:
        """Take away its pushes, which are over as well."""

    def is_left_by(self, leave: Leave) -> bool:
        """Whether that leave is the one under way."""


class Leave(PendingReply):
    """A leave: whatever the server answers, or if it does not, the channel ends.

    :param membership: of the channel that leaves.
    """

    __slots__ = ("_membership", "_others", "_sent_at")

    def __init__(self, membership: LeavingMember) -> None:
        self._queue = None
        self.deferred = None
        self._membership = membership
        self._sent_at = 0.0
        # Most are the only one.
        self._others: list[Leave] | None = None

    def add(self, other: Leave) -> None:
        """Have another one be done with this one."""
        if self._others is None:
            self._others = []
        self._others.append(other)

    def send(self, seconds: float) -> None:
        """Tell the server, and wait for its answer; or be done, if it is not there.

        :param seconds: for how long the answer is waited for.
        """
        membership = self._membership
        manager = membership.manager
        join_ref = membership.joins.ref
        waiting = [*membership.joins.take(), *membership.take_pushes()]
        if join_ref is None or not manager.connection.is_open:
            membership.give(_LEFT)
        else:
            self._sent_at = manager.deadlines.elapsed()
            ref = _send_leave(membership, join_ref)
            # Whoever encodes it, or is told of it, may have ended the channel.
            if membership.is_left_by(self):
                if ref is None:
                    membership.give(_LEFT)
                else:
                    membership.joins.expect(ref, self)
                    manager.deadlines.set(self, seconds)
            inbox = membership.made_inbox
            if inbox is not None and membership.state is _LEAVING:
                # The server's answer must not wait for somebody who has left.
                inbox.forget_reader()
        if waiting:
            manager.dropped.close(waiting, "left", membership.topic)

    def answered(self, _payload: Any, _join_ref: str | None) -> None:
        """Have the channel be closed: the server has answered."""
        membership = self._membership
        manager = membership.manager
        duration = manager.deadlines.elapsed() - self._sent_at
        for observer in manager.events.of_leaves:
            observer.leave_answered(membership.channel, duration)
        manager.joins.server_answered(membership.joins.ref)
        membership.give(_LEFT)

    def expired(self) -> None:
        """Have the channel be closed: the server had its time to answer."""
        self._membership.give(_LEFT)

    def done(self) -> None:
        """Tell who waits, for this one and for the others, that it is done."""
        self.succeed(None)
        for other in self._others or ():
            other.succeed(None)

    def __call__(self, _deferred: Deferred[Any]) -> None:
        """Have nobody who waits; the channel leaves all the same, and in time."""
        self.deferred = None


def tell_leave(membership: JoinedMember) -> None:
    """Have the server forget a channel, without waiting for its answer."""
    ref = membership.joins.ref
    if (
        ref is not None
        and membership.state is not _LEAVING
        and membership.manager.connection.is_open
    ):
        _send_leave(membership, ref)


def _send_leave(membership: JoinedMember, join_ref: str) -> str | None:
    """Tell the server that a join is over, as far as the user's codec can.

    :return: the ref that the answer will have; None if the server is not told.
    """
    manager = membership.manager
    ref = manager.next_ref()
    try:
        manager.send(Message.leave(membership.topic, ref, join_ref))
    except NotConnected:
        # The codec has closed the connection, and the server forgets the join.
        return None
    except SerializerError:
        log.failure(
            "{topic}: the server is not told of a leave",
            level=LogLevel.error,
            topic=membership.topic,
        )
        return None
    return ref
