"""What waits for a reply, and until when.

::

    C: ["4","7","rooms:lobby","new_msg",{"body":"hi"}]    table["7"] = reply
    S: ["4","7","rooms:lobby","phx_reply",{"status":"ok","response":{}}]
                                           table.pop("7").answered({"status"...}, "4")

A :class:`PendingReply` ends in exactly one of four ways: it is answered, it
expires, it fails, or its Deferred is cancelled.
Whichever comes first takes it out of its
:class:`~txphoenix.runtime.deadlines.Deadlines`, and the others find nothing left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from ..errors import PushError
from ..runtime.deadlines import Deadline, Deadlines
from ..telemetry import push_handlers
from ..telemetry.tracing import tracers
from .traced_calls import TracedMember, join_begins, join_sends, push_begins

__all__ = [
    "PendingJoin",
    "PendingPush",
    "PendingReply",
    "split_reply",
]


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
        if tracers:
            self.begins(deferred)
        return deferred

    def begins(self, deferred: Deferred[Any]) -> None:
        """Tell those who trace that the user's call begins, before anything is sent."""

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


class PushOwner(Protocol):
    """Whose a push is: the pushes of one channel, which it tells of its end."""

    @property
    def topic(self) -> str:
        """The channel's topic."""

    @property
    def membership(self) -> TracedMember:
        """The channel's inside."""

    def refused_without_join_ref(self, error: PushError) -> None:
        """The server's refusal shows no join of ours."""

    def replied(self, pending: PendingPush, status: object, response: object) -> None:
        """The server has replied, and telemetry wants to know."""

    def failed(self, pending: PendingPush, error: BaseException) -> None:
        """It ends without a reply, and telemetry wants to know."""

    def dropped(self, pending: PendingPush, error: BaseException) -> None:
        """One that nobody waits for was not sent."""

    def expired(self, pending: PendingPush) -> None:
        """Its time is over."""

    def cancelled(self, pending: PendingPush) -> None:
        """Nobody wants its reply any more."""


class PendingPush(PendingReply):
    """A push: kept until it can be sent, then waiting for its reply.

    :param pushes: what it is one of.
    """

    __slots__ = ("event", "mark", "payload", "pushes", "ref", "timeout", "wants_reply")

    mark: int | None
    """By what the connection knows it; it has one as soon as it has a ref."""

    def __init__(
        self,
        pushes: PushOwner,
        event: str,
        payload: Any,
        timeout: float,
        wants_reply: bool = True,
    ) -> None:
        self._queue = None
        self.deferred = None
        self.wants_reply = wants_reply
        self.pushes = pushes
        self.event = event
        self.payload = payload
        self.timeout = timeout
        # None as long as it is kept.
        self.ref: str | None = None

    def begins(self, deferred: Deferred[Any]) -> None:
        """Send what those who trace make of the payload."""
        member, payload = self.pushes.membership, self.payload
        self.payload = push_begins(member, self.event, payload, deferred)

    def sent(self, ref: str, mark: int | None) -> None:
        """Take note that it is sent; the payload is needed no more."""
        self.ref = ref
        self.mark = mark
        self.payload = None

    def fail(self, error: BaseException) -> None:
        """Fail the Deferred; where nobody wants one, the log has it."""
        if push_handlers:
            self._tell(self.pushes.failed, error)
        if self.wants_reply:
            super().fail(error)
        else:
            self.unset()
            self.pushes.dropped(self, error)

    def answered(self, payload: Any, join_ref: str | None) -> None:
        """Succeed on the status ``ok``, and fail on any other."""
        status, response = split_reply(payload)
        if status == "ok":
            if push_handlers:
                self._tell(self.pushes.replied, status, response)
            self.succeed(response)
            return
        pushes = self.pushes
        error = PushError(status, response, pushes.topic, self.event)
        # The channel goes first: whoever waits for the reply sees it as it is.
        if join_ref is None:
            pushes.refused_without_join_ref(error)
        if push_handlers:
            self._tell(pushes.replied, status, response)
        super().fail(error)

    def expired(self) -> None:
        """Fail, and never be sent if that has not happened yet."""
        self.pushes.expired(self)

    def forgotten(self) -> None:
        """Never be sent, or leave the reply without anybody who waits for it."""
        self.pushes.cancelled(self)

    def __call__(self, deferred: Deferred[Any]) -> None:
        """Be told that the Deferred is cancelled."""
        if push_handlers:
            self._tell(self.pushes.failed, CancelledError())
        super().__call__(deferred)

    def _tell(self, tell: Callable[..., None], *args: Any) -> None:
        """Tell telemetry of the end, just before the Deferred fires; once."""
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            tell(self, *args)
            # A handler may have cancelled it, which is none of its ends any more.
            if not deferred.called:
                self.deferred = deferred
        elif not self.wants_reply:
            tell(self, *args)


