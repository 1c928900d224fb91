"""Topics that a process holds: joined, left, pushed to, and through every fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.test.wamp_topics_case import TopicsCase

LOBBY = "rooms:lobby"


def warnings(captured: Sequence[Any]) -> list[str]:
    """The lines of a captured log that an operator looks at."""
    return [
        formatEvent(event)
        for event in captured
        if event["log_level"] >= LogLevel.warn
        and event["log_namespace"] == "txphoenix.wamp"
    ]


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

    def test_both_wait(self) -> None:
        """Two who take it wait for one join, and either may stop waiting."""
        self.server.pause()
        first = self.begin(self.topics.take(LOBBY))
        second = self.begin(self.topics.take(LOBBY))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertNoResult(second)
        self.server.resume()
        self.server.flush()
        self.successResultOf(second)
        self.assertEqual(len(self.room.joins), 1)

    def test_refused(self) -> None:
        """Who takes it learns why the join was refused, and so do subscribers and log.

        The log is told once, for as long as the reason is the same.
        """
        self.room.refusal = {"reason": "full"}
        with capturedLogs() as captured:
            for _ in range(2):
                error = self.refused(self.topics.take(LOBBY))
                self.assertEqual(self.name_of(error), "join_refused")
                self.assertEqual(error.args, ({"reason": "full"},))
                self.assertEqual(error.kwargs["topic"], LOBBY)
                self.assertEqual(list(self.topics.held), [LOBBY])
        [line] = warnings(captured)
        self.assertIn("rooms:lobby", line)
        self.assertIn("full", line)
        [(event, told)] = self.heard()
        self.assertEqual(event, "phx_error")
        self.assertEqual(
            (told["error"], told["response"]), ("join_refused", {"reason": "full"})
        )
        self.room.refusal = {"reason": "closed for the night"}
        with capturedLogs() as captured:
            self.refused(self.topics.take(LOBBY))
        self.assertEqual(len(warnings(captured)), 1)
        self.room.refusal = None
        self.done(self.topics.take(LOBBY))

    def test_unanswered(self) -> None:
        """A join that the server does not answer is told as well."""
        self.done(self.topics.take("rooms:other"))
        self.server.pause()
        with capturedLogs() as captured:
            taken = self.begin(self.topics.take(LOBBY))
            self.server.advance(5)
        error = self.error_of(taken)
        self.assertEqual(self.name_of(error), "timeout")
        self.assertEqual(len(warnings(captured)), 1)
        self.assertEqual([event for event, _ in self.heard()], ["phx_error"])
        self.server.resume()

    def test_no_connection(self) -> None:
        """Where there is no connection the log hears of that from the client alone.

        As soon as there is one, the topic is joined.
        """
        self.server.is_listening = False
        with capturedLogs() as captured:
            taken = self.begin(self.topics.take(LOBBY))
            self.server.advance(5)
        self.assertEqual(self.name_of(self.error_of(taken)), "timeout")
        self.assertEqual(warnings(captured), [])
        self.assertEqual(self.heard(), [])
        self.server.advance(60)
        self.server.is_listening = True
        connected = self.server.when_connected()
        self.server.advance(16)
        self.successResultOf(connected)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.done(self.topics.take(LOBBY))
        self.assertEqual(len(self.room.joins), 1)

    def test_dropped_without_a_connection(self) -> None:
        """A topic that is dropped before there is a connection is never joined."""
        self.server.is_listening = False
        taken = self.begin(self.topics.take(LOBBY))
        self.server.advance(6)
        self.error_of(taken)
        self.done(self.topics.drop(LOBBY, Exception("no more")))
        self.server.is_listening = True
        self.server.advance(30)
        self.assertEqual(self.room.joins, [])

    def test_cancelled(self) -> None:
        """Who takes it may stop waiting; it is held until it is dropped."""
        self.server.pause()
        taken = self.begin(self.topics.take(LOBBY))
        taken.cancel()
        self.failureResultOf(taken, CancelledError)
        dropped = self.begin(self.topics.drop(LOBBY, Exception("no more")))
        self.server.resume()
        self.server.flush()
        self.successResultOf(dropped)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_dropped_while_joining(self) -> None:
        """A topic that is dropped before it is joined is left all the same."""
        self.server.pause()
        taken = self.begin(self.topics.take(LOBBY))
        why = RuntimeError("no more")
        dropped = self.begin(self.topics.drop(LOBBY, why))
        self.assertIs(self.failureResultOf(taken).value, why)
        self.server.resume()
        self.server.flush()
        self.successResultOf(dropped)
        self.assertEqual(self.server.channels(LOBBY), [])
        self.done(self.topics.take(LOBBY))
        self.assertEqual(len(self.server.channels(LOBBY)), 1)

    def test_given_up(self) -> None:
        """Who waits no longer for the leave can take the topic again all the same."""
        self.done(self.topics.take(LOBBY))
        self.server.pause()
        dropped = self.begin(self.topics.drop(LOBBY, Exception("no more")))
        dropped.cancel()
        self.failureResultOf(dropped, CancelledError)
        self.assertEqual(list(self.topics.held), [])
        taken = self.begin(self.topics.take(LOBBY))
        self.server.resume()
        self.server.flush()
        self.successResultOf(taken)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)

    def test_leave_is_bounded(self) -> None:
        """A server that answers no leave does not hold it up for longer than that."""
        self.done(self.topics.take(LOBBY))
        self.server.pause()
        dropped = self.begin(self.topics.drop(LOBBY, Exception("no more")))
        self.assertNoResult(dropped)
        self.assertEqual(list(self.topics.held), [LOBBY])
        self.server.advance(5)
        self.successResultOf(dropped)
        self.assertEqual(list(self.topics.held), [])
        self.server.resume()


class ParamsTests(TopicsCase):
    """What joins send."""

    extra = {"topics": {LOBBY: {"own": 1}}, "channel_params": {"every": 2}}

    def test_params(self) -> None:
        """A topic's own params, over those of all."""
        self.done(self.topics.take(LOBBY))
        self.done(self.topics.take("rooms:other"))
        self.assertEqual(self.room.joins, [{"every": 2, "own": 1}, {"every": 2}])


