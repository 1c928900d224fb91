"""What waits for a reply, and until when.

::

    C: ["4","7","rooms:lobby","new_msg",{"body":"hi"}]    table["7"] = reply
    S: ["4","7","rooms:lobby","phx_reply",{"status":"ok","response":{}}]
                                           table.pop("7").answered({"status"...}, "4")

A :class:`PendingReply` ends in exactly one of four ways: it is answered, it
expires, it fails, or its Deferred is cancelled.
Whichever comes first takes it out of its :class:`Deadlines`, and the others
find nothing left to do.

Deadlines of the same duration fall due in the order in which they were set.
So one delayed call for each duration is enough, however many replies are
awaited: a delayed call for each would cost more than all the rest of a push.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from .errors import PushError
from .package_log import package_log

if TYPE_CHECKING:
    from .channel_machine import ChannelMachine

__all__ = [
    "Deadline",
    "Deadlines",
    "PendingJoin",
    "PendingLeave",
    "PendingPush",
    "PendingReply",
    "Timer",
    "split_reply",
]

log = Logger(observer=package_log)

# Moments are floats: a delayed call may come this much (seconds) before the
# sum of its start and its delay.
_TOLERANCE = 1e-6

# With so many durations in use, those that are not any more are looked for.
_MANY_QUEUES = 16


class Deadline:
    """Something that must happen before a moment."""

    __slots__ = ("_due", "_queue")

    _due: float
    _queue: dict[Deadline, None] | None

    def __init__(self) -> None:
        self._queue = None

    def expired(self) -> None:
        """The moment has passed."""
        raise NotImplementedError(f"{type(self).__name__} must say what expiry means")

    @property
    def is_set(self) -> bool:
        """Whether the moment is still to come."""
        return self._queue is not None

    def unset(self) -> None:
        """Take the deadline away; it is no error if there is none."""
        queue = self._queue
        if queue is not None:
            self._queue = None
            del queue[self]


class Timer(Deadline):
    """A function that is called when the moment has passed.

    :param function: is called without arguments.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__()
        self._function = function

    def expired(self) -> None:
        """Call it."""
        self._function()


class Deadlines:
    """Deadlines on one clock.

    :param clock: tells the time and calls later.
    """

    __slots__ = ("__weakref__", "_clock", "_most_queues", "_queues", "_timers")

    @classmethod
    def of(cls, clock: IReactorTime) -> Deadlines:
        """Those of a clock, the same for all clients that run on it.

        So a thousand idle clients have one delayed call, and not one each.
        """
        # As long as there is such a table it holds the clock, so that no other clock
        # can have its id.
        deadlines = _of_clock.get(id(clock))
        if deadlines is None:
            deadlines = _of_clock[id(clock)] = cls(clock)
        return deadlines

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._queues: dict[float, dict[Deadline, None]] = {}
        self._timers: dict[float, IDelayedCall] = {}
        self._most_queues = _MANY_QUEUES

    def set(self, deadline: Deadline, duration: float) -> None:
        """Have ``deadline`` expire in ``duration`` seconds."""
        deadline.unset()
        queue = self._queues.get(duration)
        if queue is None:
            if len(self._queues) >= self._most_queues:
                self.sweep()
                self._most_queues = max(_MANY_QUEUES, 2 * len(self._queues))
            queue = self._queues[duration] = {}
            self._call_later(duration)
        elif not self._timers[duration].active():
            # Somebody has cancelled all that the reactor held, as trial does after a
            # test that left something behind.
            self._call_later(duration)
        deadline._due = self._clock.seconds() + duration
        deadline._queue = queue
        queue[deadline] = None

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def sweep(self) -> None:
        """Let go of the delayed calls that no deadline needs any more.

        An answered push leaves its delayed call to the next one of that duration.
        """
        for duration in [each for each, queue in self._queues.items() if not queue]:
            del self._queues[duration]
            timer = self._timers.pop(duration)
            if timer.active():
                timer.cancel()

    def _call_later(self, duration: float) -> None:
        self._timers[duration] = self._clock.callLater(duration, self._expire, duration)

    def _expire(self, duration: float) -> None:
        now = self._clock.seconds()
        queue = self._queues[duration]
        late: dict[Deadline, None] = {}
        for deadline in queue:
            if deadline._due > now + _TOLERANCE:
                break
            late[deadline] = None
        for deadline in late:
            del queue[deadline]
            deadline._queue = late
        if queue:
            first = next(iter(queue))
            self._timers[duration] = self._clock.callLater(
                first._due - now, self._expire, duration
            )
        else:
            del self._queues[duration]
            del self._timers[duration]
        self._tell(late)

    def _tell(self, late: dict[Deadline, None]) -> None:
        """Have deadlines expire that are in no queue any more.

        What expires may do anything, such as to cancel another that is late as well:
        that takes it out of here.
        """
        try:
            while late:
                deadline = next(iter(late))
                deadline.unset()
                try:
                    deadline.expired()
                except Exception:
                    # The next may be another client's.
                    log.failure("{deadline!r} raised", deadline=deadline)
        finally:
            if late:
                # A SystemExit, which is the reactor's to take.
                self._clock.callLater(0, self._tell, late)


_of_clock: WeakValueDictionary[int, Deadlines] = WeakValueDictionary()


