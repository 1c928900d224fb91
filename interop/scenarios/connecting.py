"""Connecting, heartbeats, and the fallback."""

from __future__ import annotations

from typing import Any

from ..script import (
    WEBSOCKET,
    Difference,
    Scenario,
    act,
    join_taken,
    joined,
    opened,
    replied,
    sent,
    serve,
    shown,
    until,
    wait,
)

__all__ = ["SCENARIOS"]


def _connected(value: Any) -> str:
    params = {"list": value, "socket": "main", "vsn": "2.0.0"}
    return f"connect websocket {shown(params)}"


SCENARIOS = (
    Scenario(
        "params",
        "The params of the connection, one in another.",
        (
            *opened(params={"text": "ä&=", "deep": {"a": {"b": 1}}, "yes": True}),
            *joined("a", "echo:a"),
        ),
    ),
    Scenario(
        "params-with-a-list",
        "A list among the params of the connection.",
        opened(params={"list": ["x", "y"]}),
        difference=Difference(
            "phoenixjs-urls",
            official=(_connected({"0": "x", "1": "y"}),),
            txphoenix=(_connected(["x", "y"]),),
        ),
        over=WEBSOCKET,
    ),
    Scenario(
        "auth-token",
        "The auth token is sent with each connection.",
        (
            *opened(path="/authsocket", auth_token="right/token+=~"),
            *joined("a", "token:a"),
            serve("drop"),
            wait("joins", "a", 2),
        ),
    ),
    Scenario(
        "heartbeats",
        "Heartbeats between messages.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("beat", "main", 3)),
            until(3, "received", "heartbeat"),
            act(("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
            act(("disconnect", "main")),
        ),
        over=WEBSOCKET,
    ),
    Scenario(
        "heartbeat-without-an-answer",
        "A heartbeat is not answered; the client connects anew and rejoins.",
        (
            serve("next_joins", "gate:b", "hold"),
            *opened(),
            *joined("a", "echo:a"),
            act(("channel", "b", "gate:b", {}), ("join", "b"), ("miss", "main")),
            wait("joins", "a", 2),
            wait("joins", "b", 1),
            act(("disconnect", "main")),
        ),
        over=WEBSOCKET,
    ),
    Scenario(
        "ping",
        "The program sends a heartbeat of its own.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("ping", "main", "ping"), ("push", "a", "echo", {"n": 1}, "push")),
            wait("outcome", "push"),
            wait("outcome", "ping"),
        ),
    ),
    Scenario(
        "fallback",
        "With a fallback, and a WebSocket that works.",
        (
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("join", "a", "join"),
            ),
            wait("outcome", "join"),
            until(1, "received", "heartbeat"),
        ),
        over=("fallback",),
        difference=Difference(
            "phoenixjs-fallback",
            official=(
                *join_taken("1", "echo:a"),
                sent(None, "2", "phoenix", "heartbeat", {}),
                replied(None, "2", "phoenix", {}),
            ),
            txphoenix=(
                sent(None, "1", "phoenix", "heartbeat", {}),
                replied(None, "1", "phoenix", {}),
                *join_taken("2", "echo:a"),
            ),
        ),
    ),
    Scenario(
        "fallback-to-longpoll",
        "With a fallback, and a WebSocket that is refused.",
        (
            serve("refuse", 503, "websocket"),
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "push"),
            ),
            wait("outcome", "push"),
            serve("restart"),
            wait("joins", "a", 2),
        ),
        over=("fallback",),
    ),
)