class FaultTests(TopicsCase):
    """What happens to a joined topic."""

    def setUp(self) -> None:
        """Have a joined topic."""
        super().setUp()
        self.done(self.topics.take(LOBBY))

    def told(self) -> list[tuple[str, Any]]:
        """The events that the bridge itself has published, and what they say."""
        return [
            (event, payload.get("error", payload))
            for event, payload in self.heard()
            if event.startswith("phx_")
        ]

    def assert_goes_on(self) -> None:
        """It is joined again before long, once, and works."""
        self.server.advance(20)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.assertEqual(
            self.told(),
            [
                ("phx_error", "interrupted"),
                ("phx_join", {"response": {"room": LOBBY}}),
            ],
        )
        self.assertEqual(self.done(self.topics.push(LOBBY, "yes", 1, 1)), 1)

    def test_lost(self) -> None:
        """A lost connection: subscribers are told of it, and of the join afterwards."""
        self.server.drop()
        self.assert_goes_on()

    def test_crash(self) -> None:
        """A channel that crashes on the server is joined again."""
        self.server.kill_channel(LOBBY)
        self.assert_goes_on()

    def test_closed(self) -> None:
        """A channel that the server has closed is joined again."""
        self.server.channels(LOBBY)[0].stop()
        self.assert_goes_on()

    def test_rejoin_refused(self) -> None:
        """A refused rejoin is told to subscribers, and tried again."""
        self.room.refusal = {"reason": "full"}
        self.server.kill_channel(LOBBY)
        self.server.advance(5)
        told = self.told()
        self.assertEqual(told[0], ("phx_error", "interrupted"))
        self.assertEqual(set(told[1:]), {("phx_error", "join_refused")})
        self.room.refusal = None
        self.server.advance(60)
        self.assertEqual(self.told()[-1][0], "phx_join")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)

    def test_close_instead_of_a_join(self) -> None:
        """A server that closes the channel in the midst of a rejoin loses no topic."""
        held: Deferred[None] = Deferred()
        self.room.holds = held
        self.server.drop()
        self.server.advance(4)
        [session] = self.server.connections
        [client] = self.topics.sockets.clients
        channel = client.channels.find(LOBBY)
        assert channel is not None
        self.assertEqual(channel.state, "joining")
        ref = channel.join_ref
        frame = f'["{ref}",null,"{LOBBY}","phx_close",{{}}]'
        # Past its mailbox, which waits for the join.
        session._write(frame.encode(), False)
        self.server.flush()
        self.assertEqual(channel.state, "closed")
        self.room.holds = None
        held.callback(None)
        self.server.advance(60)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.assertEqual(self.done(self.topics.push(LOBBY, "yes", 5, 1)), 5)


