"""The model's server: a real one in memory that keeps account of what it sees and says.

What clients push says what is to be done with it, and has a number.
What rooms push has numbers too, so that whoever hears it can tell what is missing.
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost

from txphoenix.testing import MemoryServer, Refused, ServerChannel, error, ok
from txphoenix.testing.memory_connection import MemoryConnection, MemoryTransport
from txphoenix.testing.session import ServerSession

from .promises import Broken, Promise, Promises

__all__ = [
    "ASYNC",
    "CAST",
    "EXPLODE",
    "HOOKED",
    "QUEUED",
    "RAW",
    "ModelRoom",
    "ModelServer",
]

HOOKED = "hooked"
"""A message of a room to its one client, which has a hook for it."""
QUEUED = "queued"
"""One that the client has no hook for, so that ``receive()`` gives it."""
CAST = "cast"
"""A broadcast, for which there is a hook."""
EXPLODE = "explode"
"""One at which the client's channel raises."""
RAW = "raw"
"""What the client pushes by itself, past its channels."""
ASYNC = "async"
"""What a channel pushes without waiting for a reply."""

# What needs more than this to come to rest in one moment turns round for ever.
_MOST_FLUSHES = 3000


class ModelRoom(ServerChannel):
    """One client's presence in one topic, with an account of it.

    :ivar number: which one it is, of all that there were.
    :ivar said: event -> how many messages it has pushed.
    :ivar casts: the numbers of the broadcasts that went to it.
    :ivar taken: the pushes that it has taken.
    :ivar answered: push -> the status with which it was answered.
    :ivar is_over: whether it has ended.
    :ivar busy: what it waits for before it takes the next message; None if for nothing.
    """

    endpoint: ModelServer

    def __init__(self) -> None:
        self.number = 0
        self.said = {HOOKED: 0, QUEUED: 0, EXPLODE: 0}
        self.casts: list[int] = []
        self.taken: set[int] = set()
        self.answered: dict[int, str] = {}
        self.is_over = False
        self.busy: Deferred[Any] | None = None
        self.busy_with = 0

    def join(self, params: Any) -> Any:
        """Take the client, refuse it, or let it wait."""
        server = self.endpoint
        self.number = next(server.room_numbers)
        if server.refuses_joins:
            server.refused[self.topic] = server.refused.get(self.topic, 0) + 1
            raise Refused({"reason": "the model refuses"})
        response = {"join_ref": self.join_ref, "params": params}
        if server.holds_joins:
            held: Deferred[Any] = Deferred()
            server.held_joins.append((held, response))
            return held
        return response

    def after_join(self) -> None:
        """Be there; greet, if the server does."""
        self.endpoint.rooms.append(self)
        if self.endpoint.greets:
            self.say(HOOKED)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do what the event says, and keep account of it."""
        number = int(payload) if isinstance(payload, bytes) else payload["n"]
        if event == RAW:
            self.endpoint.take_raw(self, number)
            return None
        self.endpoint.take(self, number)
        self.taken.add(number)
        answer = {"n": number}
        if event == "late":
            self.endpoint.late.append((self, self.ref, number))
        elif event == "slow":
            self.busy, self.busy_with = Deferred(), number
            return self.busy
        elif event == "crash":
            raise ValueError("the model has this room crash")
        elif event == "refuse":
            self.answered[number] = "error"
            return error(answer)
        elif event not in ("never", ASYNC):
            self.answered[number] = "ok"
            self._answer(event, answer)
            # What came as bytes is answered so.
            return ok(payload if isinstance(payload, bytes) else answer)
        return None

    def _answer(self, event: str, answer: Any) -> None:
        if event == "twice":
            self.reply(self.ref, "ok", answer)
        elif event == "tell":
            self.say(HOOKED)
        elif event == "stop":
            self.stop()

    def say(self, event: str, is_binary: bool = False) -> None:
        """Push a message with the next number."""
        self.said[event] += 1
        text = {"room": self.number, "join_ref": self.join_ref, "n": self.said[event]}
        self.push(event, json.dumps(text).encode("ascii") if is_binary else text)

    def answer_late(self, ref: Any, number: int) -> None:
        """Answer a push at last, if the room is still there."""
        if not self.is_over:
            self.answered[number] = "ok"
            self.reply(ref, "ok", {"n": number})

    def go_on(self) -> None:
        """Answer what the room is busy with."""
        busy, self.busy = self.busy, None
        if busy is not None and not busy.called:
            self.answered[self.busy_with] = "ok"
            busy.callback(ok({"n": self.busy_with}))

    def terminate(self, reason: str) -> None:
        """Be over."""
        self.is_over = True
        self.endpoint.ended.append((self.topic, reason))


class ModelServer(MemoryServer):
    """A server in memory whose rooms keep account, and whose network breaks anywhere.

    :ivar rooms: all that were ever joined, the oldest first.
    :ivar sessions: all there ever were, the oldest first.
    :ivar is_deaf: set it, and no more frames of a WebSocket that sends one get through.
    :ivar deaf: the sessions of which that is so.
    :ivar seen: push -> how often a room has taken it.
    :ivar raw_seen: the same of the messages that the client has pushed by itself.
    :ivar refused: topic -> how many joins were refused.
    :ivar ended: topic and reason of each room that has ended.
    """

    def __init__(self, promises: Promises, **options: Any) -> None:
        super().__init__({"topic:*": ModelRoom}, **options)
        self._promises = promises
        self.rooms: list[ModelRoom] = []
        self.sessions: list[ServerSession] = []
        self.seen: dict[int, int] = {}
        self.latest_seen: dict[str, int] = {}
        self.raw_seen: dict[int, int] = {}
        self._latest_raw: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.ended: list[tuple[str, str]] = []
        self.late: list[tuple[ModelRoom, Any, int]] = []
        self.room_numbers = count(1)
        self.cast_numbers = count(1)
        self.refuses_joins = self.holds_joins = self.greets = False
        self.held_joins: list[tuple[Deferred[Any], Any]] = []
        self.is_deaf = self.is_breaking = False
        self.deaf: set[ServerSession] = set()
        self._flushes = (0.0, 0)

    def session_opened(self, session: ServerSession) -> None:
        """Remember it; take no frames of a WebSocket while those do not get through."""
        take = session.receive

        def receive(data: bytes, is_binary: bool) -> None:
            if self.is_deaf and session.socket.transport == "websocket":
                self.deaf.add(session)
            if session not in self.deaf:
                take(data, is_binary)

        session.receive = receive  # type: ignore[method-assign]
        self.sessions.append(session)
        super().session_opened(session)

    # -- What rooms do ------------------------------------------------------------

    @property
    def hears(self) -> bool:
        """Whether all frames of the clients get through."""
        return not self.is_deaf and self.deaf.isdisjoint(self.connections)

    def take(self, room: ModelRoom, number: int) -> None:
        """Enter a push that a room has taken."""
        self._enter(room.topic, number, self.seen, self.latest_seen)

    def take_raw(self, room: ModelRoom, number: int) -> None:
        """Enter a message that the client has pushed by itself."""
        self._enter(room.topic, number, self.raw_seen, self._latest_raw)

    def _enter(
        self, topic: str, number: int, seen: dict[int, int], latest: dict[str, int]
    ) -> None:
        seen[number] = times = seen.get(number, 0) + 1
        hold = self._promises.hold
        hold(Promise.ONCE, times == 1, f"push {number} was taken {times} times")
        before = latest.get(topic, 0)
        hold(Promise.ONCE, number > before, f"push {number} was taken after {before}")
        latest[topic] = number

    def room(self, topic: str) -> ModelRoom | None:
        """The newest room of a topic that has not ended."""
        for room in reversed(self.rooms):
            if room.topic == topic and not room.is_over:
                return room
        return None

    def living(self, topic: str) -> list[ModelRoom]:
        """The rooms of a topic that have not ended."""
        return [it for it in self.rooms if it.topic == topic and not it.is_over]

    def status_of(self, number: int) -> str | None:
        """With which status a push was answered; None if it was not."""
        for room in self.rooms:
            if number in room.answered:
                return room.answered[number]
        return None

    def cast(self, topic: str, is_binary: bool = False) -> None:
        """Broadcast a message with the next number."""
        number = next(self.cast_numbers)
        for room in self.living(topic):
            room.casts.append(number)
        text = {"n": number}
        said = json.dumps(text).encode("ascii") if is_binary else text
        self.broadcast(topic, CAST, said)

    def release_joins(self) -> None:
        """Answer the joins that were held, and hold no others."""
        self.holds_joins = False
        held, self.held_joins = self.held_joins, []
        for deferred, response in held:
            if not deferred.called:
                deferred.callback(response)

    def release_rooms(self) -> None:
        """Have busy rooms go on."""
        for room in list(self.rooms):
            if not room.is_over:
                room.go_on()

    # -- The network --------------------------------------------------------------

    def break_off(
        self, to_client: int, to_server: int, how: str, only: int | None = None
    ) -> None:
        """End all connections after so many more bytes each way.

        :param only: which one ends alone, such as a request's of long-poll.
        :param how: ``"reset"`` for both ends, ``"end"`` in good order as TCP goes, or
            ``"server"`` for the server's end alone.
        """
        self.is_breaking = True
        self.clock.advance(0)
        pairs = self.pairs
        for pair in pairs if only is None or not pairs else [pairs[only % len(pairs)]]:
            _deliver(pair.server, pair.client, to_client)
            _deliver(pair.client, pair.server, to_server)
            if how == "reset":
                pair.cut()
            elif how == "end":
                pair.client.lost(ConnectionDone())
                pair.server.lost(ConnectionDone())
            else:
                pair.server.lost(ConnectionLost())
        self.is_breaking = False

    def carry(self, size: int) -> None:
        """Carry at most so many bytes each way on each connection, once."""
        # What was asked for a moment ago is on its way.
        self.clock.advance(0)
        if not self.is_stalled:
            for pair in self.pairs:
                pair.pump(size)

    @property
    def reads_paused(self) -> bool:
        """Whether a client does not read just now."""
        return any(pair.client.connected and not _reads(pair) for pair in self.pairs)

    def flush(self) -> None:
        """Carry bytes until all is quiet, unless that is never so."""
        now = self.clock.seconds()
        moment, flushes = self._flushes
        self._flushes = now, (flushes + 1 if moment == now else 0)
        if flushes > _MOST_FLUSHES and moment == now:
            raise Broken(f"[CALM] {Promise.CALM}: it never comes to rest")
        super().flush()


def _reads(pair: MemoryConnection) -> bool:
    return pair.client.is_reading


def _deliver(source: MemoryTransport, target: MemoryTransport, size: int) -> None:
    data = bytes(source.unsent[:size])
    if data and target.connected and target.is_reading:
        del source.unsent[: len(data)]
        target.deliver(data)
