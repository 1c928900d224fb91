"""The heartbeat: what finds out that a connection is dead.

::

    C: [null,"7","phoenix","heartbeat",{}]
    S: [null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]

Phoenix closes a socket after 60 seconds without a frame *from the client*, and a
network that is gone says nothing at all.
So one heartbeat is sent each interval, and the connection is dropped if it is not
answered and there is silence for the timeout (:mod:`txphoenix.client.silence`).
While reading is paused no answer can be read: heartbeats go out all the same, so that
the server stays.
That anything has come since the last one is then as good as its answer, and that
nothing has is silence; where neither can be told, the timeout rests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from ..channels.pending import PendingReply
from ..errors import HeartbeatTimeout, SerializerError
from ..protocol.message import Message
from ..runtime.deadlines import Deadline, Deadlines
from ..transports.interfaces import ObservedTransport
from .silence import Silence

__all__ = ["Heartbeat", "HeartbeatOwner"]


class HeartbeatOwner(Protocol):
    """Who has a heartbeat."""

    @property
    def next_ref(self) -> Callable[[], str]:
        """Makes the next ref."""

    def send_heartbeat(self, message: Message) -> None:
        """Send a message whose ref is of :attr:`next_ref`."""

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """A heartbeat could not be made: the serializer is the user's."""

    def heartbeat_answered(self, round_trip: float) -> None:
        """The answer has come, after so many seconds."""

    def heartbeat_failed(self, reason: HeartbeatTimeout) -> None:
        """No answer has come."""


