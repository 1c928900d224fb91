"""Subclasses of Channel: init, handle_join, handle_in, handle_message, handle_close."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.channels.channel import Channel
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.errors import ChannelClosed, NotConnected
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase, Outcome


class Recorder(Channel):
    """Keeps what it is told."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told: list[tuple[Any, ...]] = []

    def init(self, params: Any) -> None:
        """Keep it."""
        self.told.append(("init", params, self.state))

    def handle_join(self, response: Any) -> None:
        """Keep it."""
        self.told.append(("join", response, self.state))

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep it."""
        self.told.append(("in", event, payload))

    def handle_close(self, reason: object) -> None:
        """Keep it."""
        self.told.append(("close", reason, self.state))

    def calls(self) -> list[str]:
        """Which callbacks were called."""
        return [call[0] for call in self.told]


class CallbackTests(ClientTestCase):
    """When each callback is called, and with what."""

    def recorder(self, params: Any = None) -> Recorder:
        """A joined channel that keeps what it is told."""
        channel = self.joined_channel(TOPIC, params, Recorder)
        assert isinstance(channel, Recorder)
        return channel

    def test_life(self) -> None:
        """Each is called in its turn, with the state that the channel is in by then."""
        channel = self.recorder({"a": 1})
        self.memory.broadcast(TOPIC, "news", [1])
        self.memory.flush()
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(
            channel.told,
            [
                ("init", {"a": 1}, "joining"),
                ("join", {"a": 1}, "joined"),
                ("in", "news", [1]),
                ("close", "left", "closed"),
            ],
        )

    def test_init_before_the_join(self) -> None:
        """init() is called before the join is sent, with what it is about to send."""
        client = self.connecting_client()
        channel = client.channel(TOPIC, lambda: {"asked": True}, Recorder)
        assert isinstance(channel, Recorder)
        self.watch(channel.join())
        self.assertEqual(channel.told, [])
        self.memory.release_connections()
        self.assertEqual(channel.told, [])
        self.memory.flush()
        self.assertEqual(channel.told[0], ("init", {"asked": True}, "joining"))

    def test_rejoin(self) -> None:
        """A rejoin calls handle_join again and init not."""
        channel = self.recorder()
        self.lose_connection()
        self.reconnect()
        self.assertEqual(channel.calls(), ["init", "join", "join"])

    def test_joined_anew(self) -> None:
        """A channel that was closed begins anew with its next join."""
        channel = self.recorder()
        channel.stop()
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.calls(), ["init", "join", "close", "init", "join"])

    def test_first_join_lost(self) -> None:
        """A first join that is sent twice, as a connection was lost, begins once."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC, None, Recorder)
        assert isinstance(channel, Recorder)
        self.watch(channel.join())
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        self.assertEqual(self.events_sent(1), ["phx_join"])
        self.assertEqual(channel.calls(), ["init"])

    def test_handle_in_and_hooks(self) -> None:
        """handle_in takes what no hook takes, and leaves nothing for receive()."""
        channel = self.recorder()
        hooked: list[Any] = []
        channel.on("hooked", hooked.append)
        self.memory.broadcast(TOPIC, "hooked", 1)
        self.memory.broadcast(TOPIC, "other", 2)
        self.memory.flush()
        self.assertEqual(hooked, [1])
        self.assertEqual(channel.told[2:], [("in", "other", 2)])
        waiting = self.watch(channel.receive())
        self.assert_waits(waiting)

    def test_no_handle_in(self) -> None:
        """A subclass without handle_in leaves messages for receive()."""

        class Quiet(Channel):
            pass

        channel = self.joined_channel(channel_class=Quiet)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.flush()
        outcome = self.watch(channel.receive())
        self.assertEqual(outcome.fired[0].payload, 1)

    def test_inherited_handle_in(self) -> None:
        """handle_in may come from any class between."""

        class Named(Recorder):
            pass

        channel = self.joined_channel(channel_class=Named)
        assert isinstance(channel, Named)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.flush()
        self.assertEqual(channel.told[-1], ("in", "news", 1))

    def test_handle_message(self) -> None:
        """A subclass may take messages whole."""

        class Whole(Channel):
            got: list[Message] = []

            def handle_message(self, message: Message) -> None:
                self.got.append(message)

        self.joined_channel(channel_class=Whole)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.flush()
        self.assertEqual(Whole.got, [Message(None, None, TOPIC, "news", 1)])

    def test_coroutines(self) -> None:
        """Each may be an ``async def``; later messages do not wait for an earlier one.

        That of a subclass of EchoRoom is no exception.
        """
        gate: Deferred[None] = Deferred()
        got: list[Any] = []

        class Later(EchoRoom):
            async def init(self, params: Any) -> None:
                got.append("init")

            async def handle_join(self, response: Any) -> None:
                got.append("join")

            async def handle_in(self, event: str, payload: Any) -> None:
                got.append(payload)
                await gate
                got.append(("after", payload))

            async def handle_close(self, reason: object) -> None:
                got.append(reason)

        channel = self.joined_channel(channel_class=Later)
        for number in (1, 2):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()
        self.assertEqual(got, ["init", "join", 1, 2])
        gate.callback(None)
        channel.stop()
        self.assertEqual(got[4:], [("after", 1), ("after", 2), "stopped"])

    def test_nothing_overridden(self) -> None:
        """The callbacks of Channel itself do nothing, so that super() may be called."""
        channel = self.connected_client().channel(TOPIC, None, Channel)
        self.assertIsNone(channel.init({}))
        self.assertIsNone(channel.handle_join({}))
        self.assertIsNone(channel.handle_in("event", {}))
        self.assertIsNone(channel.handle_close("left"))


