"""Decision 8: how often a channel is restarted, and after what."""

from __future__ import annotations

from txphoenix.channels.channel import Channel
from txphoenix.errors import ChannelClosed, PushInterrupted

from .crashing import Crash, Crashing, SupervisionTestCase
from .support import TOPIC


class Temporary(Crashing):
    """Is not restarted."""

    restart = "temporary"


class Permanent(Crashing):
    """Is restarted always."""

    restart = "permanent"


class IntensityTests(SupervisionTestCase):
    """Too many crashes are the end."""

    def test_too_often(self) -> None:
        """Decision 8: three restarts in five seconds, then it ends with its error.

        when_stopped() fails with it, on_close and on_error have it, and the server is
        told.
        """
        channel = self.joined()
        channel.crashes["handle_in"] = 100
        stopped = self.watch(channel.when_stopped())
        pushed = self.watch(channel.push("silent"))
        for count in range(1, 4):
            self.news()
            self.assertEqual(channel.state, "joined")
            self.assertEqual(channel.calls.count("init"), count)
            self.memory.advance(1.0)
        self.assert_waits(stopped)
        self.news()
        self.assertEqual(channel.state, "closed")
        error = self.assert_failed(stopped, Crash)
        self.assertEqual(self.closes, [error])
        self.assertEqual(len(self.errors), 4)
        self.assertIs(self.errors[-1], error)
        self.assert_failed(pushed, PushInterrupted)
        self.memory.flush()
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "closed")
        self.assert_crashes(4)

    def test_in_one_read(self) -> None:
        """So it is with messages that come all at once."""
        channel = self.joined()
        channel.crashes["handle_in"] = 100
        self.news(10)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(channel.calls, ["handle_in", "init"] * 3 + ["handle_in"])
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.assert_crashes(4)

    def test_in_init(self) -> None:
        """An init that always crashes fails the first join with its error.

        The server was never asked.
        """
        channel = self.make()
        channel.crashes["init"] = 100
        outcome = self.watch(channel.join())
        self.memory.flush()
        error = self.assert_failed(outcome, Crash)
        self.assertEqual(self.closes, [error])
        self.assertEqual(self.events_sent()[1:], [])
        self.assert_crashes(4)

    def test_init_of_a_restart(self) -> None:
        """One that crashes in restarts leaves nothing joined on the server."""
        channel = self.joined()
        channel.crashes.update(handle_in=1, init=100)
        self.news()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.assert_crashes(4)

    def test_slowly(self) -> None:
        """Crashes that are more than five seconds past do not count."""
        channel = self.joined()
        channel.crashes["handle_in"] = 100
        for _ in range(10):
            self.news()
            self.memory.advance(1.7)
        self.assertEqual(channel.state, "joined")
        self.assert_crashes(10)

    def test_options(self) -> None:
        """``max_restarts`` and ``max_seconds`` say otherwise."""
        channel = self.joined(max_restarts=1, max_seconds=10.0)
        channel.crashes["handle_in"] = 100
        self.news()
        self.memory.advance(11.0)
        self.news()
        self.assertEqual(channel.state, "joined")
        self.memory.advance(10.0)
        self.news()
        self.assertEqual(channel.state, "closed")
        self.assert_crashes(3)

    def test_no_time_at_all(self) -> None:
        """A time too short for the clock's floats forgets each crash but the last."""
        self.clock.advance(2.0**40)
        channel = self.joined(max_restarts=1, max_seconds=1e-9)
        channel.crashes["handle_in"] = 1
        self.news()
        self.assertEqual(channel.state, "joined")
        self.assert_crashes(1)

    def test_begins_anew(self) -> None:
        """A channel that ended and joins again has all its restarts again."""
        channel = self.joined()
        channel.crashes["handle_in"] = 7
        self.news(10)
        self.assertEqual(channel.state, "closed")
        self.watch(channel.join())
        self.memory.flush()
        self.news(3)
        self.assertEqual(channel.state, "joined")
        self.assert_crashes(7)

    def test_each_its_own(self) -> None:
        """The crashes of one channel do not count for another."""
        first = self.joined()
        second = self.client.channel("rooms:second", {}, Crashing)
        assert isinstance(second, Crashing)
        self.watch(second.join())
        self.memory.flush()
        for channel in (first, second):
            channel.crashes["handle_in"] = 3
            for number in range(3):
                self.memory.broadcast(channel.topic, "news", number)
        self.memory.flush()
        self.assertEqual([first.state, second.state], ["joined", "joined"])
        self.assert_crashes(6)


