"""Whoever is called back may call anything.

Each test takes one place in which a channel calls the user, and one thing that the
user does there.
What must hold is the same for all: nothing raises, each Deferred fires once, client
and server agree about the channel, and another channel has not noticed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, succeed

from txphoenix.channels.channel import Channel
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import PhoenixError

from .support import TOPIC, ClientTestCase

OTHER = "rooms:other"

Act = Callable[..., None]


class ReentrancyTests(ClientTestCase):
    """Places times actions; the tests are made below."""

    client: SocketClient
    channel: Channel
    acted: int

    def setUp(self) -> None:
        """Have a client, and a channel that must not notice anything."""
        super().setUp()
        self.client = self.connected_client()
        self.bystander = self.joined_channel(OTHER, client=self.client)
        self.acted = 0

    def run_at(self, place: str, action: str) -> None:
        """Do something at a place, and see what must hold."""

        def act(*_args: Any) -> None:
            self.acted += 1
            if self.acted == 1:
                getattr(self, f"do_{action}")()

        getattr(self, f"at_{place}")(act)
        self.memory.advance(30.0)
        self.assertGreaterEqual(self.acted, 1)
        self.assert_consistent(action == "disconnect")

    def assert_consistent(self, is_disconnected: bool) -> None:
        """Client and server agree, and nothing is left over."""
        for outcome in self._outcomes:
            self.assertEqual(len(outcome.fired), 1)
        channel, held = self.channel, self.memory.channels(TOPIC)
        self.assertEqual(self.client.connected, not is_disconnected)
        other_state = "errored" if is_disconnected else "joined"
        self.assertIn(channel.state, ["closed", other_state])
        found = self.client.channels.find(TOPIC)
        self.assertIs(found, None if channel.state == "closed" else channel)
        joined = [channel.join_ref] if channel.state == "joined" else []
        self.assertEqual([each.join_ref for each in held], joined)
        if not is_disconnected:
            self.assertEqual(self.bystander.state, "joined")
            echoed = self.watch(self.bystander.push("echo", 1))
            self.memory.flush()
            self.assert_fired(echoed, 1)

    # -- What is done -------------------------------------------------------------

    def do_join(self) -> None:
        """Join."""
        self.watch(self.channel.join())

    def do_push(self) -> None:
        """Push, with a reply and without."""
        self.watch(self.channel.push("echo"))
        # A channel that is not joined takes none.
        with contextlib.suppress(PhoenixError):
            self.channel.push_async("echo")

    def do_leave(self) -> None:
        """Leave."""
        self.watch(self.channel.leave())

    def do_leave_and_join(self) -> None:
        """Leave and join again."""
        self.watch(self.channel.leave())
        self.watch(self.channel.join())

    def do_stop(self) -> None:
        """Stop."""
        self.channel.stop()

    def do_stop_and_join(self) -> None:
        """Stop and join again."""
        self.channel.stop()
        self.watch(self.channel.join())

    def do_disconnect(self) -> None:
        """Disconnect the client."""
        self.watch(self.client.disconnect())

    # -- Where --------------------------------------------------------------------

    def new(self, channel_class: type[Channel] | None = None) -> Channel:
        """The channel of the test."""
        self.channel = self.client.channel(TOPIC, None, channel_class)
        return self.channel

    def joined(self, channel_class: type[Channel] | None = None) -> Channel:
        """The channel of the test, joined."""
        channel = self.new(channel_class)
        self.watch(channel.join())
        self.memory.flush()
        return channel

    def calling(self, act: Act, *names: str) -> type[Channel]:
        """A class of channels some of whose callbacks act."""
        callbacks: dict[str, Any] = {
            name: lambda _channel, *_args: act() for name in names
        }
        return type("Calling", (Channel,), callbacks)

    def tell(self, deferred: Deferred[Any], act: Act) -> Deferred[Any]:
        """Have a Deferred act when it fires, whatever with."""
        self.watch(deferred.addBoth(act))
        return deferred

    def at_join(self, act: Act) -> None:
        """In the callback of a join."""
        self.tell(self.new().join(), act)

    def at_refused_join(self, act: Act) -> None:
        """In the errback of a refused join; the next one is taken."""
        self.memory.refusal = {}
        self.tell(self.new().join(), act)
        self.memory.flush()
        self.memory.refusal = None

    def at_join_timeout(self, act: Act) -> None:
        """In the errback of a join that timed out."""
        self.memory.answers = False
        self.tell(self.new().join(), act)
        self.memory.advance(4.0)
        self.memory.answers = True
        self.memory.advance(1.0)

    def at_cancelled_join(self, act: Act) -> None:
        """In the errback of a join that was cancelled."""
        self.tell(self.new().join(), act).cancel()

    def at_second_join(self, act: Act) -> None:
        """In the errback of a second join."""
        self.tell(self.joined().join(), act)

    def at_join_after_leave(self, act: Act) -> None:
        """In the callback of a join that has waited for a leave."""
        channel = self.joined()
        self.watch(channel.leave())
        self.tell(channel.join(), act)

    def at_reply(self, act: Act) -> None:
        """In the callback of a push."""
        self.tell(self.joined().push("echo"), act)

    def at_error(self, act: Act) -> None:
        """In the errback of a push that the server answered with an error."""
        self.tell(self.joined().push("refuse"), act)

    def at_push_timeout(self, act: Act) -> None:
        """In the errback of a push that timed out, as another does at that moment."""
        channel = self.joined()
        self.tell(channel.push("silent"), act)
        self.watch(channel.push("silent"))

    def at_interrupted_push(self, act: Act) -> None:
        """In the errback of a push that the loss of the connection interrupts."""
        channel = self.joined()
        self.tell(channel.push("silent"), act)
        self.watch(channel.push("silent"))
        self.memory.flush()
        self.lose_connection()

    def at_crashed_push(self, act: Act) -> None:
        """In the errback of a push that crashes the channel on the server."""
        self.tell(self.joined().push("crash"), act)

    def at_unsendable_push(self, act: Act) -> None:
        """In the errback of a push that was kept and cannot be sent."""
        channel = self.new()
        self.watch(channel.join())
        self.tell(channel.push("echo", object()), act)
        self.watch(channel.push("echo"))

    def at_kept_push(self, act: Act) -> None:
        """In the errback of a push that was kept, and whose channel is left."""
        channel = self.joined()
        self.lose_connection()
        self.tell(channel.push("echo"), act)
        self.watch(channel.push("echo"))
        self.watch(channel.leave())

    def at_sent_push(self, act: Act) -> None:
        """In the errback of a push whose channel is left before the reply."""
        channel = self.joined()
        self.tell(channel.push("silent"), act)
        self.watch(channel.push("silent"))
        self.watch(channel.leave())

    def at_leave(self, act: Act) -> None:
        """In the callback of a leave, as others wait for it too."""
        channel = self.joined()
        self.tell(channel.leave(), act)
        self.watch(channel.leave())

    def at_leave_timeout(self, act: Act) -> None:
        """In the callback of a leave that was not answered."""
        channel = self.joined()
        self.memory.answers = False
        self.tell(channel.leave(), act)
        self.memory.advance(4.0)
        # It took no note of the leave, and takes another join for the next one.
        self.memory.answers = True
        for each in self.memory.channels(TOPIC):
            each.stop()
        self.memory.advance(1.0)

    def at_message(self, act: Act) -> None:
        """In the callback of receive()."""
        channel = self.joined()
        self.tell(channel.receive(), act)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.broadcast(TOPIC, "news", 2)

    def at_iteration(self, act: Act) -> None:
        """In the body of an ``async for``."""
        channel = self.joined()

        async def read() -> None:
            async for _message in channel:
                act()
                break

        self.watch(ensureDeferred(read()))
        self.memory.broadcast(TOPIC, "news", 1)

    def at_last_receive(self, act: Act) -> None:
        """In the errback of receive(), as others wait too."""
        channel = self.joined()
        self.tell(channel.receive(), act)
        self.watch(channel.receive())
        channel.stop()

    def at_end(self, act: Act) -> None:
        """In the callback of when_stopped(), as others wait too."""
        channel = self.joined()
        self.tell(channel.when_stopped(), act)
        self.watch(channel.when_stopped())
        self.watch(channel.leave())

    def at_event_hook(self, act: Act) -> None:
        """In a hook of an event, after which there are more messages."""
        self.joined().on("news", act)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.broadcast(TOPIC, "news", 2)

    def at_loss(self, act: Act) -> None:
        """In a hook of on_error, when the connection is lost."""
        self.joined().on_error(act)
        self.lose_connection()

    def at_crash(self, act: Act) -> None:
        """In a hook of on_error, when the channel has crashed on the server."""
        self.joined().on_error(act)
        self.memory.kill_channel(TOPIC)

    def at_failed_rejoin(self, act: Act) -> None:
        """In a hook of on_error, when the rejoin is refused."""
        channel = self.joined()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        channel.on_error(act)
        self.memory.refusal = {}
        self.memory.advance(1.0)
        self.memory.refusal = None

    def at_close(self, act: Act) -> None:
        """In a hook of on_close, when the server has closed the channel."""
        channel = self.joined()
        channel.on_close(act)
        self.watch(channel.push("stop"))

    def at_close_of_leave(self, act: Act) -> None:
        """In a hook of on_close, when the channel is left."""
        channel = self.joined()
        channel.on_close(act)
        self.watch(channel.leave())

    def at_forward(self, act: Act) -> None:
        """In what an EchoRoom forwards to."""
        channel = self.joined()
        assert isinstance(channel, EchoRoom)
        channel.forward_to(act)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.broadcast(TOPIC, "news", 2)

    def at_params(self, act: Act) -> None:
        """In the callable that makes the params."""

        def params() -> Deferred[dict[str, Any]]:
            act()
            return succeed({})

        channel = self.new()
        channel.params = params
        self.watch(channel.join())

    def at_init(self, act: Act) -> None:
        """In init()."""
        self.watch(self.new(self.calling(act, "init")).join())

    def at_handle_join(self, act: Act) -> None:
        """In handle_join()."""
        self.watch(self.new(self.calling(act, "handle_join")).join())

    def at_handle_in(self, act: Act) -> None:
        """In handle_in(), after which there are more messages."""
        self.joined(self.calling(act, "handle_in"))
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.broadcast(TOPIC, "news", 2)

    def at_handle_close(self, act: Act) -> None:
        """In handle_close(), while a leave and pushes are waiting."""
        channel = self.joined(self.calling(act, "handle_close"))
        self.watch(channel.push("silent"))
        self.watch(channel.leave())

    def at_callback_crash(self, act: Act) -> None:
        """In a hook of on_error, when one of the channel's callbacks has crashed."""

        class Crashing(Channel):
            def handle_in(self, event: str, payload: Any) -> None:
                raise ValueError(event)

        self.joined(Crashing).on_error(act)
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.flush()
        self.assertGreaterEqual(len(self.flushLoggedErrors(ValueError)), 1)


def names(prefix: str) -> list[str]:
    """The names of the methods that begin so, without that beginning."""
    return [
        name.removeprefix(prefix)
        for name in vars(ReentrancyTests)
        if name.startswith(prefix)
    ]


def add_test(place: str, action: str) -> None:
    """Make the test of one action at one place."""

    def test(self: ReentrancyTests) -> None:
        self.run_at(place, action)

    where = getattr(ReentrancyTests, f"at_{place}").__doc__
    what = getattr(ReentrancyTests, f"do_{action}").__doc__
    test.__name__ = f"test_{action}_at_{place}"
    test.__doc__ = f"Decision 5: {what.removesuffix('.')}. {where}"
    setattr(ReentrancyTests, test.__name__, test)


for _place in names("at_"):
    for _action in names("do_"):
        add_test(_place, _action)
