"""Presences of real channels, made at any moment, whatever happens to the channels.

A real client and a real server in memory: the server's own list is what each Presence
must come to, and what its hooks have told must add up to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Channel, Presence, SocketClient
from txphoenix.testing import MemoryServer, PresenceChannel, ok
from txphoenix.testing.presence import PresenceTracker

from .properties import checked, given, settings, st
from .test_presence_model import Ledger, by_ref, refs_of

TOPIC = "rooms:lobby"
CROWD = ("crowd_state", "crowd_diff")
# By then every client is back, and every channel has its list.
LONG = 60.0


class Room(PresenceChannel):
    """A room whose list is of the join, and comes some time later, after diffs."""

    state_event = "presence_state"
    delay = 0.0

    def after_join(self) -> None:
        """Be there, and say who is, a little later."""
        self.track("ann", {"device": "phone"})
        self.call_later(self.delay, self.push, self.state_event, self.presences())

    def handle_in(self, event: str, payload: Any) -> Any:
        """Send it back."""
        self.push(event, payload)
        return ok()


class Other:
    """Somebody else who is there."""

    topic = TOPIC


class Follower(Channel):
    """A channel that a message can make crash."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Crash, if that is what it is about."""
        if event == "crash":
            raise ZeroDivisionError


class CrowdFollower(Follower):
    """One whose presences come by other events."""

    presence_events = CROWD


class World:
    """A server, a client with one channel, and all Presences that were made of it.

    :param names: the events of the presences.
    :param options: the client's.
    """

    def __init__(self, names: tuple[str, str], delay: float, **options: Any) -> None:
        room = type("Room", (Room,), {"state_event": names[0], "delay": delay})
        self.server = server = MemoryServer({"rooms:*": room})
        server.presence = PresenceTracker(
            lambda topic, _, diff: server.broadcast(topic, names[1], diff)
        )
        self.client = SocketClient(
            server.url,
            endpoint=server.endpoint,
            reactor=server.clock,
            max_restarts=1000,
            **options,
        )
        self.client.startService()
        kind = Follower if names[0] == "presence_state" else CrowdFollower
        self.channel = self.client.channel(TOPIC, channel_class=kind)
        self.ledgers: list[Ledger] = []
        self.others: list[tuple[Any, str]] = []
        self.join(0)

    def make(self, _: int) -> None:
        """Make one more Presence."""
        self.ledgers.append(Ledger(Presence(self.channel)))

    def make_inside(self, number: int) -> None:
        """Make one in a hook, while a list or a change is told."""

        def hook(_: Any) -> None:
            remove()
            self.make(0)

        event = type(self.channel).presence_events[number % 2]
        remove = self.channel.on(event, hook)

    def come(self, number: int) -> None:
        """Somebody comes, perhaps with another device."""
        present = Other(), ["ann", "bob", "cy"][number % 3]
        self.server.presence.track(*present, {"device": "laptop"})
        self.others.append(present)

    def go(self, number: int) -> None:
        """Somebody goes."""
        if self.others:
            present = self.others.pop(number % len(self.others))
            self.server.presence.untrack(*present)

    def change(self, number: int) -> None:
        """Somebody's meta changes."""
        if self.others:
            present = self.others[number % len(self.others)]
            self.server.presence.update(*present, {"device": "desk"})

    def wait(self, number: int) -> None:
        """Time passes."""
        self.server.advance(number)

    def flush(self, _: int) -> None:
        """What is under way arrives."""
        self.server.flush()

    def drop(self, _: int) -> None:
        """The connection ends."""
        self.server.drop()

    def cut(self, _: int) -> None:
        """It ends, and what is under way is lost."""
        self.server.cut()

    def crash(self, _: int) -> None:
        """A callback of the channel's raises."""
        if self.channel.state == "joined":
            self.channel.push("crash", {}).addErrback(lambda _: None)

    def kill(self, _: int) -> None:
        """The channel crashes on the server."""
        self.server.kill_channel(TOPIC)

    def leave(self, _: int) -> None:
        """The channel is left."""
        self.channel.leave().addErrback(lambda _: None)

    def join(self, _: int) -> None:
        """The channel is joined, if it is not."""
        if self.channel.state in ("closed", "leaving"):
            self.channel.join().addErrback(lambda _: None)

    def disconnect(self, _: int) -> None:
        """The client closes its connection."""
        self.client.disconnect()

    def connect(self, _: int) -> None:
        """The client may connect again."""
        self.client.connect()

    def end(self) -> None:
        """All comes to rest, and is joined."""
        self.server.flush()
        self.connect(0)
        self.server.advance(LONG)
        self.join(0)
        self.server.advance(LONG)

    def stop(self) -> None:
        """Stop all."""
        self.client.stopService()
        self.server.flush()
        self.server.stop(drain=False)
        self.server.flush()


STEPS = (
    World.make,
    World.make_inside,
    World.come,
    World.go,
    World.change,
    World.wait,
    World.flush,
    World.drop,
    World.cut,
    World.crash,
    World.kill,
    World.leave,
    World.join,
    World.disconnect,
    World.connect,
)
Steps = list[tuple[Callable[[World, int], None], int]]


class LivesTests(SynchronousTestCase):
    """Whatever becomes of the channel."""

    @settings(checked, max_examples=300)
    @given(
        st.lists(
            st.tuples(st.sampled_from(STEPS), st.integers(0, 5)),
            min_size=10,
            max_size=50,
        ),
        st.sampled_from([("presence_state", "presence_diff"), CROWD]),
        st.sampled_from([0.0, 0.5, 8.0]),
        st.sampled_from(["1.0.0", "2.0.0"]),
        st.sampled_from(["websocket", "longpoll"]),
    )
    def test_ends_in_the_servers_list(
        self,
        steps: Steps,
        names: tuple[str, str],
        delay: float,
        vsn: str,
        transport: str,
    ) -> None:
        """Each Presence ends with the server's list, and each meta was told once."""
        world = World(names, delay, vsn=vsn, transport=transport)
        try:
            world.make(0)
            for step, number in steps:
                step(world, number)
            world.make(0)
            world.end()
            world.make(0)
            self.flushLoggedErrors(ZeroDivisionError)
            expected = world.server.presence.list(TOPIC)
            self.assertIn("ann", expected)
            for ledger in world.ledgers:
                self.assertTrue(ledger.presence.synced)
                self.assertEqual(by_ref(ledger.presence.state), by_ref(expected))
                self.assertEqual(ledger.metas, refs_of(expected))
                self.assertEqual(ledger.faults, [])
                self.assertEqual(ledger.presence.dropped, 0)
        finally:
            world.stop()