class PolicyTests(SupervisionTestCase):
    """What ``restart`` says."""

    def test_transient(self) -> None:
        """Decision 8: the default is transient: restarted after a crash alone."""
        self.assertEqual(Channel.restart, "transient")
        channel = self.joined()
        channel.crashes["handle_in"] = 1
        self.news()
        self.assertEqual(channel.state, "joined")
        self.watch(channel.push("stop"))
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.closes, ["closed"])
        self.assert_crashes(1)

    def test_temporary(self) -> None:
        """Decision 8: a temporary one ends with its first crash."""
        channel = self.joined(Temporary)
        channel.crashes["handle_in"] = 1
        stopped = self.watch(channel.when_stopped())
        pushed = self.watch(channel.push("silent"))
        self.news()
        self.assertEqual(channel.state, "closed")
        error = self.assert_failed(stopped, Crash)
        self.assertIs(self.assert_failed(pushed, ChannelClosed).reason, error)
        self.assertEqual((self.closes, self.errors), ([error], [error]))
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.assert_crashes(1)

    def test_order(self) -> None:
        """The error is told before the end, and the end before who waits for it."""
        channel = self.joined(Temporary)
        channel.crashes["handle_in"] = 1
        told: list[str] = []
        channel.on_close(lambda _: told.append("on_close"))
        channel.on_error(lambda _: told.append(f"on_error, {channel.state}"))
        channel.when_stopped().addErrback(lambda _: told.append("when_stopped"))
        self.news()
        self.assertEqual(told, ["on_error, closed", "on_close", "when_stopped"])
        self.assert_crashes(1)

    def test_joined_by_its_hook(self) -> None:
        """A hook of on_error may join it again: what it was has ended by then."""

        class Closing(Temporary):
            def handle_close(self, reason: object) -> None:
                self.calls.append("handle_close")

        channel = self.joined(Closing)
        channel.crashes["handle_in"] = 1
        channel.on_error(lambda _: self.watch(channel.join()))
        self.news()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(
            channel.calls, ["handle_in", "handle_close", "init", "handle_join"]
        )
        self.assertEqual(len(self.closes), 1)
        self.assert_crashes(1)

    def test_temporary_join(self) -> None:
        """Its join fails with what handle_join raised."""
        channel = self.make(Temporary)
        channel.crashes["handle_join"] = 1
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_failed(outcome, Crash)
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.assert_crashes(1)

    def test_temporary_reconnects(self) -> None:
        """A lost connection is no crash: it joins again as the others do."""
        channel = self.joined(Temporary)
        self.lose_connection()
        self.reconnect()
        self.assertEqual(channel.state, "joined")

    def test_permanent(self) -> None:
        """Decision 8: a permanent one comes back from a server's close as well."""
        channel = self.joined(Permanent)
        channel.crashes["handle_in"] = 1
        self.news()
        self.watch(channel.push("stop"))
        self.memory.flush()
        self.assertEqual(channel.state, "errored")
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.closes, [])
        self.assert_crashes(1)

    def test_permanent_too_often(self) -> None:
        """But not from too many crashes."""
        channel = self.joined(Permanent)
        channel.crashes["handle_in"] = 100
        self.news(10)
        self.assertEqual(channel.state, "closed")
        self.assert_crashes(4)

    def test_permanent_left(self) -> None:
        """Nor from its own leave."""
        channel = self.joined(Permanent)
        self.watch(channel.leave())
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "closed")
