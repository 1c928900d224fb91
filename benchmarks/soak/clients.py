"""A client of the soak: one connection, ten channels, and what is done with them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix import ConnectionFailed, Message, PhoenixError, PushError, SocketClient

from .checks import check_reply
from .ledger import Ledger, Verdict
from .listening import Gate, Listener
from .messages import ECHO, sealed
from .seats import CHANNELS, Seat, topic_of

__all__ = ["LIMITS", "OPTIONS", "Client"]

LIMITS: dict[str, int] = {
    "receive_buffer": 20,
    "push_buffer": 50,
    "send_buffer": 50,
    "write_buffer": 128 * 1024,
    "max_message_size": 256 * 1024,
}
"""So small that they are reached."""

OPTIONS: dict[str, Any] = {
    "heartbeat_interval": 2.0,
    "heartbeat_timeout": 2.0,
    "connect_timeout": 4.0,
    "close_timeout": 1.0,
    "timeout": 4.0,
    "reconnect_interval": 4.0,
    **LIMITS,
}
"""What is shorter than by default, so that a minute has many of each."""

_FALLBACK = 1.5


class Client:
    """One client, and what the soak has it do.

    :param reactor: the reactor.
    :param seat: its place.
    :param url: its proxy's.
    :param tls: the option of that name.
    :param chance: decides what it does.
    :param ledger: what it hands out is noted there.
    :param verdict: what must not be is told to it.
    :ivar client: the client itself.
    :ivar rooms: its channels.
    :ivar opened: how often it was connected.
    :ivar heard: how many replies and messages have come.
    :ivar losses: how often its connection was lost, or told to close.
    :ivar counts: what happened how often.
    :ivar ends: how its connections ended how often.
    :ivar openings: is passed whenever it has connected.
    :ivar is_spoilt: whether bytes are changed on its line just now.
    :ivar is_stopping: whether its end has come.
    """

    def __init__(
        self,
        reactor: Any,
        seat: Seat,
        url: str,
        tls: Any,
        chance: random.Random,
        ledger: Ledger,
        verdict: Verdict,
    ) -> None:
        self.seat = seat
        self.opened = self.heard = self.losses = 0
        self.counts: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.is_spoilt = False
        self.is_stopping = False
        self.reactor = reactor
        self.limits = LIMITS
        self._may_change = False
        self._chance = chance
        self.ledger = ledger
        self.verdict = verdict
        self._pushes = self._changes = 0
        self._is_asked = False
        self.openings = Gate()
        self.openings.set(True)
        options = {**OPTIONS, **seat.options}
        if seat.falls_back:
            options["longpoll_fallback"] = _FALLBACK
        if seat.transport == "longpoll":
            url = "http" + url.removeprefix("ws")
        self.client = SocketClient(
            url,
            reactor=reactor,
            transport=seat.transport,
            tls=tls if seat.secure else None,
            params={"client": str(seat.number)},
            **options,
        )
        self.client.on_open(self._has_opened)
        self.client.on_close(self._has_closed)
        self.rooms = [
            Listener(self, topic_of(seat.number, number), number)
            for number in range(CHANNELS)
        ]
        self._actions = _actions()

    # What its channels ask.

    @property
    def may_change(self) -> bool:
        """Whether what comes on this connection may have been changed."""
        return self._may_change and not self.seat.secure

    def _has_opened(self) -> None:
        self.opened += 1
        # What was changed before has ended with the connection before.
        self._may_change = self.is_spoilt

        self.openings.pulse()

    def _has_closed(self, reason: ConnectionFailed) -> None:
        code = getattr(reason, "code", None)
        shown = type(reason).__name__ + (f" {code}" if code else "")
        self.ends[shown] += 1
        self.losses += 1

    def befall(self, fault: str, begins: bool) -> None:
        """A fault begins or ends; some are its own to do, or to know of."""
        if fault == "full-queue":
            for room in self.rooms:
                room.gate.set(begins)
        elif fault == "corrupt":
            self.is_spoilt = begins
            self._may_change = self._may_change or begins

    # Its life.

    def start(self) -> None:
        """Connect, and join all channels."""
        self.client.startService()
        self._watch("when_connected", self.client.when_connected())
        for room in self.rooms:
            room.start()

    def stop(self) -> Deferred[Any]:
        """Stop it."""
        self.is_stopping = True
        self.openings.set(False)
        for room in self.rooms:
            room.stop()
        return self.ledger.watch("stop", str(self.seat), self.client.stopService())

    @property
    def is_back(self) -> bool:
        """Whether it is connected, and all of its channels are joined."""
        return self.client.connected and all(it.channel.is_joined for it in self.rooms)

    def missing(self) -> str:
        """What it lacks, in words."""
        states = Counter(str(it.channel.state) for it in self.rooms)
        shown = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"{self.seat} is {self.client.status}, its channels are {shown}"

    # What it does.

    def act(self) -> None:
        """Do one thing, any."""
        self._chance.choice(self._actions)(self, self._chance.choice(self.rooms))

    def _push(self, room: Listener, event: str, size: int = 0) -> Deferred[Any]:
        self._pushes += 1
        name = f"{self.seat.number}:{self._pushes}"
        payload = sealed(id=name, topic=room.topic, body="x" * size)
        pushed = room.channel.push(event, payload)
        self.ledger.watch("push", f"{name} ({event}) of {self.seat}", pushed)
        pushed.addCallback(self._answered, payload)
        return pushed.addErrback(self._push_failed, event, payload)

    def _answered(self, reply: object, payload: Any) -> bool:
        self.heard += 1
        return check_reply(self.verdict, payload, reply, self.may_change)

    def _push_failed(self, failure: Any, event: str, payload: Any) -> bool:
        error = failure.value
        if type(error) is PushError and not self.may_change:
            # The server has answered: with what it was sent, where it was told to.
            if event != "refused" or error.response != payload:
                what = f"{event} {payload['id']} got {str(error)[:200]}"
                self.verdict.broken("a reply belongs to the push that asked", what)
        elif not isinstance(error, PhoenixError) and not failure.check(CancelledError):
            self.verdict.broken("a push fails with an error of ours", repr(error))
        return False

    def echo(self, room: Listener) -> None:
        """Push something small."""
        self._push(room, ECHO, self._chance.randrange(200))

    def large(self, room: Listener) -> None:
        """Push something large."""
        self._push(room, ECHO, self._chance.randrange(5_000, 60_000))

    def flood(self, room: Listener) -> None:
        """Push more than there is room for."""
        for _ in range(60):
            self._push(room, ECHO, 4000)

    def odd(self, room: Listener) -> None:
        """Push something that the server answers late, never, or with an error."""
        self._push(room, self._chance.choice(("late", "silent", "refused")))

    def crash(self, room: Listener) -> None:
        """Push something that the server's channel crashes of."""
        self._push(room, "crash")

    def burst(self, room: Listener) -> None:
        """Have the server say much at once."""
        self._push(room, "burst", 100)

    def cancelled(self, room: Listener) -> None:
        """Push something, and want no reply."""
        self._push(room, ECHO).cancel()

    def unanswered(self, room: Listener) -> None:
        """Push something without waiting for a reply, by the channel or the client."""
        self._pushes += 1
        name = f"{self.seat.number}:{self._pushes}"
        payload = sealed(id=name, topic=room.topic, body="")
        try:
            if self._chance.random() < 0.5:
                room.channel.push_async("note", payload)
            else:
                message = Message(None, None, room.topic, "note", payload)
                self.client.push(message)
        except PhoenixError as error:
            self.counts[f"unanswered: {type(error).__name__}"] += 1

    def ask(self, room: Listener) -> None:
        """Ask for what else fires."""
        self._watch("when_writable", room.channel.when_writable())
        self._watch("ping", self.client.ping())

    def again(self, _room: Listener) -> None:
        """Disconnect, and connect again."""
        if not self._is_asked:
            self._is_asked = True
            self.losses += 1
            gone = self.client.disconnect()
            self._watch("disconnect", gone.addBoth(self._connect))

    def _connect(self, result: object) -> object:
        self._is_asked = False
        if not self.is_stopping:
            self.client.connect()
        return result

    def reconfigure(self, _room: Listener) -> None:
        """Change what the server is told, which takes another connection."""
        if not self._is_asked:
            self._changes += 1
            self.losses += 1
            params = {"client": str(self.seat.number), "change": str(self._changes)}
            self._watch("reconfigure", self.client.reconfigure(params=params))

    def churn(self, room: Listener) -> None:
        """Leave, and join again."""
        room.churn()

    def _watch(self, kind: str, deferred: Deferred[Any]) -> None:
        self.ledger.watch(kind, f"of {self.seat}", deferred)
        deferred.addErrback(self._fails_as_it_may)

    def _fails_as_it_may(self, failure: Any) -> None:
        failure.trap(PhoenixError)

    def probe(self, room: Listener) -> Deferred[bool]:
        """See whether a channel is alive on both sides.

        :return: a Deferred of whether it answers.
        """
        return self._push(room, ECHO)

    # Its limits.

    def over_limits(self) -> Iterator[str]:
        """What is more than its limit allows, in words."""
        for room in self.rooms:
            yield from room.over_limits()
        kept = self.client.get_state("to_send")
        if len(kept) > LIMITS["send_buffer"]:
            yield f"{self.seat} keeps {len(kept)} messages"
        waiting = bytes_waiting(self.client)
        most = LIMITS["write_buffer"] + LIMITS["max_message_size"]
        if waiting > most:
            yield f"{self.seat} has {waiting} bytes to write"


def bytes_waiting(client: SocketClient) -> int:
    """How many bytes wait to be written: ours, before they are the system's."""
    transport: Any = client.connection.link.transport
    if transport is None:
        return 0
    if hasattr(transport, "_outgoing"):
        return int(transport._outgoing.size)
    buffer = transport._writer._buffer
    return 0 if buffer is None else int(buffer.waiting)


def _actions() -> list[Any]:
    """What there is to do, each as often as its weight says."""
    weights = {
        Client.echo: 240,
        Client.large: 12,
        Client.odd: 24,
        Client.unanswered: 15,
        Client.ask: 9,
        Client.cancelled: 9,
        Client.crash: 3,
        Client.burst: 3,
        Client.flood: 3,
        Client.churn: 4,
        Client.again: 1,
        Client.reconfigure: 1,
    }
    return [action for action, weight in weights.items() for _ in range(weight)]