class Heartbeat(Deadline):
    """The heartbeat of one open transport.

    As a deadline it is the next heartbeat's, or that of the answer under way.

    :param clock: tells the time and calls later.
    :param interval: seconds from one answer to the next heartbeat.
    :param timeout: seconds to wait for the answer.
    :param owner: sends, and is told.
    :param transport: tells what else moves; None if it does not.
    """

    def __init__(
        self,
        clock: IReactorTime,
        interval: float,
        timeout: float,
        owner: HeartbeatOwner,
        transport: ObservedTransport | None = None,
    ) -> None:
        super().__init__()
        self._deadlines = Deadlines.of(clock)
        self._elapsed = self._deadlines.elapsed
        self.interval = interval
        self.timeout = timeout
        self._owner = owner
        self._ref: str | None = None
        self._sent_at = 0.0
        # When the latest was sent, be it only to keep the server from going.
        self._beat_at = 0.0
        self._made_silence: Silence | None = None
        self._transport = transport
        self._is_paused = False
        # Made at its first use.
        self._pings: dict[str, _Ping] | None = None

    def start(self) -> None:
        """Send the first heartbeat one interval from now."""
        self._deadlines.set(self, self.interval)

    def stop(self, reason: BaseException) -> None:
        """Send no more, and fail each :meth:`ping` with ``reason``."""
        self.unset()
        self._deadlines.sweep()
        self._ref = None
        pings, self._pings = self._pings, None
        for ping in (pings or {}).values():
            ping.fail(reason)

    def reset(self, interval: float, timeout: float) -> None:
        """Use another interval and timeout, for what is under way as well.

        Both are counted from where the old ones were: whoever changes them time and
        again must not put off the next heartbeat, nor the end of a silence.
        """
        if (interval, timeout) == (self.interval, self.timeout):
            return
        longer = interval - self.interval
        self.interval, self.timeout = interval, timeout
        if self.is_set:
            # Otherwise it was not started: the transport needs no heartbeat.
            left = self._wait() if self._ref else self._due + longer - self._elapsed()
            self._deadlines.set(self, max(0.0, left))

    def hasten(self) -> None:
        """Send the next one now, unless one is under way."""
        if self.is_set and self._ref is None:
            self._deadlines.set(self, 0.0)

    def pause(self) -> None:
        """Keep sending, and go by what comes: no answer can be read."""
        self._is_paused = True
        if self._ref is not None:
            self._deadlines.set(self, max(0.0, self._wait()))

    def resume(self) -> None:
        """Give an answer that may be under way the whole timeout again.

        Without a pause nothing was held back, and it has what is left.
        """
        if self._ref is not None and self._is_paused:
            left, silence = self._silence.left(self.timeout), self._silence
            if silence.was_broken or not silence.is_heard:
                silence.end()
                left = silence.left(self.timeout)
            self._deadlines.set(self, left)
        self._is_paused = False

    def ping(self, deadlines: Deadlines, timeout: float) -> Deferred[float]:
        """Send a heartbeat of its own.

        :return: a Deferred of the seconds that the answer took; it fails with
            :exc:`HeartbeatTimeout`, or with the reason given to :meth:`stop`.
        """
        ref = self._owner.next_ref()
        if self._pings is None:
            self._pings = {}
        pings = self._pings
        ping = _Ping(
            self._elapsed,
            timeout,
            self._owner.heartbeat_answered,
            lambda: pings.pop(ref, None),
        )
        deferred = ping.wait()
        pings[ref] = ping
        deadlines.set(ping, timeout)
        try:
            self._owner.send_heartbeat(Message.heartbeat(ref))
        except SerializerError as error:
            # The codec is the user's.
            pings.pop(ref, None)
            ping.fail(error)
        return deferred

    @property
    def is_pinging(self) -> bool:
        """Whether somebody waits for the answer to a :meth:`ping`."""
        return bool(self._pings)

    def dispatch(self, message: Message) -> None:
        """Take a message on the topic ``phoenix``."""
        ref = message.ref
        if ref is None:
            return
        ping = self._pings.pop(ref, None) if self._pings else None
        if ping is not None:
            ping.answered(message.payload, message.join_ref)
        elif ref == self._ref:
            self._ref = None
            # An answer that was there while reading was paused is read late, and the
            # server counts from our last sign of life.
            latest = self._beat_at + self.interval + self.timeout - self._elapsed()
            self._deadlines.set(self, min(self.interval, max(0.0, latest)))
            self._owner.heartbeat_answered(self._elapsed() - self._sent_at)

    def expired(self) -> None:
        """Send the next heartbeat, or tell that the answer has not come."""
        if self._ref is not None and self._is_late():
            return
        self._ref = ref = self._owner.next_ref()
        self._sent_at = self._beat_at = self._elapsed()
        # Whoever is told of it may stop all this.
        self._deadlines.set(self, self.interval)
        try:
            self._silence.begin(
                lambda: self._owner.send_heartbeat(Message.heartbeat(ref))
            )
        except SerializerError as error:
            # There will be no answer; the next may go, and so may all else.
            self._ref = None
            self._owner.heartbeat_unsent(error)
        if self._ref is not None and self.is_set:
            self._deadlines.set(self, max(0.0, self._wait()))

    def _is_late(self) -> bool:
        """Go on waiting for an answer, or tell that there is none.

        :return: False if another is to be sent.
        """
        left = self._wait()
        if left > 0:
            self._deadlines.set(self, left)
            if not self._is_paused:
                self._beat_meanwhile()
        elif self._may_wait_unread:
            return False
        else:
            self._owner.heartbeat_failed(HeartbeatTimeout(self.timeout))
        return True

    def _wait(self) -> float:
        """For how many seconds to wait on, be it for an answer or to send another."""
        left = self._silence.left(self.timeout)
        if self._may_wait_unread:
            # Counted from the last one: a reader that pauses time and again must not
            # put the next one off time and again.
            return self._sent_at + self.interval - self._elapsed()
        return left

    @property
    def _may_wait_unread(self) -> bool:
        """Whether the answer may have come, as far as was asked last."""
        silence = self._silence
        return self._is_paused and (silence.was_broken or not silence.is_heard)

    def _beat_meanwhile(self) -> None:
        """Send another, whose answer nobody awaits, while that of the first is late.

        The answer is behind much else, and the server wants a sign of us all the same.
        """
        now = self._elapsed()
        if self._silence.was_broken and now - self._beat_at >= self.interval:
            self._beat_at = now
            try:
                self._owner.send_heartbeat(Message.heartbeat(self._owner.next_ref()))
            except SerializerError as error:
                self._owner.heartbeat_unsent(error)

    @property
    def _silence(self) -> Silence:
        """What is timed; made for the first heartbeat."""
        if self._made_silence is None:
            self._made_silence = Silence(self._elapsed, self._transport)
        return self._made_silence


class _Ping(PendingReply):
    __slots__ = ("_elapsed", "_forget", "_sent_at", "_tell", "_timeout")

    def __init__(
        self,
        elapsed: Callable[[], float],
        timeout: float,
        tell: Callable[[float], None],
        forget: Callable[[], object],
    ) -> None:
        super().__init__()
        self._elapsed = elapsed
        self._timeout = timeout
        self._tell = tell
        self._forget = forget
        self._sent_at = elapsed()

    def answered(self, _payload: Any, _join_ref: str | None) -> None:
        round_trip = self._elapsed() - self._sent_at
        self._tell(round_trip)
        self.succeed(round_trip)

    def expired(self) -> None:
        self._forget()
        self.fail(HeartbeatTimeout(self._timeout))

    def forgotten(self) -> None:
        self._forget()
