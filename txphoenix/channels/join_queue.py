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
from .pending import PendingJoin

__all__ = ["JoinQueue"]

log = Logger("txphoenix.join_queue", observer=package_log)

# Refs of ours have fewer digits; what a server makes up may have any number.
_MOST_DIGITS = 18

# Seconds: moments are floats, and the sum of two need not be the third.
_TOLERANCE = 1e-6


class JoinQueue(Deadline, ChannelObserver):
    """The joins of one client, in the order in which its channels want to join.

    As a deadline it is the moment until which the server must have answered the first
    of those that were sent.
    It is one for all of them, as in a long line each is the first for a moment; only
    one that nobody is ahead of when it is sent has its own.

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
        # Made at their first use: where there is room, no join comes to be in one.
        self.waiting: OrderedDict[PendingJoin, None] | None = None
        """Those whose turn has not come."""
        self.prepared: OrderedDict[PendingJoin, None] | None = None
        """Those whose turn has come, and whose params came later."""
        # Those that were sent, by number: to some of them the server may not have come,
        # the oldest first, and the others it has passed.
        # What was given up keeps its number in the former.
        self._sent: dict[int, PendingJoin] = {}
        self._ahead: deque[int] = deque()
        self._passed: dict[int, None] = {}
        # Since when the first of those ahead is the first.
        self._since = 0.0
        self.has_room = True
        """Whether a join may be sent; if not, :meth:`fill` has nothing to do."""
        self._is_filling = False

    def reset(self, window: int, patience: float) -> None:
        """Go by other limits from now on; both are attributes of this."""
        self.window = window
        self.patience = patience
        self.has_room = True
        self.fill()

    # -- The way of a join --------------------------------------------------------

    def enter(self, pending: PendingJoin) -> None:
        """Have a join take its turn, which may come at once.

        It is no error if it is in the queue already.
        """
        if pending.is_queued:
            return
        pending.enter_queue(self._deadlines)
        if self.waiting is None:
            if self._may_pass():
                self._prepare(pending)
                return
            self.waiting = OrderedDict()
        self.waiting[pending] = None
        if self.has_room:
            self.fill()

    def ready(self, pending: PendingJoin) -> None:
        """Send a join whose params are there, or keep it until that is possible."""
        if pending.is_set:
            pending.rest(self._deadlines)
        if len(self._ahead) + len(self._passed) < self.window and not self.prepared:
            pending.joins.send(pending)
            return
        if self.prepared is None:
            self.prepared = OrderedDict()
        self.prepared[pending] = None

    def sent(self, pending: PendingJoin) -> None:
        """Take note that a join has been sent; its place says as which number."""
        ahead, number = self._ahead, pending.place
        self._sent[number] = pending
        ahead.append(number)
        if number == ahead[0]:
            pending.run(self._deadlines)

    def answered(self, pending: PendingJoin) -> None:
        """Take note that the server has answered a join.

        It makes room for another, which :meth:`fill` sends.
        """
        number = pending.leave_queue()
        if number:
            self._sent.pop(number, None)
            ahead = self._ahead
            if ahead and ahead[0] == number:
                # Most often it is the first: there is nothing to pass.
                ahead.popleft()
                self.has_room = True
                if ahead:
                    self._begin_first(self._deadlines.elapsed())
                else:
                    self.unset()
                return
            if number in self._passed:
                del self._passed[number]
                self.has_room = True
            self._come_to(number)

    def remove(self, pending: PendingJoin) -> None:
        """Forget a join, wherever it is; it is no error if it is nowhere.

        One that has been sent keeps its place until the server has come past it.
        """
        if not pending.is_queued:
            return
        was_overdue = pending.is_overdue
        number = pending.leave_queue()
        if not number:
            for queue in (self.waiting, self.prepared):
                if queue is not None:
                    queue.pop(pending, None)
        else:
            self._sent.pop(number, None)
            self._passed.pop(number, None)
            self.has_room = True
            if self._ahead and number == self._ahead[0] and not was_overdue:
                now = self._deadlines.elapsed()
                if not pending.is_set:
                    pending.spend(now - self._since)
                self._begin_first(now)

    def clear(self) -> None:
        """Forget all joins: the connection is lost."""
        self._spend(self._deadlines.elapsed())
        unsent = (*(self.waiting or ()), *(self.prepared or ()))
        for pending in (*self._sent.values(), *unsent):
            pending.leave_queue()
        self._sent.clear()
        self.waiting = self.prepared = None
        self._ahead.clear()
        self._passed.clear()
        self.has_room = True
        self.unset()

    def fill(self) -> None:
        """Send as many joins as there is room for."""
        # A join may fail as it is sent, and make room for the next: with ten thousand
        # of them, calls within calls would be too many.
        if self._is_filling:
            return
        self._is_filling = True
        try:
            while (self.waiting or self.prepared) and self._connection.is_open:
                if len(self._ahead) + len(self._passed) >= self.window:
                    self.has_room = False
                    return
                if self.prepared:
                    pending, _ = self.prepared.popitem(last=False)
                    pending.joins.send(pending)
                elif self.waiting is not None:
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
        number = pending.place
        if not number or number in self._passed or not self._connection.is_open:
            return False
        if pending.is_patient:
            pending.overdue()
            self._begin_first(self._deadlines.elapsed())
            log.info(
                "{topic}: no answer to the join within {timeout:g} s; the server may be"
                " at work on it, and is waited for",
                topic=pending.joins.membership.topic,
                timeout=pending.timeout,
            )
        if pending.is_patient or self.waiting or len(self._ahead) > 1:
            # Nobody waits for the answer: that it comes says enough.
            # On another topic the ref of the join may be used again.
            self._send_heartbeat(str(number))
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

    def expired(self) -> None:
        """Give up the first, if it has had its time, or all: the server is silent."""
        now = self._deadlines.elapsed()
        first = self._first
        left = self._time(first) - (now - self._since)
        if left > _TOLERANCE:
            # Another was the first when this was set.
            self._deadlines.set(self, left)
        elif first is not None:
            first.expired()
        else:
            # It has lost all that was sent.
            self._come_to(self._ahead[-1])
            self.fill()

    # -- Inside -------------------------------------------------------------------

    def _may_pass(self) -> bool:
        """Whether the next to enter has nobody to wait for."""
        has_room = len(self._ahead) + len(self._passed) < self.window
        is_idle = not self.prepared and not self._is_filling
        return has_room and is_idle and self._connection.is_open

    def _prepare(self, pending: PendingJoin) -> None:
        """Have a join go on, and then those that have entered meanwhile."""
        self._is_filling = True
        try:
            pending.joins.prepare(pending)
        finally:
            self._is_filling = False
        if self.waiting or self.prepared:
            self.fill()

    def _send_heartbeat(self, ref: str) -> None:
        try:
            self._connection.send(Message.heartbeat(ref))
        except NotConnected:
            # The codec is the user's, and has closed the connection.
            return
        except SerializerError:
            log.failure("a heartbeat behind a join cannot be encoded")

    @property
    def _first(self) -> PendingJoin | None:
        """The first of those that were sent, if this is what its time runs by."""
        pending = self._sent.get(self._ahead[0]) if self._ahead else None
        if pending is None or pending.is_overdue or pending.is_set:
            return None
        return pending

    def _time(self, first: PendingJoin | None) -> float:
        """How long the server may take for the first of those that were sent."""
        return self.patience if first is None else first.time_left

    def _begin_first(self, now: float) -> None:
        """Have time run for the join that the server is at work on."""
        self._since = now
        first = self._sent.get(self._ahead[0]) if self._ahead else None
        # As _first and _time() have it, without the calls: each answer comes here.
        seconds = (
            self.patience
            if first is None or first.is_overdue or first.is_set
            else first.time_left
        )
        # One that is set for another will find how much time is left.
        if self._queue is None or self._due > now + seconds:
            self._deadlines.set(self, seconds)

    def _come_to(self, number: int) -> None:
        """The server has come to the message of that ref."""
        ahead = self._ahead
        if not ahead or ahead[0] > number:
            return
        now = self._deadlines.elapsed()
        # Most often it is the first that was answered, and it is here no more.
        if ahead[0] in self._sent:
            self._spend(now)
        self.has_room = True
        overdue = self._pass(number)
        if ahead:
            self._begin_first(now)
        else:
            self.unset()
        for pending in overdue:
            if pending.is_overdue:
                pending.joins.expired(pending)

    def _pass(self, number: int) -> list[PendingJoin]:
        """Pass all that were sent up to that number.

        :return: those that have had their time.
        """
        ahead, overdue = self._ahead, []
        while ahead and ahead[0] <= number:
            passed = ahead.popleft()
            pending = self._sent.get(passed)
            if pending is not None:
                self._passed[passed] = None
                if pending.is_overdue:
                    overdue.append(pending)
                else:
                    pending.run(self._deadlines)
        return overdue

    def _spend(self, now: float) -> None:
        """Take note of the time that the first has had so far."""
        first = self._first
        if first is not None:
            first.spend(now - self._since)


def _is_number(ref: str) -> bool:
    """Whether a ref can be one of ours."""
    return len(ref) <= _MOST_DIGITS and ref.isascii() and ref.isdigit()
