"""Tests of the table in :mod:`txphoenix.protocol.channel_states`, as it stands.

What a channel does by each of its cells is in
:mod:`txphoenix.test.test_channel_states`.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.membership import _ACTIONS
from txphoenix.protocol.channel_states import LIFE, Action, Input, State


class TableTests(SynchronousTestCase):
    """The table itself."""

    def test_complete(self) -> None:
        """Decision 5: five states, ten inputs, and not one cell is missing."""
        self.assertEqual(len(State), 5)
        self.assertEqual(len(Input), 10)
        self.assertEqual(set(LIFE.table), set(product(State, Input)))

    def test_actions(self) -> None:
        """Each cell names a state, and an action that a channel has."""
        for new, action in LIFE.table.values():
            self.assertIsInstance(new, State)
            if action is not Action.IGNORE:
                self.assertTrue(callable(_ACTIONS[action]), action)
        self.assertEqual({*_ACTIONS, Action.IGNORE}, set(Action))
        self.assertEqual({action for _, action in LIFE.table.values()}, set(Action))

    def test_life(self) -> None:
        """The life says the next state and what follows of each cell, by itself."""
        for (state, given), (new, action) in LIFE.table.items():
            after = LIFE.after(state, given)
            self.assertIs(after[0], new)
            self.assertIs(after[1], action)

    def test_life_is_shared(self) -> None:
        """The life is that of all channels, so nobody can change it or its table."""
        life: Any = LIFE
        with self.assertRaises(FrozenInstanceError):
            life.table = {}
        with self.assertRaises(TypeError):
            life.table[State.CLOSED, Input.JOIN] = (State.CLOSED, Action.IGNORE)
        self.assertEqual(
            LIFE.after(State.CLOSED, Input.JOIN), (State.JOINING, Action.BEGIN_JOIN)
        )
