"""What a script in JavaScript may ask of the server."""

from __future__ import annotations

from typing import Any, cast

from txphoenix.supabase.testing import RealtimeServerChannel

from ..controls import usual_controls
from ..node import Calls
from .server import SupabaseInteropServer

__all__ = ["controls"]


def controls(server: SupabaseInteropServer) -> Calls:
    """The words that a script may say, each with its function."""
    alterations: dict[str, Any] = {
        "as they are": None,
        "left out": lambda bindings: None,
        "none": lambda bindings: [],
        "turned round": lambda bindings: bindings[::-1],
    }
    return {
        **usual_controls(server),
        # The project.
        "key": lambda: server.publishable_key,
        "anon_key": lambda: server.anon_key,
        "token": lambda name, seconds=3600: server.token(sub=name, expires_in=seconds),
        "deny": lambda *what: server.denied.add(what),
        # What happens.
        "insert": server.insert,
        "update": server.update,
        "delete": server.delete,
        "failed_insert": lambda schema, table, errors: server.change(
            "INSERT", schema, table, errors=errors, record={}
        ),
        "send": lambda topic, event, payload, private=False, metadata=None: (
            server.send_broadcast(
                topic, event, _payload(payload), private=private, metadata=metadata
            )
        ),
        "system": server.system,
        "shut_down": server.shut_down,
        "expire": server.expire,
        "fail_database": server.fail_database,
        "bindings": lambda how: server.alter_bindings(alterations[how]),
        "refuse_sends": server.refuse_sends,
        # What has happened.
        "sessions": lambda: [_shown(session) for session in server.sessions],
        "subjects": lambda topic: [
            cast(RealtimeServerChannel, channel).claims.get("sub")
            for channel in server.channels(topic)
        ],
        "received": lambda event: _received(server, event),
        "joins": lambda: len(_received(server, "phx_join")),
    }


def _payload(value: Any) -> Any:
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    return value


def _shown(session: Any) -> dict[str, Any]:
    socket = session.socket
    return {
        "path": socket.path,
        "serializer": socket.serializer,
        "params": socket.params,
        "is_open": not session.closed,
    }


def _received(server: SupabaseInteropServer, event: str) -> list[Any]:
    """The payloads of an event that have come in all sessions."""
    messages = [
        session.codec.decode(frame.data, frame.is_binary)
        for session in server.sessions
        for frame in session.frames
        if not frame.is_sent
    ]
    return [it.payload for it in messages if it.event == event]
