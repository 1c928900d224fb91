"""How long to wait before the next attempt, as plain functions of the attempt.

A backoff takes the number of attempts that have failed in a row before this one, from
0, and gives the seconds to wait.
It has no state and no clock, so one can serve any number of clients, and any function
of that shape can take its place.

What is random here is random so that the clients of a server that went down do not all
come back in the same instant.
How much of that it takes, ``benchmarks/storm.py`` measures.
"""

from __future__ import annotations

import math
import random as _random
import sys
from collections.abc import Callable
from typing import cast

from ..errors import ConfigurationError
from ..legible import legible

__all__ = [
    "Backoff",
    "ErrorBackoff",
    "exponential",
    "jittered",
    "reconnect",
    "rejoin",
    "spread",
    "steps",
]

# The longest delay (seconds) before the first attempt after it.
_LONGEST_SPREAD = 5.0

# The same where the server has said that it has too much to do.
_LONGEST_OVERLOAD = 3 * _LONGEST_SPREAD

# Over how much time (seconds, or a share of the delay) those come back who were told
# when to.
_LEAST_SPREAD = 1.0
_SHARE_SPREAD = 0.1

# The default backoff: its longest first delay (seconds) and by what that is multiplied
# at each attempt, the longest of so many attempts, which take five minutes, and the
# first longest after them.
_FIRST_DELAY = 2.25
_GROWTH = 1.5
_HELD_DELAY = 15.0
_HELD_ATTEMPTS = 30
_LATE_DELAY = 30.0

Backoff = Callable[[int], float]
"""The seconds to wait before an attempt, of the number of the attempt, from 0."""

ErrorBackoff = Callable[[int, Exception], float]
"""The same, of the number and of the error that the attempt follows.

That is what has ended the connection or the attempt before; of a rejoin, what has
interrupted the channel.
"""

#: A number from 0 up to but not including 1, as :func:`random.random` gives it.
Random = Callable[[], float]


def exponential(
    base: float = 3.5,
    factor: float = 1.5,
    maximum: float = 15.0,
    random: Random = _random.random,
) -> Backoff:
    """A delay that grows by a factor with each attempt, with full jitter.

    It is uniformly random, above 0 and at most
    ``min(maximum, base * factor**attempt)``.
    With the defaults the first is at most 3.5 seconds and none is over 15.

    :param base: the longest first delay, in seconds.
    :param factor: what the longest delay is multiplied by at each attempt, at least 1.
    :param maximum: the longest delay of any attempt, in seconds.
    :param random: where the randomness comes from.
    :raises ConfigurationError: if one of them is not what it must be.
    """
    _check_seconds("base", base)
    _check_seconds("maximum", maximum)
    if not (_is_number(factor) and factor >= 1):
        raise ConfigurationError(
            f"factor must be a finite number of at least 1, not {legible(factor)}"
        )
    return jittered(_growing(base, factor, maximum), least=0.0, random=random)


def steps(delays: list[float] | tuple[float, ...]) -> Backoff:
    """A delay from a table, without jitter; the last one repeats.

    This is the shape of the official client's ``reconnectAfterMs`` and
    ``rejoinAfterMs``, in seconds.

    :param delays: the delays in seconds, at least one; they are copied.
    :raises ConfigurationError: if it is not a list or tuple of at least one delay.
    """
    if not isinstance(delays, (list, tuple)):
        raise ConfigurationError(
            f"delays must be a list or a tuple, not {type(delays).__name__}"
        )
    if not delays:
        raise ConfigurationError("delays must hold at least one delay")
    for delay in delays:
        _check_seconds("each of delays", delay, zero=True)
    table = tuple(delays)
    last = len(table) - 1

    def step(attempt: int) -> float:
        return table[min(attempt, last)]

    return step


def jittered(
    backoff: Backoff, least: float = 0.5, random: Random = _random.random
) -> Backoff:
    """Another backoff's delay, shortened at random.

    It is uniformly random, above ``least * delay`` and at most ``delay``.

    :param backoff: the backoff that gives the longest delays.
    :param least: the share of the delay that is always waited, from 0 (full jitter)
        to 1 (none).
    :param random: where the randomness comes from.
    :raises ConfigurationError: if one of them is not what it must be.
    """
    if not (_is_number(least) and 0 <= least <= 1):
        raise ConfigurationError(
            f"least must be a number from 0 to 1, not {legible(least)}"
        )
    _check_callable("backoff", backoff)
    _check_callable("random", random)

    def shortened(attempt: int) -> float:
        return backoff(attempt) * (1.0 - (1.0 - least) * random())

    return shortened


