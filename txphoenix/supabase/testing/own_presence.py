"""What a client says of its own presence: ``RealtimeChannel.PresenceHandler``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from txphoenix.testing import Reply, error, ok

from .rates import Rate
from .tenant import Seat, Tenant

__all__ = ["OwnPresence", "ShutDown"]


class ShutDown(Exception):
    """The channel ends, with that text in a ``system`` error."""


class OwnPresence:
    """One client's presence in one topic.

    :param key: its key.
    :param may: whether the client may do something, such as ``"presence.write"``.
    """

    def __init__(
        self, tenant: Tenant, seat: Seat, key: str, may: Callable[[str], bool]
    ) -> None:
        self._tenant = tenant
        self._seat = seat
        self._key = key
        self._may = may
        self._tracked: Mapping[str, Any] | None = None
        settings = tenant.settings
        self._rate = Rate(
            settings.max_client_presence_events,
            settings.client_presence_window,
            tenant.reactor,
        )

    @property
    def is_tracked(self) -> bool:
        """Whether the client is present."""
        return self._tracked is not None

    def take(self, payload: Any) -> Reply:
        """Do what the client wants, and answer.

        :raises ShutDown: it wants too much.
        """
        event = payload.get("event") if isinstance(payload, dict) else None
        if not isinstance(event, str):
            return ok()
        if self._rate.exceeds():
            raise ShutDown("Client presence rate limit exceeded")
        if event.lower() == "track":
            return self._track(payload.get("payload", {}))
        if event.lower() == "untrack":
            self._tracked = None
            self._tenant.presences.untrack(self._seat, self._key)
            return ok()
        return error()

    def _track(self, meta: Any) -> Reply:
        if not self._may("presence.write"):
            return error()
        if not isinstance(meta, dict):
            return error({"reason": "Presence track payload must be a map"})
        if self._tenant.is_too_large(meta):
            raise ShutDown("Track message size exceeded")
        presences = self._tenant.presences
        before, self._tracked = self._tracked, meta
        if before is None:
            presences.track(self._seat, self._key, meta)
        elif before != meta:
            presences.update(self._seat, self._key, meta)
        return ok()

    def end(self) -> None:
        """The channel has ended, and the presence with it."""
        self._tenant.presences.untrack_all(self._seat)
