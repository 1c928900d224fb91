"""Coming back after a connection is lost."""

from __future__ import annotations

from ..script import (
    WEBSOCKET,
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
    until,
    wait,
)

__all__ = ["SCENARIOS"]

SCENARIOS = (
    Scenario(
        "restart",
        "The server restarts; what was joined is joined again.",
        (
            *opened(params={"a": "ä b"}),
            *joined("a", "echo:a", {"n": 1}),
            *joined("b", "echo:b"),
            serve("restart"),
            wait("joins", "a", 2),
            wait("joins", "b", 2),
            act(
                ("push", "a", "echo", {"n": 1}, "a"),
                ("push", "b", "echo", {"n": 2}, "b"),
            ),
            wait("outcome", "b"),
        ),
    ),
    Scenario(
        "restart-with-pushes",
        "Pushes made while the server is down go out after the rejoins.",
        (
            *opened(),
            *joined("a", "echo:a"),
            *joined("b", "echo:b"),
            serve("stop"),
            wait("closes", "main", 1),
            act(
                ("push", "b", "echo", {"n": 1}, "b"),
                ("push", "a", "echo", {"n": 2}, "a"),
                ("push", "a", "echo", {"n": 3}, "too late", 0.05),
            ),
            wait("outcome", "too late"),
            serve("start"),
            wait("outcome", "a"),
            wait("outcome", "b"),
        ),
    ),
    Scenario(
        "restart-with-a-push-under-way",
        "The connection is lost while a push waits for its reply.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("push", "a", "noreply", {}, "under way")),
            until(1, "received", "noreply"),
            serve("drop"),
            wait("joins", "a", 2),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
        ),
        difference=Difference(
            "phoenixjs-interrupted",
            official=("under way: pending",),
            txphoenix=("under way: interrupted null",),
        ),
    ),
    Scenario(
        "order-of-rejoins",
        "Channels are made in one order and joined in another, and rejoin.",
        (
            *opened(),
            act(
                *(("channel", name, f"echo:{name}", {}) for name in "abc"),
                *(("join", name, f"join {name}") for name in "cab"),
            ),
            *(wait("joins", name, 1) for name in "abc"),
            serve("restart"),
            *(wait("joins", name, 2) for name in "abc"),
        ),
        difference=Difference(
            "interop-order-of-joins",
            official=(
                *join_taken("4", "echo:a"),
                *join_taken("5", "echo:b"),
                *join_taken("6", "echo:c"),
            ),
            txphoenix=(
                *join_taken("4", "echo:c"),
                *join_taken("5", "echo:a"),
                *join_taken("6", "echo:b"),
            ),
        ),
    ),
    Scenario(
        "rejoin-refused-after-a-restart",
        "After a restart one channel is refused at first, the other is not.",
        (
            *opened(),
            *joined("a", "gate:a"),
            *joined("b", "echo:b"),
            serve("next_joins", "gate:a", "refuse"),
            serve("restart"),
            wait("joins", "b", 2),
            wait("joins", "a", 2),
        ),
    ),
    Scenario(
        "lost-while-joining",
        "The connection is lost while a first join is under way.",
        (
            serve("next_joins", "gate:a", "hold"),
            *opened(),
            act(
                ("channel", "a", "gate:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "push"),
            ),
            until(1, "received", "phx_join"),
            serve("drop"),
            wait("joins", "a", 1),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "lost-while-leaving",
        "The connection is lost while a leave is under way.",
        (
            *opened(),
            *joined("a", "echo:a"),
            *joined("b", "echo:b"),
            act(("push", "a", "block", {"ms": 3000}), ("leave", "a")),
            until(1, "received", "phx_leave"),
            serve("drop"),
            wait("joins", "b", 2),
        ),
    ),
    Scenario(
        "kick",
        "The server throws the client out, which comes back.",
        (
            *opened(params={"user_id": "me"}),
            *joined("a", "echo:a"),
            serve("kick", "user_socket:me"),
            wait("joins", "a", 2),
        ),
    ),
    Scenario(
        "kick-with-1000",
        "The same with a server that closes with code 1000.",
        (
            *opened(params={"user_id": "me"}),
            *joined("a", "echo:a"),
            serve("kick", "user_socket:me"),
            wait("joins", "a", 2),
        ),
        over=WEBSOCKET,
        server=(("flavour", "1.7-bandit"),),
    ),
    Scenario(
        "refused-at-first",
        "The first attempts to connect are refused.",
        (
            serve("refuse", 503),
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "push"),
            ),
            until(True, "refused", 3),
            serve("refuse", None),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "disconnect-and-connect",
        "The program disconnects and connects again.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("disconnect", "main")),
            wait("closes", "main", 1),
            act(("connect_again", "main")),
            wait("joins", "a", 2),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
        ),
    ),
    Scenario(
        "disconnect-while-joining",
        "The program disconnects during a first join, and connects again.",
        (
            serve("next_joins", "gate:a", "hold"),
            *opened(),
            act(("channel", "a", "gate:a", {}), ("join", "a", "join")),
            until(1, "received", "phx_join"),
            act(("disconnect", "main")),
            serve("let_go"),
            wait("closes", "main", 1),
            act(("connect_again", "main")),
            wait("opens", "main", 2),
            only("phoenix.js", wait("joins", "a", 1)),
        ),
        difference=Difference(
            "phoenixjs-disconnecting",
            official=(
                *join_taken("2", "gate:a"),
                'join: ok {"params": {}, "topic": "gate:a"}',
            ),
            txphoenix=("join: not connected null",),
        ),
    ),
    Scenario(
        "message-of-the-socket",
        "A message is sent by the socket, not by a channel, while there is none.",
        (
            *opened(),
            *joined("a", "echo:a"),
            serve("stop"),
            wait("closes", "main", 1),
            act(("send", "a", "push_me", {"n": 1})),
            serve("start"),
            wait("joins", "a", 2),
        ),
        difference=Difference(
            "phoenixjs-order",
            official=(
                sent("1", "2", "echo:a", "push_me", {"n": 1}),
                replied(
                    None, "2", "echo:a", {"reason": "unmatched topic"}, status="error"
                ),
                *join_taken("3", "echo:a"),
            ),
            txphoenix=(
                *join_taken("2", "echo:a"),
                sent("2", "3", "echo:a", "push_me", {"n": 1}),
                received("2", None, "echo:a", "pushed", {"n": 1}),
                replied("2", "3", "echo:a", {}),
                'a hears pushed {"n": 1}',
            ),
        ),
    ),
)
