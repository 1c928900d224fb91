"""``Retry-After``: how long a server wants not to be asked again (RFC 9110 10.2.3).

It is a number of seconds, or a date in one of HTTP's three formats (section 5.6.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

__all__ = ["retry_after"]

# As much as a number of seconds need be (RFC 9111 section 1.2.2).
_LONGEST: Final = 2**31
# A date with a year of two digits that is further ahead is of the century before.
_FURTHEST: Final = 50

_MONTHS: Final = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
_TIME: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_IMF: Final = (
    r"[a-z]{3}, (?P<day>[0-9]{2}) (?P<month>[a-z]{3}) (?P<year>[0-9]{4}) "
    rf"{_TIME} GMT"
)
_RFC850: Final = (
    r"[a-z]{6,9}, (?P<day>[0-9]{2})-(?P<month>[a-z]{3})-(?P<year>[0-9]{2}) "
    rf"{_TIME} GMT"
)
_ASCTIME: Final = (
    rf"[a-z]{{3}} (?P<month>[a-z]{{3}}) (?P<day>[ 0-9][0-9]) {_TIME} "
    r"(?P<year>[0-9]{4})"
)
# Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; and Sun Nov  6 08:49:37
# 1994, in this order.
_FORMATS: Final = (_IMF, _RFC850, _ASCTIME)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that a server wants to have nothing asked of it.

    Of several values the longest counts, and what is neither a number nor a date is as
    if it were not there.
    A date is compared with the answer's own ``Date``, if it has a good one: the clocks
    of a server and of a client may be hours apart.

    :param headers: those of the answer, whatever the case of their names; of one that
        came several times the values are joined by commas.
    :param now: the time, in seconds since the epoch.
    :return: None if it says nothing of it; 0 for a date that has passed.
        It is 68 years at most.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    value = by_name.get("retry-after")
    if not isinstance(value, str):
        return None
    delays = [
        _seconds(item) if item.isdecimal() else _until(item, by_name.get("date"), now)
        for item in _items(value)
    ]
    return max((delay for delay in delays if delay is not None), default=None)


def _items(value: str) -> Iterator[str]:
    """The values that commas separate; dates may have a comma behind the day's name."""
    pieces = [piece.strip(" \t") for piece in value.split(",")]
    while pieces:
        piece = pieces.pop(0)
        if piece.isascii() and piece.isalpha() and pieces:
            piece = f"{piece}, {pieces.pop(0)}"
        if piece.isascii():
            yield piece


def _seconds(digits: str) -> float:
    # Python refuses to read very many digits.
    digits = digits.lstrip("0")
    return float(min(_LONGEST, int(digits or "0") if len(digits) < 20 else _LONGEST))


def _until(date: str, server_date: str | None, now: float) -> float | None:
    """The seconds from the answer to a date; 0 if it has passed."""
    moment = _moment(date, now)
    if moment is None:
        return None
    answered = _moment(server_date.strip(), now) if server_date else None
    since = now if answered is None else answered
    return float(min(_LONGEST, max(0.0, moment - since)))


def _moment(date: str, now: float) -> float | None:
    """A date of HTTP's, in seconds since the epoch; None if it is none."""
    for pattern in _FORMATS:
        found = re.fullmatch(pattern, date, re.IGNORECASE | re.ASCII)
        if found is not None:
            return _of_parts(found.groupdict(), now)
    return None


def _of_parts(parts: Mapping[str, str], now: float) -> float | None:
    try:
        year = int(parts["year"])
        if len(parts["year"]) == 2:
            this_year = datetime.fromtimestamp(now, UTC).year
            ahead = (year - this_year) % 100
            year = this_year + (ahead if ahead <= _FURTHEST else ahead - 100)
        return datetime(
            year,
            _MONTHS.index(parts["month"].lower()) + 1,
            int(parts["day"]),
            int(parts["hour"]),
            int(parts["minute"]),
            # There may be a leap second.
            min(59, int(parts["second"])),
            tzinfo=UTC,
        ).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
