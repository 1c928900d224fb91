"""Pushing, and what the server sends."""

from __future__ import annotations

from ..script import (
    WEBSOCKET,
    Difference,
    Scenario,
    act,
    binary,
    join_taken,
    joined,
    opened,
    replied,
    sent,
    serve,
    shown,
    wait,
)

__all__ = ["SCENARIOS"]

_COUNT = 250
_NOTHING = (None, 0, "", False)

SCENARIOS = (
    Scenario(
        "replies",
        "Replies of status ok, error and others.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(
                ("push", "a", "echo", {"ü": "€😀"}, "ok"),
                ("push", "a", "echo_error", {"reason": "no"}, "error"),
                (
                    "push",
                    "a",
                    "reply_status",
                    {"status": "custom", "response": [1]},
                    "custom",
                ),
                ("push", "a", "reply_twice", {"n": 1}, "twice"),
            ),
            *(wait("outcome", it) for it in ("ok", "error", "custom", "twice")),
        ),
    ),
    Scenario(
        "payloads",
        "Payloads of every kind that is not empty.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(
                *(
                    ("push", "a", "echo", payload, f"push {number}")
                    for number, payload in enumerate(
                        ({}, [], [1, [None]], "x", 7, -1.5, True, {"a": {"b": None}})
                    )
                )
            ),
            *(wait("outcome", f"push {number}") for number in range(8)),
        ),
    ),
    Scenario(
        "payloads-of-nothing",
        "Payloads that JavaScript counts as false.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(
                *(
                    ("push", "a", "echo", payload, f"push {number}")
                    for number, payload in enumerate(_NOTHING)
                )
            ),
            *(wait("outcome", f"push {number}") for number in range(4)),
        ),
        difference=Difference(
            "interop-nothing",
            official=(
                *(
                    line
                    for ref in "2345"
                    for line in (
                        sent("1", ref, "echo:a", "echo", {}),
                        replied("1", ref, "echo:a", {}),
                    )
                ),
                *(f"push {number}: ok {{}}" for number in range(4)),
            ),
            txphoenix=(
                *(
                    line
                    for ref, payload in zip("2345", _NOTHING, strict=True)
                    for line in (
                        sent("1", ref, "echo:a", "echo", payload),
                        replied("1", ref, "echo:a", payload),
                    )
                ),
                *(
                    f"push {number}: ok {shown(payload)}"
                    for number, payload in enumerate(_NOTHING)
                ),
            ),
        ),
    ),
    Scenario(
        "many-pushes",
        "Two hundred and fifty pushes in one turn.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(
                *(
                    ("push", "a", "push_me", {"n": n}, f"push {n}")
                    for n in range(_COUNT)
                )
            ),
            wait("outcome", f"push {_COUNT - 1}"),
        ),
    ),
    Scenario(
        "push-without-an-answer",
        "A push times out, and its late reply is ignored.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(("push", "a", "slow", {"ms": 200}, "slow", 0.1)),
            wait("outcome", "slow"),
            act(("push", "a", "block", {"ms": 200}, "next")),
            wait("outcome", "next"),
        ),
    ),
    Scenario(
        "push-that-waits-too-long",
        "A push whose time is over before the join is never sent.",
        (
            serve("next_joins", "gate:a", "hold"),
            *opened(),
            act(
                ("channel", "a", "gate:a", {}),
                ("join", "a", "join"),
                ("push", "a", "echo", {"n": 1}, "first", 0.1),
                ("push", "a", "echo", {"n": 2}, "second"),
            ),
            wait("outcome", "first"),
            serve("let_go"),
            wait("outcome", "second"),
        ),
    ),
    Scenario(
        "server-pushes",
        "The server pushes and broadcasts; another client broadcasts too.",
        (
            *opened(),
            *joined("a", "echo:a"),
            act(
                (
                    "push",
                    "a",
                    "push_event",
                    {"event": "größer", "payload": ["ü"]},
                    "push 1",
                ),
                ("push", "a", "broadcast", {"n": 1}, "push 2"),
                ("push", "a", "push_n", {"n": 5}, "push 3"),
            ),
            wait("heard", "a", 7),
            wait("outcome", "push 3"),
            act(
                ("connect", "other", {}),
                ("channel", "b", "echo:a", {}, "other"),
                ("join", "b", "join"),
            ),
            wait("joins", "b", 1),
            act(("push", "b", "broadcast", {"n": 2}, "push 4")),
            wait("outcome", "push 4"),
            wait("heard", "a", 8),
            act(("push", "a", "broadcast_from", {"n": 3}, "push 5")),
            wait("heard", "b", 2),
            wait("outcome", "push 5"),
            serve("broadcast", "echo:a", "news", {"n": 4}),
            wait("heard", "a", 9),
        ),
    ),
    Scenario(
        "binary",
        "Bytes are pushed, replied, pushed by the server and broadcast.",
        (
            *opened(),
            *joined("a", "echo:ä"),
            act(
                ("push", "a", "binary", binary(b"\x00\x01\xff"), "ok"),
                ("push", "a", "binary_error", binary(b"\xfe"), "error"),
                ("push", "a", "binary", binary(b""), "empty"),
                ("push", "a", "push_binary", binary(b"\x80\x81"), "pushed"),
                ("push", "a", "broadcast_binary", binary(b"\n[\x00"), "shout"),
                ("push", "a", "binary_size", binary(bytes(range(256))), "size"),
            ),
            wait("outcome", "size"),
            wait("heard", "a", 2),
        ),
        over=WEBSOCKET,
    ),
    Scenario(
        "binary-to-the-server",
        "Bytes are pushed, during the join and after it.",
        (
            act(
                ("connect", "main", {}),
                ("channel", "a", "echo:a", {}),
                ("join", "a", "join"),
                ("push", "a", "binary_size", binary(b"\x00\n\xff"), "first"),
                ("push", "a", "echo", {"n": 1}, "text"),
                ("push", "a", "binary_size", binary(b""), "second"),
            ),
            wait("outcome", "second"),
            act(("push", "a", "binary_size", binary(b"[1]"), "third")),
            wait("outcome", "third"),
        ),
    ),
    Scenario(
        "presence",
        "Two clients are present, one changes, one leaves.",
        (
            act(
                ("connect", "main", {}),
                ("channel", "a", "people:x", {"user": "ann"}),
                ("join", "a"),
            ),
            wait("heard", "a", 2),
            act(
                ("connect", "other", {}),
                ("channel", "b", "people:x", {"user": "bob"}, "other"),
                ("join", "b"),
            ),
            wait("heard", "b", 2),
            wait("heard", "a", 3),
            act(("push", "b", "update", {"mood": "tired"}, "update")),
            wait("outcome", "update"),
            wait("heard", "a", 4),
            act(("leave", "b", "leave")),
            wait("heard", "a", 5),
        ),
    ),
    Scenario(
        "not-joined-on-the-server",
        "A push is answered that the server does not hold the topic joined.",
        (
            *opened(),
            *joined("a", "echo:a"),
            serve("forget", "echo:a"),
            act(("push", "a", "echo", {"n": 1}, "first")),
            wait("outcome", "first"),
            act(("push", "a", "echo", {"n": 2}, "second")),
            wait("outcome", "second"),
        ),
        difference=Difference(
            "interop-unmatched",
            official=(
                sent("1", "3", "echo:a", "echo", {"n": 2}),
                replied(
                    None, "3", "echo:a", {"reason": "unmatched topic"}, status="error"
                ),
                'second: error {"reason": "unmatched topic"}',
            ),
            txphoenix=(
                *join_taken("3", "echo:a"),
                sent("3", "4", "echo:a", "echo", {"n": 2}),
                replied("3", "4", "echo:a", {"n": 2}),
                'second: ok {"n": 2}',
            ),
        ),
    ),
)
