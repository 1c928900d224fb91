"""Two channels to show the server with: a chat room and an echo."""

from __future__ import annotations

from typing import Any

from .channel import ServerChannel, UnhandledEvent
from .replies import Reply, error, ok

__all__ = ["ChatRoom", "EchoChannel", "demo_channels"]


class ChatRoom(ServerChannel):
    """A chat room: ``new_msg`` goes to all, and each coming and going is announced."""

    @property
    def user(self) -> Any:
        """Who has joined, as the join's params or else the connection's say."""
        for params in (self.params, self.socket.params):
            if isinstance(params, dict) and "user_id" in params:
                return params["user_id"]
        return "anonymous"

    def join(self, params: Any) -> dict[str, Any]:
        """Anyone may join."""
        return {"topic": self.topic, "user_id": self.user}

    def after_join(self) -> None:
        """Tell the others."""
        self.broadcast_from("user_joined", {"user_id": self.user})

    def handle_in(self, event: str, payload: Any) -> Reply:
        """``new_msg`` with a ``body`` goes to all in the room."""
        if event != "new_msg":
            raise UnhandledEvent(event)
        if not isinstance(payload, dict) or "body" not in payload:
            return error({"reason": "a message needs a body"})
        self.broadcast(event, {"user_id": self.user, **payload})
        return ok()

    def terminate(self, reason: str) -> None:
        """Tell the others."""
        self.broadcast_from("user_left", {"user_id": self.user})


class EchoChannel(ServerChannel):
    """Replies to every event with its payload."""

    def join(self, params: Any) -> Any:
        """Anyone may join, and gets the params back."""
        return params

    def handle_in(self, event: str, payload: Any) -> Reply:
        """Reply with the payload."""
        return ok(payload)


def demo_channels() -> dict[str, type[ServerChannel]]:
    """The channels of the demonstration server: ``rooms:*`` and ``echo:*``."""
    return {"rooms:*": ChatRoom, "echo:*": EchoChannel}
