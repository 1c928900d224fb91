"""Topics of the bridge, with a Phoenix server in memory and a realm that remembers."""

from __future__ import annotations

from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import MemoryServer, PresenceChannel, Refused, ServerChannel, ok
from txphoenix.testing import error as error_reply
from txphoenix.wamp.config import check_extra
from txphoenix.wamp.publisher import Publisher
from txphoenix.wamp.topics import Topics
from txphoenix.wamp.uris import URIs


class Room(ServerChannel):
    """Answers what it is told to, or nothing.

    :cvar refusal: what joins are refused with, if it is set.
    :cvar holds: what joins wait for, if it is set.
    :cvar joins: the params of all joins.
    """

    refusal: Any = None
    holds: Deferred[None] | None = None
    joins: list[Any]

    def join(self, params: Any) -> Any:
        """Remember the params; refuse where that is wanted."""
        self.joins.append(params)
        if self.refusal is not None:
            raise Refused(self.refusal)
        answer = {"room": self.topic}
        if self.holds is None:
            return answer
        return self.holds.addCallback(lambda _: answer)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do as the event says."""
        if event == "crash":
            raise ValueError(event)
        if event == "silence":
            return None
        return error_reply(payload) if event == "no" else ok(payload)


class People(PresenceChannel):
    """Says who is present after the join, or later.

    :cvar is_told: whether it says it.
    """

    is_told = True

    def join(self, params: Any) -> Any:
        """Let everybody in."""
        return {}

    def after_join(self) -> None:
        """Say who is there."""
        self.track("bridge", {"device": 1})
        if self.is_told:
            self.push_presence_state()


class Realm:
    """Remembers what is published.

    :ivar holds: whether it answers no publication until it is told to.
    :ivar error: what publications fail with, if it is set, but those of ``phx_error``.
    """

    def __init__(self) -> None:
        self.published: list[tuple[str, Any]] = []
        self.holds = False
        self.error: Exception | None = None
        self.unanswered: list[Deferred[Any]] = []

    def publish(self, topic: str, *args: Any, options: Any = None) -> Any:
        """Take a publication."""
        if self.error is not None and not topic.endswith(".phx_error"):
            raise self.error
        (payload,) = args
        self.published.append((topic, payload))
        if options is None:
            return None
        answer: Deferred[Any] = Deferred()
        self.unanswered.append(answer)
        if not self.holds:
            self.answer()
        return answer

    def answer(self) -> None:
        """Answer all publications."""
        waiting, self.unanswered = self.unanswered, []
        for deferred in waiting:
            deferred.callback(None)


class TopicsCase(SynchronousTestCase):
    """One bridge's topics.

    :cvar extra: what the bridge is told beside the URL.
    """

    extra: dict[str, Any] = {}

    def setUp(self) -> None:
        """Have a server with rooms, and topics that hold nothing yet."""

        class OneRoom(Room):
            joins: list[Any] = []

        class OnePeople(People):
            pass

        self.people: type[People] = OnePeople
        self.room: type[Room] = OneRoom
        self.server = MemoryServer({"rooms:*": self.room, "people:*": OnePeople})
        self.clock = self.server.clock
        self.realm = Realm()
        self.uris = URIs("phx")
        client = {"endpoint": self.server.endpoint, **self.extra.get("client", {})}
        settings = check_extra({"url": self.server.url, **self.extra, "client": client})
        self.publisher = Publisher(
            self.realm, self.uris, settings.max_payload, self.clock
        )
        self.topics = Topics(settings, self.uris, self.publisher, self.clock)
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Stop, after which nothing is left on the clock."""
        stopped = Deferred.fromCoroutine(self.topics.stop(Exception("the end")))
        self.server.flush()
        self.server.advance(30)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def begin(self, coroutine: Any) -> Deferred[Any]:
        """Begin with what a coroutine does, and let all get around."""
        deferred = Deferred.fromCoroutine(coroutine)
        self.server.flush()
        return deferred

    def done(self, coroutine: Any) -> Any:
        """What a coroutine returns, without any time passing."""
        return self.successResultOf(self.begin(coroutine))

    def error_of(self, deferred: Deferred[Any]) -> ApplicationError:
        """The error that callers get."""
        failure = self.failureResultOf(deferred, ApplicationError)
        assert isinstance(failure.value, ApplicationError)
        return failure.value

    def refused(self, coroutine: Any) -> ApplicationError:
        """The error with which a coroutine ends, without any time passing."""
        return self.error_of(self.begin(coroutine))

    def name_of(self, error: ApplicationError) -> str:
        """The last part of its URI."""
        self.assertTrue(error.error.startswith("phx.error."), error.error)
        return str(error.error).removeprefix("phx.error.")

    def heard(self, topic: str = "rooms:lobby") -> list[tuple[str, Any]]:
        """What was published of a topic, and forget it."""
        begin = f"phx.{topic}."
        heard = [
            (uri.removeprefix(begin), payload)
            for uri, payload in self.realm.published
            if uri.startswith(begin)
        ]
        self.realm.published.clear()
        return heard
