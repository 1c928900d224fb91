"""Joining."""

from __future__ import annotations

from ..script import (
    Difference,
    Scenario,
    act,
    join_taken,
    joined,
    only,
    opened,
    received,
    replied,
    sent,
    serve,
    wait,
)

__all__ = ["SCENARIOS"]

SCENARIOS = (
    Scenario(
        "join-push-leave",
        "A channel is joined, pushed to and left.",
        (
            *opened(params={"user_id": "me"}),
            *joined("a", "echo:a", {"a": [1, "ü"]}),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
            act(("leave", "a", "leave")),
            wait("outcome", "leave"),
        ),
    ),
    Scenario(
        "pushes-before-the-join",
        "Pushes made while a channel joins go out after it.",
        (
            *opened(),
            act(
                ("channel", "a", "echo:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "first"),
                ("push", "a", "push_me", {"n": 2}, "second"),
            ),
            wait("outcome", "first"),
            wait("outcome", "second"),
        ),
    ),
    Scenario(
        "pushes-before-the-connection",
        "Joins and pushes made before there is a connection wait for it.",
        (
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("channel", "b", "echo:b", {}),
                ("join", "a", "join a"),
                ("push", "a", "echo", {"n": 1}, "push a"),
                ("join", "b", "join b"),
                ("push", "b", "echo", {"n": 2}, "push b"),
                ("push", "a", "echo", {"n": 3}, "push a again"),
            ),
            wait("outcome", "push a"),
            wait("outcome", "push b"),
            wait("outcome", "push a again"),
        ),
    ),
    Scenario(
        "several-channels",
        "Three channels are joined in one turn and pushed to in another.",
        (
            *opened(),
            act(
                *(("channel", name, f"echo:{name}", {"of": name}) for name in "abc"),
                *(("join", name, f"join {name}") for name in "abc"),
            ),
            *(wait("joins", name, 1) for name in "abc"),
            act(*(("push", name, "push_me", {}, f"push {name}") for name in "cab")),
            *(wait("outcome", f"push {name}") for name in "abc"),
        ),
    ),
    Scenario(
        "join-refused",
        "A first join is refused.",
        (
            serve("next_joins", "gate:a", "refuse"),
            *opened(),
            act(
                ("channel", "a", "gate:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "push"),
            ),
            wait("outcome", "join"),
            only("phoenix.js", wait("joins", "a", 1)),
        ),
        difference=Difference(
            "phoenixjs-first-join",
            official=(
                *join_taken("2", "gate:a"),
                sent("2", "3", "gate:a", "echo", {"n": 1}),
                replied("2", "3", "gate:a", {"n": 1}),
                'push: ok {"n": 1}',
            ),
            txphoenix=("push: closed null",),
        ),
    ),
    Scenario(
        "join-crashed",
        "A first join crashes on the server.",
        (
            serve("next_joins", "gate:a", "crash"),
            *opened(),
            act(("channel", "a", "gate:a", {}), ("join", "a", "join")),
            wait("outcome", "join"),
            only("phoenix.js", wait("joins", "a", 1)),
        ),
        difference=Difference(
            "phoenixjs-first-join", official=join_taken("2", "gate:a")
        ),
    ),
    Scenario(
        "join-without-an-answer",
        "A first join is answered after its time is over.",
        (
            serve("next_joins", "gate:a", "hold"),
            *opened(),
            act(("channel", "a", "gate:a", {}), ("join", "a", "join", 0.2)),
            wait("outcome", "join"),
            serve("let_go"),
            only("phoenix.js", wait("joins", "a", 1)),
        ),
        difference=Difference(
            "phoenixjs-first-join", official=join_taken("3", "gate:a")
        ),
    ),
    Scenario(
        "second-join",
        "Another object joins a topic that is joined already.",
        (
            *opened(),
            *joined("a", "echo:a", {"n": 1}),
            act(("channel", "b", "echo:a", {"n": 2}), ("join", "b", "second join")),
            wait("outcome", "second join"),
        ),
        difference=Difference(
            "phoenixjs-second-join",
            official=(
                sent("1", "2", "echo:a", "phx_leave", {}),
                replied("1", "2", "echo:a", {}),
                received("1", "1", "echo:a", "phx_close", {}),
                *join_taken("3", "echo:a", {"n": 2}),
                'second join: ok {"params": {"n": 2}, "topic": "echo:a"}',
            ),
            txphoenix=("second join: already joined null",),
        ),
    ),
    Scenario(
        "join-after-a-close",
        "A topic is joined by a new object after the server has closed the first.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("push", "a", "stop", {})),
            wait("ends", "a", 1),
            act(("channel", "b", "echo:a", {}), ("join", "b", "join")),
            wait("outcome", "join"),
            act(("push", "b", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
        ),
    ),
)
