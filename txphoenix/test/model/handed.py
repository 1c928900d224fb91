"""The Deferreds handed out: when each must fire, and with what it may."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from txphoenix import (
    AlreadyJoined,
    BufferFull,
    ChannelClosed,
    ConnectionFailed,
    HeartbeatTimeout,
    JoinError,
    JoinTimeout,
    Message,
    NotConnected,
    PushError,
    PushInterrupted,
    PushTimeout,
    SocketClient,
)

from .link import Link
from .promises import Promise, Promises
from .server import ModelServer
from .topic import ModelCrash, Topic

__all__ = ["Handed", "Ledger"]

_TOLERANCE = 1e-3
# By what the user says that all is to end.
_GOODBYES = ("disconnect", "stop")


class Marks(NamedTuple):
    """What had happened at a moment; what is more has happened since."""

    losses: int
    goodbyes: int
    troubles: int
    ends: int
    crashes: int
    refused: int
    ended: int


class Handed:
    """A Deferred that was handed out.

    :ivar kind: by what method.
    :ivar topic: of which channel; None if of the client.
    :ivar number: the push's.
    :ivar asked_at: when, in seconds of the clock.
    :ivar within: the seconds in which it must fire; None if that depends on others.
    :ivar order: how many were asked for before.
    :ivar fired: the results so far, a failure as its error.
    :ivar least: the seconds before which it has not timed out.
    :ivar before: what had happened when it was asked for.
    :ivar phase: the topic's, then.
    :ivar rivals: how many pushes may have waited beside it, then.
    :ivar is_cancelled: whether the user has cancelled it.
    """

    def __init__(
        self, kind: str, topic: Topic | None, number: int, asked_at: float
    ) -> None:
        self.kind = kind
        self.topic = topic
        self.number = number
        self.asked_at = asked_at
        self.fired_at = 0.0
        self.within: float | None = None
        self.before: Marks
        self.phase = "" if topic is None else topic.phase
        self.had_next = topic is not None and topic.has_next()
        self.was_wanted = self.was_connected = True
        self.rivals = 0
        self.least = 0.0
        self.order = 0
        self.is_cancelled = False
        self.fired: list[Any] = []
        self.deferred: Deferred[Any]

    def __repr__(self) -> str:
        of = "" if self.topic is None else f" of {self.topic.name}"
        return f"{self.kind} {self.number}{of}, asked at {self.asked_at:g}"


class Ledger:
    """All Deferreds that were handed out, and whether each keeps its word.

    :ivar open: those that have not fired, the oldest first.
    :ivar unsent: the pushes that were said not to have been sent.
    """

    def __init__(self, promises: Promises, server: ModelServer, link: Link) -> None:
        self._promises = promises
        self._server = server
        self._link = link
        self._now = server.clock.seconds
        self.open: list[Handed] = []
        self.fired_pushes = 0
        self._news: list[Handed] = []
        self._orders = count()
        self.unsent: set[int] = set()
        self.number = 0
        # topic -> when each push without a reply was kept at the latest.
        self.asyncs: dict[str, list[float]] = {}

    def hand(
        self,
        kind: str,
        topic: Topic | None,
        ask: Callable[[], Deferred[Any]],
        within: float | None = None,
        number: int = 0,
        least: float = 0.0,
    ) -> Handed:
        """Ask for a Deferred, and watch it.

        :param within: the seconds in which it must fire.
        :param least: the seconds before which it has not timed out.
        """
        handed = Handed(kind, topic, number, self._now())
        handed.within = within
        handed.order = next(self._orders)
        handed.before = self._marks(topic)
        handed.least = least
        handed.was_wanted = self._link.is_wanted
        handed.was_connected = self._link.client.connected
        handed.rivals = self._rivals(topic)
        self.open.append(handed)
        deferred = ask()
        handed.deferred = deferred
        deferred.addBoth(self._fired, handed)
        return handed

    def _rivals(self, topic: Topic | None) -> int:
        """How many pushes may wait beside a new one."""
        if topic is None:
            return 0
        others = sum(it.kind == "push" and it.topic is topic for it in self.open)
        now = self._now()
        asyncs = [
            it for it in self.asyncs.get(topic.name, ()) if it >= now - _TOLERANCE
        ]
        return others + len(asyncs)

    def _fired(self, result: Any, handed: Handed) -> None:
        handed.fired_at = self._now()
        handed.fired.append(result.value if isinstance(result, Failure) else result)
        self.fired_pushes += handed.kind == "push"
        if handed in self.open:
            self.open.remove(handed)
        self._news.append(handed)
        if handed.kind == "receive" and isinstance(result, Message):
            assert handed.topic is not None
            handed.topic.take(result)

    def _marks(self, topic: Topic | None) -> Marks:
        link, server = self._link, self._server
        if topic is None:
            return Marks(link.losses, link.goodbyes, 0, 0, 0, 0, 0)
        return Marks(
            link.losses,
            link.goodbyes,
            topic.troubles,
            topic.ends,
            topic.crashes,
            server.refused.get(topic.name, 0),
            sum(name == topic.name for name, _ in server.ended),
        )

    def cancelled(self, handed: Handed) -> None:
        """Take note that the user cancels one: what never left never will."""
        link = self._link
        is_kept = not (handed.was_connected or link.client.connected)
        if handed.kind == "push" and is_kept and link.losses == handed.before.losses:
            self.unsent.add(handed.number)

    # -- What must be so after each step -------------------------------------------

    def check(self) -> None:
        """Whether those that have fired may, and whether one is late."""
        news, self._news = self._news, []
        for handed in news:
            times = len(handed.fired)
            self._hold(handed, times == 1, f"fired {times} times: {handed.fired}")
            self._judge(handed, handed.fired[0])
            if handed.kind in _GOODBYES:
                self._check_over(handed)
                self._link.goodbye_over(handed.kind)
        now = self._now()
        for handed in self.open:
            if handed.within is not None:
                due = handed.asked_at + handed.within
                self._hold(handed, now <= due + _TOLERANCE, f"not fired at {now:g}")
            if handed.kind == "push":
                self._check_under_way(handed)
            elif handed.kind == "when_connected":
                is_open = self._link.client.connected and self._link.is_told_open
                self._hold(handed, not is_open, "it is connected")
            elif handed.kind == "when_stopped":
                has_ended = self._marks(handed.topic).ends > handed.before.ends
                self._hold(handed, not has_ended, "the channel has ended")
        for number in self.unsent & self._server.seen.keys():
            what = f"push {number} was said not to have been sent, and was carried out"
            self._promises.broken(Promise.ONCE, what)

    def _check_over(self, goodbye: Handed) -> None:
        """Once a goodbye is over, nothing waits that was asked for before it."""
        for handed in self.open:
            waits_on = handed.kind == "when_stopped" and (
                goodbye.kind != "stop" or self._link.is_wanted
            )
            if handed.order < goodbye.order and not waits_on:
                self._hold(handed, False, f"{goodbye!r} is over, and it still waits")

    def _check_under_way(self, handed: Handed) -> None:
        """A push that a room has taken waits no longer than its join lasts."""
        topic = handed.topic
        assert topic is not None
        for room in self._server.rooms:
            if room.topic == topic.name and handed.number in room.taken:
                is_there = room.join_ref == topic.channel.join_ref
                self._hold(handed, is_there, "its join has ended, and it still waits")

    def _hold(self, handed: Handed, holds: object, what: str) -> None:
        self._promises.hold(Promise.FIRES, holds, f"{handed!r}: {what}")

    def _judge(self, handed: Handed, result: Any) -> None:
        if isinstance(result, CancelledError):
            self._hold(handed, handed.is_cancelled, "cancelled by nobody")
            return
        judge = _JUDGES.get(handed.kind)
        after = self._marks(handed.topic)
        allowed = (
            result is None if judge is None else judge(self, handed, result, after)
        )
        self._hold(handed, allowed, f"fired at {handed.fired_at:g} with {result!r}")

    def _is_due(self, handed: Handed) -> bool:
        due = handed.asked_at + (handed.within or 0.0)
        return abs(handed.fired_at - due) < _TOLERANCE

    def _push(self, handed: Handed, result: Any, after: Marks) -> bool:
        number, before = handed.number, handed.before
        status = self._server.status_of(number)
        is_known = not isinstance(result, PushError) or result.status != "error"
        if not isinstance(result, BaseException) or not is_known:
            said = getattr(result, "response", result)
            if said == {"reason": "unmatched topic"}:
                return number not in self._server.seen
            expected = "error" if isinstance(result, PushError) else "ok"
            named = int(said) if isinstance(said, bytes) else said["n"]
            fits = status == expected and named == number
            self._promises.hold(Promise.REPLY, fits, f"{handed!r}: {said} ({status})")
            return True
        if getattr(result, "was_sent", True) is False:
            self.unsent.add(number)
        if isinstance(result, PushTimeout):
            return self._is_due(handed)
        if isinstance(result, PushInterrupted):
            return (after.losses, after.troubles) != (before.losses, before.troubles)
        if isinstance(result, BufferFull):
            self.unsent.add(number)
            is_unwritten = result.buffer == "write_buffer" and handed.was_connected
            return is_unwritten or handed.rivals >= self._link.push_buffer
        if isinstance(result, NotConnected):
            self.unsent.add(number)
        return self._is_closed(handed, result, after)

    def _is_closed(self, handed: Handed, result: Any, after: Marks) -> bool:
        """Whether it may fail for the end of its channel, or of the connection."""
        before = handed.before
        if isinstance(result, ChannelClosed):
            was_closed = handed.phase in ("closed", "leaving")
            assert handed.topic is not None
            is_left = handed.topic.phase == "leaving"
            return was_closed or is_left or after.ends > before.ends
        if isinstance(result, NotConnected):
            return not handed.was_wanted or after.goodbyes > before.goodbyes
        return False

    def _join(self, handed: Handed, result: Any, after: Marks) -> bool:
        before = handed.before
        if isinstance(result, JoinTimeout):
            return handed.fired_at >= handed.asked_at + handed.least - _TOLERANCE
        if isinstance(result, AlreadyJoined):
            return handed.phase in ("wanted", "joined") or handed.had_next
        if isinstance(result, JoinError):
            return (after.refused, after.ended) != (before.refused, before.ended)
        if isinstance(result, ModelCrash):
            return after.crashes > 0
        if isinstance(result, ChannelClosed):
            topic = handed.topic
            assert topic is not None
            return topic.was_left or topic.was_stopped or after.ends > before.ends
        if isinstance(result, BaseException):
            return self._is_closed(handed, result, after)
        return bool(result["join_ref"])

    def _receive(self, handed: Handed, result: Any, after: Marks) -> bool:
        if isinstance(result, Message):
            return True
        return self._is_closed(handed, result, after)

    def _ping(self, handed: Handed, result: Any, after: Marks) -> bool:
        if isinstance(result, float):
            return 0 <= result <= (handed.within or 0.0)
        if isinstance(result, HeartbeatTimeout) and self._is_due(handed):
            return True
        is_lost = after.losses > handed.before.losses
        if isinstance(result, NotConnected):
            return is_lost or not handed.was_connected
        return isinstance(result, ConnectionFailed) and is_lost

    def _connected(self, handed: Handed, result: Any, after: Marks) -> bool:
        if isinstance(result, SocketClient):
            return True
        return self._is_closed(handed, result, after)

    def _reconfigured(self, handed: Handed, result: Any, after: Marks) -> bool:
        return result is None or self._is_closed(handed, result, after)

    def _stopped(self, handed: Handed, result: Any, after: Marks) -> bool:
        before = handed.before
        has_ended = after.ends > before.ends
        if result is None and handed.phase == "closed":
            return (
                has_ended or not handed.was_wanted or after.goodbyes > before.goodbyes
            )
        return has_ended

    def _writable(self, handed: Handed, result: Any, after: Marks) -> bool:
        return result is getattr(handed.topic, "channel", None) or self._is_closed(
            handed, result, after
        )


_JUDGES: dict[str, Callable[[Ledger, Handed, Any, Marks], bool]] = {
    "push": Ledger._push,
    "join": Ledger._join,
    "receive": Ledger._receive,
    "ping": Ledger._ping,
    "reconfigure": Ledger._reconfigured,
    "when_connected": Ledger._connected,
    "when_writable": Ledger._writable,
    "when_settled": Ledger._reconfigured,
    "when_stopped": Ledger._stopped,
}
