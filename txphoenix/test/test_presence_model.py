"""Tests of ``presence.py`` against a model of the server, and against recordings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.presence import Presence
from txphoenix.test.presence_kit import (
    DIFF,
    STATE,
    FakeChannel,
    diff,
)
from txphoenix.test.properties import checked

from .properties import given, settings, st


class Ledger:
    """Every meta that the hooks have told as come and not as gone.

    It holds the presence to its promise: no meta comes twice, none goes that is not
    there, and those that came less those that went are those in the state.
    """

    def __init__(self, presence: Presence) -> None:
        self.presence = presence
        self.metas: set[tuple[str, str]] = set()
        self.faults: list[tuple[Any, ...]] = []
        presence.on_join(self.on_join)
        presence.on_leave(self.on_leave)
        presence.on_sync(self.on_sync)

    def on_join(self, key: str, current: Any, new: Any) -> None:
        """Enter the metas that came."""
        came = refs_of({key: new})
        if not came or came & (self.metas | refs_of({key: current})):
            self.faults.append(("join", key, current, new))
        self.metas |= came

    def on_leave(self, key: str, current: Any, left: Any) -> None:
        """Take out the metas that went."""
        gone = refs_of({key: left})
        if not gone or gone - self.metas or gone & refs_of({key: current}):
            self.faults.append(("leave", key, current, left))
        self.metas -= gone

    def on_sync(self) -> None:
        """Compare with the state."""
        if self.metas != refs_of(self.presence.state):
            self.faults.append(("sync", self.metas, self.presence.state))


def refs_of(state: Any) -> set[tuple[str, str]]:
    """All metas of a state, each as its key and its ref."""
    return {
        (key, meta["phx_ref"])
        for key, presence in state.items()
        if presence is not None
        for meta in presence["metas"]
    }


def by_ref(state: Any) -> dict[str, dict[str, Any]]:
    """A state without the order of its keys and metas."""
    return {
        key: {meta["phx_ref"]: meta for meta in presence["metas"]}
        for key, presence in state.items()
    }


class ModelServer:
    """A server that tracks presences, and one client's way to it.

    State and diffs come by two ways: each keeps its order, and either may be late.
    What is on the way when the connection is lost is lost with it, and so is what
    happens until the next join.
    """

    def __init__(self, channel: FakeChannel) -> None:
        self.channel = channel
        self.tracked: list[tuple[str, dict[str, str]]] = []
        self.hidden: list[tuple[str, dict[str, str]]] = []
        self.batch = diff()
        self.ref = count(1)
        self.join_ref = count(1)
        self.diffs: deque[Any] = deque()
        self.states: deque[Any] = deque()
        self.is_joined = False
        self.is_listed = False
        self.delivered: list[tuple[Any, Any]] = []

    def track(self, number: int) -> None:
        """Somebody comes, perhaps once more."""
        present = (f"u{number % 3}", {"phx_ref": f"F{next(self.ref)}"})
        self.tracked.append(present)
        self._note("joins", present)

    def untrack(self, number: int) -> None:
        """Somebody goes."""
        if self.tracked:
            present = self.tracked.pop(number % len(self.tracked))
            self._note("leaves", present)

    def update(self, number: int) -> None:
        """Somebody's meta is updated."""
        if self.tracked:
            place = number % len(self.tracked)
            key, meta = self.tracked[place]
            new = {"phx_ref": f"F{next(self.ref)}", "phx_ref_prev": meta["phx_ref"]}
            self.tracked[place] = (key, new)
            self._note("joins", (key, new))
            self._note("leaves", (key, meta))

    def split(self, _number: int) -> None:
        """A part of the cluster is lost from sight, with who is tracked there."""
        self.broadcast(0)
        lost = self.tracked[::2]
        del self.tracked[::2]
        self.hidden += lost
        for present in lost:
            self._note("leaves", present)
        self.broadcast(0)

    def heal(self, _number: int) -> None:
        """That part is seen again, with the same metas."""
        for present in self.hidden:
            self._note("joins", present)
        self.tracked += self.hidden
        self.hidden = []
        self.broadcast(0)

    def broadcast(self, _number: int) -> None:
        """Send what has changed since the last time, in one diff."""
        if self.is_joined and self.batch != diff():
            self.diffs.append(self.batch)
        self.batch = diff()

    def join(self, _number: int) -> None:
        """Join, as the first time or after a loss of the connection."""
        self.lose(0)
        self.channel.join_ref = str(next(self.join_ref))
        self.is_joined = True
        self.track(0)

    def lose(self, _number: int) -> None:
        """Lose the connection, and all that is on the way."""
        self.diffs.clear()
        self.states.clear()
        self.is_joined = self.is_listed = False

    def list(self, _number: int) -> None:
        """Read the list for the state that a join brings.

        What was not broadcast yet is in it: it will be told once more.
        """
        if self.is_joined and not self.is_listed:
            self.is_listed = True
            self.states.append(self.state())

    def deliver_diff(self, _number: int) -> None:
        """A diff reaches the client."""
        self._deliver(DIFF, self.diffs)

    def deliver_state(self, _number: int) -> None:
        """The state reaches the client."""
        self._deliver(STATE, self.states)

    def state(self) -> dict[str, Any]:
        """Everybody who is there."""
        state: dict[str, Any] = {}
        for key, meta in self.tracked:
            state.setdefault(key, {"metas": []})["metas"].append(meta)
        return state

    def _note(self, side: str, present: tuple[str, dict[str, str]]) -> None:
        key, meta = present
        self.batch[side].setdefault(key, {"metas": []})["metas"].append(meta)

    def _deliver(self, event: str, payloads: deque[Any]) -> None:
        if payloads:
            payload = payloads.popleft()
            self.delivered.append((payload, deepcopy(payload)))
            self.channel.deliver(event, payload)


