"""The curves: what grows, up to what number, and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CURVES", "PANELS", "Curve"]

_CHANNELS = (1, 10, 100, 1000, 10_000, 100_000)
_SOCKETS = (1, 10, 100, 1000, 10_000)

PANELS = ("a message", "a rejoin", "a socket", "memory of a socket")
"""What is drawn together."""


@dataclass(frozen=True)
class Curve:
    """One curve.

    :param panel: with which it is drawn.
    :param title: what is measured, as a legend has it.
    :param module: the module here that has it.
    :param function: its name there.
    :param noun: what there are more and more of.
    :param sizes: how many, in rising order.
    :param count: of how many the cost is taken, at least; 0 if nothing is repeated.
    :param metric: which of the function's numbers counts.
    :param unit: of that.
    :param shared: what few of them share among them, and one has to itself.
    :param more: the function's further arguments.
    """

    panel: str
    title: str
    module: str
    function: str
    noun: str
    sizes: tuple[int, ...]
    count: int
    metric: str = "cpu"
    unit: str = "µs"
    shared: str = ""
    more: Mapping[str, int] = field(default_factory=dict)

    def arguments(self, size: int, is_short: bool, collector: int) -> dict[str, int]:
        """The function's arguments for one number."""
        wanted = {self.noun: size, **self.more}
        if self.count:
            wanted |= {
                "count": min(self.count, SHORT_COUNT) if is_short else self.count,
                "collector": collector,
            }
        return wanted


SHORT_SIZES = (1, 20)
SHORT_COUNT = 40
"""The short form's: it only shows that it works."""

CURVES = {
    "messages": Curve(
        "a message",
        "received, all channels in turn",
        "growth_channels",
        "messages",
        "channels",
        _CHANNELS,
        300_000,
    ),
    "messages-of-100": Curve(
        "a message",
        "received, 100 of the channels",
        "growth_channels",
        "messages",
        "channels",
        _CHANNELS,
        300_000,
        more={"speaking": 100},
    ),
    "pushes": Curve(
        "a message",
        "pushed and answered",
        "growth_channels",
        "pushes",
        "channels",
        _CHANNELS,
        100_000,
    ),
    "rejoins": Curve(
        "a rejoin",
        "of a channel, all on one socket",
        "growth_channels",
        "rejoins",
        "channels",
        _CHANNELS,
        3000,
        shared="the one reconnect",
    ),
    "socket-rejoins": Curve(
        "a rejoin",
        "of a socket with its channel",
        "growth_sockets",
        "rejoins",
        "sockets",
        _SOCKETS,
        1000,
        shared="the reactor's turns",
    ),
    "sockets": Curve(
        "a socket",
        "opened, with a join",
        "growth_sockets",
        "opened",
        "sockets",
        _SOCKETS,
        1000,
        shared="the reactor's turns",
    ),
    "objects": Curve(
        "memory of a socket",
        "allocated by Python",
        "growth_sockets",
        "objects",
        "sockets",
        _SOCKETS,
        0,
        "kilobytes",
        "KB",
        shared="what is made once",
    ),
    "memory": Curve(
        "memory of a socket",
        "growth of the resident set",
        "growth_sockets",
        "memory",
        "sockets",
        # Fewer fit into what Python has taken from the system in reserve.
        _SOCKETS[3:],
        0,
        "kilobytes",
        "KB",
    ),
}
"""Every curve, in the order in which they are measured."""
