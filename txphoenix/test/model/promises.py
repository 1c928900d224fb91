"""The invariants, by name, and what has broken one."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Broken", "Promise", "Promises"]


class Promise(StrEnum):
    """What a user is promised."""

    FIRES = "every Deferred fires once, in its time, with what it may fire with"
    REPLY = "a reply reaches the push that asked, and no other"
    ONCE = "a push is carried out once at most, and pushes in their order"
    IN_ORDER = "no message reaches a hook twice, out of order, or after its join"
    NOTHING_LOST = "nothing is lost on a connection that stays"
    TOLD = "the state told is the state"
    STAYS = "a connection that nobody disturbs stays, and a dead one is found"
    DELAYS = "attempts have the delays that the backoffs say"
    AGREE = "after quiet both sides agree which topics are joined"
    NOTHING_LEFT = "what is over is not kept, and after the stop nothing is left"
    CALM = "nothing is raised inside, and nothing turns round for ever"


class Broken(AssertionError):
    """A promise was broken."""


class Promises:
    """What has broken a promise so far.

    Some of it is seen in hooks, where the client takes what is raised; so it is kept
    here until the step is over.
    """

    def __init__(self) -> None:
        self._broken: list[str] = []

    def broken(self, promise: Promise, what: str) -> None:
        """Take note of a broken promise."""
        self._broken.append(f"[{promise.name}] {promise}: {what}")

    def hold(self, promise: Promise, holds: object, what: str) -> None:
        """Take note of a broken promise unless something is so."""
        if not holds:
            self.broken(promise, what)

    def check(self) -> None:
        """Raise what was noted.

        :raises Broken: a promise was broken.
        """
        if self._broken:
            broken, self._broken = self._broken, []
            raise Broken("\n".join(broken[:5]))
