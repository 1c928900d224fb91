"""What a realm wants."""

from __future__ import annotations

from collections.abc import Collection

from autobahn.wamp.types import SubscribeOptions
from twisted.internet.defer import Deferred

from txphoenix.test.test_wamp_router import RouterCase
from txphoenix.wamp.interest import Interest
from txphoenix.wamp.uris import URIs

MATCHES = ["exact", "prefix", "wildcard"]


class InterestTests(RouterCase):
    """The topics of subscriptions."""

    def setUp(self) -> None:
        """Have somebody who subscribes."""
        super().setUp()
        self.client, _ = self.attach()
        self.changes: list[Collection[str]] = []

    def start(self, every: float = 1e6) -> Interest:
        """An interest that has learned what there was."""
        session, _ = self.attach()
        interest = Interest(
            session, URIs("phx"), self.clock, self.changes.append, every
        )
        self.wait(Deferred.fromCoroutine(interest.start()))
        self.addCleanup(interest.stop)
        return interest

    def subscribe(self, uri: str, match: str) -> None:
        """Have somebody subscribe."""
        options = SubscribeOptions(match=match)
        self.wait(self.client.subscribe(lambda *_: None, uri, options))

    def test_before_and_after(self) -> None:
        """Each kind is found, whether it was there before or comes afterwards."""
        for match in MATCHES:
            self.subscribe(f"phx.old-{match}.e", match)
        interest = self.start()
        for match in MATCHES:
            self.subscribe(f"phx.new-{match}.e", match)
        self.assertEqual(
            set(interest.topics),
            {f"{age}-{match}" for age in ("old", "new") for match in MATCHES},
        )
        self.assertEqual(
            sorted(map(list, self.changes)), [[t] for t in sorted(interest.topics)]
        )

    def test_none(self) -> None:
        """What names no topic wants none, and nobody counts its subscribers."""
        for uri, match in [
            ("other.topic.e", "exact"),
            ("phx.", "prefix"),
            ("phx", "prefix"),
            ("phx..e", "wildcard"),
        ]:
            self.subscribe(uri, match)
        interest = self.start()
        self.assertEqual(list(interest.topics), [])
        self.assertEqual(self.changes, [])
        self.assertNotIn(
            "wamp.subscription.count_subscribers",
            [procedure for procedure, _ in self.router.dealer.meta.calls],
        )

    def test_two_subscriptions(self) -> None:
        """A topic is wanted until the last of its subscriptions is gone."""
        interest = self.start()
        first = self.wait(self.client.subscribe(str, "phx.t.a"))
        second = self.wait(self.client.subscribe(str, "phx.t.b"))
        self.wait(first.unsubscribe())
        self.assertEqual(list(interest.topics), ["t"])
        self.wait(second.unsubscribe())
        self.assertEqual(list(interest.topics), [])
        self.assertEqual(self.changes, [{"t"}, {"t"}])

    def test_two_subscribers(self) -> None:
        """One of two sessions that unsubscribes leaves it wanted."""
        interest = self.start()
        other, connection = self.attach()
        first = self.wait(self.client.subscribe(str, "phx.t.a"))
        self.wait(other.subscribe(str, "phx.t.a"))
        self.wait(first.unsubscribe())
        self.assertEqual(list(interest.topics), ["t"])
        connection.kill()
        self.router.pump()
        self.assertEqual(list(interest.topics), [])

    def test_compared(self) -> None:
        """What was missed is found by the next comparison, in both directions."""
        interest = self.start(every=10)
        one = self.wait(self.client.subscribe(str, "phx.t.a"))
        self.router.broker.tell = lambda *_: None  # type: ignore[method-assign]
        self.subscribe("phx.u.a", "exact")
        self.wait(one.unsubscribe())
        self.assertEqual(list(interest.topics), ["t"])
        self.clock.advance(10)
        self.router.pump()
        self.assertEqual(list(interest.topics), ["u"])

    def test_old_answer(self) -> None:
        """A wildcard that the first answers do not have is found by the next ones."""
        self.subscribe("phx.t.", "wildcard")
        meta = self.router.dealer.meta
        number = self.client.session_id
        self.wait(self.client.call("wamp.subscription.list", number))
        self.subscribe("phx.u.", "wildcard")
        # All subscriptions, all sessions, and those of the first session.
        meta.stale_lists = 3
        interest = self.start(every=10)
        self.assertEqual(set(interest.topics), {"t"})
        for _ in range(2):
            self.clock.advance(10)
            self.router.pump()
        self.assertEqual(set(interest.topics), {"t", "u"})

    def test_stop(self) -> None:
        """Once stopped it wants nothing, asks nothing and tells nothing."""
        interest = self.start(every=10)
        self.subscribe("phx.t.a", "exact")
        interest.stop()
        self.changes.clear()
        asked = len(self.router.dealer.meta.calls)
        self.subscribe("phx.u.a", "exact")
        self.clock.advance(20)
        self.router.pump()
        self.assertEqual(list(interest.topics), [])
        self.assertEqual(self.changes, [])
        self.assertEqual(len(self.router.dealer.meta.calls), asked)