class CallbackCallsTests(ClientTestCase):
    """Callbacks that call the channel themselves."""

    def run_calling(
        self, name: str, call: Any, **options: Any
    ) -> tuple[Channel, Outcome[Any]]:
        """Join a channel one of whose callbacks calls something, once.

        :param name: which callback.
        :param call: takes the channel.
        """
        called: list[str] = []

        def callback(channel: Channel, *_args: Any) -> None:
            if not called:
                called.append(name)
                call(channel)

        calling: type[Channel] = type("Calling", (Channel,), {name: callback})
        self.client = self.connected_client(**options)
        channel = self.client.channel(TOPIC, None, calling)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(called, [name])
        return channel, outcome

    def test_init_leaves(self) -> None:
        """init() may leave: nothing is sent."""
        channel, outcome = self.run_calling(
            "init", lambda channel: self.watch(channel.leave())
        )
        self.assert_failed(outcome, ChannelClosed)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent(), [])

    def test_init_leaves_and_joins(self) -> None:
        """It may join again as well: that join alone is sent."""
        joins: list[Outcome[Any]] = []

        def call(channel: Channel) -> None:
            channel.stop()
            joins.append(self.watch(channel.join()))

        _channel, outcome = self.run_calling("init", call)
        self.assert_failed(outcome, ChannelClosed)
        self.assert_fired(joins[0], {})
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_init_disconnects(self) -> None:
        """It may disconnect."""
        channel, outcome = self.run_calling(
            "init", lambda _: self.watch(self.client.disconnect())
        )
        self.assert_failed(outcome, NotConnected)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent(), [])

    def test_init_pushes(self) -> None:
        """It may push: that is sent after the join."""
        self.run_calling("init", lambda channel: channel.push_async("echo"))
        self.assertEqual(self.events_sent(), ["phx_join", "echo"])

    def test_handle_join_pushes(self) -> None:
        """handle_join may push: what was kept goes before it."""
        self.client = self.connected_client()

        class Pushing(Channel):
            def handle_join(self, response: Any) -> None:
                self.push_async("joined")

        channel = self.client.channel(TOPIC, None, Pushing)
        self.watch(channel.join())
        channel.push_async("kept")
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join", "kept", "joined"])

    def test_handle_join_leaves(self) -> None:
        """It may leave: the join's Deferred fails, for who waits is not joined."""
        channel, outcome = self.run_calling(
            "handle_join", lambda channel: self.watch(channel.leave())
        )
        self.assertEqual(self.assert_failed(outcome, ChannelClosed).reason, "left")
        self.assertEqual(channel.state, "closed")

    def test_handle_join_joins_anew(self) -> None:
        """It may stop and join anew: each Deferred has its own end."""
        joins: list[Outcome[Any]] = []

        def call(channel: Channel) -> None:
            channel.stop()
            joins.append(self.watch(channel.join()))

        channel, outcome = self.run_calling("handle_join", call)
        self.assert_failed(outcome, ChannelClosed)
        self.assert_fired(joins[0], {})
        self.assertEqual(channel.state, "joined")

    def test_handle_close_joins(self) -> None:
        """handle_close may join and leave again, and each of these ends in its time."""
        joins: list[Outcome[Any]] = []
        leaves: list[Outcome[Any]] = []
        test = self

        class Calling(Channel):
            def handle_close(self, reason: object) -> None:
                if not joins:
                    joins.append(test.watch(self.join()))
                    leaves.append(test.watch(self.leave()))

        channel = self.joined_channel(channel_class=Calling)
        channel.stop()
        self.assertEqual(channel.state, "leaving")
        self.assert_failed(joins[0], ChannelClosed)
        self.assert_waits(leaves[0])
        self.memory.flush()
        self.assert_fired(leaves[0], None)
        self.assertEqual(channel.state, "closed")

    def test_unsendable_kept_push_leaves(self) -> None:
        """Who hears of a push that could not be sent may leave.

        handle_join has been called by then, and the join's Deferred fails.
        """
        client = self.connected_client()
        channel = client.channel(TOPIC, None, Recorder)
        assert isinstance(channel, Recorder)
        joined = self.watch(channel.join())
        pushed = self.watch(channel.push("echo", object()))
        pushed.deferred.addCallback(lambda _: self.watch(channel.leave()))
        self.memory.flush()
        self.assert_failed(joined, ChannelClosed)
        self.assertEqual(channel.calls(), ["init", "join", "close"])
