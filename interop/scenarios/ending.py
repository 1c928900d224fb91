"""Channels that end or crash on the server."""

from __future__ import annotations

from ..script import (
    Difference,
    Scenario,
    act,
    joined,
    opened,
    serve,
    until,
    wait,
)

__all__ = ["SCENARIOS"]

SCENARIOS = (
    Scenario(
        "crash-and-rejoin",
        "A channel crashes, is joined again, and what waited is pushed then.",
        (
            *opened(),
            *joined("a", "gate:a"),
            serve("next_joins", "gate:a", "hold"),
            act(("push", "a", "crash", {})),
            wait("errors", "a", 1),
            until(1, "let_go"),
            wait("joins", "a", 2),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "crash-with-pushes",
        "Pushes made between a crash and the rejoin go out after it, in order.",
        (
            *opened(),
            *joined("a", "gate:a"),
            serve("next_joins", "gate:a", "refuse", "hold"),
            act(("push", "a", "crash", {})),
            until(2, "received", "phx_join"),
            act(
                ("push", "a", "echo", {"n": 1}, "first"),
                ("push", "a", "push_me", {"n": 2}, "second"),
                ("push", "a", "echo", {"n": 3}, "third"),
            ),
            until(1, "let_go"),
            wait("outcome", "third"),
        ),
    ),
    Scenario(
        "push-after-a-close",
        "A push is made after the server has closed the channel.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("push", "a", "stop_reply", {}, "stop")),
            wait("ends", "a", 1),
            act(("push", "a", "echo", {}, "push")),
        ),
        difference=Difference(
            "interop-closed",
            official=("push: pending",),
            txphoenix=("push: closed null",),
        ),
    ),
    Scenario(
        "crash-of-one",
        "One of two channels crashes; the other goes on.",
        (
            *opened(),
            *joined("a", "echo:a"),
            *joined("b", "echo:b"),
            serve("kill", "echo:a"),
            wait("joins", "a", 2),
            act(
                ("push", "b", "echo", {"n": 1}, "b"),
                ("push", "a", "echo", {"n": 2}, "a"),
            ),
            wait("outcome", "a"),
        ),
    ),
    Scenario(
        "rejoin-refused",
        "A rejoin is refused, crashes, and is then taken.",
        (
            *opened(),
            *joined("a", "gate:a"),
            serve("next_joins", "gate:a", "refuse", "crash"),
            serve("kill", "gate:a"),
            wait("joins", "a", 2),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "closed-by-the-server",
        "The server closes a channel, which is not joined again after a reconnect.",
        (
            *opened(),
            *joined("a", "echo:a"),
            *joined("b", "echo:b"),
            act(("push", "a", "stop_reply", {"bye": 1}, "stop")),
            wait("ends", "a", 1),
            serve("restart"),
            wait("joins", "b", 2),
        ),
    ),
)
