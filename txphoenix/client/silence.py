"""How long a server has been silent while it owes an answer.

A line that is busy is not dead: the answer to a heartbeat may be behind megabytes, on
the way there or on the way back.
So what is timed is silence, and two things break it.

Bytes that come
    They show that the server lives, whatever they say.
    Linux tells of each; elsewhere those of a record of TLS, of at most 16 KiB, are seen
    as soon as it is whole.
Bytes that the peer takes
    They count as long as the heartbeat itself is under way.
    Once the peer's system has it, that this system goes on taking small messages says
    nothing of the server: it would do so for one that has stopped.

While reading is paused, what comes waits in the system, which counts it all the same.
Once it has no room for more, silence cannot be told from a server that is made to wait.

Nothing is done for this at each message.
While an answer is awaited the transport is asked a few times whether anything moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from ..runtime.package_log import package_log
from ..transports.interfaces import LifeSigns, ObservedTransport

__all__ = ["Silence"]

log = Logger("txphoenix.silence", observer=package_log)

_NO_SIGNS: Final = LifeSigns(False, 0, False)
# In so many parts of the time allowed the transport is asked.
# So the end of a silence is told late by one part at the most.
_PARTS: Final = 8
# A part that begins late, as the reactor has it, is not made up for.
_NEARLY: Final = 0.95
# Moments are floats.
_TOLERANCE: Final = 1e-6


class Silence:
    """The silence of one transport's peer.

    :param seconds: tells the time.
    :param transport: what is asked; None where there is only the answer itself.
    """

    __slots__ = (
        "_is_under_way",
        "_seconds",
        "_since",
        "_taken",
        "_transport",
        "is_heard",
        "was_broken",
    )

    def __init__(
        self, seconds: Callable[[], float], transport: ObservedTransport | None
    ) -> None:
        self._seconds = seconds
        self._transport = transport
        self._since = 0.0
        self._taken = 0
        self._is_under_way = False
        self.was_broken = False
        """Whether anything has moved since the heartbeat was sent."""
        self.is_heard = False
        """Whether what comes shows, though reading is paused, as far as was asked."""

    def begin(self, send: Callable[[], None]) -> None:
        """Send a heartbeat; from now on there is silence.

        :param send: sends it.
        """
        # Where nothing is before it, it is on the other side in no time.
        self._is_under_way = self._signs(with_writes=True).is_under_way
        self.end()
        send()
        signs = self._signs(with_writes=True)
        self._taken = signs.taken
        # A server that is near may have answered by now.
        self.was_broken = signs.has_read

    def end(self) -> None:
        """Something has come; from now on there is silence."""
        self._since = self._seconds()

    def left(self, timeout: float) -> float:
        """How long it may last.

        :return: the seconds after which to ask again; 0 if it has lasted too long.
        """
        if self._has_moved():
            self.was_broken = True
            self.end()
        left = self._since + timeout - self._seconds()
        if left <= _TOLERANCE:
            return 0.0
        if self._transport is None:
            return left
        part = timeout / _PARTS
        return part if left > part * _NEARLY else left

    def _signs(self, with_writes: bool = False) -> LifeSigns:
        """What the peer has shown; one of the user's that raises is not asked again.

        :param with_writes: whether to follow what has been sent up to now.
        """
        transport = self._transport
        if transport is None:
            return _NO_SIGNS
        try:
            if with_writes:
                transport.follow_writes()
            return transport.signs_of_life()
        except BaseException:
            log.failure("the transport raised; it is not asked any more")
            self._transport = None
            return _NO_SIGNS

    def _has_moved(self) -> bool:
        signs = self._signs()
        self.is_heard = signs.is_heard
        has_moved = signs.has_read
        if self._is_under_way:
            has_moved = has_moved or signs.taken > self._taken
            self._taken, self._is_under_way = signs.taken, signs.is_under_way
        return has_moved