class PushTests(TopicsCase):
    """push(): its replies and its errors."""

    def setUp(self) -> None:
        """Have a joined topic."""
        super().setUp()
        self.done(self.topics.take(LOBBY))

    def push(
        self, event: str, payload: Any = None, timeout: float | None = None
    ) -> Any:
        """A push to the joined topic."""
        return self.topics.push(LOBBY, event, payload, timeout)

    def test_replies(self) -> None:
        """Whatever JSON value, and bytes, go there and come back as they are."""
        for payload in ({}, {"a": [1, None]}, [1], "text", 3, True, None, b"\x00\xff"):
            answer = self.done(self.push("yes", payload))
            self.assertEqual(answer, payload)
            self.assertIs(type(answer), type(payload))

    def test_refused(self) -> None:
        """Another status than ok is an error with the status and the response."""
        error = self.refused(self.push("no", {"reason": "bad"}))
        self.assertEqual(self.name_of(error), "refused")
        self.assertEqual(error.args, ("error", {"reason": "bad"}))
        self.assertEqual((error.kwargs["topic"], error.kwargs["event"]), (LOBBY, "no"))

    def test_binary_refused(self) -> None:
        """What the server says may be binary as well."""
        error = self.refused(self.push("no", b"\x00"))
        self.assertEqual(error.args, ("error", b"\x00"))

    def test_timeout(self) -> None:
        """No reply in time: the server may have acted on it."""
        pushed = self.begin(self.push("silence", {}, 2))
        self.server.advance(1.9)
        self.assertNoResult(pushed)
        self.server.advance(0.1)
        error = self.error_of(pushed)
        self.assertEqual(self.name_of(error), "timeout")
        self.assertTrue(error.kwargs["was_sent"])

    def test_own_timeout(self) -> None:
        """Without a timeout it is the bridge's."""
        pushed = self.begin(self.push("silence"))
        self.server.advance(4.9)
        self.assertNoResult(pushed)
        self.server.advance(0.1)
        self.assertEqual(self.name_of(self.error_of(pushed)), "timeout")

    def test_crash(self) -> None:
        """A push at which the server's channel crashes is interrupted."""
        error = self.refused(self.push("crash"))
        self.assertEqual(self.name_of(error), "interrupted")

    def test_lost(self) -> None:
        """A push that was sent when the connection was lost is interrupted."""
        pushed = self.begin(self.push("silence"))
        self.server.drop()
        self.server.flush()
        error = self.error_of(pushed)
        self.assertEqual(self.name_of(error), "interrupted")

    def test_outage(self) -> None:
        """A push during an outage waits for the rejoin, as long as its time allows."""
        self.server.drop()
        self.server.flush()
        pushed = self.begin(self.push("yes", 7, 30))
        self.assertNoResult(pushed)
        self.server.advance(20)
        self.assertEqual(self.successResultOf(pushed), 7)

    def test_outage_too_long(self) -> None:
        """Beyond its time it is a timeout, and was not sent."""
        self.server.is_listening = False
        self.server.drop()
        self.server.flush()
        pushed = self.begin(self.push("yes", 7, 2))
        self.server.advance(2)
        error = self.error_of(pushed)
        self.assertEqual(self.name_of(error), "timeout")
        self.assertFalse(error.kwargs["was_sent"])
        self.server.is_listening = True

    def test_cancelled(self) -> None:
        """A push can be cancelled, and a reply that comes later is nobody's."""
        pushed = self.begin(self.push("silence"))
        pushed.cancel()
        self.failureResultOf(pushed, CancelledError)
        self.server.channels(LOBBY)[0].reply("1", "ok", {})
        self.server.flush()

    def test_cancelled_before_it_is_sent(self) -> None:
        """One that has not left is never sent."""
        self.server.pause()
        self.server.drop()
        self.server.advance(5)
        pushed = self.begin(self.push("crash", {}, 60))
        pushed.cancel()
        self.failureResultOf(pushed, CancelledError)
        self.server.resume()
        self.heard()
        self.server.advance(30)
        self.assertNotIn("phx_error", [event for event, _ in self.heard()])

    def test_moved(self) -> None:
        """Calls of a topic that is dropped fail at once with what it is dropped for."""
        pushed = self.begin(self.push("silence"))
        asked = self.begin(self.topics.presence(LOBBY))
        why = RuntimeError("moved")
        self.server.pause()
        dropped = self.begin(self.topics.drop(LOBBY, why))
        self.assertIs(self.failureResultOf(pushed).value, why)
        self.assertIs(self.failureResultOf(asked).value, why)
        late = self.begin(self.push("yes"))
        self.assertIs(self.failureResultOf(late).value, why)
        self.server.resume()
        self.server.flush()
        self.successResultOf(dropped)

    def test_not_held(self) -> None:
        """A call of what is not held any more says that it has moved."""
        error = self.refused(self.topics.push("rooms:other", "yes", {}, 1))
        self.assertEqual(self.name_of(error), "moved")

    def test_own_events(self) -> None:
        """An event of the protocol's own is no argument."""
        error = self.refused(self.push("phx_leave"))
        self.assertEqual(self.name_of(error), "invalid_argument")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)


