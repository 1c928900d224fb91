"""What both clients are told to do in a scenario: channels of a project.

It is as :mod:`interop.script` has it, with actions and waits of its own.
``scenario.mjs`` does them with realtime-js, :mod:`.txphoenix_client` with
:mod:`txphoenix.supabase`.
"""

from __future__ import annotations

from typing import Any

from txphoenix.supabase.testing import Settings, make_token

from ..script import Step, Vocabulary

__all__ = ["ACTIONS", "TOKENS", "WAITS", "act", "channel", "subscribed", "wait"]

ACTIONS = (
    "connect",
    "channel",
    "subscribe",
    "unsubscribe",
    "send",
    "send_http",
    "track",
    "untrack",
    "set_auth",
)
"""What a client does.

``connect SOCKET VSN TOKEN`` (a token, or null), ``set_auth SOCKET TOKEN``,
``channel NAME TOPIC CONFIG LISTENS SOCKET``, ``subscribe NAME AS``,
``unsubscribe NAME AS``, ``send NAME EVENT PAYLOAD AS``,
``send_http NAME EVENT PAYLOAD AS``, ``track NAME PAYLOAD AS``, ``untrack NAME AS``.
``LISTENS`` has pairs: ``broadcast``, ``presence``, ``system`` or ``postgres_changes``,
and what of it.
``AS`` is the name of how it ends.
"""

WAITS = ("subscribed", "closed", "heard", "outcome")
"""What a client can be waited for.

``subscribed NAME COUNT``, ``closed NAME COUNT``, ``heard NAME COUNT``, ``outcome AS``.
"""

_IN_2100 = 4_102_444_800

TOKENS = {
    name: make_token(
        {"role": "authenticated", "sub": name, "exp": _IN_2100}, Settings().jwt_secret
    )
    for name in ("ann", "bob")
}
"""Tokens, by who has them."""


_SCRIPT = Vocabulary(ACTIONS, WAITS)
act, wait = _SCRIPT.act, _SCRIPT.wait


def channel(
    name: str,
    *listens: tuple[str, dict[str, Any]],
    socket: str = "main",
    **config: Any,
) -> tuple[Any, ...]:
    """The action that makes the channel ``room`` of a socket."""
    return ("channel", name, "room", config, listens, socket)


def subscribed(
    name: str,
    *listens: tuple[str, dict[str, Any]],
    socket: str = "main",
    **config: Any,
) -> tuple[Step, Step]:
    """A channel is made and subscribed."""
    return (
        act(
            channel(name, *listens, socket=socket, **config), ("subscribe", name, None)
        ),
        wait("subscribed", name, 1),
    )