STEPS = (
    ModelServer.track,
    ModelServer.untrack,
    ModelServer.update,
    ModelServer.split,
    ModelServer.heal,
    ModelServer.broadcast,
    ModelServer.join,
    ModelServer.lose,
    ModelServer.list,
    ModelServer.deliver_diff,
    ModelServer.deliver_state,
)


class PropertyTests(SynchronousTestCase):
    """Whatever the server sends, in whatever order it may."""

    @settings(checked, max_examples=300)
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(STEPS), st.integers(0, 5)),
            min_size=12,
            max_size=60,
        ),
        is_state_first=st.booleans(),
    )
    def test_ends_in_the_servers_list(
        self,
        steps: list[tuple[Callable[[ModelServer, int], None], int]],
        is_state_first: bool,
    ) -> None:
        """The client ends with the server's list, and each meta was told exactly once.

        At each sync the metas that came, less those that went, are those in the state.
        No payload is changed.
        """
        channel = FakeChannel(join_ref=None)
        presence = Presence(channel)
        ledger = Ledger(presence)
        server = ModelServer(channel)
        for step, number in steps:
            step(server, number)

        if not server.is_joined:
            server.join(0)
        server.list(0)
        server.broadcast(0)
        if is_state_first:
            server.deliver_state(0)
        while server.diffs:
            server.deliver_diff(0)
        server.deliver_state(0)

        self.assertTrue(presence.synced)
        self.assertEqual(by_ref(presence.state), by_ref(server.state()))
        self.assertEqual(ledger.faults, [])
        self.assertEqual(ledger.metas, refs_of(server.state()))
        self.assertEqual(presence.dropped, 0)
        for payload, copy in server.delivered:
            self.assertEqual(payload, copy)


