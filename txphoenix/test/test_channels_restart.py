"""Decision 8: an exception out of a channel's callback restarts the channel."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.errors import JoinError, JoinTimeout, PushInterrupted
from txphoenix.protocol.message import Message

from .crashing import Crash, Crashing, SupervisionTestCase
from .support import TOPIC


def crashing_behind(gate: Deferred[None]) -> type[Crashing]:
    """A class of channels that crash in ``handle_in``, once the gate is open."""

    class Later(Crashing):
        async def handle_in(self, event: str, payload: Any) -> None:
            await gate
            self.called("handle_in")

    return Later


class RestartTests(SupervisionTestCase):
    """A crash is followed by a restart."""

    def test_handle_in(self) -> None:
        """Decision 8: it is logged and told, and the channel begins anew and joins.

        The server, which has not noticed the crash, is told to end the old join.
        """
        channel = self.joined()
        channel.crashes["handle_in"] = 1
        interrupted = self.watch(channel.push("silent"))
        self.news()
        self.assertEqual(channel.calls, ["handle_in", "init", "handle_join"])
        self.assertEqual(channel.state, "joined")
        [error] = self.errors
        self.assertIsInstance(error, Crash)
        self.assertIs(self.assert_failed(interrupted, PushInterrupted).cause, error)
        self.assertEqual(self.events_sent()[2:], ["silent", "phx_leave", "phx_join"])
        self.assertEqual(len(self.memory.channels(TOPIC)), 1)
        self.assertEqual(self.closes, [])
        self.assert_crashes(1)

    def test_more_messages(self) -> None:
        """It begins anew before the next message, which may be there already."""
        channel = self.joined()
        channel.crashes["handle_in"] = 1
        self.news(3)
        self.assertEqual(
            channel.calls,
            ["handle_in", "init", "handle_in", "handle_in", "handle_join"],
        )
        self.assert_crashes(1)

    def test_handle_join(self) -> None:
        """A crash of handle_join hands the join's Deferred to the next join."""
        channel = self.make()
        channel.crashes["handle_join"] = 1
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(channel.calls, ["init", "handle_join", "init", "handle_join"])
        self.assert_crashes(1)

    def test_handle_join_then_no_connection(self) -> None:
        """Decision 6: where there is no next join the Deferred still has its time."""
        channel = self.make()
        channel.crashes["handle_join"] = 1
        outcome = self.watch(channel.join(timeout=2.0))

        def lose(_error: BaseException) -> None:
            self.watch(self.client.reconfigure(params={"a": "1"}))
            self.memory.is_listening = False

        channel.on_error(lose)
        self.memory.flush()
        self.memory.advance(1.9)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        self.assert_failed(outcome, JoinTimeout)
        self.memory.is_listening = True
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.flushLoggedErrors(Crash)), 1)

    def test_handle_join_of_rejoin(self) -> None:
        """So it is for a rejoin, for which nobody waits."""
        channel = self.joined()
        channel.crashes["handle_join"] = 1
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assert_crashes(1)

    def test_handle_join_then_refused(self) -> None:
        """A Deferred that was handed over fails if the next join is refused."""
        channel = self.make()
        self.memory.answers = False
        channel.crashes["handle_join"] = 1
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.answer(self.all_sent()[-1])
        self.memory.flush()
        self.assert_waits(outcome)
        self.answer(self.all_sent()[-1], "error", {"reason": "no more"})
        self.assert_failed(outcome, JoinError)
        self.assertEqual(channel.state, "errored")
        self.memory.answers = True
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assert_crashes(1)

    def test_init(self) -> None:
        """A crash of init sends nothing, and the next is in another turn."""
        channel = self.make()
        channel.crashes["init"] = 2
        outcome = self.watch(channel.join())
        self.assertEqual(channel.calls, ["init"])
        self.assertEqual(channel.state, "errored")
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(channel.calls, ["init", "init", "init", "handle_join"])
        self.assertEqual(self.events_sent().count("phx_join"), 2)
        self.assert_crashes(2)

    def test_init_very_often(self) -> None:
        """However many restarts there may be, they do not nest."""
        channel = self.make(max_restarts=1000)
        channel.crashes["init"] = 1000
        outcome = self.watch(channel.join())
        self.memory.wait_for(lambda: outcome.fired)
        self.assert_fired(outcome, {})
        self.assert_crashes(1000)

    def test_later(self) -> None:
        """What a callback raises later is a crash as well."""
        gate: Deferred[None] = Deferred()
        channel = self.joined(crashing_behind(gate))
        channel.crashes["handle_in"] = 1
        self.news()
        self.assertEqual(channel.calls, [])
        gate.callback(None)
        self.memory.flush()
        self.assertEqual(channel.calls, ["handle_in", "init", "handle_join"])
        self.assert_crashes(1)

    def test_while_errored(self) -> None:
        """A crash on the way to a rejoin is told, and changes nothing about the way."""
        channel = self.joined()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        channel.crashes["handle_in"] = 1
        self.server_sends(None, None, TOPIC, "news", 1)
        self.assertEqual(channel.state, "errored")
        self.assertEqual(len(self.errors), 2)
        self.memory.advance(0.9)
        self.assertEqual(channel.calls, ["handle_in"])
        self.memory.advance(0.1)
        self.assertEqual(channel.calls, ["handle_in", "init", "handle_join"])
        self.assert_crashes(1)

    def test_while_joining(self) -> None:
        """A crash while a join is on its way joins anew."""
        channel = self.make()
        self.memory.answers = False
        channel.crashes["handle_in"] = 1
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.server_sends(None, None, TOPIC, "news", 1)
        self.memory.flush()
        self.assertEqual(self.events_sent()[1:], ["phx_join", "phx_leave", "phx_join"])
        self.assert_waits(outcome)
        self.answer(self.all_sent()[-1])
        self.assert_fired(outcome, {})
        self.memory.answers = True
        self.assert_crashes(1)

    def test_while_leaving(self) -> None:
        """A crash during a leave is told, and the leave goes on in good order."""
        channel = self.joined()
        self.memory.answers = False
        left = self.watch(channel.leave())
        channel.crashes["handle_in"] = 1
        self.server_sends(None, None, TOPIC, "news", 1)
        self.assertEqual(channel.state, "leaving")
        self.assertEqual(len(self.errors), 1)
        self.memory.flush()
        self.answer(self.all_sent()[-1])
        self.assert_fired(left, None)
        self.memory.answers = True
        self.assert_crashes(1)

    def test_after_the_end(self) -> None:
        """One that comes after the end is logged, and nothing else."""
        gate: Deferred[None] = Deferred()
        channel = self.joined(crashing_behind(gate))
        channel.crashes["handle_in"] = 1
        self.news()
        channel.stop()
        gate.callback(None)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.errors, [])
        self.assert_crashes(1)

    def test_while_connection_closes(self) -> None:
        """With a connection that is closing it begins anew on the next."""
        channel = self.joined()
        channel.crashes["handle_in"] = 1
        done = self.watch(self.client.reconfigure(params={"a": "1"}))
        channel.dispatch(Message(None, None, TOPIC, "news", 1))
        self.assertEqual(channel.state, "errored")
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertEqual(channel.calls, ["handle_in", "init", "handle_join"])
        self.assertEqual(self.events_sent(0).count("phx_join"), 2)
        self.assertEqual(len(self.flushLoggedErrors(Crash)), 1)

    def test_hook_ends_it(self) -> None:
        """A hook that hears of the crash may end the channel: it is not restarted."""
        channel = self.joined()
        channel.crashes["handle_in"] = 1
        channel.on_error(lambda _: channel.stop())
        self.news()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(channel.calls, ["handle_in"])
        self.assertEqual(self.memory.channels(TOPIC), [])
        self.assert_crashes(1)

    def test_hook(self) -> None:
        """Decision 8: a hook's exception is logged, and touches nothing else."""
        channel = self.joined()
        channel.on("news", lambda _: channel.called("hook"))
        channel.crashes["hook"] = 1
        self.news(2)
        self.assertEqual(channel.calls, ["hook", "hook"])
        self.assertEqual(self.errors, [])
        self.assert_crashes(1)