def reconnect(maximum: float = 60.0, random: Random = _random.random) -> Backoff:
    """The delay before a connection is tried again: the default.

    The first is at most 2.25 seconds, and has *full jitter*: of all delays with the
    same mean, these spread many clients best.
    Each later one has *equal jitter*, that is, half of it is always waited: the second
    attempts of some clients would otherwise come on top of the first of others.
    The longest grows by half each time, to 15 seconds, and stays there until the
    thirtieth: after an outage of up to five minutes, clients are back within seconds of
    the server.
    From then on it is 30 seconds, and then ``maximum``: a server that is down for hours
    is asked less.

    :param maximum: the longest delay of any attempt, in seconds.
    :param random: where the randomness comes from.
    :raises ConfigurationError: if one of them is not what it must be.
    """
    _check_seconds("maximum", maximum)
    early = _growing(_FIRST_DELAY, _GROWTH, min(_HELD_DELAY, maximum))
    late = _growing(_LATE_DELAY, 2.0, maximum)

    def longest(attempt: int) -> float:
        if attempt < _HELD_ATTEMPTS:
            return early(attempt)
        return late(attempt - _HELD_ATTEMPTS)

    first = jittered(longest, least=0.0, random=random)
    later = jittered(longest, least=0.5, random=random)
    return lambda attempt: later(attempt) if attempt else first(attempt)


def rejoin(random: Random = _random.random) -> Backoff:
    """The delay before a channel joins again: 1, 2, 5, then 10 seconds, at most.

    These are the official client's.
    Up to half of each is taken off at random, so that a thousand channels of one socket
    do not rejoin in one instant.

    :param random: where the randomness comes from.
    :raises ConfigurationError: if ``random`` cannot be called.
    """
    return jittered(steps((1.0, 2.0, 5.0, 10.0)), least=0.5, random=random)


def spread(
    delay: float,
    shortest: float = 0.5,
    longest: float = 5.0,
    random: Random = _random.random,
) -> float:
    """A first delay for when a server restarts and all of its clients come back.

    Such a server closes with code 1012 (service restart, in IANA's registry of close
    codes).
    It needs a while to be back, and then as few clients as can be at a time.

    :param delay: the delay there would be otherwise, in seconds.
    :param shortest: the shortest delay, in seconds.
    :param longest: the longest delay, in seconds.
    :param random: where the randomness comes from.
    :return: uniformly random, above ``shortest`` and at most ``longest``, but never
        less than ``delay``.
    :raises ConfigurationError: if one of them is not what it must be.
    """
    _check_seconds("delay", delay, zero=True)
    _check_seconds("shortest", shortest, zero=True)
    _check_seconds("longest", longest)
    if shortest > longest:
        raise ConfigurationError(
            f"shortest must be at most longest, not {shortest!r} and {longest!r}"
        )
    _check_callable("random", random)
    return max(delay, longest - (longest - shortest) * random())


def checked(delay: object) -> float:
    """Take the delay that a backoff of the user's has given; none is below 0.

    :raises ValueError: it is no finite number.
    """
    seconds = float(cast(float, delay))
    if not math.isfinite(seconds):
        raise ValueError(f"a delay must be finite, not {seconds!r}")
    return max(0.0, seconds)


def after_restart(delay: float, longest_delay: float) -> float:
    """Spread wider a delay that a server's restart was the reason of."""
    longest = min(_LONGEST_SPREAD, longest_delay)
    return spread(delay, longest / 10, longest)


def after_overload(delay: float, longest_delay: float) -> float:
    """Spread a delay after a server that has closed with 1013, try again later.

    With a ``reconnect_interval`` of 15 seconds or more, none is as short as any after a
    restart.
    """
    longest = min(_LONGEST_OVERLOAD, longest_delay)
    return spread(delay, longest / 3, longest)


def after_refusal(
    seconds: float, longest_delay: float, random: Random = _random.random
) -> float:
    """A delay for what a server has asked for by ``Retry-After``.

    :param seconds: for how long it wants to be left alone.
    :param longest_delay: the most that is waited of it.
    :return: at least ``seconds``, and up to a tenth or a second more, so that its
        clients do not all come back at once.
        Where that is too long it is ``longest_delay``, and up to a tenth less.
    """
    if seconds > longest_delay:
        return longest_delay * (1 - random() * _SHARE_SPREAD)
    if not seconds:
        return 0.0
    return seconds + random() * max(_LEAST_SPREAD, seconds * _SHARE_SPREAD)


def _growing(base: float, factor: float, maximum: float) -> Backoff:
    """What a delay that grows by a factor is at most."""
    # As an integer, it would grow without end and never overflow.
    growth = float(factor)

    def longest(attempt: int) -> float:
        try:
            return min(maximum, base * growth**attempt)
        except OverflowError:
            return maximum

    return longest


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max
    )


def _check_seconds(name: str, value: float, zero: bool = False) -> None:
    if not (_is_number(value) and (value > 0 or (zero and value == 0))):
        least = "of at least 0" if zero else "above 0"
        raise ConfigurationError(
            f"{name} must be a finite number of seconds {least}, not {legible(value)}"
        )


def _check_callable(name: str, value: object) -> None:
    if not callable(value):
        raise ConfigurationError(
            f"{name} must be a function, not {type(value).__name__}"
        )