class RefusedPushTests(TopicsCase):
    """A push to a topic whose join is refused."""

    def test_learns_why(self) -> None:
        """A caller gets what the server says, as it is at that moment."""
        self.room.refusal = {"reason": "full"}
        self.refused(self.topics.take(LOBBY))
        for reason in ("full", "closed"):
            self.room.refusal = {"reason": reason}
            error = self.refused(self.topics.push(LOBBY, "yes", {}, 1))
            self.assertEqual(self.name_of(error), "join_refused")
            self.assertEqual(error.args, ({"reason": reason},))
        self.room.refusal = None
        self.assertEqual(self.done(self.topics.push(LOBBY, "yes", 5, 1)), 5)

    def test_first_join(self) -> None:
        """A push that comes before the connection is there waits for it."""
        self.server.holds_connections = True
        taken = self.begin(self.topics.take(LOBBY))
        pushed = self.begin(self.topics.push(LOBBY, "yes", 5, 3))
        self.assertNoResult(pushed)
        self.server.holds_connections = False
        self.server.release_connections()
        self.server.flush()
        self.assertEqual(self.successResultOf(pushed), 5)
        self.successResultOf(taken)

    def test_never_connected(self) -> None:
        """Where none comes, it was not sent."""
        self.server.is_listening = False
        taken = self.begin(self.topics.take(LOBBY))
        pushed = self.begin(self.topics.push(LOBBY, "yes", 5, 20))
        self.server.advance(6)
        self.assertEqual(self.name_of(self.error_of(taken)), "timeout")
        self.assertEqual(self.name_of(self.error_of(pushed)), "not_sent")
        self.server.is_listening = True