def conversation(
    ann: tuple[str, int], bob: tuple[str, str, int], again: tuple[str, int]
) -> list[tuple[str, str, Any]]:
    """Make the payloads of a recorded conversation, each with the clients it went to.

    Ann comes on client a, bob on client b, and updates his meta; ann comes on client c
    as well, and leaves it; bob's transport is killed.
    Only the order in which one client receives its own is that of the recording.
    """
    ann_meta = {"phx_ref": ann[0], "online_at": ann[1]}
    again_meta = {"phx_ref": again[0], "online_at": again[1]}
    phone_ref, laptop_ref, bob_at = bob
    phone = {"phx_ref": phone_ref, "dev": "phone", "online_at": bob_at}
    laptop = {
        "phx_ref": laptop_ref,
        "phx_ref_prev": phone_ref,
        "dev": "laptop",
        "online_at": bob_at,
    }

    def state(**metas: list[dict[str, Any]]) -> dict[str, Any]:
        return {key: {"metas": each} for key, each in metas.items()}

    return [
        ("a", DIFF, diff(state(ann=[ann_meta]))),
        ("a", STATE, state(ann=[ann_meta])),
        ("ab", DIFF, diff(state(bob=[phone]))),
        ("b", STATE, state(ann=[ann_meta], bob=[phone])),
        ("ab", DIFF, diff(state(bob=[laptop]), state(bob=[phone]))),
        ("abc", DIFF, diff(state(ann=[again_meta]))),
        ("c", STATE, state(ann=[ann_meta, again_meta], bob=[laptop])),
        ("ab", DIFF, diff(leaves=state(ann=[again_meta]))),
        ("a", DIFF, diff(leaves=state(bob=[laptop]))),
    ]


RECORDINGS = {
    "Phoenix 1.7, Bandit": conversation(
        ("GOqqu45jXZDWjgZB", 1795435123984),
        ("GOqqu5WwnwHWjgZh", "GOqqu5zaiHHWjgZx", 1795435124107),
        ("GOqqu6Q8DYbWjgax", 1795435124351),
    ),
    "Phoenix 1.8, Bandit": conversation(
        ("GOqqyB9SCAzWjgaR", 1795435177956),
        ("GOqqyCaVvdLWjgax", "GOqqyC3EsxHWjgbB", 1795435178077),
        ("GOqqyDUQrPbWjgcB", 1795435178320),
    ),
    "Phoenix 1.8, Cowboy": conversation(
        ("GOqq6JD9uPJBGAcC", 1795435317302),
        ("GOqq6Jg7oN5BGAci", "GOqq6J9rY3pBGAcy", 1795435317423),
        ("GOqq6KbIQZdBGAdy", 1795435317667),
    ),
}


class RecordingTests(SynchronousTestCase):
    """What real servers sent is followed."""

    def replay(self, client: str, expected: list[Any]) -> None:
        """Follow what one client received, in each of the recordings.

        ``expected`` are the calls of the hooks, a meta shown as what it is of, and the
        keys that are present at each sync.
        """
        for recording in RECORDINGS.values():
            channel = FakeChannel()
            presence = Presence(channel)
            told: list[Any] = []

            def join(key: str, _: Any, new: Any, told: list[Any] = told) -> None:
                told.extend(f"+{key} {meta.get('dev', '')}" for meta in new["metas"])

            def leave(key: str, _: Any, left: Any, told: list[Any] = told) -> None:
                told.extend(f"-{key} {meta.get('dev', '')}" for meta in left["metas"])

            presence.on_join(join)
            presence.on_leave(leave)
            for clients, event, payload in recording:
                if client in clients:
                    channel.deliver(event, payload)
                    told.append(presence.list(lambda key, _: key))
            self.assertEqual(told, expected)
            self.assertEqual(presence.dropped, 0)

    def test_who_is_there_all_the_time(self) -> None:
        """Ann sees herself, bob, his update, her second socket, and both of them go."""
        self.replay(
            "a",
            [
                # The diff of her own joining comes first and is held.
                [],
                "+ann ",
                ["ann"],
                "+bob phone",
                ["ann", "bob"],
                "+bob laptop",
                "-bob phone",
                ["ann", "bob"],
                "+ann ",
                ["ann", "bob"],
                "-ann ",
                ["ann", "bob"],
                "-bob laptop",
                ["ann"],
            ],
        )

    def test_who_comes_second(self) -> None:
        """Bob finds ann in his state, then sees his update and her second socket."""
        self.replay(
            "b",
            [
                [],
                "+ann ",
                "+bob phone",
                ["ann", "bob"],
                "+bob laptop",
                "-bob phone",
                ["ann", "bob"],
                "+ann ",
                ["ann", "bob"],
                "-ann ",
                ["ann", "bob"],
            ],
        )

    def test_second_socket(self) -> None:
        """Ann's second socket finds both of hers in its state."""
        self.replay("c", [[], "+ann ", "+ann ", "+bob laptop", ["ann", "bob"]])
