"""The clients that are known, none of which is kept alive for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

from ..client import SocketClient
from .labels import label_text

__all__ = ["Clients", "Seen", "client_label"]

UNNAMED = "unnamed"
"""The label of the clients without a name."""


def client_label(client: SocketClient) -> str:
    """The label of a client: its name."""
    name: str | None = client.name
    return UNNAMED if name is None else label_text(name)


class Seen:
    """What is remembered of one client."""

    __slots__ = ("answered_at",)

    def __init__(self) -> None:
        self.answered_at: float | None = None
        """When its latest heartbeat was answered, as far as that was seen."""


class Clients:
    """All clients that were named, or that telemetry has told of.

    :param now: tells the time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: WeakKeyDictionary[SocketClient, Seen] = WeakKeyDictionary()

    def add(self, client: SocketClient) -> Seen:
        """Remember a client, as long as there is anybody else who does."""
        seen = self._seen.get(client)
        if seen is None:
            seen = self._seen[client] = Seen()
        return seen

    def running(self) -> Iterator[SocketClient]:
        """Those that run."""
        return (client for client in list(self._seen) if client.running)

    def heartbeat_answered(self, client: SocketClient) -> None:
        """Remember that a heartbeat was answered just now."""
        self.add(client).answered_at = self._now()

    def heartbeat_age(self, client: SocketClient) -> float | None:
        """The seconds since a heartbeat was answered; None if none was seen."""
        answered_at = self.add(client).answered_at
        return None if answered_at is None else self._now() - answered_at
