"""What the bridge's parts ask of each other: the seam between topics and the fleet.

The fleet decides which topics this process holds; a `TopicHolder` holds them.
URIs are made in one place, of which `FleetURIs` is what the fleet needs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

__all__ = ["FleetURIs", "TopicHolder"]


class TopicHolder(Protocol):
    """Holds topics: joins them, publishes what comes, and pushes to them.

    The fleet asks one thing at a time of a topic, but for `push` and `presence`, which
    come at any time while the topic is held, from when it is being taken.
    """

    @property
    def held(self) -> Collection[str]:
        """The topics that are joined, or may be: from `take` until `drop` is done."""

    async def take(self, topic: str) -> None:
        """Join a topic, and publish its events from now on.

        It returns once the topic is joined, and raises what the join was refused with;
        the topic counts as held either way, and a refused join is not tried again
        until the fleet takes the topic again.
        It may be cancelled, and then ends at once; `drop` follows in each case in
        which the topic is no longer to be held.
        """

    async def drop(self, topic: str, why: Exception) -> None:
        """Leave a topic, and return once the server has answered, or can not.

        Calls of the topic that are under way fail with ``why`` at once; it ends within
        a bounded time, and raises nothing.
        A topic that is not held is dropped already.
        """

    async def push(
        self, topic: str, event: str, payload: Any, timeout: float | None
    ) -> Any:
        """Push to a topic that is held, and return the response of its reply.

        Where the topic is not joined yet, that comes first, and is tried again if it
        was refused; what it is refused with is raised.
        It ends after ``timeout`` seconds at the latest, or after the holder's own
        where that is None; its errors are those that a caller over WAMP gets.
        """

    async def presence(self, topic: str) -> dict[str, Any]:
        """The presence state of a topic that is held, once it is synced."""


class FleetURIs(Protocol):
    """The URIs that the fleet needs, all of which begin with the bridge's prefix."""

    @property
    def push(self) -> str:
        """The shared entry; who has registered it is a member of the fleet."""

    @property
    def presence(self) -> str:
        """The other shared entry."""

    def interest(self, topic: str) -> str:
        """An event's URI that nobody publishes: to subscribe to it is to want a topic.

        Workers do so for topics of their configuration, and for those that they were
        asked to push to, so that all of the fleet know of it.
        """

    def lock(self, topic: str) -> str:
        """The procedure that the owner of a topic registers, before it joins.

        Others may call it as well.
        """

    def wanted_topic(self, uri: str, match: str) -> str | None:
        """The topic that a subscription names, or None where it names none.

        ``match`` is "exact", "prefix" or "wildcard".
        """

    def error(self, name: str) -> str:
        """The URI of an error, such as "moved"."""
