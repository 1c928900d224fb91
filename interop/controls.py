"""What a script in JavaScript may ask of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from .node import Calls
from .server import InteropServer
from .watched import Watched

__all__ = ["controls", "usual_controls"]


def controls(server: InteropServer) -> Calls:
    """The words that a script may say, each with its function."""
    return {
        **usual_controls(server),
        "forget": server.forget,
        "next_joins": server.next_joins,
        "let_go": server.let_go,
    }


def usual_controls(server: Watched) -> Calls:
    """Those that there are for any server of the kit."""
    return {
        "restart": lambda: _after_polls(server, server.restart),
        "stop": lambda: _after_polls(server, server.stop),
        "start": lambda: server.start().addCallback(lambda _: None),
        "drop": lambda: _after_polls(server, server.drop),
        "kick": lambda id: _after_polls(server, server.kick, id),
        "refuse": server.refuse,
        "kill": server.kill_channel,
        "pause": server.pause,
        "resume": server.resume,
        "broadcast": server.broadcast,
        "topics": lambda: sorted(channel.topic for channel in server.channels()),
        "sessions": lambda: [_shown(session) for session in server.sessions],
        "received": lambda event: _received(server, event),
        "refused": lambda count: server.refusals >= count,
        "batches": lambda: server.batches,
    }


def _after_polls(
    server: Watched, action: Callable[..., Any], *args: Any
) -> Deferred[Any]:
    """Do something to the connections once each is in use.

    :return: a Deferred of a number, or of None for what is no JSON.
    """

    async def do() -> Any:
        await server.when_polled()
        result = await maybeDeferred(action, *args)
        return result if isinstance(result, int) else None

    return Deferred.fromCoroutine(do())


def _shown(session: Any) -> dict[str, Any]:
    socket = session.socket
    return {
        "transport": socket.transport,
        "serializer": socket.serializer,
        "params": socket.params,
        "auth_token": socket.auth_token,
        "is_open": not session.closed,
    }


def _received(server: Watched, event: str) -> int:
    """How many messages of an event have come in all sessions."""
    return sum(
        session.codec.decode(frame.data, frame.is_binary).event == event
        for session in server.sessions
        for frame in session.frames
        if not frame.is_sent
    )
