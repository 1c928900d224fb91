"""Our client in the recorded situations: three clients and their presences."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Presence

from .recorded_frames import read_frame
from .recordings import Happening, Remark, WireFrame
from .replay import Replay, ReplayTestCase, replays

TOPIC = "room:lobby"


class Watched:
    """The presence of a replayed client, and what its hooks were told.

    :ivar joined: key and phx_ref of each meta that came.
    :ivar left: of each that went.
    """

    def __init__(self, replay: Replay, name: str) -> None:
        self.presence = Presence(replay.client(name).channel(TOPIC))
        self.joined: list[tuple[str, str]] = []
        self.left: list[tuple[str, str]] = []
        self.presence.on_join(lambda key, _, new: self.joined.extend(_refs(key, new)))
        self.presence.on_leave(lambda key, _, left: self.left.extend(_refs(key, left)))


def _refs(key: str, entry: Any) -> list[tuple[str, str]]:
    return [(key, meta["phx_ref"]) for meta in entry["metas"]]


def _all_refs(state: Any) -> list[tuple[str, str]]:
    return [ref for key, entry in state.items() for ref in _refs(key, entry)]


class PresenceTests(ReplayTestCase):
    """States and diffs, in the order in which they came."""

    def recorded_state(self, replay: Replay, name: str) -> Any:
        """The payload of the ``presence_state`` that a client was sent."""
        frames = replay.section.frames(name)
        [state] = [
            message.payload
            for message in map(read_frame, frames)
            if message.event == "presence_state"
        ]
        return state

    def play_until(self, replay: Replay, *ends: Happening) -> None:
        """Play what comes before the first of these."""
        while replay.rest and replay.rest[0] not in ends:
            replay.step()

    @replays("presence")
    def test_presence(self, replay: Replay) -> None:
        """Each client's list is at each point the one that the server had.

        The later clients' states show it; where there is none, it is the last one with
        the recorded change.
        """
        joins = {
            frame.client: frame
            for frame in replay.section.frames()
            if read_frame(frame).event == "phx_join"
        }
        update, leave = [
            frame
            for frame in replay.section.frames()
            if read_frame(frame).event in ("update_meta", "phx_leave")
        ]
        [_, killed] = [it for it in replay.rest if isinstance(it, Remark)]
        ann = Watched(replay, "a")
        state_of_a = self.recorded_state(replay, "a")
        self.play_until(replay, joins["b"])
        self.assertEqual(ann.presence.state, state_of_a)

        bob = Watched(replay, "b")
        state_of_b = self.recorded_state(replay, "b")
        self.play_until(replay, update)
        self.assertEqual(bob.presence.state, state_of_b)
        self.assertEqual(ann.presence.state, state_of_b)

        self.play_until(replay, joins["c"])
        state_of_c = self.recorded_state(replay, "c")
        second = state_of_c["ann"]["metas"][1]
        without_c = {**state_of_c, "ann": {"metas": state_of_c["ann"]["metas"][:1]}}
        self.assertEqual(ann.presence.state, without_c)
        self.assertEqual(bob.presence.state, without_c)

        other = Watched(replay, "c")
        self.play_until(replay, leave)
        for watched in (ann, bob, other):
            self.assertEqual(watched.presence.state, state_of_c)

        self.play_until(replay, killed)
        for watched in (ann, bob):
            self.assertEqual(watched.presence.state, without_c)
        # Who has left is told nothing more.
        self.assertEqual(other.presence.state, state_of_c)

        replay.play_rest()
        self.assertEqual(ann.presence.state, state_of_a)
        self.assertEqual([each.code for each in replay.client("b").reasons], [1006])

        first = state_of_b["bob"]["metas"][0]
        latest = state_of_c["bob"]["metas"][0]
        self.assertEqual(
            ann.joined,
            [
                *_all_refs(state_of_a),
                ("bob", first["phx_ref"]),
                ("bob", latest["phx_ref"]),
                ("ann", second["phx_ref"]),
            ],
        )
        self.assertEqual(
            ann.left,
            [
                ("bob", first["phx_ref"]),
                ("ann", second["phx_ref"]),
                ("bob", latest["phx_ref"]),
            ],
        )
        # The diffs of their own joining told nobody anything that the state had not.
        self.assertEqual(bob.joined[:2], _all_refs(state_of_b))
        self.assertEqual(other.joined, _all_refs(state_of_c))
        for watched in (ann, bob, other):
            self.assertEqual(watched.presence.dropped, 0)

    @replays("presence")
    def test_rejoin(self, replay: Replay) -> None:
        """After a reconnect, the hooks tell what has changed since, and only that.

        Here bob comes back to a room that has nobody but ann, and no second ann.
        """
        bob = Watched(replay, "b")
        client = replay.client("b")
        replay.play_rest()
        joined, left = len(bob.joined), len(bob.left)
        before = _all_refs(bob.presence.state)
        client.come_back()
        [join, reply] = replay.section.frames("b")[:2]
        replay.play([join, reply])
        self.assertEqual(_all_refs(bob.presence.state), before)
        self.assertFalse(bob.presence.synced)
        [state] = [
            frame
            for frame in replay.section.frames("a")
            if read_frame(frame).event == "presence_state"
        ]
        client.receive(WireFrame(True, "b", state.data))
        self.assertTrue(bob.presence.synced)
        self.assertEqual(bob.presence.state, self.recorded_state(replay, "a"))
        self.assertEqual(bob.joined[joined:], [])
        self.assertEqual([key for key, _ in bob.left[left:]], ["bob"])


class Bandit18Tests(PresenceTests, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(PresenceTests, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(PresenceTests, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"
