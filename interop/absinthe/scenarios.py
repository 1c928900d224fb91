"""All scenarios: GraphQL by @absinthe/socket and txphoenix.absinthe, side by side."""

from __future__ import annotations

from typing import Any

from ..script import Difference, Scenario, sent, serve, until
from .script import act, connected, subscribed, wait

__all__ = ["SCENARIOS"]

NEWS = "subscription { news }"
CHAT = "subscription S($room: Int) { chat(room: $room) }"

CONTROL = "__absinthe__:control"


def _doc(join_ref: str, ref: str, document: str) -> str:
    """The line of a document without variables."""
    payload: dict[str, Any] = {"query": document, "variables": {}}
    return sent(join_ref, ref, CONTROL, "doc", payload)


def _refused(name: str, root: str) -> str:
    """The line of what asks for a field that is not there."""
    message = f'Cannot query field \\"wrong\\" on type \\"{root}\\".'
    return f'{name}: failed "GraphQL error: {message}"'


OPERATIONS = (
    Scenario(
        "query",
        "A query is sent and answered.",
        (*connected(), act(("send", "q", "query { echo }", {})), wait("ended", "q")),
    ),
    Scenario(
        "no-variables",
        "An operation has no variables at all.",
        (*connected(), act(("send", "q", "query { echo }")), wait("ended", "q")),
        difference=Difference(
            "interop-absinthe-variables",
            (sent("1", "2", CONTROL, "doc", {"query": "query { echo }"}),),
            (_doc("1", "2", "query { echo }"),),
        ),
    ),
    Scenario(
        "query-with-variables",
        "A query has variables.",
        (
            *connected(),
            act(("send", "q", "query Q { echo }", {"n": 1, "text": "ü"})),
            wait("ended", "q"),
        ),
    ),
    Scenario(
        "mutation",
        "A mutation is sent and answered.",
        (
            *connected(),
            act(("send", "m", "mutation { echo }", {"n": 1})),
            wait("ended", "m"),
        ),
    ),
    Scenario(
        "three-at-once",
        "Three operations are sent in one turn, before there is a connection.",
        (
            act(
                ("connect",),
                ("send", "s", NEWS, {}),
                ("send", "q", "query { echo }", {}),
                ("send", "m", "mutation { echo }", {}),
            ),
            wait("ended", "q"),
            wait("ended", "m"),
            subscribed(1),
            serve("publish", "news", 1),
            wait("results", "s", 1),
        ),
    ),
    Scenario(
        "query-refused",
        "Absinthe refuses the document of a query.",
        (*connected(), act(("send", "q", "query { wrong }", {})), wait("ended", "q")),
        difference=Difference(
            "interop-absinthe-errors",
            ('q: failed "request: [object Object]"',),
            (_refused("q", "RootQueryType"),),
        ),
    ),
    Scenario(
        "query-in-part",
        "An answer has errors, and data as well.",
        (*connected(), act(("send", "q", "query { partial }", {})), wait("ended", "q")),
    ),
)

SUBSCRIPTIONS = (
    Scenario(
        "subscribe-hear-unsubscribe",
        "A subscription hears what is published until it is cancelled.",
        (
            *connected(),
            act(("send", "s", NEWS, {})),
            subscribed(1),
            serve("publish", "news", 1),
            serve("publish", "news", {"deep": ["ü"]}),
            wait("results", "s", 2),
            act(("cancel", "s")),
            wait("ended", "s"),
            serve("publish", "news", 3),
        ),
    ),
    Scenario(
        "subscribe-with-variables",
        "Two subscriptions of one document differ by their variables.",
        (
            *connected(),
            act(("send", "one", CHAT, {"room": 1})),
            subscribed(1),
            act(("send", "two", CHAT, {"room": 2})),
            subscribed(2),
            serve("publish", "chat", "hi", {"room": 2}),
            serve("publish", "chat", "ho", {"room": 1}),
            wait("results", "one", 1),
            wait("results", "two", 1),
        ),
    ),
    Scenario(
        "subscribe-refused",
        "Absinthe refuses the document of a subscription.",
        (
            *connected(),
            act(("send", "s", "subscription { wrong }", {})),
            wait("ended", "s"),
        ),
        difference=Difference(
            "interop-absinthe-errors",
            ('s: failed "request: [object Object]"',),
            (_refused("s", "RootSubscriptionType"),),
        ),
    ),
    Scenario(
        "errors-in-a-result",
        "What is published has errors.",
        (
            *connected(),
            act(("send", "s", NEWS, {})),
            subscribed(1),
            serve("publish_errors", "news", "not allowed"),
            wait("results", "s", 1),
            serve("publish", "news", 2),
            wait("results", "s", 2),
        ),
    ),
)

RETURNS = (
    Scenario(
        "reconnect",
        "The connection is lost; what was subscribed is subscribed again.",
        (
            *connected(),
            act(("send", "one", NEWS, {})),
            subscribed(1),
            act(("send", "two", CHAT, {"room": 1})),
            subscribed(2),
            serve("publish", "news", 1),
            wait("results", "one", 1),
            serve("drop"),
            wait("opens", 2),
            subscribed(2),
            serve("publish", "news", 2),
            serve("publish", "chat", "hi", {"room": 1}),
            wait("results", "one", 2),
            wait("results", "two", 1),
        ),
    ),
    Scenario(
        "cancelled-before-reconnect",
        "What was cancelled is not subscribed again.",
        (
            *connected(),
            act(("send", "one", NEWS, {})),
            subscribed(1),
            act(("send", "two", CHAT, {"room": 1})),
            subscribed(2),
            act(("cancel", "one")),
            wait("ended", "one"),
            serve("drop"),
            wait("opens", 2),
            subscribed(1),
            serve("publish", "chat", "hi", {"room": 1}),
            wait("results", "two", 1),
        ),
    ),
    Scenario(
        "control-channel-crashes",
        "The control channel crashes on the server.",
        (
            *connected(),
            act(("send", "s", NEWS, {})),
            subscribed(1),
            serve("kill", CONTROL),
            subscribed(0),
            subscribed(1),
            serve("publish", "news", 1),
            wait("results", "s", 1),
        ),
    ),
    Scenario(
        "disconnect-and-connect-again",
        "The program disconnects, and connects again.",
        (
            *connected(),
            act(("send", "s", NEWS, {})),
            subscribed(1),
            act(("disconnect",)),
            wait("closes", 1),
            subscribed(0),
            act(("connect_again",)),
            wait("opens", 2),
            subscribed(1),
            serve("publish", "news", 1),
            wait("results", "s", 1),
        ),
    ),
    Scenario(
        "query-interrupted",
        "The connection is lost while a query is under way.",
        (
            *connected(),
            act(("send", "q", "query { hang }", {})),
            until(1, "received", "doc"),
            serve("drop"),
            wait("opens", 2),
        ),
        difference=Difference(
            "interop-absinthe-interrupted",
            (_doc("3", "4", "query { hang }"), "q: pending"),
            ('q: failed "PushInterrupted"',),
        ),
    ),
    Scenario(
        "mutation-interrupted",
        "The connection is lost while a mutation is under way.",
        (
            *connected(),
            act(("send", "m", "mutation { hang }", {})),
            until(1, "received", "doc"),
            serve("drop"),
            wait("opens", 2),
            wait("ended", "m"),
        ),
        difference=Difference(
            "interop-absinthe-interrupted",
            ('m: failed "connection: close"',),
            ('m: failed "PushInterrupted"',),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*OPERATIONS, *SUBSCRIPTIONS, *RETURNS)
