"""Which join is sent when, and from when on its time runs.

A Phoenix socket is one process on the server: it works on joins one after the other,
and answers nothing else meanwhile.
If all channels of a client that comes back joined at once, the last would have to wait
for all others, and one whose time is over joins again, behind them all: the more
channels there are, the less gets done.

So a join waits here for its turn, and only so many are under way at a time::

    enter -> waiting -> asking for params, init() -> prepared -> sent -> answered
               |                                        |          |
               +--- its time rests                      +----------+--- its time rests,
                                                    until the server can have come to it

The server can have come to a join when it has come past all that were sent before it.
It shows that by an answer to anything that was sent later, as refs count up.
So of the joins that are sent, time runs for the first to which the server has not come,
and for those that it has passed without an answer.

A join that has had its time may still be what the server is at work on.
If somebody waits for it, it fails, and a leave is sent; it keeps its place, since the
server has not finished with it.
If nobody does, giving it up would only make the server work on it twice.
So it stays, and a heartbeat behind it finds out whether the server has passed it.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from twisted.logger import Logger

from ..errors import NotConnected, SerializerError
from ..protocol.event_names import PHX_REPLY
from ..protocol.message import Message
from ..runtime.deadlines import Deadline, Deadlines
from ..runtime.package_log import package_log
from .channel_observer import ChannelObserver
from .interfaces import ChannelConnection
from .pending import PendingJoin, SentJoin

__all__ = ["JoinQueue"]

log = Logger("txphoenix.join_queue", observer=package_log)

# Refs of ours have fewer digits; what a server makes up may have any number.
_MOST_DIGITS = 18


class JoinQueue(Deadline, ChannelObserver):
    """The joins of one client, in the order in which its channels want to join.

    As a deadline it is the moment until which the server may be silent about a join
    that has had its time.

    :param deadlines: runs the joins' time.
    :param connection: sends, if it is open.
    """

    def __init__(self, deadlines: Deadlines, connection: ChannelConnection) -> None:
        super().__init__()
        self._deadlines = deadlines
        self._connection = connection
        self.window = 1
        """How many joins are under way at most."""
        self.patience = 0.0
        """The seconds that a join which has had its time is waited for."""
        self.waiting: OrderedDict[PendingJoin, None] = OrderedDict()
        """Those whose turn has not come."""
        self.prepared: OrderedDict[PendingJoin, None] = OrderedDict()
        """Those whose turn has come, and whose params came later."""
        # Those to which the server may not have come, the oldest first, and those that
        # it has passed.
        self._ahead: deque[SentJoin] = deque()
        self._passed: dict[SentJoin, None] = {}
        self._is_filling = False

    def reset(self, window: int, patience: float) -> None:
        """Go by other limits from now on; both are attributes of this."""
        self.window = window
        self.patience = patience
        self.fill()

    # -- The way of a join --------------------------------------------------------

    def enter(self, pending: PendingJoin) -> None:
        """Have a join take its turn, which may come at once.

        It is no error if it is in the queue already.
        """
        if pending.is_queued:
            return
        pending.enter_queue()
        pending.rest(self._deadlines)
        self.waiting[pending] = None
        self.fill()

    def ready(self, pending: PendingJoin) -> None:
        """Send a join whose params are there, or keep it until that is possible."""
        pending.rest(self._deadlines)
        if len(self._ahead) + len(self._passed) < self.window and not self.prepared:
            pending.joins.send(pending)
        else:
            self.prepared[pending] = None

    def sent(self, pending: PendingJoin, ref: str) -> None:
        """Take note that a join has been sent."""
        entry = SentJoin(int(ref), pending)
        self._ahead.append(entry)
        if entry is self._ahead[0]:
            self._begin_first()

    def answered(self, pending: PendingJoin) -> None:
        """Take note that the server has answered a join.

        It makes room for another, which :meth:`fill` sends.
        """
        entry = pending.leave_queue()
        if entry is not None:
            self._passed.pop(entry, None)
            self._come_to(entry.number)

    def remove(self, pending: PendingJoin) -> None:
        """Forget a join, wherever it is; it is no error if it is nowhere.

        One that has been sent keeps its place until the server has come past it.
        """
        if not pending.is_queued:
            return
        entry = pending.leave_queue()
        if entry is None:
            self.waiting.pop(pending, None)
            self.prepared.pop(pending, None)
        else:
            self._passed.pop(entry, None)
            if self._ahead and entry is self._ahead[0]:
                self._begin_first()

    def clear(self) -> None:
        """Forget all joins: the connection is lost."""
        for entry in (*self._ahead, *self._passed):
            if entry.pending is not None:
                entry.pending.leave_queue()
        for pending in (*self.waiting, *self.prepared):
            pending.leave_queue()
        self.waiting.clear()
        self.prepared.clear()
        self._ahead.clear()
        self._passed.clear()
        self.unset()

    def fill(self) -> None:
        """Send as many joins as there is room for."""
        # A join may fail as it is sent, and make room for the next: with ten thousand
        # of them, calls within calls would be too many.
        if self._is_filling:
            return
        self._is_filling = True
        try:
            while (
                (self.waiting or self.prepared)
                and len(self._ahead) + len(self._passed) < self.window
                and self._connection.is_open
            ):
                if self.prepared:
                    pending, _ = self.prepared.popitem(last=False)
                    pending.joins.send(pending)
                else:
                    pending, _ = self.waiting.popitem(last=False)
                    pending.joins.prepare(pending)
        finally:
            self._is_filling = False

    # -- Time ---------------------------------------------------------------------

    def keeps(self, pending: PendingJoin) -> bool:
        """Whether a join that has had its time is waited for all the same.

        It is if nobody would be told that it has failed, and the server may still be at
        work on it.
        """
        entry = pending.place
        if entry is None or entry in self._passed or not self._connection.is_open:
            return False
        if pending.is_patient:
            pending.overdue()
            self._begin_first()
            log.info(
                "{channel!r}: no answer to the join within {seconds:g} s; the server"
                " may be at work on it, and is waited for",
                channel=pending.joins.membership.channel,
                seconds=pending.timeout,
            )
        if pending.is_patient or self.waiting or len(self._ahead) > 1:
            # Nobody waits for the answer: that it comes says enough.
            # On another topic the ref of the join may be used again.
            self._send_heartbeat(str(entry.number))
        return pending.is_patient

    def server_answered(self, ref: str | None) -> None:
        """Take note that the server has come to the message of that ref.

        The joins before it that are overdue fail.
        """
        if self._ahead and ref is not None and _is_number(ref):
            self._come_to(int(ref))
            self.fill()

    def message_stale(self, message: Message) -> None:
        """Take note of a message, which may answer a join that was given up."""
        if message.event == PHX_REPLY:
            self.server_answered(message.ref)

    message_unrouted = message_stale

    def expired(self) -> None:
        """The server has been silent for too long: it has lost all that was sent."""
        self._come_to(self._ahead[-1].number)
        self.fill()

    # -- Inside -------------------------------------------------------------------

    def _send_heartbeat(self, ref: str) -> None:
        try:
            self._connection.send(Message.heartbeat(ref))
        except NotConnected:
            # The codec is the user's, and has closed the connection.
            return
        except SerializerError:
            log.failure("a heartbeat behind a join cannot be encoded")

    def _begin_first(self) -> None:
        """Have time run for the join that the server is at work on."""
        pending = self._ahead[0].pending
        if pending is not None and not pending.is_overdue:
            self.unset()
            pending.run(self._deadlines)
        elif not self.is_set:
            self._deadlines.set(self, self.patience)

    def _come_to(self, number: int) -> None:
        """The server has come to the message of that ref."""
        overdue = []
        has_moved = False
        while self._ahead and self._ahead[0].number <= number:
            has_moved = True
            entry = self._ahead.popleft()
            pending = entry.pending
            if pending is None:
                continue
            self._passed[entry] = None
            if pending.is_overdue:
                overdue.append(pending)
            else:
                pending.run(self._deadlines)
        if has_moved:
            self.unset()
            if self._ahead:
                self._begin_first()
        for pending in overdue:
            if pending.is_overdue:
                pending.joins.expired(pending)


def _is_number(ref: str) -> bool:
    """Whether a ref can be one of ours."""
    return len(ref) <= _MOST_DIGITS and ref.isascii() and ref.isdigit()
