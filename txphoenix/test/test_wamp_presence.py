"""Who is present, as a procedure."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from txphoenix.test.wamp_topics_case import People, TopicsCase

CREW = "people:crew"


class PresenceTests(TopicsCase):
    """presence() of a topic."""

    def setUp(self) -> None:
        """Have a joined topic."""
        super().setUp()
        self.done(self.topics.take(CREW))
        self.heard(CREW)

    def channel(self) -> People:
        """The server's side of it."""
        [channel] = self.server.channels(CREW)
        assert isinstance(channel, People)
        return channel

    def keys(self) -> list[str]:
        """Who is said to be present."""
        state: dict[str, Any] = self.done(self.topics.presence(CREW))
        return sorted(state)

    def test_state(self) -> None:
        """The state is that of the server, in Phoenix's form."""
        state = self.done(self.topics.presence(CREW))
        self.assertEqual(list(state), ["bridge"])
        [meta] = state["bridge"]["metas"]
        self.assertEqual(meta["device"], 1)
        self.assertIn("phx_ref", meta)

    def test_follows(self) -> None:
        """It follows the diffs, all of which are published as well."""
        self.channel().track("ann")
        self.server.flush()
        self.assertEqual(self.keys(), ["ann", "bridge"])
        self.channel().untrack("bridge")
        self.server.flush()
        self.assertEqual(self.keys(), ["ann"])
        self.assertEqual(
            [event for event, _ in self.heard(CREW)], ["presence_diff"] * 2
        )

    def test_after_a_rejoin(self) -> None:
        """After an outage it is what the server says then."""
        self.server.drop()
        self.server.flush()
        waiting = self.begin(self.topics.presence(CREW))
        self.assertNoResult(waiting)
        self.server.advance(4)
        self.assertEqual(list(self.successResultOf(waiting)), ["bridge"])

    def test_untold(self) -> None:
        """A topic whose server says nothing of presences ends with a timeout."""
        self.done(self.topics.take("rooms:lobby"))
        waiting = self.begin(self.topics.presence("rooms:lobby"))
        self.server.advance(4.9)
        self.assertNoResult(waiting)
        self.server.advance(0.2)
        error = self.error_of(waiting)
        self.assertEqual(self.name_of(error), "timeout")
        self.assertEqual(error.kwargs["topic"], "rooms:lobby")

    def test_refused(self) -> None:
        """Of a topic that cannot be joined one learns why."""
        self.room.refusal = {"reason": "full"}
        error = self.refused(self.topics.take("rooms:lobby"))
        error = self.refused(self.topics.presence("rooms:lobby"))
        self.assertEqual(self.name_of(error), "join_refused")
        self.assertEqual(error.args, ({"reason": "full"},))

    def test_not_held(self) -> None:
        """Of what is not held it says that it has moved."""
        error = self.refused(self.topics.presence("rooms:lobby"))
        self.assertEqual(self.name_of(error), "moved")


class LateTests(TopicsCase):
    """A server that says it late."""

    def setUp(self) -> None:
        """Have a joined topic of which nothing is known."""
        super().setUp()
        self.people.is_told = False
        self.done(self.topics.take(CREW))

    def tell(self) -> None:
        """Have the server say it."""
        [channel] = self.server.channels(CREW)
        assert isinstance(channel, People)
        channel.push_presence_state()
        self.server.flush()

    def test_waits(self) -> None:
        """Two who ask wait for it."""
        one = self.begin(self.topics.presence(CREW))
        two = self.begin(self.topics.presence(CREW))
        self.assertNoResult(one)
        self.tell()
        self.assertEqual(list(self.successResultOf(one)), ["bridge"])
        self.assertEqual(list(self.successResultOf(two)), ["bridge"])

    def test_cancelled(self) -> None:
        """One who waits no longer is nobody's business."""
        one = self.begin(self.topics.presence(CREW))
        two = self.begin(self.topics.presence(CREW))
        one.cancel()
        self.failureResultOf(one, CancelledError)
        self.tell()
        self.successResultOf(two)

    def test_while_behind(self) -> None:
        """It is known though the router takes no events just now."""
        self.realm.holds = True
        for number in range(30):
            self.server.broadcast(CREW, "n", [number, "x" * 100_000])
        self.server.flush()
        self.assertFalse(self.publisher.is_writable)
        waiting = self.begin(self.topics.presence(CREW))
        self.tell()
        self.successResultOf(waiting)
        self.assertNotIn("presence_state", [event for event, _ in self.heard(CREW)])
        self.realm.holds = False
        self.realm.answer()
        self.server.flush()
        self.assertIn("presence_state", [event for event, _ in self.heard(CREW)])


class TooLargeTests(TopicsCase):
    """max_payload."""

    extra = {"max_payload": 20}

    def test_too_large(self) -> None:
        """A state beyond it is an error."""
        self.done(self.topics.take(CREW))
        error = self.refused(self.topics.presence(CREW))
        self.assertEqual(self.name_of(error), "too_large")
        self.assertEqual(error.kwargs["limit"], 20)
