"""Functions of the user that are called when something happens."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ChannelClosed, NotConnected, PushInterrupted
from txphoenix.runtime.hooks import Hooks, as_deferred, ask, call_hook


class Later:
    """An awaitable that is neither a Deferred nor a coroutine."""

    def __init__(self, deferred: Deferred[Any]) -> None:
        self._deferred = deferred

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for the Deferred."""
        return self._deferred.__await__()


async def coroutine(result: Any) -> Any:
    """A result, or an exception, that takes a coroutine."""
    if isinstance(result, Exception):
        raise result
    return result


class CallHookTests(SynchronousTestCase):
    """Calling one hook."""

    def test_called(self) -> None:
        """It is called with the arguments; what it returns is of no interest."""
        got: list[Any] = []

        def hook(*args: Any) -> str:
            got.extend(args)
            return "whatever"

        call_hook(hook, 1, 2)
        self.assertEqual(got, [1, 2])

    def test_raises(self) -> None:
        """Decision 8: what it raises is logged and goes no further."""
        call_hook(lambda: 1 // 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_fails_later(self) -> None:
        """So is what it raises later, by whatever means."""
        call_hook(lambda: fail(KeyError()))
        call_hook(lambda: coroutine(KeyError()))
        call_hook(lambda: Later(fail(KeyError())))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 3)

    def test_ended_early(self) -> None:
        """That it was cut short is no fault of its own: one line, no traceback.

        A push to a channel that is closed may be a mistake, and is a warning.
        """
        for error, level in (
            (PushInterrupted(None, "rooms:1", "ask"), LogLevel.info),
            (CancelledError(), LogLevel.info),
            (ChannelClosed("left", "rooms:1"), LogLevel.warn),
            (NotConnected(), LogLevel.warn),
        ):
            with self.subTest(error=error), capturedLogs() as captured:
                call_hook(coroutine, error)
                call_hook(lambda error=error: fail(error))
                self.assertEqual([each["log_level"] for each in captured], [level] * 2)
                self.assertIn(repr(error), formatEvent(captured[0]))

    def test_succeeds_later(self) -> None:
        """A result that comes later is not logged."""
        gate: Deferred[None] = Deferred()
        call_hook(lambda: gate)
        call_hook(lambda: coroutine(None))
        gate.callback(None)

    def test_wrong_arguments(self) -> None:
        """A function that does not take the arguments is logged as well."""
        call_hook(lambda: None, "too much")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class LaterTests(SynchronousTestCase):
    """Results that may come later."""

    def test_here(self) -> None:
        """A result that is here is no Deferred."""
        values: list[Any] = [None, 1, {}, "text", coroutine]
        for value in values:
            self.assertIsNone(as_deferred(value))

    def test_deferred(self) -> None:
        """A Deferred is taken as it is."""
        deferred: Deferred[None] = Deferred()
        self.assertIs(as_deferred(deferred), deferred)

    def test_awaitables(self) -> None:
        """Coroutines and other awaitables become Deferreds."""
        awaitables: list[Any] = [coroutine("done"), Later(succeed("done"))]
        for awaitable in awaitables:
            deferred = as_deferred(awaitable)
            assert deferred is not None
            self.assertEqual(self.successResultOf(deferred), "done")

    def test_ask(self) -> None:
        """ask() gives a function's result, whenever and however it comes."""
        answers: list[Any] = [
            lambda: "answer",
            lambda: succeed("answer"),
            lambda: coroutine("answer"),
            lambda: Later(succeed("answer")),
        ]
        for answer in answers:
            self.assertEqual(self.successResultOf(ask(answer)), "answer")
        self.failureResultOf(ask(lambda: 1 // 0), ZeroDivisionError)
        self.failureResultOf(ask(lambda: fail(KeyError())), KeyError)


class HooksTests(SynchronousTestCase):
    """Several hooks of one kind."""

    def setUp(self) -> None:
        """Have none."""
        self.hooks = Hooks()
        self.got: list[Any] = []

    def test_none(self) -> None:
        """Without hooks a call does nothing, and there is a truth test for it."""
        self.assertFalse(self.hooks)
        self.hooks.call(1)

    def test_order(self) -> None:
        """They are called in the order in which they were added."""
        self.hooks.add(lambda arg: self.got.append(("first", arg)))
        self.hooks.add(lambda arg: self.got.append(("second", arg)))
        self.assertTrue(self.hooks)
        self.hooks.call(1)
        self.assertEqual(self.got, [("first", 1), ("second", 1)])

    def test_remove(self) -> None:
        """Each remover takes its own away, and only once."""
        remove = self.hooks.add(self.got.append)
        self.hooks.add(self.got.append)
        remove()
        remove()
        self.hooks.call(1)
        self.assertEqual(self.got, [1])

    def test_raises(self) -> None:
        """Decision 8: one that raises does not keep the others from their call."""
        self.hooks.add(lambda _: 1 // 0)
        self.hooks.add(self.got.append)
        self.hooks.call(1)
        self.assertEqual(self.got, [1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_snapshot(self) -> None:
        """Decision 9: a hook added or removed meanwhile changes the next call."""

        def first(_arg: int) -> None:
            self.got.append("first")
            remove_second()
            self.hooks.add(lambda _: self.got.append("added"))

        self.hooks.add(first)
        remove_second = self.hooks.add(lambda _: self.got.append("second"))
        self.hooks.call(1)
        self.assertEqual(self.got, ["first", "second"])
        self.got.clear()
        self.hooks.call(1)
        self.assertEqual(self.got, ["first", "added"])

    def test_not_callable(self) -> None:
        """What cannot be called is a TypeError that shows it."""
        bad: Any = 5
        error = self.assertRaises(TypeError, self.hooks.add, bad)
        self.assertIn("not 5", str(error))
