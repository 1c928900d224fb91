"""Leaving."""

from __future__ import annotations

from ..script import (
    Difference,
    Scenario,
    act,
    joined,
    opened,
    replied,
    sent,
    serve,
    until,
    wait,
)

__all__ = ["SCENARIOS"]

SCENARIOS = (
    Scenario(
        "leave-with-pushes-under-way",
        "A channel is left while pushes wait for their replies.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("push", "a", "noreply", {}), ("leave", "a", "leave")),
            wait("outcome", "leave"),
            until([], "topics"),
        ),
    ),
    Scenario(
        "leave-while-joining",
        "A channel is left while its join is under way.",
        (
            serve("next_joins", "gate:a", "hold"),
            *opened(),
            act(("channel", "a", "gate:a", {}), ("join", "a"), ("leave", "a")),
            until(1, "let_go"),
            until(1, "received", "phx_leave"),
            until([], "topics"),
        ),
    ),
    Scenario(
        "leave-before-the-connection",
        "A channel is left before there is a connection for its join.",
        (
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("channel", "b", "echo:b", {}),
                ("join", "a"),
                ("join", "b", "join b"),
                ("leave", "a", "leave"),
            ),
            wait("outcome", "join b"),
        ),
    ),
    Scenario(
        "leave-without-a-connection",
        "A channel is left while the connection is lost, and is not joined again.",
        (
            *opened(),
            *joined("a", "echo:a"),
            *joined("b", "echo:b"),
            serve("stop"),
            wait("closes", "main", 1),
            act(("leave", "a", "leave")),
            wait("outcome", "leave"),
            serve("start"),
            wait("joins", "b", 2),
        ),
    ),
    Scenario(
        "rejoin-after-a-leave",
        "A topic is left, and then joined anew.",
        (
            *opened(),
            *joined("a", "echo:a", {"n": 1}),
            act(("leave", "a", "leave")),
            until([], "topics"),
            wait("outcome", "leave"),
            *joined("b", "echo:a", {"n": 2}),
            act(("push", "b", "echo", {"n": 3}, "push")),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "rejoin-in-the-turn-of-the-leave",
        "A topic is left, and joined anew in the same turn.",
        (
            *opened(),
            *joined("a", "echo:a", {"n": 1}),
            act(
                ("leave", "a"),
                ("channel", "b", "echo:a", {"n": 2}),
                ("join", "b", "join"),
            ),
            wait("joins", "b", 1),
            act(("push", "b", "echo", {"n": 3}, "push")),
            wait("outcome", "push"),
        ),
        posts=Difference(
            "interop-leave-first",
            official=("publish of 2",),
            txphoenix=("publish of 1", "publish of 1"),
        ),
    ),
    Scenario(
        "leave-after-a-crash",
        "A channel is left that has crashed and not joined again yet.",
        (
            *opened(rejoin=3.0),
            *joined("a", "echo:a"),
            act(("push", "a", "crash", {})),
            wait("errors", "a", 1),
            act(("leave", "a", "leave")),
            wait("outcome", "leave"),
        ),
        difference=Difference(
            "interop-nothing-to-leave",
            official=(
                sent("1", "3", "echo:a", "phx_leave", {}),
                replied("1", "3", "echo:a", {}),
            ),
        ),
    ),
    Scenario(
        "leave-twice",
        "A channel is left that is left already.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("leave", "a", "leave")),
            wait("outcome", "leave"),
            until([], "topics"),
            act(("leave", "a", "again")),
            wait("outcome", "again"),
        ),
        difference=Difference(
            "interop-nothing-to-leave",
            official=(
                sent("1", "3", "echo:a", "phx_leave", {}),
                replied("1", "3", "echo:a", {}),
            ),
        ),
    ),
    Scenario(
        "leave-without-a-join",
        "A channel is left that was never joined.",
        (
            *opened(),
            act(("channel", "a", "echo:a", {}), ("leave", "a", "leave")),
            wait("outcome", "leave"),
        ),
        difference=Difference(
            "interop-nothing-to-leave",
            official=(
                sent(None, "1", "echo:a", "phx_leave", {}),
                replied(None, "1", "echo:a", {}),
            ),
        ),
    ),
)
