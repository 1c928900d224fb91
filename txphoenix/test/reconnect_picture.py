"""A connection that is lost, and how the client comes back, on a time line, as SVG.

::

    python -m txphoenix.test.reconnect_picture > docs/reconnect.svg

A client goes through it in memory, on a clock; what telemetry tells of it is what is
drawn.
Of the delays of the default ``backoff``, which are random, each is the middle one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

from txphoenix import SocketClient, telemetry
from txphoenix.protocol.backoff import reconnect

from .drawing import Drawing
from .outage_picture import Distant
from .slow_joins import SlowServer
from .support import TOPIC, Outcome

__all__ = ["TIMEOUT", "WORDS", "Moment", "picture", "run"]

# What takes a moment takes so many seconds.
_MOMENT: Final = 0.1
_NAME: Final = "the picture"
TIMEOUT: Final = 30.0
"""Seconds that the push has which is kept: the default ends before the rejoin."""
WORDS: Final[dict[tuple[Any, ...], str]] = {
    (telemetry.PUSH, "failed"): "PushInterrupted: a push that had no reply yet",
    (telemetry.SOCKET, "disconnected"): "the connection is lost: on_close",
    (telemetry.SOCKET, "reconnecting"): "the client waits for {delay:.1f} s",
    (telemetry.SOCKET, "connecting"): "an attempt, with a fresh url, params, token",
    (telemetry.SOCKET, "connection_error"): "it fails: on_error",
    (telemetry.SOCKET, "connected"): "the connection is open: on_open",
    (telemetry.MESSAGE, "sent", "phx_join"): "the channel's join is sent",
    (telemetry.CHANNEL, "joined"): "the channel is joined again: handle_join",
    (telemetry.MESSAGE, "sent", "echo"): "the push that was kept is sent",
    (telemetry.PUSH, "replied"): "its reply: the Deferred fires",
    (telemetry.MESSAGE, "sent", "heartbeat"): "a heartbeat, each heartbeat_interval",
    (telemetry.SOCKET, "heartbeat_duration"): "the server answers it: all is well",
}


class Moment(NamedTuple):
    """What happens at one time.

    :ivar seconds: since the loss.
    :ivar told: what telemetry has told, in words.
    :ivar status: the client's, after it.
    :ivar state: the channel's, after it.
    """

    seconds: float
    told: tuple[str, ...]
    status: str
    state: str


class _Run:
    """A client, and what telemetry tells of it."""

    def __init__(self) -> None:
        self.server = SlowServer()
        self.server.seconds = _MOMENT
        self.client = SocketClient(
            self.server.url,
            reactor=self.server.clock,
            endpoint=Distant(self.server),
            backoff=reconnect(random=lambda: 0.5),
        )
        self.channel = self.client.channel(TOPIC)
        self.began = 0.0
        # When, what in words, and how things stand then.
        self.noted: list[Moment] = []

    def note(self, *told: str) -> None:
        """Something has happened."""
        seconds = round(self.server.clock.seconds() - self.began, 6)
        status, state = self.client.status, str(self.channel.state)
        self.noted.append(Moment(seconds, told, status, state))

    def count(self, action: str) -> int:
        """How often telemetry has told that of the client's socket."""
        words = WORDS[telemetry.SOCKET, action]
        return sum(words in moment.told for moment in self.noted)

    def handle(
        self,
        event_name: tuple[str, ...],
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        _config: object,
    ) -> None:
        """Telemetry tells something."""
        if metadata["client"] is not self.client:
            return
        action = metadata["action"]
        words = WORDS.get((event_name, action))
        if event_name == telemetry.MESSAGE:
            words = WORDS.get((event_name, action, metadata["event"]))
        # A change of state is none of these, but has to be seen.
        self.note(*(() if words is None else (words.format(**measurements),)))


def run(timeout: float | None = TIMEOUT) -> list[Moment]:
    """Lose a connection, and come back.

    :param timeout: that of the push which is kept.
    :return: the moments, the first of which is the loss.
    """
    it = _Run()
    server, client, channel = it.server, it.client, it.channel
    client.startService()
    channel.join()
    server.wait_for(lambda: channel.state == "joined")
    Outcome(channel.push("silent", {}))
    server.flush()
    it.began = server.clock.seconds()
    telemetry.attach_many(_NAME, list(_names()), it.handle)
    try:
        server.is_listening = False
        server.cut()
        server.flush()
        kept = Outcome(channel.push("echo", {}, timeout=timeout))
        it.note("you push: that is kept for the join")
        server.wait_for(lambda: it.count("connection_error") == 2)
        server.is_listening = True
        server.wait_for(lambda: kept.fired)
        server.wait_for(lambda: it.count("heartbeat_duration") == 1)
    finally:
        telemetry.detach(_NAME)
    client.stopService()
    server.advance(client.options.close_timeout)
    times = groupby(it.noted, lambda moment: moment.seconds)
    return [_together(list(group)) for _, group in times]


def _names() -> set[tuple[str, ...]]:
    return {key[0] for key in WORDS} | {telemetry.STATE_CHANGE}


def _together(moments: list[Moment]) -> Moment:
    """What has happened at one time, without what is told twice."""
    told = dict.fromkeys(words for moment in moments for words in moment.told)
    return moments[-1]._replace(told=tuple(told))


_TOP, _LINE = 58, 17
_BARS = {"status": 70, "state": 92}
_BAR, _TEXT = 14, 122
_KINDS: Final = {
    "connected": "ours",
    "joined": "ours",
    "connecting": "box",
    "joining": "box",
    "disconnected": "server",
    "errored": "server",
}


def picture() -> str:
    """Draw it."""
    moments = [moment for moment in run() if moment.told]
    drawing = Drawing(
        "reconnect",
        "From the loss of a connection to the next heartbeat",
        " ".join(
            f"After {moment.seconds:.1f} s: {'; '.join(moment.told)}."
            for moment in moments
        ),
    )
    places = [_TOP]
    for before, after in pairwise(moments):
        # The longer it takes the longer it is drawn, within what can be looked at.
        room = max(_LINE * len(before.told) + 14, 20 * (after.seconds - before.seconds))
        places.append(places[-1] + min(int(room), 96))
    end = places[-1] + _LINE * len(moments[-1].told) + 8
    drawing.words(16, 26, "seconds", "small")
    drawing.words(_TEXT, 26, "left: the connection", "small")
    drawing.words(_TEXT, 42, "right: the channel", "small")
    for name, x in _BARS.items():
        values = [getattr(moment, name) for moment in moments]
        drawing.way([(x + _BAR / 2, 30), (x + _BAR / 2, _TOP - 16)], "out")
        for value, group in groupby(range(len(values)), key=values.__getitem__):
            alike = list(group)
            behind = alike[-1] + 1
            bottom = places[behind] - 10 if behind < len(values) else end
            top = places[alike[0]] - 10
            drawing.box(x, top, _BAR, bottom - top, _KINDS[value])
    for place, moment in zip(places, moments, strict=True):
        drawing.words(60, place + 4, f"{moment.seconds:.1f}", "small", anchor="end")
        for number, words in enumerate(moment.told):
            drawing.words(_TEXT, place + 4 + _LINE * number, words, "small")
    y = end + 28
    for x, kind, words in (
        (16, "ours", "connected, joined"),
        (166, "box", "under way"),
        (276, "server", "disconnected, errored"),
    ):
        drawing.box(x, y - 12, 14, 14, kind)
        drawing.words(x + 20, y, words, "small")
    return drawing.drawn(y + 18)


if __name__ == "__main__":
    sys.stdout.write(picture())
