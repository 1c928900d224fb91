"""Presence on the server's side: who is there, and who has come and gone.

::

    class Room(PresenceChannel):
        def after_join(self):
            self.track(self.params["user_id"], {"online_at": 0})
            self.push_presence_state()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix.protocol.event_names import PRESENCE_STATE

from .channel import ServerChannel
from .presence_tracker import Presences, PresenceTracker

__all__ = ["PresenceChannel", "PresenceTracker", "Presences"]


class PresenceChannel(ServerChannel):
    """A channel that tracks presences; they end with it."""

    def track(self, key: str, meta: Mapping[str, Any] | None = None) -> str:
        """Begin a presence of this client.

        :param key: who it is.
        :param meta: what is said of it; nothing if not given.
        :return: its ``phx_ref``.
        :raises ValueError: it has a presence of that key already.
        """
        return self.endpoint.presence.track(self, key, meta or {})

    def update(self, key: str, meta: Mapping[str, Any]) -> str:
        """Change a presence.

        :param meta: the whole of the new meta.
        :return: its new ``phx_ref``.
        :raises KeyError: it has no presence of that key.
        """
        return self.endpoint.presence.update(self, key, meta)

    def untrack(self, key: str) -> None:
        """End a presence; nothing happens if there is none of that key."""
        self.endpoint.presence.untrack(self, key)

    def presences(self) -> Presences:
        """Who is present in the channel's topic."""
        return self.endpoint.presence.list(self.topic)

    def push_presence_state(self) -> None:
        """Send this client who is present: ``presence_state``."""
        self.push(PRESENCE_STATE, self.presences())
