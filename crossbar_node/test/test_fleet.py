"""Bridges divide the topics among them, and lose none when one of them dies."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from txphoenix.wamp import topic_uri

from ..client import Heard
from ..configuration import Config
from .case import CrossbarCase

TOPICS = {f"rooms:{number}" for number in range(100)}

PATIENT = 600.0
"""Seconds that a call waits which is to end otherwise."""

MOST_MOVED = 50
"""Of a hundred topics a third worker takes 33.3 on the average.

That it takes more than this has a chance of 1 in 5,000.
"""


class FleetTests(CrossbarCase):
    """Two bridges in containers, one guest, and a hundred topics."""

    # So that each of them has more than one Phoenix socket.
    channel_limit = 20
    options: ClassVar[Config] = {"channels_per_socket": 20}

    async def setUp(self) -> None:  # type: ignore[override]
        """Start the three, and subscribe to all topics."""
        await super().setUp()
        workers = [self.router(), self.container("one"), self.container("two")]
        self.node = await self.start_node("node", [*workers, self.guest("three")])
        self.client = await self.join()
        await self.client.until_members(3)
        self.heard = {
            topic: await self.client.hear(f"phx.{topic}.", "prefix") for topic in TOPICS
        }
        await self.book.until_joined(TOPICS)

    async def test_fleet(self) -> None:
        """Every topic is joined once, whoever dies and whoever comes."""
        counts = self.book.counts()
        self.assertEqual(counts.keys(), {"one", "two", "three"})
        self.tell(f"100 topics on three workers: {counts}")
        await self.goes_both_ways("all three")
        await self.killed()
        await self.added()

    async def goes_both_ways(self, when: str) -> None:
        """Each topic answers calls by its owner, and its events come."""
        owners = self.book.owners()
        call = self.client.call
        by_entry = [call("phx.push", it, "who") for it in TOPICS]
        to_owner = [call(topic_uri("phx", it), "push", "who") for it in TOPICS]
        for calls in (by_entry, to_owner):
            for topic, said in zip(TOPICS, await gatherResults(calls), strict=True):
                self.assertEqual(said, {"worker": owners[topic]})
        await gatherResults(
            call("phx.push", it, "say", {"when": when}) for it in TOPICS
        )
        for topic, heard in self.heard.items():
            await self.heard_once(topic, heard, when)
        self.assertTrue(self.book.is_once(TOPICS), self.book.held)

    async def heard_once(self, topic: str, heard: Heard, when: str) -> None:
        """What was said came, and not twice."""
        uri, payload = f"phx.{topic}.said", {"when": when}

        def came() -> int:
            return sum(it.uri == uri and it.payload == payload for it in heard.events)

        await heard.until(lambda _: came() > 0, f"{uri} {when}")
        self.assertEqual(came(), 1, f"{uri} {when}")

    async def killed(self) -> None:
        """Whoever is killed, the others join its topics."""
        before, since = self.book.owners(), len(self.book.entries)
        pending = [
            self.error_of(self.client.call("phx.push", it, "silent", timeout=PATIENT))
            for it in TOPICS
            if before[it] == "one"
        ]
        direct = [
            self.error_of(
                self.client.call(
                    topic_uri("phx", it), "push", "silent", timeout=PATIENT
                )
            )
            for it in TOPICS
            if before[it] == "one"
        ]
        await self.server_has(len(pending) + len(direct))
        await self.node.kill("one")
        await self.book.until(lambda: not self.book.of("one"), "the end of one")
        await self.book.until_joined(TOPICS)
        after = self.book.owners()
        moved = {topic for topic in TOPICS if after[topic] != before[topic]}
        self.assertEqual(moved, {it for it in TOPICS if before[it] == "one"})
        gaps = self.book.gaps(since)
        self.tell(
            f"killed: {len(moved)} topics moved, joined by nobody "
            f"for {max(gaps.values()):.3f} s at most"
        )
        # Whoever took the call was killed, or has handed it to who was.
        errors = Counter(await gatherResults(pending))
        self.assertEqual(
            errors.keys(), {"wamp.error.canceled", "phx.error.interrupted"}
        )
        self.tell(f"calls under way at it ended with {dict(errors)}")
        self.assertEqual(set(await gatherResults(direct)), {"wamp.error.canceled"})
        await self.goes_both_ways("after the kill")

    async def server_has(self, pushes: int) -> None:
        """Wait until so many pushes have come to which nothing is replied."""
        await self.book.until(
            lambda: self.book.silent >= pushes, f"{pushes} pushes at the server"
        )

    @staticmethod
    def error_of(call: Deferred[Any]) -> Deferred[str]:
        """The URI of the error that a call ends with."""

        def failed(failure: Failure) -> str:
            error: Any = failure.value
            failure.trap(ApplicationError)
            return str(error.error)

        return call.addCallbacks(str, failed)

    async def added(self) -> None:
        """Whoever comes gets its share, and nothing else moves."""
        before, since = self.book.owners(), len(self.book.entries)
        await self.start_node("other", [self.container("four")])
        await self.client.until_members(3)
        await self.book.until(lambda: bool(self.book.of("four")), "a topic for four")
        await self.book.until_joined(TOPICS)
        after = self.book.owners()
        moved = {topic for topic in TOPICS if after[topic] != before[topic]}
        self.assertEqual({after[topic] for topic in moved}, {"four"})
        self.assertLess(len(moved), MOST_MOVED)
        gaps = self.book.gaps(since)
        self.tell(
            f"added: {len(moved)} topics moved, joined by nobody "
            f"for {max(gaps.values()):.3f} s at most"
        )
        await self.goes_both_ways("after one was added")
