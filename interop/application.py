"""The application that the clients talk to.

It is the one with which real Phoenix servers were recorded
(:mod:`txphoenix.test.recorded_app`), with three kinds of topics more:

``gate:*``
    The next joins are as the server was told: see :meth:`InteropServer.next_joins`.
``people:*``
    Each client is present by the ``user`` of its params.
``token:*``
    The reply to the join has the auth token that the server has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred

from txphoenix.test import recorded_app
from txphoenix.testing import (
    PresenceChannel,
    Refused,
    Reply,
    ServerChannel,
    Socket,
    ok,
)

__all__ = ["CHANNELS", "SOCKETS", "Gate", "connect"]

GOOD_TOKENS = ("right/token+=~", "the-next-token")
"""The auth tokens with which a client may connect to ``/authsocket``."""


class Gate(recorded_app.RecordedEcho):
    """Refuses, crashes or holds the next joins, as it was told."""

    def join(self, params: Any) -> Any:
        """Do with the join what was planned; by default it is taken."""
        match cast(Any, self.endpoint).plan_of(self.topic):
            case "refuse":
                raise Refused({"reason": "not now"})
            case "crash":
                raise RuntimeError("asked to crash")
            case Deferred() as held:
                return held
        return super().join(params)


class People(PresenceChannel):
    """Who is here."""

    def after_join(self) -> None:
        """Track the client, and tell it who is there."""
        self.track(self.params["user"], {"mood": "fresh"})
        self.push_presence_state()

    def handle_in(self, event: str, payload: Any) -> Reply:
        """Change the client's presence."""
        self.update(self.params["user"], {"mood": payload["mood"]})
        return ok()


class Token(recorded_app.RecordedEcho):
    """Says which auth token it has seen."""

    def join(self, params: Any) -> Any:
        """The reply has the token and the transport."""
        socket = self.socket
        return {"token": socket.auth_token, "transport": socket.transport}


def connect(params: Mapping[str, Any], socket: Socket) -> str | None:
    """Decide on a client's connecting."""
    if socket.path.startswith("/authsocket") and socket.auth_token not in GOOD_TOKENS:
        raise Refused()
    return recorded_app.connect(params, socket)


CHANNELS: Mapping[str, type[ServerChannel]] = {
    **recorded_app.CHANNELS,
    "gate:*": Gate,
    "people:*": People,
    "token:*": Token,
}

SOCKETS: Mapping[str, Mapping[str, Any]] = {"/authsocket": {"auth_token": True}}
