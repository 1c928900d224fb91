"""What a soak has shown, as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .course import Course
from .measures import BOUNDS, Held, allowed

__all__ = ["lines"]


def lines(course: Course, clients: int) -> Iterator[str]:
    """The summary."""
    pushes = course.ledger.outcomes.get("push", Counter())
    total, answered = sum(pushes.values()), pushes.get("ok", 0)
    yield f"{course.seconds:.0f} seconds, {len(course.moments)} quiet moments"
    befallen = ", ".join(f"{it} {n:,}" for it, n in sorted(course.befallen.items()))
    yield f"befell       {befallen} clients"
    yield f"pushes       {total:,} sent, {answered:,} answered"
    for outcome, count in sorted(pushes.items(), key=lambda it: -it[1]):
        if outcome != "ok":
            yield f"             {count:,} failed with {outcome}"
    yield (
        f"messages     {course.messages:,} received, {course.changed:,} of them "
        "changed on a line that changes bytes"
    )
    yield f"reconnects   {course.reconnects:,}"
    for outcome, count in course.ends.most_common():
        yield f"             {count:,} connections ended with {outcome}"
    longest = course.recovery.longest
    after = f" ({longest.client}, after {longest.fault})" if longest.client else ""
    yield f"longest time to be back  {longest.seconds:.1f} s{after}"
    for kind, outcomes in sorted(course.ledger.outcomes.items()):
        if kind != "push":
            shown = ", ".join(f"{count:,} {it}" for it, count in outcomes.items())
            yield f"{kind:15}{shown}"
    if course.others:
        shown = ", ".join(f"{count:,} {it}" for it, count in course.others.items())
        yield f"{'others':13}{shown}"
    if course.server:
        counts = course.server["counts"].items()
        yield f"{'the server':13}{', '.join(f'{n:,} {it}' for it, n in counts)}"
    yield f"fullest queue of a reader  {course.highest} messages"
    if course.moments:
        yield from _growth(*course.compared(), clients)


def _growth(first: Held, last: Held, clients: int) -> Iterator[str]:
    yield "held in a quiet moment   after a third, at the end, at most"
    for name, before, after in zip(Held._fields, first, last, strict=True):
        unit = BOUNDS[name].unit
        most = allowed(name, before, clients)
        yield f"  {name:12}{before:14,.0f}{after:14,.0f}{most:14,.0f} {unit}".rstrip()
