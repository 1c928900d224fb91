"""Tests of :mod:`txphoenix.client.waiting`."""

from __future__ import annotations

import sys
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.waiting import ConnectionWaiters, check_failures
from txphoenix.errors import ConfigurationError, ConnectionFailed, NotConnected

CLIENT = object()


class ConnectionWaitersTests(SynchronousTestCase):
    """Everybody who waits has a Deferred of their own, and it fires once."""

    def setUp(self) -> None:
        """Nobody waits yet."""
        self.waiters: ConnectionWaiters[object] = ConnectionWaiters()

    def test_connected(self) -> None:
        """A connection fires all who wait with the client, each only once."""
        first, second = self.waiters.wait(None), self.waiters.wait(1)
        self.assertIsNot(first, second)
        self.assertNoResult(first)
        self.waiters.connected(CLIENT)
        self.assertIs(self.successResultOf(first), CLIENT)
        self.assertIs(self.successResultOf(second), CLIENT)
        self.waiters.connected(CLIENT)

    def test_nothing_is_left(self) -> None:
        """A table that was filled once keeps its size; who waits for none has none."""
        empty = sys.getsizeof({})
        for end in (
            lambda: self.waiters.connected(CLIENT),
            lambda: self.waiters.abandon(NotConnected()),
        ):
            outcomes = [self.waiters.wait(None).addErrback(str) for _ in range(100)]
            end()
            self.assertTrue(all(outcome.called for outcome in outcomes))
            self.assertEqual(sys.getsizeof(self.waiters._waiting), empty)

    def test_any_number_of_failures(self) -> None:
        """Without a limit, failed attempts are waited out."""
        waiting = self.waiters.wait(None)
        for _ in range(100):
            self.waiters.attempt_failed(ConnectionFailed("no"))
        self.assertNoResult(waiting)
        self.waiters.connected(CLIENT)
        self.successResultOf(waiting)

    def test_too_many_failures(self) -> None:
        """The attempt that is one too many fails who waits, with its own error."""
        once, twice = self.waiters.wait(1), self.waiters.wait(2)
        first, second = ConnectionFailed("first"), ConnectionFailed("second")
        self.waiters.attempt_failed(first)
        self.assertIs(self.failureResultOf(once).value, first)
        self.assertNoResult(twice)
        self.waiters.attempt_failed(second)
        self.assertIs(self.failureResultOf(twice).value, second)
        # Both are forgotten.
        self.waiters.attempt_failed(second)
        self.waiters.connected(CLIENT)

    def test_failures_are_counted_from_the_call(self) -> None:
        """Attempts that had failed before somebody came do not count for them."""
        self.waiters.attempt_failed(ConnectionFailed("before"))
        waiting = self.waiters.wait(2)
        self.waiters.attempt_failed(ConnectionFailed("first"))
        self.assertNoResult(waiting)
        self.waiters.connected(CLIENT)
        self.successResultOf(waiting)

    def test_abandon(self) -> None:
        """Without hope of a connection all fail, whatever number they would bear."""
        reason = NotConnected("never")
        waiting = [self.waiters.wait(None), self.waiters.wait(5)]
        self.waiters.abandon(reason)
        for deferred in waiting:
            self.assertIs(self.failureResultOf(deferred).value, reason)
        self.waiters.connected(CLIENT)

    def test_cancel(self) -> None:
        """One who waits no more does not count, and disturbs nobody."""
        one, other = self.waiters.wait(None), self.waiters.wait(None)
        one.cancel()
        self.failureResultOf(one, CancelledError)
        self.assertEqual(list(self.waiters._waiting), [other])
        self.waiters.connected(CLIENT)
        self.successResultOf(other)

    def test_cancel_while_firing(self) -> None:
        """Who is told may cancel another, who then fails with that and nothing else."""
        for tell in (
            lambda: self.waiters.connected(CLIENT),
            lambda: self.waiters.attempt_failed(ConnectionFailed("no")),
            lambda: self.waiters.abandon(NotConnected()),
        ):
            with self.subTest(tell=tell):
                first = self.waiters.wait(1)
                other = self.waiters.wait(1)
                first.addBoth(self.cancel, other)
                tell()
                self.failureResultOf(other, CancelledError)

    def cancel(self, _result: Any, other: Deferred[Any]) -> None:
        """Cancel another Deferred."""
        other.cancel()

    def test_wait_again_when_told(self) -> None:
        """Who is told may wait again: that is for the next connection."""
        again: list[Deferred[object]] = []
        first = self.waiters.wait(1)
        first.addErrback(lambda _: again.append(self.waiters.wait(1)))
        self.waiters.attempt_failed(ConnectionFailed("no"))
        self.assertNoResult(again[0])
        self.waiters.connected(CLIENT)
        self.successResultOf(again[0])

    def test_wrong_limit(self) -> None:
        """A limit that is no number of attempts is refused, and says so."""
        for wrong in (0, -1, 1.5, True, "1"):
            with self.subTest(wrong=wrong):
                error = self.assertRaises(
                    ConfigurationError, check_failures, cast(Any, wrong)
                )
                self.assertEqual(
                    str(error),
                    "fail_after_failures must be a whole number of at least 1 or"
                    f" None, not {wrong!r}",
                )
