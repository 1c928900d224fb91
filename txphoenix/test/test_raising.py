"""The user's callables may raise: the client goes on, and the log has it once."""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet import defer
from twisted.logger import ILogObserver, eventAsText, globalLogPublisher
from zope.interface import implementer

from .callables_case import ASYNC_CALLABLES, CALLABLES, CallablesCase
from .support import TOPIC

# The channels' own callbacks are another matter, and a Deferred's are Twisted's.
_OTHERS = {"when_connected", "channel_params", "init", "handle_join"}

KINDS = (
    ZeroDivisionError,
    StopIteration,
    RecursionError,
    defer.CancelledError,
    asyncio.CancelledError,
    GeneratorExit,
    SystemExit,
    KeyboardInterrupt,
)
"""What they raise, and what others raise through them."""


class RaisingTests(CallablesCase):
    """Decision 8: whatever a callable raises, the client is no worse for it."""

    def setUp(self) -> None:
        """Listen to the log."""
        super().setUp()
        self.lines: list[str] = []

        @implementer(ILogObserver)
        def note(event: Any) -> None:
            self.lines.append(eventAsText(event))

        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)

    def raises(self, name: str, kind: type[BaseException]) -> None:
        """Let a callable raise when it is called for the first time."""
        self.lines.clear()
        # What cannot be read in the short way is read again in the long one.
        often = 2 if name == "loads" else 1

        def act() -> None:
            if self.calls <= often:
                raise kind("it is raised")

        client = self.make(name, act)
        self.live()
        self.assertGreater(self.calls, 0)
        self.assertLessEqual(self.most_open, 1)
        self.assertTrue(client.connected)
        self.assertEqual(client.channels.routes[TOPIC].state, "joined")
        self.assertLess(client.connection.attempts, 20)
        self.flushLoggedErrors(kind)
        told = [line for line in self.lines if kind.__name__ in line or "it is" in line]
        self.assertEqual(len(told), 1, told)
        self.stop_client(client)

    def test_sync(self) -> None:
        """The client connects, joins and goes on, whatever raises whatever."""
        for name in CALLABLES:
            for kind in KINDS:
                if name not in _OTHERS:
                    with self.subTest(name=name, kind=kind):
                        self.raises(name, kind)

    def test_async(self) -> None:
        """So it is if the callable has taken a turn of the reactor before."""
        self.is_async = True
        for name in ASYNC_CALLABLES:
            for kind in KINDS:
                # In a coroutine this one is a RuntimeError.
                if name not in _OTHERS and kind is not StopIteration:
                    with self.subTest(name=name, kind=kind):
                        self.raises(name, kind)
