"""Whether all is well: what ``/health`` says, and by which rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..client import SocketClient
from .definitions import FAILED
from .exporter import MetricsExporter
from .gauges import channel_statuses
from .labels import label_text

__all__ = ["health"]

# How many clients, and how many topics of each that are not joined, are named.
_MOST_CLIENTS = 100
_MOST_TOPICS = 20

# The statuses of a channel that ought to be joined, and is not.
_NOT_JOINED = ("joining", "errored", FAILED)


def health(exporter: MetricsExporter) -> dict[str, Any]:
    """How the clients are that run, as JSON can hold it.

    All is well if there is such a client, each of them is connected unless nobody needs
    that (``disconnect_when_idle``), and each of their channels is joined that is not
    being left; one whose first join has failed is not, until it is left or dropped.
    A topic of ``join_channels`` is one of them before it has its channel.
    """
    clients = [_client(client, exporter) for client in exporter.clients]
    connected = bool(clients) and all(_is_connected(client) for client in clients)
    joined = bool(clients) and all(client["joined"] for client in clients)
    ages = [client["last_heartbeat_seconds"] for client in clients]
    known = [age for age in ages if age is not None]
    # Those that are not well come first, as they are what one wants to know of.
    clients.sort(key=lambda client: _is_connected(client) and client["joined"])
    return {
        "status": "healthy" if connected and joined else "unhealthy",
        "connected": connected,
        "joined": joined,
        "last_heartbeat_seconds": max(known, default=None),
        "clients": clients[:_MOST_CLIENTS],
        "client_count": len(clients),
    }


def _is_connected(client: Mapping[str, Any]) -> bool:
    """Whether it is, or has no need to be."""
    return bool(client["connected"] or client["idle"])


def _client(client: SocketClient, exporter: MetricsExporter) -> dict[str, Any]:
    due = client._join_channels.due(client.options.join_channels)
    # On a connection those are left whose channel could not be made.
    unmade = dict.fromkeys(due, FAILED if client.connected else "joining")
    statuses = unmade | channel_statuses(client)
    wanting = {
        label_text(topic): status
        for topic, status in statuses.items()
        if status in _NOT_JOINED
    }
    wait = client.get_state("next_attempt_in")
    age = exporter.heartbeat_age(client)
    name: str | None = client.name
    return {
        "name": None if name is None else label_text(name),
        "status": client.status,
        "connected": client.connected,
        "idle": client.get_state("idle"),
        "next_attempt_seconds": None if wait is None else round(wait, 3),
        "joined": not wanting,
        "channels": dict(Counter(statuses.values())),
        "not_joined": dict(list(wanting.items())[:_MOST_TOPICS]),
        "last_heartbeat_seconds": None if age is None else round(age, 3),
    }