class PendingReply(Deadline):
    """A message of ours that the server will answer.

    Subclasses say what an answer and an expiry mean; this class sees to it
    that the Deferred, if somebody waits, fires once.
    """

    __slots__ = ("deferred",)

    def __init__(self) -> None:
        self._queue = None
        self.deferred: Deferred[Any] | None = None

    def wait(self) -> Deferred[Any]:
        """Make the Deferred of the outcome; to be called once at most."""
        # The canceller is the pending reply itself, for a method bound to it would be
        # one more object of each push.
        deferred: Deferred[Any] = Deferred(self)
        self.deferred = deferred
        return deferred

    def answered(self, payload: Any, join_ref: str | None) -> None:
        """The reply has come.

        :param payload: its payload, which has the status and the response.
        :param join_ref: its join_ref.
        """
        raise NotImplementedError(f"{type(self).__name__} must say what a reply means")

    def succeed(self, result: Any) -> None:
        """Fire the Deferred with ``result``, if one waits."""
        # unset(), without the call: this is on the way of each reply.
        queue = self._queue
        if queue is not None:
            self._queue = None
            del queue[self]
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            deferred.callback(result)

    def fail(self, error: BaseException) -> None:
        """Fail the Deferred with ``error``, if one waits."""
        self.unset()
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            deferred.errback(Failure(error))

    def forgotten(self) -> None:
        """The Deferred was cancelled: nobody wants the reply any more."""

    def __call__(self, _deferred: Deferred[Any]) -> None:
        """Be told that the Deferred is cancelled.

        The Deferred itself fires with ``CancelledError`` once this returns.
        """
        self.unset()
        self.deferred = None
        self.forgotten()


def split_reply(payload: Any) -> tuple[str, Any]:
    """Take the payload of a ``phx_reply`` apart.

    :return: the status and the response; a payload that is no reply's, which no
        Phoenix server sends, has the status ``"malformed"`` and is the response.
    """
    try:
        return payload["status"], payload["response"]
    except (TypeError, KeyError):
        return "malformed", payload


class PendingPush(PendingReply):
    """A push: kept until it can be sent, then waiting for its reply."""

    __slots__ = ("channel", "event", "mark", "payload", "ref", "timeout", "wants_reply")

    mark: int | None
    """By what the connection knows it; it has one as soon as it has a ref."""

    def __init__(
        self,
        channel: ChannelMachine,
        event: str,
        payload: Any,
        timeout: float,
        wants_reply: bool = True,
    ) -> None:
        self._queue = None
        self.deferred = None
        self.wants_reply = wants_reply
        self.channel = channel
        self.event = event
        self.payload = payload
        self.timeout = timeout
        # None as long as it is kept.
        self.ref: str | None = None

    def answered(self, payload: Any, join_ref: str | None) -> None:
        """Succeed on the status ``ok``, and fail on any other."""
        status, response = split_reply(payload)
        if status == "ok":
            self.succeed(response)
            return
        channel = self.channel
        error = PushError(status, response, channel.topic, self.event)
        # The channel goes first: whoever waits for the reply sees it as it is.
        if join_ref is None:
            channel.reply_without_join_ref(error)
        self.fail(error)

    def expired(self) -> None:
        """Fail, and never be sent if that has not happened yet."""
        self.channel.push_expired(self)

    def forgotten(self) -> None:
        """Never be sent, or leave the reply without anybody who waits for it."""
        self.channel.forget_push(self)


class PendingJoin(PendingReply):
    """A join; it may be sent several times before it is answered."""

    __slots__ = ("_was_sent_before", "channel", "mark", "timeout", "was_sent")

    def __init__(self, channel: ChannelMachine, timeout: float) -> None:
        super().__init__()
        self.channel = channel
        self.timeout = timeout
        self.was_sent = self._was_sent_before = False
        # By what the connection knows it.
        self.mark: int | None = None

    def sent(self, mark: int | None) -> None:
        """Take note that it is sent."""
        self.mark = mark
        self._was_sent_before = self.was_sent
        self.was_sent = True

    def withdrawn(self) -> None:
        """Take note that it has not left after all, this time."""
        self.was_sent = self._was_sent_before

    def answered(self, payload: Any, _join_ref: str | None) -> None:
        """Hand the answer to the channel, which has more to do with it."""
        self.unset()
        self.channel.join_answered(self, *split_reply(payload))

    def expired(self) -> None:
        """Have the channel give up this join."""
        self.channel.join_expired(self)

    def forgotten(self) -> None:
        """Have the channel leave."""
        self.channel.join_cancelled(self)


class PendingLeave(PendingReply):
    """A leave: whatever the server answers, or if it does not, the channel ends."""

    __slots__ = ("channel",)

    def __init__(self, channel: ChannelMachine) -> None:
        super().__init__()
        self.channel = channel

    def answered(self, _payload: Any, _join_ref: str | None) -> None:
        """Close the channel."""
        self.channel.leave_answered()

    def expired(self) -> None:
        """Close the channel without the answer."""
        self.channel.leave_expired()

    def __call__(self, _deferred: Deferred[Any]) -> None:
        """Have nobody who waits; the channel leaves all the same, and in time."""
        self.deferred = None
