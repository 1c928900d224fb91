"""``examples/outbox.py`` with a slow server, a database that fails, and at a stop.

The channel is none, so that it is known what it answers, and when.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail, succeed
from twisted.internet.task import deferLater

from txphoenix.errors import PushInterrupted, PushTimeout
from txphoenix.test.network import reactor
from txphoenix.test.outbox_case import OutboxCase


class ScriptedChannel:
    """Answers as a function says.

    :param answer: is given the number of each push, counted from 0.
    :ivar pushed: the payload's number, and the timeout, of each.
    """

    def __init__(self, answer: Callable[[int], Deferred[Any]]) -> None:
        self.answer = answer
        self.pushed: list[tuple[int, float]] = []

    def when_writable(self) -> Deferred[Any]:
        """It always is."""
        return succeed(self)

    def push(self, event: str, payload: Any, timeout: float) -> Deferred[Any]:
        """Take a push."""
        self.pushed.append((payload["number"], timeout))
        return self.answer(len(self.pushed) - 1)

    @property
    def numbers(self) -> list[int]:
        """The payloads' numbers."""
        return [number for number, _ in self.pushed]


def timed_out(obstacle: str | None = None) -> PushTimeout:
    """The error of a push that was not answered, or for an obstacle not even sent."""
    return PushTimeout(5.0, "orders", "order", obstacle)


class FaultTests(OutboxCase):
    """An outbox by itself."""

    def outbox(self, answer: Callable[[int], Deferred[Any]], **options: Any) -> Any:
        """An outbox that runs, and its channel."""
        outbox = self.example.Outbox(self.path, "orders", **options)
        outbox._channel = ScriptedChannel(answer)
        outbox.startService()
        self.addCleanup(lambda: outbox.stopService() if outbox.running else None)
        return outbox

    async def put(self, outbox: Any, count: int) -> None:
        """Put so many orders in one transaction."""

        def put(transaction: Any) -> None:
            for number in range(count):
                outbox.add(transaction, "order", {"number": number})

        await outbox.pool.runInteraction(put)
        outbox.wake()

    async def test_slow_server(self) -> None:
        """A server that is too slow gets more time, and not just more to do."""
        outbox = self.outbox(
            lambda count: fail(timed_out()) if count < 8 else succeed({}), batch=1
        )
        await self.put(outbox, 3)
        await outbox.when_empty()
        times = [5.0 * 2**n for n in range(6)] + [300.0] * 5
        numbers = [0] * 9 + [1, 2]
        pushed = list(zip(numbers, times, strict=True))
        self.assertEqual(outbox._channel.pushed, pushed)

    async def test_no_overtaking(self) -> None:
        """Where one could not be sent in time, none of those behind it is sent."""
        answers: list[Deferred[Any]] = []
        all_pushed: Deferred[None] = Deferred()

        def hang(count: int) -> Deferred[Any]:
            if count > 3:
                return succeed({})
            answers.append(Deferred())
            if count == 3:
                reactor.callLater(0, all_pushed.callback, None)
            return answers[-1]

        outbox = self.outbox(hang)
        await self.put(outbox, 4)
        await all_pushed
        # This one was sent, and what is behind it may have been sent as well.
        answers[0].errback(timed_out())
        self.assertEqual([it.called for it in answers], [True, False, False, False])
        answers[1].errback(timed_out("the server does not read"))
        self.assertEqual([it.called for it in answers], [True] * 4)
        await outbox.when_empty()
        self.assertEqual(outbox._channel.numbers, [0, 1, 2, 3] * 2)
        self.assertEqual(self.rows("*"), [])

    async def test_database_error(self) -> None:
        """After an error of the database, such as a lock, it goes on by itself."""
        self.patch(self.example, "PAUSE", 0.01)
        outbox = self.outbox(lambda count: succeed({}))
        settle, errors = outbox.settle, [sqlite3.OperationalError("locked")] * 2

        def fail_first(*args: Any) -> None:
            if errors:
                raise errors.pop()
            settle(*args)

        outbox.settle = fail_first
        await self.put(outbox, 2)
        await outbox.when_empty()
        self.assertEqual(outbox._channel.numbers, [0, 1] * 3)
        self.assertEqual(self.rows("*"), [])
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.OperationalError)), 2)

    async def test_stop_after_error(self) -> None:
        """A stop does not wait until then."""
        failed: Deferred[None] = Deferred()
        outbox = self.outbox(lambda count: succeed({}))

        def fail_each(*args: Any) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        def pause(clock: Any, seconds: float) -> Deferred[None]:
            clock.callLater(0, failed.callback, None)
            return deferLater(clock, seconds)

        self.patch(self.example, "deferLater", pause)
        outbox.settle = fail_each
        await self.put(outbox, 1)
        await failed
        await outbox.stopService()
        self.assertEqual(len(self.rows("*")), 1)
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.OperationalError)), 1)

    async def test_stop_with_puts(self) -> None:
        """A stop waits for the puts under way, each of which is told of its end."""
        outbox = self.outbox(lambda count: Deferred())
        puts = DeferredList(
            [
                Deferred.fromCoroutine(outbox.put("order", {"number": number}))
                for number in range(20)
            ]
        )
        await outbox.stopService()
        ids = [push_id for told, push_id in self.successResultOf(puts) if told]
        self.assertEqual({push_id for (push_id,) in self.rows("id")}, set(ids))
        self.assertEqual(len(ids), 20)

    async def test_start_again(self) -> None:
        """A service that has been stopped can be started again, and goes on."""
        first = [1]
        outbox = self.outbox(lambda count: Deferred() if first else succeed({}))
        await self.put(outbox, 2)
        empty = outbox.when_empty()
        await outbox.stopService()
        first.pop()
        await self.assertFailure(empty, CancelledError)
        with self.assertRaises(RuntimeError):
            await outbox.put("order", {"number": 2})
        outbox.startService()
        await outbox.put("order", {"number": 2})
        await outbox.when_empty()
        self.assertEqual(outbox._channel.numbers[-3:], [0, 1, 2])
        self.assertEqual(self.rows("*"), [])

    async def test_woken_meanwhile(self) -> None:
        """What is written while the outbox finds nothing more to send is sent too."""
        outbox = self.outbox(lambda count: succeed({}))
        query = outbox.pool.runQuery
        late = [1]

        def query_and_put(*args: Any) -> Deferred[Any]:
            found: Deferred[Any] = query(*args)
            if late and outbox._channel.pushed:
                late.pop()
                # As by a pool of the user's own, which is told before this is.
                found.addCallback(lambda rows: self._put_by_another(outbox, rows))
            return found

        outbox.pool.runQuery = query_and_put
        await self.put(outbox, 1)
        await outbox.when_empty()
        self.assertEqual(outbox._channel.numbers, [0, 7])

    def _put_by_another(self, outbox: Any, rows: list[Any]) -> list[Any]:
        database = sqlite3.connect(self.path)
        outbox.add(database.cursor(), "order", {"number": 7})
        database.commit()
        database.close()
        outbox.wake()
        return rows

    async def test_interrupted(self) -> None:
        """A lost connection is no reason for more time."""
        outbox = self.outbox(
            lambda count: (
                fail(PushInterrupted(None, "orders", "order"))
                if not count
                else succeed({})
            )
        )
        await self.put(outbox, 1)
        await outbox.when_empty()
        self.assertEqual(outbox._channel.pushed, [(0, 5.0)] * 2)
