"""Who is present in a server's topics, and the diffs that tell of it.

Each presence has a ``phx_ref`` of its own.
An update is a leave and a join in one diff, and the new one names the old one's ref in
``phx_ref_prev``.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Protocol

from txphoenix.protocol.event_names import PRESENCE_DIFF

__all__ = ["PresenceTracker", "Presences", "Present"]

Meta = dict[str, Any]
Presences = dict[str, dict[str, list[Meta]]]
"""``{key: {"metas": [{"phx_ref": ..., ...}, ...]}}``, as it is on the wire."""


class Present(Protocol):
    """Who is present: a channel, of which nothing but its topic is asked."""

    @property
    def topic(self) -> str:
        """The topic."""


class PresenceTracker:
    """All presences of a server.

    :param broadcast: ``broadcast(topic, event, payload)``.
    """

    def __init__(self, broadcast: Callable[[str, str, Any], object]) -> None:
        self._broadcast = broadcast
        self._topics: dict[str, dict[tuple[Present, str], Meta]] = {}
        # A ref must not come again after a restart: clients compare old and new state.
        self._prefix = os.urandom(4)
        self._serials = count(1)

    def list(self, topic: str) -> Presences:
        """Who is present in a topic; of one key the oldest first."""
        listed: Presences = {}
        for (_, key), meta in self._topics.get(topic, {}).items():
            listed.setdefault(key, {"metas": []})["metas"].append(meta)
        return listed

    def track(self, channel: Present, key: str, meta: Mapping[str, Any]) -> str:
        """A channel's presence begins.

        :return: its ``phx_ref``.
        :raises ValueError: the channel has a presence of that key already.
        """
        tracked = self._topics.setdefault(channel.topic, {})
        if (channel, key) in tracked:
            raise ValueError(f"{channel!r} tracks {key!r} already")
        made = tracked[channel, key] = {"phx_ref": self._new_ref(), **meta}
        self._tell(channel.topic, joins=_presences(key, made))
        return str(made["phx_ref"])

    def update(self, channel: Present, key: str, meta: Mapping[str, Any]) -> str:
        """A channel's presence changes.

        :param meta: the whole of the new meta.
        :return: its new ``phx_ref``.
        :raises KeyError: the channel has no presence of that key.
        """
        tracked = self._topics.get(channel.topic, {})
        old = tracked.pop((channel, key))
        refs = {"phx_ref": self._new_ref(), "phx_ref_prev": old["phx_ref"]}
        new = tracked[channel, key] = {**refs, **meta}
        joins, leaves = _presences(key, new), _presences(key, old)
        self._tell(channel.topic, joins=joins, leaves=leaves)
        return str(new["phx_ref"])

    def untrack(self, channel: Present, key: str) -> None:
        """A channel's presence ends; nothing happens if it has none of that key."""
        meta = self._topics.get(channel.topic, {}).pop((channel, key), None)
        if meta is not None:
            self._tell(channel.topic, leaves=_presences(key, meta))

    def untrack_all(self, channel: Present) -> None:
        """All of a channel's presences end, as they do with the channel."""
        for holder, key in tuple(self._topics.get(channel.topic, ())):
            if holder is channel:
                self.untrack(channel, key)
        if not self._topics.get(channel.topic, True):
            del self._topics[channel.topic]

    def _tell(
        self,
        topic: str,
        joins: Presences | None = None,
        leaves: Presences | None = None,
    ) -> None:
        diff = {"joins": joins or {}, "leaves": leaves or {}}
        self._broadcast(topic, PRESENCE_DIFF, diff)

    def _new_ref(self) -> str:
        serial = next(self._serials).to_bytes(8, "big")
        return base64.urlsafe_b64encode(self._prefix + serial).decode("ascii")


def _presences(key: str, meta: Meta) -> Presences:
    return {key: {"metas": [meta]}}
