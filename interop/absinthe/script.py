"""What both clients are told to do in a scenario: GraphQL operations.

It is as :mod:`interop.script` has it, with actions and waits of its own.
"""

from __future__ import annotations

from typing import Any

from ..script import Step

__all__ = ["ACTIONS", "WAITS", "act", "connected", "subscribed", "wait"]

ACTIONS = ("connect", "disconnect", "connect_again", "send", "cancel")
"""What a client does.

``connect``, ``disconnect``, ``connect_again``,
``send NAME DOCUMENT [VARIABLES]`` (a query, a mutation or a subscription, as the
document has it), ``cancel NAME`` (a subscription).
"""

WAITS = ("opens", "closes", "results", "ended")
"""What a client can be waited for.

``opens COUNT``, ``closes COUNT``, ``results NAME COUNT``, ``ended NAME``.
"""


def act(*actions: tuple[Any, ...]) -> Step:
    """The client does this, all in one turn."""
    for name, *_ in actions:
        if name not in ACTIONS:
            raise ValueError(f"there is no action {name!r}")
    return Step("act", actions)


def wait(name: str, *args: Any) -> Step:
    """Wait until it has come to this with the client."""
    if name not in WAITS:
        raise ValueError(f"clients cannot be waited for by {name!r}")
    return Step("wait", (name, *args))


def connected() -> tuple[Step, Step]:
    """The client connects."""
    return act(("connect",)), wait("opens", 1)


def subscribed(count: int) -> Step:
    """Wait until the server has so many subscriptions."""
    return Step("until", (count, "subscriptions"))
