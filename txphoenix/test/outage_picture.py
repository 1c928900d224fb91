"""An outage, from the fault to the last push that was kept, drawn as SVG.

::

    python -m txphoenix.test.outage_picture > docs/outage.svg

A client goes through it in memory, with the longest delays that the default ``backoff``
has; what it says of itself on the way is what is drawn.
What is fixed here is how wide each phase is, and the limits that are written below it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.task import deferLater
from zope.interface import implementer

from txphoenix import SocketClient
from txphoenix.options import Options
from txphoenix.protocol.backoff import reconnect
from txphoenix.test.slow_joins import SlowServer
from txphoenix.test.support import TOPIC, Outcome

__all__ = ["MOMENT", "Distant", "Phase", "picture", "run"]

# What takes a moment in the picture takes so many seconds.
MOMENT = 0.2


class Phase(NamedTuple):
    """How things stand from one moment to the next.

    :ivar moment: what it begins with.
    :ivar told: the hooks that were called at that moment, with the class of the error.
    :ivar status: the client's.
    :ivar state: the channel's.
    :ivar before: what has become of a push made before the fault.
    :ivar meanwhile: the same of one made when the fault was noticed.
    """

    moment: str
    told: tuple[str, ...]
    status: str
    state: str
    before: str
    meanwhile: str


@implementer(IStreamClientEndpoint)
class Distant:
    """The way to a server that is some way off."""

    def __init__(self, server: SlowServer) -> None:
        self._server = server

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, after a moment."""
        connect: Any = self._server.endpoint.connect
        return deferLater(self._server.clock, MOMENT, connect, protocolFactory)


class _Run:
    """A client, and what it says."""

    def __init__(self) -> None:
        self.server = SlowServer()
        self.server.seconds = MOMENT
        self.client = SocketClient(
            self.server.url,
            reactor=self.server.clock,
            endpoint=Distant(self.server),
            backoff=reconnect(random=lambda: 0.0),
        )
        self.channel = self.client.channel(TOPIC)
        self.told: list[str] = []
        self.phases: list[Phase] = []
        self.pushes: dict[str, Outcome[Any]] = {}

    def push(self, name: str, event: str) -> None:
        """Push, and look at what becomes of it."""
        self.pushes[name] = Outcome(self.channel.push(event, {}, timeout=100.0))

    def listen(self) -> None:
        """Note the hooks that are called."""
        told = self.told.append
        self.client.on_open(lambda: told("on_open"))
        self.client.on_close(lambda error: told(f"on_close: {type(error).__name__}"))
        self.client.on_error(lambda error: told(f"on_error: {type(error).__name__}"))

    def note(self, moment: str) -> None:
        """A phase begins."""
        self.server.flush()
        phase = Phase(
            moment,
            tuple(self.told),
            self.client.status,
            str(self.channel.state),
            self.said_of("before"),
            self.said_of("meanwhile"),
        )
        self.phases.append(phase)
        self.told.clear()

    def said_of(self, name: str) -> str:
        """What is to be said of a push."""
        if name not in self.pushes:
            return ""
        fired = self.pushes[name].fired
        if not fired:
            return "waits for its reply" if name == "before" else "is kept"
        (result,) = fired
        return type(result).__name__ if isinstance(result, Exception) else "is answered"


def run() -> list[Phase]:
    """Go through an outage.

    :return: the phases; the first is before it, and the last after it.
    """
    outage = _Run()
    server, client, channel = outage.server, outage.client, outage.channel
    client.startService()
    channel.join()
    server.wait_for(lambda: channel.state == "joined")
    outage.listen()
    outage.push("before", "silent")
    outage.note("")
    server.pause()
    outage.note("the server vanishes")
    server.wait_for(lambda: outage.told)
    server.is_listening = False
    server.resume()
    outage.push("meanwhile", "echo")
    outage.note("noticed")
    server.wait_for(lambda: client.status == "connecting")
    outage.note("attempt")
    server.wait_for(lambda: outage.told)
    server.is_listening = True
    outage.note("refused")
    server.wait_for(lambda: client.status == "connecting")
    outage.note("attempt")
    server.wait_for(lambda: client.connected)
    outage.note("open")
    server.wait_for(lambda: channel.state == "joined")
    outage.note("joined")
    client.stopService()
    server.advance(client.options.close_timeout)
    return outage.phases


