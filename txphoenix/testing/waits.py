"""Who waits for something to happen on a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

__all__ = ["Waits"]


class Waits:
    """Deferreds that fire with the next thing of a kind that is the right one.

    Its length is how many there are.
    """

    def __init__(self) -> None:
        # Who waits for what: the kind, and whether it is that one.
        self._waits: dict[Deferred[Any], tuple[str, Callable[[Any], bool]]] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def wait(self, kind: str, matches: Callable[[Any], bool]) -> Deferred[Any]:
        """Wait for one of a kind.

        :param matches: whether it is the right one.
        :return: a Deferred that fires with it.
        """
        deferred: Deferred[Any] = Deferred(self._forget)
        self._waits[deferred] = (kind, matches)
        return deferred

    def _forget(self, deferred: Deferred[Any]) -> None:
        # It may be among those that are told just now.
        self._waits.pop(deferred, None)

    def tell(self, kind: str, value: Any) -> None:
        """Tell those who wait for one of that kind, and for this one."""
        if not self._waits:
            return
        met = [
            deferred
            for deferred, (awaited, matches) in self._waits.items()
            if awaited == kind and matches(value)
        ]
        for deferred in met:
            self._waits.pop(deferred)
        for deferred in met:
            # Whoever was told before may have cancelled it.
            if not deferred.called:
                deferred.callback(value)
