"""Tests of :mod:`txphoenix.channels.presence_history`: a Presence that is made late.

Whenever it is made, it must be as one that was there from the beginning.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels import class_attributes
from txphoenix.channels.channel import Channel
from txphoenix.channels.presence import Presence
from txphoenix.channels.presence_history import PresenceHistory
from txphoenix.errors import ConfigurationError
from txphoenix.test.presence_kit import DIFF, STATE, FakeChannel, Record, diff, entry
from txphoenix.test.properties import checked
from txphoenix.testing import PhoenixServer, ServerChannel, ok

from .network import NetworkTestCase
from .properties import given, st
from .support import TOPIC, ClientTestCase

KEYS = st.sampled_from(["ann", "bob", "cy"])
PEOPLE = st.dictionaries(
    KEYS, st.lists(st.sampled_from("123456"), unique=True).map(lambda it: entry(*it))
)
WRONG: st.SearchStrategy[Any] = st.sampled_from([None, 5, [], {"ann": 1}, b""])
STEPS = st.one_of(
    st.tuples(st.just(STATE), PEOPLE | WRONG),
    st.tuples(st.just(DIFF), st.builds(diff, PEOPLE, PEOPLE) | WRONG),
    st.tuples(st.just("join"), st.booleans()),
)


class KeepingChannel(FakeChannel):
    """A channel that keeps what has come."""

    def __init__(self) -> None:
        super().__init__()
        self.presence_history = PresenceHistory(STATE)

    def deliver(self, event: str, payload: Any) -> None:
        """Keep it, and call the hooks."""
        self.presence_history.take(event, payload, self.join_ref)
        super().deliver(event, payload)


class HistoryTests(SynchronousTestCase):
    """What is kept, against a Presence that saw it all."""

    @checked
    @given(st.lists(STEPS, max_size=30), st.integers(0, 30))
    def test_as_if_early(self, steps: list[tuple[str, Any]], moment: int) -> None:
        """A late one knows what an early one knows, from its first moment on."""
        channel = KeepingChannel()
        early = Presence(channel)
        late: Presence | None = None
        # No ref of a join comes back.
        refs = map(str, count(2))
        for number, (what, value) in enumerate([*steps, ("join", True)]):
            if number == moment or (late is None and number == len(steps)):
                late = Presence(channel)
            if what == "join":
                channel.join_ref = next(refs) if value else None
            else:
                channel.deliver(what, value)
            if late is not None:
                self.assertEqual(late.state, early.state)
                self.assertEqual(late.synced, early.synced)

    def test_many_diffs(self) -> None:
        """What is kept is bounded by who is there, not by how many came and went."""
        channel = KeepingChannel()
        early = Presence(channel)
        channel.deliver(STATE, {"ann": entry("0")})
        for number in range(1, 1000):
            gone = {} if number == 1 else {"bob": entry(str(number - 1))}
            channel.deliver(DIFF, diff({"bob": entry(str(number))}, gone))
            self.assertLess(len(channel.presence_history.held), 101)
        self.assertEqual(Presence(channel).state, early.state)
        self.assertEqual(list(early.state), ["ann", "bob"])

    def test_diffs_without_a_state(self) -> None:
        """Without a state the latest diffs are kept, a bounded number of them."""
        channel = KeepingChannel()
        for number in range(2000):
            channel.deliver(DIFF, diff({str(number): entry("1")}))
        self.assertEqual(len(channel.presence_history.held), 1000)
        presence = Presence(channel)
        channel.deliver(STATE, {})
        self.assertEqual(len(presence.state), 1000)
        self.assertIn("1999", presence.state)

    def test_malformed(self) -> None:
        """A diff that is none is handed to no late one, which applies the others."""
        channel = KeepingChannel()
        for payload in (diff({"ann": entry("1")}), None, diff({"bob": 1})):
            channel.deliver(DIFF, payload)
        late = Presence(channel)
        channel.deliver(STATE, {"cy": entry("2")})
        self.assertEqual(late.state, {"cy": entry("2"), "ann": entry("1")})

    def test_diffs_of_another_join(self) -> None:
        """What one join brought without a state is nothing to the next."""
        channel = KeepingChannel()
        channel.deliver(DIFF, diff({"ann": entry("1")}))
        channel.join_ref = "2"
        channel.deliver(DIFF, diff({"bob": entry("2")}))
        late = Presence(channel)
        channel.deliver(STATE, {})
        self.assertEqual(late.state, {"bob": entry("2")})
        self.assertEqual(Presence(channel).state, late.state)

    def test_without_a_join(self) -> None:
        """Diffs that came while there is no join are applied to no state."""
        for before in ({}, {"bob": entry("2")}):
            channel = KeepingChannel()
            early = Presence(channel)
            if before:
                channel.deliver(STATE, before)
            channel.join_ref = None
            channel.deliver(DIFF, diff({"ann": entry("1")}))
            channel.deliver(STATE, before)
            late = Presence(channel)
            self.assertEqual((early.state, late.state), (before, before))
            self.assertEqual((early.synced, late.synced), (False, False))
            channel.deliver(DIFF, diff({"ann": entry("1")}))
            for join_ref in (None, "2"):
                channel.join_ref = join_ref
                channel.deliver(STATE, {})
                self.assertEqual((early.state, late.state), ({}, {}))

    def test_state_as_it_came(self) -> None:
        """Keys without metas are left out of a late one's state too.

        What the server has sent is not changed: hooks may have kept it.
        """
        channel = KeepingChannel()
        sent = {"ann": entry("1"), "gone": entry()}
        channel.deliver(STATE, sent)
        channel.deliver(DIFF, diff({"bob": entry("2")}))
        late = Presence(channel)
        self.assertEqual(late.state, {"ann": entry("1"), "bob": entry("2")})
        self.assertEqual(sent, {"ann": entry("1"), "gone": entry()})


class LateHookTests(SynchronousTestCase):
    """Hooks that are added when people are there already."""

    def test_told_at_once(self) -> None:
        """A hook of on_join hears of all who are there, one of on_sync of that."""
        channel = KeepingChannel()
        channel.deliver(STATE, {"ann": entry("1"), "bob": entry("2")})
        channel.deliver(DIFF, diff({"cy": entry("3")}, {"ann": entry("1")}))
        record = Record(Presence(channel))
        self.assertEqual(
            record.calls,
            [
                ("join", "bob", None, entry("2")),
                ("join", "cy", None, entry("3")),
                ("sync",),
            ],
        )
        record.calls.clear()
        channel.deliver(DIFF, diff(leaves={"bob": entry("2")}))
        self.assertEqual(
            record.calls, [("leave", "bob", entry(), entry("2")), ("sync",)]
        )

    def test_not_yet(self) -> None:
        """Before there is a state there is nothing to be told."""
        channel = KeepingChannel()
        channel.deliver(DIFF, diff({"cy": entry("3")}))
        record = Record(Presence(channel))
        self.assertEqual(record.calls, [])
        channel.deliver(STATE, {})
        self.assertEqual(record.calls, [("join", "cy", None, entry("3")), ("sync",)])

    def test_later(self) -> None:
        """After the next message a hook is told of what changes alone, as ever."""
        channel = KeepingChannel()
        channel.deliver(STATE, {"ann": entry("1")})
        late = Presence(channel)
        channel.deliver(DIFF, diff({"bob": entry("2")}))
        self.assertEqual(Record(late).calls, [])
        early = Presence(FakeChannel())
        early._take_state({"ann": entry("1")})
        self.assertEqual(Record(early).calls, [])

    def test_raises(self) -> None:
        """What a hook raises when it is added is logged, and it stays."""
        channel = KeepingChannel()
        channel.deliver(STATE, {"ann": entry("1")})
        remove = Presence(channel).on_join(lambda *_: 1 / 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        remove()


class Renamed(Channel):
    """A channel whose presences have other events."""

    presence_events = ("the_state", "the_diff")


class ChannelTests(ClientTestCase):
    """Presences of real channels."""

    def sends(self, channel: Channel, event: str, payload: Any) -> None:
        """Have the server push a state or broadcast a diff."""
        ref = channel.join_ref if event.endswith("state") else None
        self.server_sends(ref, None, TOPIC, event, payload)

    def test_after_the_join(self) -> None:
        """A Presence that is made after join, state and diffs knows who is there."""
        for channel_class in (Channel, Renamed):
            names = channel_class.presence_events
            channel = self.joined_channel(channel_class=channel_class)
            self.sends(channel, names[0], {"ann": entry("1")})
            self.sends(channel, names[1], diff({"bob": entry("2")}))
            presence = Presence(channel)
            self.assertEqual(sorted(presence.state), ["ann", "bob"])
            self.assertTrue(presence.synced)
            self.sends(channel, names[1], diff({}, {"ann": entry("1")}))
            self.assertEqual(list(presence.state), ["bob"])
            self.stop_client(self._clients[-1])

    def test_after_a_loss(self) -> None:
        """One that is made while there is no connection has what was known last."""
        channel = self.joined_channel()
        self.sends(channel, STATE, {"ann": entry("1")})
        self.lose_connection()
        presence = Presence(channel)
        record = Record(presence)
        self.assertEqual((list(presence.state), presence.synced), (["ann"], False))
        self.reconnect()
        self.sends(channel, STATE, {"bob": entry("2")})
        self.assertEqual(
            [call[:2] for call in record.calls],
            [("join", "ann"), ("join", "bob"), ("leave", "ann"), ("sync",)],
        )
        self.assertEqual(list(Presence(channel).state), ["bob"])

    def test_taken_by_others(self) -> None:
        """What is kept is taken from nobody: hooks, handle_in and receive() have it."""
        channel = self.joined_channel()
        message = channel.receive()
        self.sends(channel, STATE, {"ann": entry("1")})
        self.assertEqual(self.successResultOf(message).payload, {"ann": entry("1")})
        heard: list[Any] = []
        remove = channel.on(DIFF, heard.append)
        self.sends(channel, DIFF, diff({"bob": entry("2")}))
        self.assertEqual(len(heard), 1)
        remove()
        channel.on(DIFF, heard.append)
        channel.off(DIFF)
        message = channel.receive()
        self.sends(channel, DIFF, diff({"cy": entry("3")}))
        self.assertEqual(self.successResultOf(message).event, DIFF)
        self.assertEqual(sorted(Presence(channel).state), ["ann", "bob", "cy"])

    def test_events_of_another_class(self) -> None:
        """What one class has for presences is any message to another."""
        channel = self.joined_channel()
        heard: list[Any] = []
        channel.on("the_diff", heard.append)
        self.sends(channel, "the_diff", 1)
        message = channel.receive()
        self.sends(channel, "the_state", 2)
        self.assertEqual(heard, [1])
        self.assertEqual(self.successResultOf(message).payload, 2)
        renamed = self.joined_channel("rooms:renamed", channel_class=Renamed)
        message = renamed.receive()
        self.server_sends(None, None, "rooms:renamed", STATE, {"ann": entry("1")})
        self.assertEqual(self.successResultOf(message).event, STATE)
        self.assertIsNone(renamed.presence_history)

    def test_ended(self) -> None:
        """A channel that has ended keeps nothing, and its next life begins anew."""
        channel = self.joined_channel()
        self.sends(channel, STATE, {"ann": entry("1")})
        channel.stop()
        self.assertEqual(Presence(channel).state, {})
        self.watch(channel.join())
        self.memory.flush()
        self.assertFalse(Presence(channel).synced)

    def test_nothing_is_kept_of_others(self) -> None:
        """A channel without presences has nothing for them."""
        channel = self.joined_channel()
        channel.on("news", lambda _: None)
        self.sends(channel, "news", {})
        self.assertIsNone(channel.presence_history)

    def test_other_events(self) -> None:
        """With events of which nothing is kept, the log says what is missing."""
        channel = self.joined_channel()
        with capturedLogs() as logged:
            presence = Presence(channel, "a_state", "a_diff")
        [event] = logged
        said = event["log_format"].format(**event)
        self.assertIn("it is empty until a_state comes", said)
        self.sends(channel, "a_state", {"ann": entry("1")})
        self.assertEqual(list(presence.state), ["ann"])
        with capturedLogs() as logged:
            Presence(self._clients[0].channel("rooms:new"), "a_state", "a_diff")
        self.assertEqual(logged, [])

    def test_wrong_events(self) -> None:
        """A class is refused, where it is written, whose events are not two events."""
        wrong: list[Any] = [
            ("presence", "presence"),
            ("presence",),
            "presence_state",
            ("phx_reply", "diff"),
            (1, 2),
            None,
        ]
        for events in wrong:
            error = self.assertRaises(
                ConfigurationError,
                type,
                "Room",
                (Channel,),
                {"presence_events": events},
            )
            self.assertIn("Room.presence_events must be the names of two", str(error))

    def test_list_of_events(self) -> None:
        """A list of two will do."""

        class Listing(Channel):
            presence_events = ["a_state", "a_diff"]  # type: ignore[assignment]

        channel = self.joined_channel(channel_class=Listing)
        self.sends(channel, "a_state", {"ann": entry("1")})
        self.assertEqual(list(Presence(channel).state), ["ann"])

    def test_set_of_a_class(self) -> None:
        """Events that are set of a class which is there already are looked for too."""

        class Later(Channel):
            """Says nothing in its body."""

        Later.presence_events = ("later_state", "later_diff")
        channel = self.joined_channel(channel_class=Later)
        early = Presence(channel)
        self.sends(channel, "later_state", {"ann": entry("1")})
        self.assertEqual(list(early.state), ["ann"])
        self.assertEqual(list(Presence(channel).state), ["ann"])
        Later.presence_events = ("later", "later")
        again = self._clients[0].channel("rooms:again", channel_class=Later)
        error = self.failureResultOf(again.join(), ConfigurationError).value
        self.assertIn("Later.presence_events must be the names of two", str(error))

    def test_usual_events(self) -> None:
        """Phoenix's own events are checked with the class, and not at each join."""

        class Usual(Channel):
            """Says nothing in its body."""

        class Written(Channel):
            """Says what all say."""

            presence_events = ("presence_state", "presence_diff")

        self.patch(class_attributes, "check_events", self.fail)
        for cls in (Channel, Usual, Written):
            self.joined_channel(channel_class=cls)

    def test_stopped(self) -> None:
        """One that was stopped tells a hook nothing of what it has found."""
        channel = self.joined_channel()
        self.sends(channel, STATE, {"ann": entry("1")})
        presence = Presence(channel)
        presence.stop()
        self.assertEqual(Record(presence).calls, [])

    def test_repr(self) -> None:
        """It shows whose it is, and how many are there, but no metas."""
        channel = self.joined_channel()
        presence = Presence(channel)
        self.assertEqual(repr(presence), f"<Presence {TOPIC} 0 present, not synced>")
        self.sends(channel, STATE, {"ann": entry("secret")})
        self.assertEqual(repr(presence), f"<Presence {TOPIC} 1 present, synced>")


class Tracking(ServerChannel):
    """A channel of the server that tells who is on it."""

    def join(self, params: Any) -> Any:
        """Take everybody."""
        return {}

    def handle_in(self, event: str, payload: Any) -> Any:
        """Send the list, or a diff."""
        if event == "list":
            self.push(STATE, payload)
        else:
            self.broadcast(DIFF, payload)
        return ok()


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_late(self) -> None:
        """As in the guide: a Presence after the join, and after what it missed."""
        server = await PhoenixServer({"rooms:*": Tracking}).start()
        self.addCleanup(server.stop)
        client = self.client(server.url)
        _, channel = await client.join(TOPIC)
        await channel.push("list", {"ann": entry("1")})
        await channel.push("diff", diff({"bob": entry("2")}))
        record = Record(Presence(channel))
        self.assertEqual(
            [call[:2] for call in record.calls],
            [("join", "ann"), ("join", "bob"), ("sync",)],
        )
