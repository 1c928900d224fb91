"""Tests of :mod:`txphoenix.client.withdrawal`."""

from __future__ import annotations

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.withdrawal import Withdrawal


class Bounded:
    """A transport that has sent the first message, and holds the second.

    The third is on its way: it cannot be taken back, and has not left yet.
    """

    def has_left(self, mark: int) -> bool:
        """Whether it is the first."""
        return mark == 1

    def withdraw(self, mark: int) -> bool:
        """Take the second back."""
        return mark == 2


class WithdrawalTests(SynchronousTestCase):
    """What is taken back, and what is held to be sent."""

    def each(self, withdrawal: Withdrawal) -> list[bool]:
        """What becomes of each message, and of one without a mark."""
        return [withdrawal.withdraw(mark) for mark in (1, 2, 3, None)]

    def test_open(self) -> None:
        """A transport that is there takes back what it holds."""
        withdrawal = Withdrawal()
        self.assertEqual(self.each(withdrawal), [False] * 4)
        withdrawal.opened(cast(Any, Bounded()))
        self.assertEqual(self.each(withdrawal), [False, True, False, False])

    def test_lost(self) -> None:
        """One that is lost knows what it has sent, until all have been told."""
        withdrawal = Withdrawal()
        withdrawal.opened(cast(Any, Bounded()))
        withdrawal.told()
        self.assertEqual(self.each(withdrawal), [False, True, False, False])
        withdrawal.lost()
        self.assertEqual(self.each(withdrawal), [False, True, True, False])
        withdrawal.told()
        self.assertEqual(self.each(withdrawal), [False] * 4)

    def test_others(self) -> None:
        """A transport that cannot tell has sent everything."""
        withdrawal = Withdrawal()
        withdrawal.opened(cast(Any, object()))
        self.assertEqual(self.each(withdrawal), [False] * 4)
        withdrawal.lost()
        self.assertEqual(self.each(withdrawal), [False] * 4)
