"""init() may take its time: the join is sent once it is done."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix.channels.channel import Channel
from txphoenix.errors import ChannelClosed, JoinTimeout

from .crashing import Crash
from .support import TOPIC, ClientTestCase, Outcome


class Preparing(Channel):
    """Waits in init() for what the test gives.

    :ivar waits: what each init() waits for.
    :ivar ended: how each has ended: None, or its error.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waits: list[Deferred[None]] = []
        self.ended: list[BaseException | None] = []

    async def init(self, params: Any) -> None:
        """Wait."""
        waiting: Deferred[None] = Deferred()
        self.waits.append(waiting)
        try:
            await waiting
        except (CancelledError, Crash) as error:
            self.ended.append(error)
            raise
        self.ended.append(None)


class CutInitTests(ClientTestCase):
    """init() needs the connection, which is lost meanwhile."""

    def test_begun_anew(self) -> None:
        """The next join begins with init() again: it is not taken for done."""
        told: list[str] = []
        other = self.joined_channel("rooms:other")
        (client,) = self._clients

        class Asking(Channel):
            async def init(self, params: Any) -> None:
                told.append("begun")
                await other.push("never_answered", timeout=60)
                told.append("done")

        channel = client.channel(TOPIC, {}, Asking)
        self.watch(channel.join(timeout=60))
        self.lose_connection()
        self.reconnect()
        self.memory.advance(1)
        self.assertEqual(told, ["begun", "begun"])
        self.assertEqual(channel.state, "joining")


class WhenTests(ClientTestCase):
    """When init() is called."""

    def setUp(self) -> None:
        """Join, and count."""
        super().setUp()
        self.called = called = list[Any]()

        class Counting(Channel):
            def init(self, params: Any) -> None:
                called.append(params)

            def handle_in(self, event: str, payload: Any) -> None:
                raise Crash

        self.channel = self.joined_channel(channel_class=Counting)
        self.assert_joined_after(1)

    def assert_joined_after(self, count: int) -> None:
        """It is joined, and init() was called so often."""
        self.memory.advance(60)
        self.assertEqual((self.channel.state, len(self.called)), ("joined", count))

    def join_again(self) -> None:
        """Join what is closed."""
        self.assertEqual(self.channel.state, "closed")
        self.watch(self.channel.join())

    def test_kept(self) -> None:
        """Neither a lost connection nor a crash on the server has it called."""
        self.lose_connection()
        self.reconnect()
        self.assert_joined_after(1)
        self.server_sends(None, self.channel.join_ref, TOPIC, "phx_error", {})
        self.assertEqual(self.channel.state, "errored")
        self.assert_joined_after(1)

    def test_crash(self) -> None:
        """A crash of ours has."""
        self.server_sends(None, None, TOPIC, "new_msg", {})
        self.assertEqual(len(self.flushLoggedErrors(Crash)), 1)
        self.assert_joined_after(2)

    def test_left(self) -> None:
        """So has a join after a leave."""
        self.watch(self.channel.leave())
        self.memory.flush()
        self.join_again()
        self.assert_joined_after(2)

    def test_closed(self) -> None:
        """And one after the server has closed the channel."""
        self.server_sends(None, None, TOPIC, "phx_close", {})
        self.join_again()
        self.assert_joined_after(2)


class LateInitTests(ClientTestCase):
    """init() is an ``async def``."""

    def joining(self, params: Any = None) -> tuple[Preparing, Outcome[Any]]:
        """A channel whose init has begun, and its join."""
        self.client = self.connected_client()
        channel = self.client.channel(TOPIC, params, Preparing)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assertEqual((channel.state, len(channel.waits)), ("joining", 1))
        self.assertEqual(self.all_sent(), [])
        return channel, outcome

    def test_awaited(self) -> None:
        """The join is sent when it is done."""
        channel, outcome = self.joining({"a": 1})
        self.memory.advance(1.0)
        self.assertEqual(self.all_sent(), [])
        channel.waits[0].callback(None)
        self.memory.flush()
        self.assert_fired(outcome, {"a": 1})
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_params_first(self) -> None:
        """Params that come late are there first, and sent as init has had them."""
        params: Deferred[Any] = Deferred()
        self.client = self.connected_client()
        channel = self.client.channel(TOPIC, lambda: params, Preparing)
        outcome = self.watch(channel.join())
        self.assertEqual(channel.waits, [])
        params.callback({"a": 1})
        self.assertEqual(len(channel.waits), 1)
        channel.waits[0].callback(None)
        self.memory.flush()
        self.assert_fired(outcome, {"a": 1})

    def test_done_at_once(self) -> None:
        """One that does not wait after all is sent in the same turn."""

        class Quick(Channel):
            async def init(self, params: Any) -> None:
                pass

        client = self.connected_client()
        channel = client.channel(TOPIC, None, Quick)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})

    def test_not_for_a_rejoin(self) -> None:
        """A rejoin does not begin anew."""
        channel, _outcome = self.joining()
        channel.waits[0].callback(None)
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        self.assertEqual((channel.state, len(channel.waits)), ("joined", 1))

    def test_left(self) -> None:
        """leave() ends it: it is cancelled, and nothing is sent."""
        channel, outcome = self.joining()
        self.assert_fired(self.watch(channel.leave()), None)
        self.assert_failed(outcome, ChannelClosed)
        [ended] = channel.ended
        self.assertIsInstance(ended, CancelledError)
        self.memory.advance(10.0)
        self.assertEqual(self.all_sent(), [])

    def test_connection_lost(self) -> None:
        """So does a lost connection, and the join on the next begins anew."""
        channel, outcome = self.joining()
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.lose_connection()
        self.assertEqual(len(channel.ended), 1)
        self.reconnect()
        self.assertEqual(len(channel.waits), 2)
        self.assert_waits(outcome)
        channel.waits[1].callback(None)
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(errors, [])
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_done_while_closing(self) -> None:
        """Done on a connection that is closing, it is not called for the next."""
        channel, outcome = self.joining()
        self.watch(self.client.reconfigure(params={"a": "1"}))
        channel.waits[0].callback(None)
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(len(channel.waits), 1)

    def test_timeout(self) -> None:
        """The time of the join counts."""
        channel, outcome = self.joining()
        self.memory.advance(5.0)
        error = self.assert_failed(outcome, JoinTimeout)
        self.assertEqual(
            str(error),
            f"join of '{TOPIC}' not sent within 5 s: waiting for its params or init()",
        )
        self.assertEqual((channel.state, len(channel.ended)), ("closed", 1))
        self.assertEqual(self.all_sent(), [])

    def test_crash(self) -> None:
        """Decision 8: what it raises then is a crash, and the next begins anew."""
        channel, outcome = self.joining()
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        channel.waits[0].errback(Crash("init"))
        self.memory.flush()
        self.assertEqual(len(channel.waits), 2)
        channel.waits[1].callback(None)
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(len(errors), 1)
        self.assertEqual(len(self.flushLoggedErrors(Crash)), 1)