class JoinOwner(Protocol):
    """Whose a join is: the joins of one channel, which it tells of what it comes to."""

    @property
    def membership(self) -> TracedMember:
        """The channel's inside."""

    @property
    def is_closing(self) -> bool:
        """Whether the channel is closed, and not told of that yet."""

    def prepare(self, pending: PendingJoin) -> None:
        """Its turn has come."""

    def send(self, pending: PendingJoin) -> None:
        """All that it sends is there, and so is room for it."""

    def answered(self, pending: PendingJoin, status: str, response: Any) -> None:
        """The server has answered."""

    def expired(self, pending: PendingJoin) -> None:
        """Its time is over."""

    def cancelled(self, pending: PendingJoin) -> None:
        """Nobody wants its answer any more."""


class PendingJoin(PendingReply):
    """A join; it may be sent several times before it is answered.

    Its time runs only now and then; see :mod:`txphoenix.channels.join_queue`.

    :param joins: what it is one of.
    :param is_patient: whether nobody waits for it who would have to be told that it was
        not answered in time; it waits for a connection as long as that takes.
    :ivar params: what it sends, once that is known.
    :ivar is_queued: whether it is in the queue, from its entry to its answer.
    :ivar sent_at: when it was sent.
    :ivar place: the number that it was sent as, while the queue has it; otherwise 0.
    :ivar is_overdue: whether it is waited for though it has had its time.
    :ivar time_left: how many seconds it has once its time runs.
    """

    __slots__ = (
        "_was_sent_before",
        "is_overdue",
        "is_patient",
        "is_queued",
        "joins",
        "mark",
        "params",
        "place",
        "sent_at",
        "time_left",
        "timeout",
        "was_sent",
    )

    def __init__(
        self, joins: JoinOwner, timeout: float, is_patient: bool = False
    ) -> None:
        self._queue = None
        self.deferred = None
        self.joins = joins
        self.timeout = timeout
        self.is_patient = is_patient
        self.was_sent = self._was_sent_before = False
        self.is_queued = self.is_overdue = False
        # By what the connection knows it.
        self.mark: int | None = None
        self.params: Any = None
        self.sent_at = 0.0
        self.place = 0
        self.time_left = timeout

    def begins(self, deferred: Deferred[Any]) -> None:
        """Tell those who trace of it."""
        join_begins(self.joins.membership, deferred)

    def prepared(self, params: Any) -> None:
        """Take note of what it sends, which those who trace may add to."""
        self.params = join_sends(self.joins.membership, params) if tracers else params

    def enter_queue(self, deadlines: Deadlines) -> None:
        """Be in the queue, where its time rests for now."""
        self.is_queued = True
        if self._queue is not None:
            self.rest(deadlines)

    def overdue(self) -> None:
        """Be waited for, though it has had its time."""
        self.is_overdue = True

    def leave_queue(self) -> int:
        """Be in the queue no more.

        :return: the number that it was sent as; 0 if it was not sent.
        """
        place, self.place = self.place, 0
        self.is_queued = self.is_overdue = False
        return place

    def sending(self, now: float, number: int) -> None:
        """Take note that it is about to be sent, and as which number."""
        self.sent_at = now
        self.place = number
        self.params = None

    def sent(self, mark: int | None) -> None:
        """Take note that it is sent."""
        self.mark = mark
        self._was_sent_before = self.was_sent
        self.was_sent = True

    def withdrawn(self) -> None:
        """Take note that it has not left after all, this time."""
        self.was_sent = self._was_sent_before

    def run(self, deadlines: Deadlines) -> None:
        """Have its time run; it is no error if it does."""
        if self._queue is None:
            deadlines.set(self, self.time_left)

    def wait_to_be_sent(self, deadlines: Deadlines) -> None:
        """Have its time run, or begin anew once it is sent, if it is patient."""
        if not self.is_patient:
            self.run(deadlines)
        else:
            self.unset()
            self.time_left = self.timeout

    def rest(self, deadlines: Deadlines) -> None:
        """Have its time rest; it is no error if it does."""
        if self._queue is not None:
            self.time_left = deadlines.left(self)
            self.unset()

    def spend(self, seconds: float) -> None:
        """Take note of time that it has had in the queue."""
        self.time_left = max(0.0, self.time_left - seconds)

    def answered(self, payload: Any, _join_ref: str | None) -> None:
        """Hand the answer to the channel, which has more to do with it."""
        if self._queue is not None:
            self.unset()
        self.time_left = self.timeout
        status, response = split_reply(payload)
        self.joins.answered(self, status, response)

    def expired(self) -> None:
        """Have the channel give up this join."""
        self.time_left = self.timeout
        self.joins.expired(self)

    def forgotten(self) -> None:
        """Have the channel leave."""
        self.joins.cancelled(self)
