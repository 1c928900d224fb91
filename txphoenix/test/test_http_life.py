"""Tests of :mod:`txphoenix.transports.http_life`."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import http_life
from txphoenix.transports.http_life import LifeSigns


class LifeSignsTests(SynchronousTestCase):
    """What tells that a request is alive."""

    def setUp(self) -> None:
        """Have a connection of which the test says what the system tells."""
        self.came = self.not_taken = 0
        self.patch(http_life, "bytes_received", lambda _: self.came)
        self.patch(http_life, "in_kernel", lambda _: self.not_taken)
        self.line = FileDescriptor(Clock())  # type: ignore[arg-type]
        self.life = LifeSigns()

    def moved(self, **changes: Any) -> bool:
        """Whether it has moved once things have changed."""
        vars(self).update(changes)
        return self.life.has_moved(self.line)

    def test_moves(self) -> None:
        """Bytes that come and bytes that are taken are signs, each once."""
        self.life.begin(self.line)
        self.assertFalse(self.moved(not_taken=500))
        self.assertTrue(self.moved(not_taken=400))
        self.assertFalse(self.moved())
        self.assertTrue(self.moved(came=1))
        self.assertFalse(self.moved())

    def test_earlier_request(self) -> None:
        """What the peer has taken of an earlier request says nothing of the next."""
        self.life.begin(self.line)
        self.assertFalse(self.moved(not_taken=500))
        self.came = 70
        self.life.seen(self.line)
        self.not_taken = 0
        self.life.begin(self.line)
        self.assertFalse(self.moved())
