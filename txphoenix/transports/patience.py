"""What a connection knows of its attempts, and how much it bears of those who ask.

Whoever asks for an attempt at once, again and again, must not do away with the delays
between attempts, so such wishes have a pace.

A machine that has just woken up has no network yet, or not all of it.
So for a while it tries again about each second, as long as nothing answers.
"""

from __future__ import annotations

from random import random
from typing import Final

from twisted.logger import Logger

from ..errors import ConfigurationError, HandshakeRefused
from ..runtime.kept_errors import unraised
from ..runtime.lasting import LEAST, Pace, has_lasted
from ..runtime.package_log import package_log

__all__ = ["Patience"]

log = Logger("txphoenix.client", observer=package_log)

# So many attempts that somebody asks for begin at once: while others fail, and to
# replace what is open.
# Whoever asks may be a hook that does so each time, and must not do away with the
# delays; so there is one more in each time that the longest of these takes.
_MOST_HURRIED: Final = 5
_MOST_REPLACED: Final = 20
# For so many seconds a machine that has woken up may be without its network.
_WAKING: Final = 120.0
# Until then, the longest delay (seconds) before an attempt.
_WHILE_WAKING: Final = 1.0


class Patience:
    """What one connection knows of its attempts, and of those that are asked for.

    :param longest_delay: the longest delay (seconds) between two attempts.
    """

    __slots__ = (
        "_began_at",
        "_delay",
        "_has_told",
        "_hurried",
        "_is_answered",
        "_opened_at",
        "_woke_at",
        "close_code",
        "error",
        "latest",
        "replaced",
        "retry_at",
    )

    def __init__(self, longest_delay: float) -> None:
        # The delay that led to the latest attempt, when that began, and when the latest
        # transport was opened.
        self._delay = self._began_at = self._opened_at = 0.0
        self.close_code: int | None = None
        """What the latest transport was closed with, if that has ended last.

        It may have been a WebSocket on which nothing had come, before a fallback.
        """
        self.error: Exception | None = None
        """How the latest attempt or transport has ended, until another opens."""
        self.retry_at: float | None = None
        """When the server wants to be asked again, if that has said so at that end."""
        # Made at its first use, which most connections never come to.
        self._hurried: Pace | None = None
        self.replaced = Pace(_MOST_REPLACED, longest_delay)
        """Those in the place of what was open."""
        self.latest = self.replaced
        """Which of the two an attempt after the latest end comes under."""
        # Whether the log has it that no attempt at once is left.
        self._has_told = False
        # When the machine woke up, until there is a connection again.
        self._woke_at: float | None = None
        # Whether the latest end was a server's answer, or our own doing.
        self._is_answered = False

    def reset(self, longest_delay: float) -> None:
        """Go by another longest delay from now on."""
        if self._hurried is not None:
            self._hurried.reset(longest_delay)
        self.replaced.reset(longest_delay)

    @property
    def hurried(self) -> Pace:
        """The attempts that are begun at once while others fail."""
        if self._hurried is None:
            self._hurried = Pace(_MOST_HURRIED, self.replaced.seconds)
        return self._hurried

    @property
    def is_replaced(self) -> bool:
        """Whether what was open has ended because another was wanted in its place."""
        return self.latest is self.replaced

    # -- What becomes of the attempts ----------------------------------------------

    def planned(self, delay: float) -> None:
        """The next attempt begins in ``delay`` seconds."""
        self._delay = delay

    def began(self, now: float) -> None:
        """An attempt has begun."""
        self._began_at = now

    def opened(self, now: float) -> float:
        """It has opened a transport.

        :return: after how many seconds.
        """
        self._opened_at = now
        self._woke_at = self.error = self.retry_at = None
        return now - self._began_at

    def ended(self, reason: Exception, now: float) -> None:
        """It has failed, or the transport that it has opened has ended."""
        # A hook may raise what it is told, and who failed may have been busy then.
        self.error = unraised(reason)
        seconds = getattr(reason, "retry_after", None)
        self.retry_at = None if seconds is None else now + seconds
        self.close_code = getattr(reason, "code", None)
        self._is_answered = isinstance(reason, HandshakeRefused | ConfigurationError)

    def follow(self, pace: Pace) -> None:
        """Have an attempt after this end come under one of the two."""
        self.latest = pace

    def woken(self, now: float) -> None:
        """The machine has woken up, and what was open is not any more."""
        self._woke_at = now

    # -- What follows --------------------------------------------------------------

    def shortened(self, delay: float, now: float) -> float:
        """The delay before the next attempt, where the machine has just woken up.

        :param delay: what it would be otherwise.
        """
        woke_at = self._woke_at
        if woke_at is None or self._is_answered or now - woke_at > _WAKING:
            return delay
        if self._began_at < woke_at:
            # The first, at once.
            return 0.0
        return min(delay, _WHILE_WAKING * (1 - random() / 2))

    def may_hurry(self, now: float, client: str) -> bool:
        """Take a turn for an attempt at once; the first after a sleep takes none.

        Where there is none the log says so, once until there is one again.

        :param client: what the log calls the client.
        """
        if self._woke_at is not None and self._began_at < self._woke_at:
            return True
        may_hurry = self.hurried.take(now)
        has_told, self._has_told = self._has_told, not may_hurry
        if not (may_hurry or has_told):
            log.info(
                "{client}: an attempt at once was asked for too often, and waits for"
                " its time: {most} at once, then one each {seconds:g} s",
                client=client,
                most=_MOST_HURRIED,
                seconds=self.hurried.seconds,
            )
        return may_hurry

    def has_answered(self, now: float) -> bool:
        """Whether an answer of the server shows that it means to keep us."""
        return now - self._opened_at >= LEAST

    def has_lasted(self, now: float) -> bool:
        """Whether the transport was there for long enough."""
        return has_lasted(now - self._opened_at, self._delay)
