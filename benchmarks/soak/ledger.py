"""What the clients have handed out, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["Ledger", "Verdict"]

_MOST_KEPT = 50


class Verdict:
    """The invariants that were broken, and when.

    :param moment: tells the moment, in words.
    :param tell: is told of each that is kept.
    :ivar count: how many there were.
    :ivar lines: the first of them.
    """

    def __init__(self, moment: Callable[[], str], tell: Callable[[str], None]) -> None:
        self._moment = moment
        self._tell = tell
        self.count = 0
        self.lines: list[str] = []

    def broken(self, invariant: str, what: object) -> None:
        """An invariant was broken."""
        self.count += 1
        if len(self.lines) < _MOST_KEPT:
            line = f"{self._moment()}: {invariant}: {what}"
            self.lines.append(line)
            self._tell(f"BROKEN {line}")


class Ledger:
    """Every Deferred that was handed out: what it was for, and how it ended.

    One that is fired twice raises in the library, which :mod:`.checks` sees in the log.

    :param seconds: tells the time.
    :ivar outcomes: of each kind, how often it ended in which way; ``"ok"``, or the
        error's class.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._open: dict[int, tuple[str, str, float]] = {}
        self._next = 0
        self.outcomes: dict[str, Counter[str]] = {}

    def watch(self, kind: str, what: str, deferred: Deferred[Any]) -> Deferred[Any]:
        """Take note of a Deferred that was handed out.

        :param kind: such as ``"push"``.
        :param what: which one it is.
        :return: the same.
        """
        number = self._next
        self._next += 1
        self._open[number] = (kind, what, self._seconds())
        return deferred.addBoth(self._fired, number)

    def _fired(self, result: Any, number: int) -> Any:
        kind, _, _ = self._open.pop(number)
        is_failure = isinstance(result, Failure)
        outcome = result.type.__name__ if is_failure and result.type else "ok"
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        return result

    def left(self, *but: str) -> Iterator[str]:
        """Those that have not fired, except of some kinds, in words."""
        now = self._seconds()
        for kind, what, since in self._open.values():
            if kind not in but:
                yield f"the Deferred of {kind} {what}, {now - since:.1f} seconds old"

    def count(self, *but: str) -> int:
        """How many have not fired, except of some kinds."""
        return sum(kind not in but for kind, _, _ in self._open.values())

    def total(self, kind: str) -> int:
        """How many of a kind have fired."""
        return sum(self.outcomes.get(kind, Counter()).values())