def _limits() -> list[list[str]]:
    """How long each phase may last, by the options as they are by default."""
    options = Options(url="ws://localhost/socket")
    silence = options.heartbeat_interval + options.heartbeat_timeout
    delay = reconnect(random=lambda: 0.0)
    attempt = ["at most", "connect_timeout:", f"{options.connect_timeout:g} s"]
    return [
        [],
        ["at most heartbeat_interval", "+ heartbeat_timeout:", f"{silence:g} s"],
        ["backoff:", f"at most {delay(0):g} s"],
        attempt,
        ["backoff:", f"at most {delay(1):g} s"],
        attempt,
        ["a round trip,", "at most timeout:", f"{options.timeout:g} s"],
        [],
    ]


_WIDTHS = [66, 168, 92, 104, 92, 104, 98, 86]
_LEFT, _TOP, _ROW = 120, 66, 42
_WIDTH = _LEFT + sum(_WIDTHS) + 16
_HEIGHT = _TOP + 4 * _ROW + 62
_KINDS = {
    "connected": "good",
    "joined": "good",
    "is answered": "good",
    "connecting": "busy",
    "joining": "busy",
    "waits for its reply": "busy",
    "is kept": "busy",
}
_STYLE = """<style>
  svg { color-scheme: light dark; }
  .page { fill: #ffffff; stroke: #d3d6dd; }
  text { fill: #23262e; }
  .small { font-size: 11.5px; }
  .head { font-weight: bold; }
  .good { fill: #f1ecfb; stroke: #5b3fa0; }
  .busy { fill: #f3f4f7; stroke: #8a8f98; }
  .bad { fill: #fdeee7; stroke: #b8450f; }
  .border { stroke: #8a8f98; stroke-dasharray: 3 3; }
  .told { fill: #a63c0a; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #1a1c21; stroke: #3b3f48; }
    text { fill: #e6e7eb; }
    .good { fill: #2c2542; stroke: #b7a2f0; }
    .busy { fill: #2a2d34; stroke: #9aa0aa; }
    .bad { fill: #40261a; stroke: #ff9c6b; }
    .border { stroke: #9aa0aa; }
    .told { fill: #ffab80; }
  }
</style>"""
_WHAT = (
    "The server vanishes while a push waits for its reply. The client notices it within"
    " heartbeat_interval and heartbeat_timeout: that push fails, and what is pushed now"
    " is kept. It waits, tries to connect, is refused, waits longer, connects, joins"
    " again, and sends what was kept."
)


def picture() -> str:
    """Draw it."""
    return "\n".join([*_lines(run()), "</svg>", ""])


def _lines(phases: list[Phase]) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-labelledby="title what"'
        ' font-family="sans-serif" font-size="13" text-anchor="middle">'
    )
    yield '<title id="title">An outage, and what the client says of it</title>'
    yield f'<desc id="what">{_WHAT}</desc>'
    yield _STYLE
    yield (
        f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"'
        ' class="page"/>'
    )
    edges = [_LEFT + sum(_WIDTHS[:count]) for count in range(len(_WIDTHS) + 1)]
    for edge, phase in zip(edges, phases, strict=False):
        if phase.moment:
            yield (
                f'<path d="M{edge} {_TOP - 14}V{_TOP + 4 * _ROW - 6}" class="border"/>'
                f'<text x="{edge}" y="{_TOP - 38}">{phase.moment}</text>'
            )
        for told in phase.told:
            yield f'<text x="{edge}" y="{_TOP - 21}" class="small told">{told}</text>'
    rows = ("client.status", "channel.state", "a push before", "one after it")
    for row, name in enumerate(rows):
        yield from _row(name, [phase[row + 2] for phase in phases], edges, row)
    for left, right, limit in zip(edges, edges[1:], _limits(), strict=False):
        x = f"{(left + right) / 2:g}"
        for y, text in enumerate(limit):
            below = _TOP + 4 * _ROW + 12 + 16 * y
            yield f'<text x="{x}" y="{below}" class="small">{text}</text>'


def _row(name: str, values: list[Any], edges: list[int], row: int) -> Iterator[str]:
    """The bars of one row: neighbours that say the same are one."""
    top = _TOP + row * _ROW
    middle = top + 20
    yield f'<text x="12" y="{middle}" text-anchor="start" class="head">{name}</text>'
    for value, group in groupby(range(len(values)), key=values.__getitem__):
        if value:
            places = list(group)
            # That a push has failed is told once.
            last = places[0] if value.startswith("Push") else places[-1]
            left, right = edges[places[0]], edges[last + 1]
            kind = _KINDS.get(value, "bad")
            yield (
                f'<rect x="{left + 2}" y="{top}" width="{right - left - 4}" height="32"'
                f' rx="8" class="{kind}"/><text x="{(left + right) / 2:g}"'
                f' y="{middle}" class="small">{value}</text>'
            )


if __name__ == "__main__":
    sys.stdout.write(picture())
