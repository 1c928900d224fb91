"""What the process of the clients holds, and how much more of it there may be.

It is measured in quiet moments: all clients are connected, all channels are joined,
nothing is pushed, no reply is awaited, and garbage is collected.
So two such moments differ by what was left behind in between, and by what a transport
has more or less than another: a fallback client may be at the other of its two.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from txphoenix import Channel, SocketClient
from txphoenix.client.link import Link
from txphoenix.runtime.deadlines import Deadlines

from ..memory import resident_kilobytes

__all__ = ["BOUNDS", "Bound", "Held", "allowed", "clients_left", "grown", "held"]

# Where the system has no such folder, open files are not counted.
_FILES = next((it for it in ("/proc/self/fd", "/dev/fd") if os.path.isdir(it)), None)


class Held(NamedTuple):
    """What a process holds in one moment.

    :ivar resident: the resident set, in KiB.
    :ivar blocks: the blocks of memory that Python has allocated.
    :ivar objects: the objects that the garbage collector knows.
    :ivar calls: the delayed calls of the reactor.
    :ivar deadlines: what the clients wait for, of which many share a delayed call.
    :ivar files: the open files, sockets among them.
    """

    resident: float
    blocks: int
    objects: int
    calls: int
    deadlines: int
    files: int


class Bound(NamedTuple):
    """How much more there may be.

    :ivar constant: whatever the number of clients.
    :ivar each_client: for each client.
    :ivar unit: of the number.
    :ivar why: the reason for the bound.
    """

    constant: float
    each_client: float
    unit: str
    why: str


BOUNDS = {
    "resident": Bound(
        4000, 100, "KiB", "the system is given back what is free in whole pages alone"
    ),
    "blocks": Bound(1000, 80, "", "a client that fell back has another transport"),
    "objects": Bound(500, 20, "", "a client that fell back has another transport"),
    "calls": Bound(
        10, 2, "", "the log has two for a client whose connection comes and goes"
    ),
    "deadlines": Bound(2, 0.6, "", "a client that fell back has two more, or less"),
    "files": Bound(2, 0.3, "", "a client that fell back has one more, or less"),
}
"""By what it is of: how much more of it there may be at the end than after a third of
the time, however long that was; what each fault left behind would be more.
Three of ten clients may be at the other of their two transports."""


def held(reactor: Any) -> Held:
    """Look at what this process holds."""
    # What a first pass makes garbage of, with finalizers, goes in a second.
    gc.collect()
    gc.collect()
    return Held(
        resident_kilobytes(),
        sys.getallocatedblocks(),
        len(gc.get_objects()),
        len(reactor.getDelayedCalls()),
        waiting_deadlines(reactor),
        len(os.listdir(_FILES)) if _FILES else 0,
    )


def waiting_deadlines(reactor: Any) -> int:
    """How many deadlines there are."""
    return len(Deadlines.of(reactor))


def allowed(name: str, first: float, clients: int) -> float:
    """How much of something there may be, if there was so much at first."""
    bound = BOUNDS[name]
    return first + bound.constant + bound.each_client * clients


def grown(first: Held, last: Held, clients: int) -> Iterator[str]:
    """What has grown by more than it may, in words."""
    for name, before, after in zip(Held._fields, first, last, strict=True):
        most = allowed(name, before, clients)
        if after > most:
            yield f"{name} grew from {before:,.0f} to {after:,.0f}, at most {most:,.0f}"


def clients_left() -> Counter[str]:
    """How many clients, channels and transports there are that nobody has let go of."""
    left: Counter[str] = Counter()
    gc.collect()
    for each in gc.get_objects():
        if isinstance(each, (SocketClient, Channel, Link)):
            left[type(each).__name__] += 1
    return left
