"""Tests of :mod:`txphoenix.client.withdrawal`."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.link import Link
from txphoenix.client.withdrawal import Withdrawal
from txphoenix.options import Options


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

    def test_raising(self) -> None:
        """One that raises where it is asked what it can has sent everything."""

        class Broken(Bounded):
            """A transport whose attribute cannot be had."""

            @property
            def withdraw(self) -> Any:
                """It raises."""
                raise RuntimeError("broken")

        withdrawal = Withdrawal()
        withdrawal.opened(cast(Any, Broken()))
        self.assertEqual(self.each(withdrawal), [False] * 4)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class LinkTests(SynchronousTestCase):
    """A link, which has one once that is needed."""

    def test_first_use(self) -> None:
        """It knows the transport that was open before, and one that is lost."""
        options = Options(url="ws://example.org/socket")
        link = Link(Clock(), options, cast(Any, object()), object())
        link.transport = cast(Any, Bounded())
        self.assertIsNone(link._withdrawal)
        self.assertEqual([link.withdraw(mark) for mark in (1, 2)], [False, True])
        link._withdrawal = None
        link.lost()
        self.assertEqual([link.withdraw(mark) for mark in (1, 2)], [False, True])
        self.assertTrue(link.withdraw(3))
        link.told_of_loss()
        self.assertFalse(link.withdraw(3))
