"""The leaves of one channel: the one that was sent, and those who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from .channel_states import Input, State
from .errors import ChannelClosed, NotConnected, SerializerError
from .message import Message
from .package_log import package_log
from .pending import PendingLeave

if TYPE_CHECKING:
    from .channel_membership import Membership

__all__ = ["Leaves"]

log = Logger("txphoenix.channel", observer=package_log)


class Leaves:
    """What one channel knows of its leaves; made for the first that is asked for.

    :param membership: what it is a part of.
    """

    __slots__ = ("_membership", "_waiting")

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._waiting: list[PendingLeave] = []

    def start(self, seconds: float) -> Deferred[None]:
        """Leave, as the user wants it.

        :param seconds: for how long the server's answer is waited for.
        :return: what :meth:`txphoenix.Channel.leave` returns.
        """
        pending = PendingLeave(self)
        deferred = pending.wait()
        self._waiting.append(pending)
        self._membership.give(Input.LEAVE, pending, seconds)
        return deferred

    def send(self, leave: PendingLeave, seconds: float) -> None:
        """Tell the server, and wait for its answer; or be done, if it is not there."""
        membership = self._membership
        manager = membership.manager
        join_ref = membership.joins.ref
        waiting = [*membership.joins.take(), *membership.pushes.take_all()]
        if join_ref is None or not manager.connection.is_open:
            membership.give(Input.LEFT)
        else:
            leave.sent_at = manager.deadlines.elapsed()
            ref = send_leave(membership, join_ref)
            # Whoever encodes it, or is told of it, may have ended the channel.
            if leave in self._waiting:
                if ref is None:
                    membership.give(Input.LEFT)
                else:
                    membership.pushes.expect(ref, leave, seconds)
            inbox = membership.made_inbox
            if inbox is not None and membership.life.state is State.LEAVING:
                # The server's answer must not wait for somebody who has left.
                inbox.forget_reader()
        if waiting:
            membership.pushes.fail(waiting, ChannelClosed("left", membership.topic))

    def answered(self, leave: PendingLeave) -> None:
        """Be closed: the server has answered the leave."""
        membership = self._membership
        manager = membership.manager
        duration = manager.deadlines.elapsed() - leave.sent_at
        for tell in manager.events.leave_answered:
            tell(membership.channel, duration)
        manager.joins.server_answered(membership.joins.ref)
        membership.give(Input.LEFT)

    def expired(self) -> None:
        """Be closed: the server had its time to answer the leave."""
        self._membership.give(Input.LEFT)

    def take(self) -> list[PendingLeave]:
        """Take away all who wait."""
        waiting, self._waiting = self._waiting, []
        return waiting


def send_leave(membership: Membership, join_ref: str) -> str | None:
    """Tell the server that a join is over, as far as the user's codec can.

    :return: the ref that the answer will have; None if the server is not told.
    """
    manager = membership.manager
    ref = manager.next_ref()
    try:
        manager.send(Message.leave(membership.channel.topic, ref, join_ref))
    except NotConnected:
        # The codec has closed the connection, and the server forgets the join.
        return None
    except SerializerError:
        log.failure(
            "{channel!r}: the server is not told of a leave",
            channel=membership.channel,
        )
        return None
    return ref
