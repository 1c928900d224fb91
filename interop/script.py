"""Scenarios: what a client is told to do, as data, whichever client it is.

A scenario is a list of steps.
What a client does in one turn of its event loop is one :func:`act`, with actions out of
:data:`ACTIONS`; between them, clients are waited for, and the server is told what to
do.
``scenario.mjs`` does the actions with phoenix.js, :mod:`.txphoenix_client` with
txphoenix.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = [
    "ACTIONS",
    "BOTH",
    "LONGPOLL",
    "WAITS",
    "WEBSOCKET",
    "Difference",
    "Scenario",
    "Step",
    "Vocabulary",
    "act",
    "binary",
    "join_taken",
    "joined",
    "only",
    "opened",
    "received",
    "replied",
    "sent",
    "serve",
    "shown",
    "until",
    "wait",
]

ACTIONS = (
    "connect",
    "disconnect",
    "connect_again",
    "channel",
    "join",
    "push",
    "leave",
    "send",
    "ping",
    "beat",
    "miss",
)
"""What a client does.

``connect SOCKET OPTIONS``, ``disconnect SOCKET``, ``connect_again SOCKET``,
``channel NAME TOPIC PARAMS [SOCKET]``, ``join CHANNEL [AS] [SECONDS]``,
``push CHANNEL EVENT PAYLOAD [AS] [SECONDS]``, ``leave CHANNEL [AS]``,
``send CHANNEL EVENT PAYLOAD`` (by the socket, as a message of its own),
``ping SOCKET [AS]``,
``beat SOCKET COUNT`` (so many heartbeats come soon, and the others as usual),
``miss SOCKET`` (the next comes soon, and its answer is not waited for long).
``AS`` is the name of how it ends.
"""

WAITS = ("opens", "closes", "joins", "errors", "ends", "heard", "outcome")
"""What a client can be waited for.

``opens SOCKET COUNT``, ``closes SOCKET COUNT``, ``joins CHANNEL COUNT``,
``errors CHANNEL COUNT``, ``ends CHANNEL COUNT``, ``heard CHANNEL COUNT``,
``outcome AS``.
"""

WEBSOCKET = ("websocket",)
LONGPOLL = ("longpoll",)
BOTH = (*WEBSOCKET, *LONGPOLL)


class Step(NamedTuple):
    """One step of a scenario.

    :ivar kind: ``"act"``, ``"wait"``, ``"serve"`` or ``"until"``.
    :ivar words: what it says; of an ``act``, its actions.
    :ivar client: the only client that it is for, if it is not for both.
    """

    kind: str
    words: tuple[Any, ...]
    client: str | None = None


class Vocabulary:
    """What one kind of client can be told, out of which scenarios are made.

    :param actions: what it does.
    :param waits: what it can be waited for.
    """

    def __init__(self, actions: tuple[str, ...], waits: tuple[str, ...]) -> None:
        self._actions = actions
        self._waits = waits

    def act(self, *actions: tuple[Any, ...]) -> Step:
        """The client does this, all in one turn."""
        for name, *_ in actions:
            if name not in self._actions:
                raise ValueError(f"there is no action {name!r}")
        return Step("act", actions)

    def wait(self, name: str, *args: Any) -> Step:
        """Wait until it has come to this with the client."""
        if name not in self._waits:
            raise ValueError(f"clients cannot be waited for by {name!r}")
        return Step("wait", (name, *args))


class Difference(NamedTuple):
    """What the clients do otherwise, since a decision has it so.

    :ivar reason: the label, in the documents, of the decision.
    :ivar official: the lines of the trace that only the official client has.
    :ivar txphoenix: those that only txphoenix has.
    """

    reason: str
    official: tuple[str, ...] = ()
    txphoenix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    :ivar name: its name, in words with hyphens.
    :ivar title: what happens in it.
    :ivar steps: the steps.
    :ivar over: the transports.
    :ivar difference: what is not the same, if a decision has it so.
    :ivar posts: how long-poll's publishes are different, in frames each, although the
        frames are the same.
    :ivar server: options of the server.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    over: tuple[str, ...] = BOTH
    difference: Difference | None = None
    posts: Difference | None = None
    server: tuple[tuple[str, Any], ...] = ()


_SCRIPT = Vocabulary(ACTIONS, WAITS)
act, wait = _SCRIPT.act, _SCRIPT.wait


def serve(word: str, *args: Any) -> Step:
    """Tell the server to do something; see :mod:`.controls`."""
    return Step("serve", (word, *args))


def until(wanted: Any, word: str, *args: Any) -> Step:
    """Ask the server until it answers what is wanted."""
    return Step("until", (wanted, word, *args))


def only(client: str, step: Step) -> Step:
    """The step is for one of the clients alone."""
    return step._replace(client=client)


def opened(**options: Any) -> tuple[Step, Step]:
    """The socket ``main`` connects."""
    return act(("connect", "main", options)), wait("opens", "main", 1)


def joined(name: str, topic: str, params: Any = None) -> tuple[Step, Step]:
    """A channel of the socket ``main`` is made and joins."""
    return (
        act(("channel", name, topic, params or {}), ("join", name)),
        wait("joins", name, 1),
    )


def sent(*parts: Any) -> str:
    """The line of a trace for a frame of the client."""
    return f"C> {shown(parts)}"


def received(*parts: Any) -> str:
    """The line of a trace for a frame of the server."""
    return f"S< {shown(parts)}"


def replied(
    join_ref: str | None, ref: str, topic: str, response: Any, status: str = "ok"
) -> str:
    """The line of a reply."""
    payload = {"response": response, "status": status}
    return received(join_ref, ref, topic, "phx_reply", payload)


def join_taken(ref: str, topic: str, params: Any = None) -> tuple[str, str]:
    """The lines of a join and its reply."""
    params = params or {}
    return (
        sent(ref, ref, topic, "phx_join", params),
        replied(ref, ref, topic, {"params": params, "topic": topic}),
    )


def shown(value: Any) -> str:
    """A value of JSON as a trace shows it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def binary(data: bytes) -> dict[str, str]:
    """A payload of bytes."""
    return {"bytes": data.hex()}
