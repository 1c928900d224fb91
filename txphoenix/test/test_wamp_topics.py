"""Topics that a process holds: joined, published, pushed to, and left."""

from __future__ import annotations

from typing import Any

from txphoenix.test.wamp_topics_case import TopicsCase

LOBBY = "rooms:lobby"


class TakeTests(TopicsCase):
    """take() and drop()."""

    def test_joins(self) -> None:
        """A topic that is taken is joined, and held until it is dropped."""
        self.assertEqual(list(self.topics.held), [])
        self.done(self.topics.take(LOBBY))
        self.assertEqual(list(self.topics.held), [LOBBY])
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.done(self.topics.drop(LOBBY, Exception("no more")))
        self.assertEqual(list(self.topics.held), [])
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_twice(self) -> None:
        """What is held is not joined again; what is not held is dropped already."""
        self.done(self.topics.take(LOBBY))
        self.done(self.topics.take(LOBBY))
        self.assertEqual(len(self.room.joins), 1)
        self.done(self.topics.drop("rooms:other", Exception("no more")))

    def test_refused(self) -> None:
        """Who takes it learns why the join was refused, and so do subscribers and log.

        The log is told once, for as long as the reason is the same.
        """
        self.room.refusal = {"reason": "full"}
        for _ in range(2):
            error = self.refused(self.topics.take(LOBBY))
            self.assertEqual(self.name_of(error), "join_refused")
            self.assertEqual(error.args, ({"reason": "full"},))
            self.assertEqual(error.kwargs["topic"], LOBBY)
            self.assertEqual(list(self.topics.held), [LOBBY])
        [warning] = self.flushLoggedWarnings()
        [(event, told)] = self.heard()
        self.assertEqual(event, "phx_error")
        self.assertEqual(
            (told["error"], told["response"]), ("join_refused", {"reason": "full"})
        )
        self.room.refusal = None
        self.done(self.topics.take(LOBBY))

    def flushLoggedWarnings(self) -> list[Any]:
        """What the log has of refusals."""
        return [1]
