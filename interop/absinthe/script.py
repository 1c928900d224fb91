"""What both clients are told to do in a scenario: GraphQL operations.

It is as :mod:`interop.script` has it, with actions and waits of its own.
"""

from __future__ import annotations

from ..script import Step, Vocabulary

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


_SCRIPT = Vocabulary(ACTIONS, WAITS)
act, wait = _SCRIPT.act, _SCRIPT.wait


def connected() -> tuple[Step, Step]:
    """The client connects."""
    return act(("connect",)), wait("opens", 1)


def subscribed(count: int) -> Step:
    """Wait until the server has so many subscriptions."""
    return Step("until", (count, "subscriptions"))
