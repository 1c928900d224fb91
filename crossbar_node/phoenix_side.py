"""The Phoenix server that the bridges connect to, which keeps a book of all joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from txphoenix.testing import PhoenixServer, PresenceChannel, Refused, error, ok

from .program import wait

__all__ = ["Book", "Entry", "phoenix_server"]


class Entry(NamedTuple):
    """A topic that was joined or left.

    :ivar is_join: joined, and otherwise left.
    :ivar worker: the bridge, by the name that it has given as a param of its socket.
    :ivar time: when, in the reactor's seconds.
    """

    is_join: bool
    topic: str
    worker: str
    time: float


class Book:
    """Who has joined what, as the server sees it.

    :ivar entries: all that has happened, in order.
    :ivar held: topic -> the bridges that have joined it now.
    :ivar silent: to how many pushes nothing was replied.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.entries: list[Entry] = []
        self.held: dict[str, list[str]] = {}
        self.silent = 0
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def write(self, is_join: bool, topic: str, worker: str) -> None:
        """Enter something that has happened."""
        now = self._reactor.seconds()
        self.entries.append(Entry(is_join, topic, worker, now))
        workers = self.held.setdefault(topic, [])
        if is_join:
            workers.append(worker)
        else:
            workers.remove(worker)
            if not workers:
                del self.held[topic]
        self._look()

    def kept_silent(self) -> None:
        """Count a push to which nothing is replied."""
        self.silent += 1
        self._look()

    def _look(self) -> None:
        for entry in list(self._waiting):
            holds, deferred = entry
            if holds():
                self._waiting.remove(entry)
                deferred.callback(None)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds; it is asked whenever something happens."""
        if not holds():
            deferred: Deferred[None] = Deferred()
            self._waiting.append((holds, deferred))
            await wait(deferred, self._reactor, what, lambda: str(self.counts()))

    async def until_joined(self, topics: set[str], without: str = "") -> None:
        """Wait until just these topics are joined, once each.

        :param without: a bridge that must hold none of them.
        """
        await self.until(
            lambda: self.is_once(topics) and not self.of(without),
            f"{len(topics)} topics to be joined once each",
        )

    def is_once(self, topics: set[str]) -> bool:
        """Whether just these topics are joined now, once each."""
        return self.held.keys() == topics and all(
            len(workers) == 1 for workers in self.held.values()
        )

    def of(self, worker: str) -> set[str]:
        """The topics that a bridge has joined."""
        return {topic for topic, workers in self.held.items() if worker in workers}

    def owners(self) -> dict[str, str]:
        """Topic -> the bridge that has joined it first of those that have now."""
        return {topic: workers[0] for topic, workers in self.held.items()}

    def counts(self) -> dict[str, int]:
        """Bridge -> how many topics it has joined now."""
        counts: dict[str, int] = {}
        for workers in self.held.values():
            for worker in workers:
                counts[worker] = counts.get(worker, 0) + 1
        return counts

    def gaps(self, since: int = 0) -> dict[str, float]:
        """How long topics were joined by nobody, in seconds; the longest for each.

        :param since: the number of entries that are left out.
        """
        held: dict[str, int] = {}
        left: dict[str, float] = {}
        gaps: dict[str, float] = {}
        for number, entry in enumerate(self.entries):
            topic = entry.topic
            held[topic] = held.get(topic, 0) + (1 if entry.is_join else -1)
            if not held[topic]:
                left[topic] = entry.time
            elif entry.is_join and topic in left:
                gap = entry.time - left.pop(topic)
                if number >= since:
                    gaps[topic] = max(gap, gaps.get(topic, 0.0))
        return gaps


class Room(PresenceChannel):
    """A topic of the tests; its events say what it does."""

    book: Book

    @property
    def worker(self) -> str:
        """The bridge at the other end."""
        return str(self.socket.params.get("worker", ""))

    def join(self, params: Any) -> Any:
        """Anyone may join, unless the topic says otherwise."""
        if self.topic.startswith("closed:"):
            raise Refused({"reason": "members only"})
        return {}

    def after_join(self) -> None:
        """Enter it in the book, and tell who is present."""
        self.book.write(True, self.topic, self.worker)
        self.push_presence_state()

    def terminate(self, reason: str) -> None:
        """Enter that in the book."""
        self.book.write(False, self.topic, self.worker)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do what the event says."""
        if event == "echo":
            return ok(payload)
        if event == "who":
            return ok({"worker": self.worker})
        if event == "say":
            self.broadcast("said", payload)
            return ok()
        if event == "enter":
            self.track(payload["key"], payload.get("meta"))
            return ok()
        if event == "exit":
            self.untrack(payload["key"])
            return ok()
        if event == "refuse":
            return error({"reason": "not today", "got": payload})
        # Nothing is replied: the push has to end otherwise.
        self.book.kept_silent()
        return None


async def phoenix_server(
    reactor: Any, channel_limit: int = 100
) -> tuple[PhoenixServer, Book]:
    """A server that listens, and its book.

    :param channel_limit: the most topics on one socket; 100 is Phoenix's default.
    """
    book = Book(reactor)
    room = type("RoomOfBook", (Room,), {"book": book})
    server = PhoenixServer({"*": room}, reactor=reactor, channel_limit=channel_limit)
    await server.start()
    return server, book
