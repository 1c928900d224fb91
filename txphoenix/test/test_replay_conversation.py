"""Our client in the recorded situations: the conversation on one connection.

Each test lets the client live through all of the conversation that came before.
What each frame that the client sends must be, and what each of the server's must bring
about, is checked by :mod:`.replay`; the tests say what must hold besides.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    ChannelClosed,
    JoinError,
    PushError,
    PushInterrupted,
    PushTimeout,
)

from .recordings import WireFrame
from .replay import Replay, ReplayTestCase, replays
from .replayed_client import REJOIN_DELAY


class ConversationTests(ReplayTestCase):
    """The sections on one connection, and others with one channel."""

    @replays("heartbeat")
    def test_ping(self, replay: Replay) -> None:
        """``ping()`` is the recorded heartbeat, and fires with the answer."""
        replay.play_rest()
        self.assertEqual(replay.client().outcome("1"), 0.0)

    @replays("heartbeat")
    def test_heartbeat(self, replay: Replay) -> None:
        """The timer's heartbeat is the recorded one, and its answer is accepted."""
        client = replay.client()
        [sent, answer] = replay.take_rest()
        assert isinstance(sent, WireFrame)
        replay.server.advance(client.client.get_state("heartbeat_interval"))
        client.compare(sent)
        replay.play([answer])
        replay.server.advance(client.client.get_state("heartbeat_timeout") + 1.0)
        self.assertTrue(client.client.connected)

    @replays("join, then pushes")
    def test_pushes(self, replay: Replay) -> None:
        """Replies fire their own push, once; events reach the hooks in their order."""
        replay.catch_up()
        replay.play_rest()
        client = replay.client()
        self.assertEqual(
            [event for _, event, _ in client.events],
            ["pushed", "tick", "tick", "shout"],
        )
        self.assertEqual(client.outcome("10"), {"t": 1})
        self.assertIsInstance(client.outcome("4"), PushError)
        # The push that the server does not reply to.
        self.assertTrue(client.is_waiting("6"))
        replay.server.advance(client.client.get_state("timeout"))
        self.assertIsInstance(client.outcome("6"), PushTimeout)

    @replays("stale join_ref")
    def test_stale_push(self, replay: Replay) -> None:
        """A message with the join_ref of no join goes out as it is.

        A channel sends none; 1.8 does not answer, and the answer of 1.7 is nobody's.
        """
        replay.catch_up()
        replay.play_rest()
        self.assertEqual(replay.client().channel("echo:a").state, "joined")

    @replays("payload of other types")
    def test_payloads_of_other_types(self, replay: Replay) -> None:
        """A payload may be a list, a string or null, in both directions."""
        replay.catch_up()
        replay.play_rest()
        outcomes = [replay.client().outcome(ref) for ref in ("14", "15", "16")]
        self.assertEqual(outcomes, [[1, 2], "str", None])

    @replays("binary: layouts (push 00 -> reply 01, push 00, broadcast 02)")
    def test_binary(self, replay: Replay) -> None:
        """Bytes are sent in the client's layout and come in the server's three."""
        replay.catch_up()
        count = len(replay.client().events)
        replay.play_rest()
        client = replay.client()
        self.assertEqual(client.outcome("17"), b"\xde\xad")
        error = client.outcome("18")
        self.assertEqual((error.status, error.response), ("error", b"\xbe"))
        self.assertEqual(
            client.events[count:],
            [
                ("echo:a", "pushed_binary", b"\x01\x02\x03"),
                ("echo:a", "shout", b"\x04\x05"),
            ],
        )

    @replays(
        "unmatched topic: join; push to a topic never joined; leave of one never joined"
    )
    def test_unmatched_topic(self, replay: Replay) -> None:
        """A join of a topic that the server has not is refused, and not tried again.

        The answers for topics without a channel are counted, and change nothing.
        """
        replay.catch_up()
        replay.play_rest()
        client = replay.client()
        error = client.outcome("30")
        assert isinstance(error, JoinError)
        self.assertEqual((error.topic, error.reason), ("nope:x", "unmatched topic"))
        replay.server.advance(20.0)
        self.assertEqual(client.connection.frames, [])

    @replays("second join of a joined topic")
    def test_second_join(self, replay: Replay) -> None:
        """A channel that crashed here joins anew, and outlives its old join's close.

        The close has the old join_ref, so it is stale.
        """
        replay.catch_up()
        replay.play_rest()
        client = replay.client()
        self.assertEqual(client.channel("echo:a").state, "joined")
        self.assertEqual(client.client.get_state("stale_messages"), 1)
        self.assertEqual(client.channel_ends[1:], [])

    @replays("leave with a stale join_ref, then a right one")
    def test_leave(self, replay: Replay) -> None:
        """The leave has the join_ref of the latest join, and closes the channel.

        A push fails then before anything is sent; what the server answers to a message
        that was sent all the same is nobody's.
        """
        replay.catch_up()
        channel = replay.client().channel("echo:a")
        replay.play_rest()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(replay.client().channel_ends[-1:], ["left"])
        failure = self.failureResultOf(channel.push("echo", {}), ChannelClosed)
        self.assertEqual(failure.value.topic, "echo:a")
        replay.server.flush()
        self.assertEqual(replay.client().connection.frames, [])

    @replays("stop, stop_reply, stop_shutdown, stop_error, crash, unknown event")
    def test_ends_of_a_channel(self, replay: Replay) -> None:
        """A closed channel joins when it is told to, one that crashed by itself.

        A push without a reply fails with what ended the channel.
        """
        replay.catch_up()
        ends = len(replay.client().channel_ends)
        replay.play_rest()
        client = replay.client()
        self.assertEqual(client.outcome("61"), {"z": 1})
        for ref in ("60", "62"):
            self.assertIsInstance(client.outcome(ref), ChannelClosed)
        for ref in ("63", "64", "65"):
            error = client.outcome(ref)
            assert isinstance(error, PushInterrupted)
            self.assertIsInstance(error.cause, ChannelClosed)
        self.assertEqual(client.channel_ends[ends:], ["closed"] * 3)
        # The last of the crashes is followed by a join as well.
        replay.server.advance(REJOIN_DELAY)
        [join] = client.connection.take_frames()
        self.assertIn(b'"echo:s","phx_join",{}]', join.payload)

    @replays("room joins")
    def test_refused_joins(self, replay: Replay) -> None:
        """A refused join fails with the response, and is not tried again."""
        replay.catch_up()
        replay.play_rest()
        client = replay.client()
        reasons = [client.outcome(ref).reason for ref in ("70", "71")]
        self.assertEqual(reasons, ["unauthorized", "join crashed"])

    @replays("a slow join holds the whole socket: heartbeat 0.2 s after it")
    def test_slow_join(self, replay: Replay) -> None:
        """What waits behind a slow join waits, and is answered after it."""
        replay.catch_up()
        replay.step()
        replay.server.advance(0.2)
        replay.step()
        replay.server.advance(0.6)
        client = replay.client()
        self.assertTrue(client.is_waiting("72"))
        self.assertTrue(client.is_waiting("73"))
        replay.play_rest()
        self.assertEqual(client.outcome("72"), {})
        self.assertAlmostEqual(client.outcome("73"), 0.6)

    @replays("channel killed")
    def test_killed_channel(self, replay: Replay) -> None:
        """A channel that the server has killed joins again by itself.

        The recorder pushed without doing so; the answer to that changes nothing.
        """
        replay.play_rest()
        client = replay.client()
        self.assertEqual(client.channel("echo:k").state, "errored")
        self.assertEqual(len(client.channel_errors), 1)
        replay.play(replay.section.frames()[:2])
        self.assertEqual(client.channel("echo:k").state, "joined")

    @replays("channel killed")
    def test_push_to_a_killed_channel(self, replay: Replay) -> None:
        """That a joined topic is unmatched is a crash, for who has not heard of it.

        The push fails with what the server said, the channel joins again, and the
        phx_error that comes too late is of the old join.
        """
        late = replay.hold_back("phx_error")
        replay.play_rest()
        client = replay.client()
        error = client.outcome("2")
        assert isinstance(error, PushError)
        self.assertEqual(error.reason, "unmatched topic")
        self.assertEqual(client.channel("echo:k").state, "errored")
        self.assertEqual(client.channel_errors, [error])
        join, answer = replay.section.frames()[:2]
        old_join_ref = client.refs.ours("1")
        replay.play([join, answer])
        client.refs.learn("1", old_join_ref)
        replay.play([late])
        self.assertEqual(client.client.get_state("stale_messages"), 1)
        self.assertEqual(client.channel("echo:k").state, "joined")

    @replays("V1 serializer (vsn=1.0.0)", vsn="1.0.0")
    def test_version_1(self, replay: Replay) -> None:
        """The old serializer's objects, and no join_ref in what the server sends.

        What we send on a channel has a ``join_ref`` after the ref, which the recorder's
        had not; all the rest is the same.
        """
        replay.play_rest()
        client = replay.client()
        self.assertEqual([event for _, event, _ in client.events], ["pushed", "shout"])
        self.assertIsInstance(client.outcome("5"), PushInterrupted)
        replay.play(replay.section.frames()[2:4])
        self.assertEqual(client.channel("echo:v1").state, "joined")
        warnings = [each["category"] for each in self.flushWarnings()]
        self.assertEqual(warnings, [DeprecationWarning])


class Bandit18Tests(ConversationTests, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(ConversationTests, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(ConversationTests, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"
