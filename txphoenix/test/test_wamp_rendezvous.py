"""Rendezvous hashing: who owns a topic."""

from __future__ import annotations

import random
from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.properties import checked
from txphoenix.wamp.rendezvous import owner_of, weight

from .properties import given, st

# What WAMP's IDs of sessions are.
members = st.sets(st.integers(1, 2**53), min_size=1, max_size=6)
topics = st.lists(st.text(max_size=20), max_size=30)


class OwnerTests(SynchronousTestCase):
    """The owner of a topic."""

    def test_known(self) -> None:
        """Weights are the same on every machine and in every release.

        A fleet of two releases would else hold its topics by turns.
        """
        self.assertEqual(weight("rooms:lobby", 1), 0x8D7305A564765F82)
        self.assertEqual(owner_of("rooms:lobby", [3, 1, 2]), 1)

    def test_nobody(self) -> None:
        """Nobody owns a topic where nobody is."""
        self.assertIsNone(owner_of("rooms:lobby", []))

    def test_surrogates(self) -> None:
        """Any str is a topic, even one that UTF-8 has no bytes for."""
        self.assertEqual(owner_of("\ud800", [7]), 7)

    @checked
    @given(members, topics, st.randoms(use_true_random=False))
    def test_order(
        self, fleet: set[int], names: list[str], shuffler: random.Random
    ) -> None:
        """All who see the same members agree, in whatever order they see them."""
        shuffled = sorted(fleet)
        shuffler.shuffle(shuffled)
        for topic in names:
            owner = owner_of(topic, sorted(fleet))
            self.assertIn(owner, fleet)
            self.assertEqual(owner_of(topic, shuffled), owner)

    @checked
    @given(members, st.integers(1, 2**53), topics)
    def test_least_moves(self, fleet: set[int], new: int, names: list[str]) -> None:
        """A topic moves only to a member that comes, or from one that goes."""
        for topic in names:
            before, after = owner_of(topic, fleet), owner_of(topic, fleet | {new})
            self.assertIn(after, {before, new})

    def test_balance(self) -> None:
        """Ten thousand topics are divided evenly, and a new member takes its part."""
        source = random.Random(0)
        names = [f"rooms:{number}" for number in range(10_000)]
        for size in (2, 3, 5, 8):
            fleet = [source.randrange(1, 2**53) for _ in range(size)]
            before = {topic: owner_of(topic, fleet) for topic in names}
            part = len(names) / size
            for count in Counter(before.values()).values():
                self.assertLess(abs(count - part), part * 0.1)
            new = source.randrange(1, 2**53)
            moved = sum(owner_of(topic, [*fleet, new]) == new for topic in names)
            part = len(names) / (size + 1)
            self.assertLess(abs(moved - part), part * 0.1)
