"""The workloads by name: where each is, whom it measures, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLIENTS", "WORKLOADS", "Workload"]

CLIENTS = {
    "txphoenix": "txphoenix",
    "stock": "stock Autobahn + orjson",
    "phoenix_js": "phoenix.js",
    "bare": "bare socket (the server's limit)",
}
"""What is measured, and how it is shown."""

_THREE = ("txphoenix", "stock", "phoenix_js")
_ALL = (*_THREE, "bare")
# Autobahn has no long-poll.
_UNLIKE_STOCK = ("txphoenix", "phoenix_js", "bare")


@dataclass(frozen=True)
class Workload:
    """One workload.

    :param module: the module here that has it.
    :param title: what it is called in tables.
    :param metrics: what a client's function returns, and the unit of each; more is
        better but for ``KB``.
    :param clients: whom it measures.
    :param full: the function's arguments.
    :param short: the same for the short form, which only shows that it works.
    :param turns: how many measurements a repeat of the full form has.
    """

    module: str
    title: str
    metrics: dict[str, str]
    clients: tuple[str, ...]
    full: dict[str, int]
    short: dict[str, int]
    turns: int = 1


_RATE = {"rate": "/s"}

WORKLOADS = {
    "flood": Workload(
        "flood",
        "flood, one channel",
        _RATE,
        _ALL,
        {"count": 300_000, "channels": 1},
        {"count": 2000, "channels": 1},
    ),
    "fan-in": Workload(
        "flood",
        "fan-in, 1000 channels",
        _RATE,
        _ALL,
        {"count": 300_000, "channels": 1000},
        {"count": 2000, "channels": 20},
    ),
    "fan-in-10k": Workload(
        "flood",
        "fan-in, 10,000 channels",
        _RATE,
        _THREE,
        {"count": 300_000, "channels": 10_000},
        {"count": 2000, "channels": 200},
    ),
    "telemetry": Workload(
        "telemetry",
        "flood with telemetry",
        _RATE,
        ("txphoenix",),
        {"count": 300_000, "channels": 1},
        {"count": 2000, "channels": 1},
    ),
    "ping-1": Workload(
        "ping",
        "one push at a time",
        _RATE,
        _ALL,
        {"count": 15_000, "window": 1},
        {"count": 100, "window": 1},
        # Most of it is how fast the system wakes a process, which varies by a fifth.
        turns=3,
    ),
    "ping-64": Workload(
        "ping",
        "64 pushes outstanding",
        _RATE,
        _ALL,
        {"count": 100_000, "window": 64},
        {"count": 1000, "window": 64},
    ),
    "longpoll-flood": Workload(
        "longpoll_flood",
        "long-poll, flood",
        _RATE,
        _UNLIKE_STOCK,
        {"count": 100_000, "batch": 100},
        {"count": 2000, "batch": 100},
    ),
    "longpoll-ping-64": Workload(
        "longpoll_ping",
        "long-poll, 64 outstanding",
        _RATE,
        _UNLIKE_STOCK,
        {"count": 50_000, "window": 64},
        {"count": 1000, "window": 64},
    ),
    "pairs": Workload(
        "pairs",
        "two pushes, one answered",
        {"rate": "pairs/s"},
        ("txphoenix", "stock"),
        {"count": 200},
        {"count": 5},
    ),
    "joins": Workload(
        "joins",
        "10,000 channels",
        {"joins": "joins/s", "leaves": "leaves/s"},
        _ALL,
        {"channels": 10_000},
        {"channels": 100},
    ),
    "channels": Workload(
        "channels",
        "an idle channel",
        {"kilobytes": "KB"},
        _THREE,
        {"channels": 10_000},
        {"channels": 100},
    ),
    "sockets": Workload(
        "sockets",
        "5,000 idle sockets",
        {"rate": "opened/s", "kilobytes": "KB"},
        _THREE,
        {"sockets": 5000},
        {"sockets": 20},
    ),
    "encode": Workload(
        "encode", "encode", _RATE, _THREE, {"count": 500_000}, {"count": 1000}
    ),
    "decode": Workload(
        "decode", "decode", _RATE, _THREE, {"count": 500_000}, {"count": 1000}
    ),
    "route": Workload(
        "route",
        "route, 1000 channels",
        _RATE,
        ("txphoenix", "phoenix_js"),
        {"count": 300_000, "channels": 1000},
        {"count": 1000, "channels": 20},
    ),
    "reconnect": Workload(
        "reconnect",
        "reconnect, 1000 channels",
        {"rate": "channels/s"},
        _THREE,
        {"channels": 1000},
        {"channels": 20},
    ),
}
"""Every workload, in the order in which they run."""
