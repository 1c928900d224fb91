"""The workloads by name: where each is, whom it measures, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["CLIENTS", "LARGE", "WAYS", "WORKLOADS", "Workload", "label"]

WAYS = ("received", "pushed")
"""What is done with large messages."""


def label(kilobytes: int) -> str:
    """A size, as it is shown."""
    return f"{kilobytes // 1024} MiB" if kilobytes >= 1024 else f"{kilobytes} KiB"


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
        better but for ``KB`` and ``x``.
    :param clients: whom it measures.
    :param full: the function's arguments.
    :param short: the same for the short form, which only shows that it works.
    :param turns: how many measurements a repeat of the full form has.
    :param is_secure: whether it goes over TLS.
    :param cases: further arguments; each is measured in a process of its own.
    :param short_cases: the same for the short form.
    """

    module: str
    title: str
    metrics: dict[str, str]
    clients: tuple[str, ...]
    full: dict[str, int]
    short: dict[str, int]
    turns: int = 1
    is_secure: bool = False
    cases: tuple[dict[str, int], ...] = ({},)
    short_cases: tuple[dict[str, int], ...] = ({},)

    def sizes(self, is_short: bool) -> list[dict[str, int]]:
        """The arguments of each process of one measurement."""
        if is_short:
            return [self.short | case for case in self.short_cases]
        return [self.full | case for case in self.cases]


_RATE = {"rate": "/s"}

_PLAIN = {
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
    "traffic": Workload(
        "telemetry",
        "flood with traffic counted",
        _RATE,
        ("txphoenix",),
        {"count": 300_000, "channels": 1, "traffic": 1},
        {"count": 2000, "channels": 1, "traffic": 1},
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
        {"joins": "joins/s", "leaves": "leaves/s", "kilobytes": "KB"},
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


def _secure(
    name: str, title: str = "", more: dict[str, int] | None = None, **changed: Any
) -> Workload:
    """A workload over TLS; with more arguments in both forms, and what has changed."""
    plain = _PLAIN[name]
    workload = replace(
        plain, title=title or f"wss {plain.title}", is_secure=True, **changed
    )
    return replace(
        workload, full=workload.full | (more or {}), short=workload.short | (more or {})
    )


_SECURE = {
    "wss-flood": _secure("flood"),
    "wss-records": _secure(
        "flood", "wss flood, a record each", clients=_THREE, more={"each": 1}
    ),
    "wss-ping-1": _secure("ping-1"),
    "wss-ping-64": _secure("ping-64"),
    "wss-sockets": _secure("sockets", "2,000 idle wss sockets", full={"sockets": 2000}),
    "wss-reopen": Workload(
        "reopen",
        "wss sockets that come back",
        {"rate": "reopened/s"},
        _THREE,
        {"sockets": 1000},
        {"sockets": 10},
        is_secure=True,
    ),
    "https-flood": _secure(
        "longpoll-flood", "https long-poll, flood", clients=_UNLIKE_STOCK[:2]
    ),
    "https-ping-64": _secure(
        "longpoll-ping-64", "https long-poll, 64 at once", clients=_UNLIKE_STOCK[:2]
    ),
}

_COMPRESSED = {
    "compressed-100": Workload(
        "compressed",
        "compressed, 100 bytes",
        _RATE,
        _THREE,
        {"count": 200_000, "size": 100},
        {"count": 1000, "size": 100},
    ),
    "compressed-4k": Workload(
        "compressed",
        "compressed, 4 KiB",
        _RATE,
        _THREE,
        {"count": 20_000, "size": 4096},
        {"count": 100, "size": 4096},
    ),
}

_KILOBYTES = (64, 1024, 8192)


def _large(title: str, *, is_binary: bool, is_secure: bool) -> Workload:
    """Large messages: three sizes, both ways."""
    ways = [f"{way} {label(size)}" for way in WAYS for size in _KILOBYTES]
    return Workload(
        "large",
        title,
        dict.fromkeys(ways, "MB/s") | {f"{way} peak": "x" for way in ways},
        _ALL,
        {"megabytes": 128, "binary": int(is_binary), "verify": 0},
        {"megabytes": 0, "binary": int(is_binary), "verify": 1},
        is_secure=is_secure,
        cases=tuple(
            {"kilobytes": size, "pushed": pushed}
            for pushed in (0, 1)
            for size in _KILOBYTES
        ),
        short_cases=tuple({"kilobytes": 1024, "pushed": pushed} for pushed in (0, 1)),
    )


LARGE = {
    "large-json": _large("large JSON", is_binary=False, is_secure=False),
    "large-binary": _large("large binary", is_binary=True, is_secure=False),
    "wss-large-json": _large("wss large JSON", is_binary=False, is_secure=True),
    "wss-large-binary": _large("wss large binary", is_binary=True, is_secure=True),
}
"""Those of large messages, which have a table of their own."""

WORKLOADS = _PLAIN | _SECURE | LARGE | _COMPRESSED
"""Every workload, in the order in which they run."""
