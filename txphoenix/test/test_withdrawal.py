"""Tests of :mod:`txphoenix.withdrawal`."""

from __future__ import annotations

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.withdrawal import Withdrawal


class Bounded:
    """A transport that has sent the first message, and holds the second."""

    def has_left(self, mark: int) -> bool:
        """Whether it is the first."""
        return mark == 1

    def withdraw(self, mark: int) -> bool:
        """Take the second back."""
        return mark == 2


class WithdrawalTests(SynchronousTestCase):
    """What is taken back, and what is held to be sent."""

    def both(self, withdrawal: Withdrawal) -> list[bool]:
        """What becomes of both messages, and of one without a mark."""
        return [withdrawal.withdraw(mark) for mark in (1, 2, None)]

    def test_open(self) -> None:
        """A transport that is there takes back what it holds."""
        withdrawal = Withdrawal()
        self.assertEqual(self.both(withdrawal), [False] * 3)
        withdrawal.opened(cast(Any, Bounded()))
        self.assertEqual(self.both(withdrawal), [False, True, False])

    def test_lost(self) -> None:
        """One that is lost knows what it has sent, until all have been told."""
        withdrawal = Withdrawal()
        withdrawal.opened(cast(Any, Bounded()))
        withdrawal.told()
        self.assertEqual(self.both(withdrawal), [False, True, False])
        withdrawal.lost()
        self.assertEqual(self.both(withdrawal), [False, True, False])
        withdrawal.told()
        self.assertEqual(self.both(withdrawal), [False] * 3)

    def test_others(self) -> None:
        """A transport that cannot tell has sent everything."""
        withdrawal = Withdrawal()
        withdrawal.opened(cast(Any, object()))
        self.assertEqual(self.both(withdrawal), [False] * 3)
        withdrawal.lost()
        self.assertEqual(self.both(withdrawal), [False] * 3)
