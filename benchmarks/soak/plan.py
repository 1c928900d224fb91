"""What goes wrong, when, for how long and for whom: all of it follows from a seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

__all__ = ["FAULTS", "SERVER_FAULTS", "Cycle", "Plan", "Step", "make_plan"]

FAULTS = {
    "refuse": "connections are cut, and others refused",
    "stall": "one side reads no more, and stays",
    "hold": "a black hole: nothing passes, not even an end",
    "trickle": "a few bytes a moment",
    "cut": "the connection ends, by a reset or in good order",
    "cut-after": "each connection ends within a message",
    "half-close": "one side says no more, and still reads",
    "corrupt": "bytes are changed on their way",
    "delay": "all that passes is late",
    "kick": "the server ends the session",
    "crash": "the server's channels crash",
    "full-queue": "readers stop reading while the server says much",
}
"""What befalls a client, and what that is."""

SERVER_FAULTS = {
    "restart": "the server closes with 1012, is gone for a while, and comes back",
    "unavailable": "the server answers handshakes with HTTP 503",
}
"""What befalls a server, and all of its clients."""

# Over plain TCP a changed byte may be anything, a new topic or the ref of another push.
# Who is told by a checksum that a message was changed must know that this may be.

_MOMENT = frozenset({"cut", "half-close", "kick", "crash"})
"""These are done at once, and have no end."""

CYCLE = 20.0
"""Seconds from one quiet moment to the next, at most."""

_SHARE = 0.7
"""The share of a cycle in which things go wrong; in the rest all comes back."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One fault.

    :ivar number: its place in the plan.
    :ivar at: seconds from the cycle's begin.
    :ivar seconds: how long it lasts; 0 for what is done at once.
    :ivar fault: one of :data:`FAULTS` or :data:`SERVER_FAULTS`.
    :ivar clients: the numbers of the clients that it befalls; none for a server's.
    :ivar details: what else there is to say of it.
    """

    number: int
    at: float
    seconds: float
    fault: str
    clients: tuple[int, ...]
    details: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """It as JSON has it."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        whom = ",".join(map(str, self.clients)) or "server"
        details = "".join(f" {name}={it}" for name, it in self.details.items())
        end = f"{self.at + self.seconds:6.2f}" if self.seconds else "      "
        return f"{self.at:6.2f} -{end}  {self.fault:12}{whom}{details}"


@dataclasses.dataclass(frozen=True)
class Cycle:
    """Faults, and the quiet that follows.

    :ivar seconds: how long there are faults.
    :ivar steps: the faults, in the order in which they begin.
    """

    seconds: float
    steps: tuple[Step, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that will go wrong.

    :ivar seed: what it was made of.
    :ivar cycles: one after the other; the first third of them warms up.
    """

    seed: int
    cycles: tuple[Cycle, ...]

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        for number, cycle in enumerate(self.cycles, 1):
            yield f"cycle {number}"
            yield from (f"  {step}" for step in cycle.steps)


def make_plan(seed: int, minutes: float, clients: int) -> Plan:
    """Make a plan: the same of the same numbers, whatever the machine.

    Each cycle has each of a client's faults, spread over all clients, and a restart.

    :param minutes: how long all cycles take together; there are two at least, for what
        has grown is seen by comparing two quiet moments.
    """
    chance = random.Random(f"{seed} {minutes:g} {clients}")
    whole = 60 * minutes
    count = max(2, round(whole / CYCLE))
    seconds = round(_SHARE * whole / count, 2)
    cycles = []
    number = 0
    for index in range(count):
        made = _cycle(chance, seconds, clients, index)
        steps = sorted(made, key=lambda step: step[0])
        numbered = tuple(Step(number + i, *each) for i, each in enumerate(steps))
        number += len(steps)
        cycles.append(Cycle(seconds, numbered))
    return Plan(seed, tuple(cycles))


_Made = tuple[float, float, str, tuple[int, ...], dict[str, Any]]


def _cycle(
    chance: random.Random, seconds: float, clients: int, index: int
) -> Iterator[_Made]:
    """Each client meets a fault in the first half, and many another in the second."""
    half = seconds / 2
    for begin in (0.0, half):
        befallen = list(range(clients))
        chance.shuffle(befallen)
        faults = list(FAULTS)
        chance.shuffle(faults)
        share = max(1, len(befallen) // len(faults))
        for fault in faults:
            whom = tuple(sorted(befallen.pop() for _ in range(share) if befallen))
            if whom:
                yield _of_clients(chance, fault, begin, half, whom)
    where = ("plain", "secure", "both")[index % 3]
    at = round(chance.uniform(0, 0.5) * seconds, 2)
    lasts = round(chance.uniform(0.05, 0.3) * seconds, 2)
    yield at, lasts, "restart", (), {"where": where}
    if index % 2:
        at = round(chance.uniform(0.5, 0.7) * seconds, 2)
        lasts = round(chance.uniform(0.1, 0.3) * seconds, 2)
        where = chance.choice(("plain", "secure"))
        yield at, lasts, "unavailable", (), {"where": where}


def _of_clients(
    chance: random.Random, fault: str, begin: float, span: float, whom: tuple[int, ...]
) -> _Made:
    at = round(begin + chance.uniform(0, 0.3) * span, 2)
    lasts = round(chance.uniform(0.3, 1.0) * (begin + span - at), 2)
    direction = chance.choice(("to_client", "to_server"))
    details: dict[str, Any] = {}
    if fault not in {"refuse", "cut", "kick", "crash", "full-queue"}:
        details["direction"] = direction
    if fault in {"refuse", "cut"}:
        details["reset"] = chance.random() < 0.5
    elif fault == "trickle":
        details["rate"] = chance.choice((50, 500, 5000))
        details["piece"] = chance.choice((1, 7, 100))
    elif fault == "cut-after":
        details["bytes"] = chance.randrange(1, 8000)
    elif fault == "corrupt":
        details["chance"] = chance.choice((0.05, 0.3, 1.0))
        details["seed"] = chance.randrange(2**32)
    elif fault == "delay":
        details["delay"] = round(chance.uniform(0.05, 1.0), 2)
    elif fault == "full-queue":
        details["messages"] = chance.choice((30, 100, 400))
    return at, 0.0 if fault in _MOMENT else lasts, fault, whom, details
