"""The pushes of one channel: those kept for the join, and those awaiting a reply.

::

    keep  ->  write  ->  take: answered | forget: expired or cancelled
                     ->  take_sent: the channel has ended, or was interrupted
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .channel_states import State
from .errors import NotConnected, PushInterrupted, SerializerError
from .message import Message, new_message
from .pending import PendingPush, PendingReply
from .unavailable import not_joined

if TYPE_CHECKING:
    from .channels import ChannelManager

__all__ = ["Pushes"]


class Pushes:
    """What one channel has to send, and what it has sent and waits for.

    Both tables are made at their first use: an idle channel has none.

    :param topic: the channel's topic.
    :param manager: sends, and holds the deadlines.
    """

    __slots__ = ("_kept", "_manager", "_sent", "_topic")

    def __init__(self, topic: str, manager: ChannelManager) -> None:
        self._topic = topic
        self._manager = manager
        # A plain dict finds its first behind all that were taken out before it.
        self._kept: OrderedDict[PendingPush, None] | None = None
        self._sent: dict[str | None, PendingReply] | None = None

    @property
    def kept(self) -> int:
        """How many pushes wait to be sent."""
        return len(self._kept or ())

    def keep(self, pending: PendingPush) -> None:
        """Hold a push back until :meth:`write_kept`; its time is running."""
        if self._kept is None:
            self._kept = OrderedDict()
        self._kept[pending] = None
        self._manager.deadlines.set(pending, pending.timeout)

    def write(self, pending: PendingPush, join_ref: str | None) -> Exception | None:
        """Send a push.

        :return: why it could not be sent, or None.
        """
        manager = self._manager
        ref = manager.next_ref()
        try:
            mark = manager.send(
                new_message(
                    Message,
                    (join_ref, ref, self._topic, pending.event, pending.payload),
                )
            )
        except (SerializerError, NotConnected) as error:
            # The latter where a codec of the user's has closed the connection.
            return error
        if not pending.wants_reply:
            pending.succeed(None)
            return None
        if pending.channel.join_ref != join_ref:
            # Who has encoded it, or was told that it is sent, has ended the join.
            return self._cut_short(pending, mark)
        pending.ref = ref
        pending.mark = mark
        pending.payload = None
        # expect(), without the call: this is on the way of each push.
        sent = self._sent
        if sent is None:
            sent = self._sent = {}
        sent[ref] = pending
        if not pending.is_set:
            manager.deadlines.set(pending, pending.timeout)
        return None

    def write_kept(self, join_ref: str | None) -> list[tuple[PendingPush, Exception]]:
        """Send what was kept, in order, as far as the connection takes it.

        :return: those that could not be sent, each with its error; they are still to
            be failed.
        """
        failed: list[tuple[PendingPush, Exception]] = []
        kept, manager = self._kept, self._manager
        while kept and manager.is_writable:
            pending = next(iter(kept))
            if pending.channel.join_ref != join_ref:
                # Who has encoded one, or was told of it, has ended the join.
                return failed
            del kept[pending]
            error = self.write(pending, join_ref)
            if error is not None:
                failed.append((pending, error))
        if kept:
            manager.hold_pushes(self._topic)
        elif kept is self._kept:
            self._kept = None
        return failed

    def _cut_short(self, pending: PendingPush, mark: int | None) -> Exception:
        """Take a push back whose join has ended while it was sent.

        :return: what it fails with.
        """
        channel, manager = pending.channel, self._manager
        was_sent = not manager.connection.withdraw(mark)
        if channel.state in (State.CLOSED, State.LEAVING):
            return not_joined(self._topic, channel.state, channel.ended_by)
        return PushInterrupted(None, self._topic, pending.event, was_sent)

    def fail(self, taken: Iterable[PendingReply], error: BaseException) -> None:
        """Fail what was taken away; those for which nobody waits make one line."""
        with self._manager.dropped.together():
            for pending in taken:
                pending.fail(error)

    def expect(
        self, ref: str, pending: PendingReply, timeout: float | None = None
    ) -> None:
        """Wait for the reply to ``ref``.

        :param timeout: for how many seconds, where no deadline is set already; None
            where somebody else sees to that.
        """
        sent = self._sent
        if sent is None:
            sent = self._sent = {}
        sent[ref] = pending
        if timeout is not None and not pending.is_set:
            self._manager.deadlines.set(pending, timeout)

    def take(self, ref: str | None) -> PendingReply | None:
        """Take away who waits for the reply to ``ref``; a second one finds nobody."""
        return None if self._sent is None else self._sent.pop(ref, None)

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
        """Take away the pushes that will not be answered any more.

        The channel itself knows of its join and its leave: these are dropped.
        """
        sent, self._sent = self._sent, None
        if not sent:
            return []
        return [each for each in sent.values() if isinstance(each, PendingPush)]

    def take_all(self) -> list[PendingPush]:
        """Take away all pushes: those that were sent, and those that were not."""
        sent, kept = self.take_sent(), self.take_kept()
        return [*sent, *kept] if kept else sent
