"""Tests of :mod:`txphoenix.channels.event_hooks`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.event_hooks import EventHooks

from .support import TOPIC


class Recorder:
    """An object with handle_in."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep it."""
        self.got.append((event, payload))

    def take(self, payload: Any) -> None:
        """A bound method, which is another object each time it is asked for."""
        self.got.append(payload)


class EventHooksTests(SynchronousTestCase):
    """The hooks of a channel's events."""

    def setUp(self) -> None:
        """Have none."""
        self.hooks = EventHooks()
        self.recorder = Recorder()

    def test_none(self) -> None:
        """It says that there was no hook."""
        self.assertFalse(self.hooks.call("event", 1, TOPIC))
        self.hooks.remove("event")

    def test_function(self) -> None:
        """A function gets the payload; it says that there was a hook."""
        self.hooks.add("event", self.recorder.take)
        self.assertTrue(self.hooks.call("event", 1, TOPIC))
        self.assertFalse(self.hooks.call("other", 2, TOPIC))
        self.assertEqual(self.recorder.got, [1])

    def test_object(self) -> None:
        """An object gets the event and the payload."""
        self.hooks.add("event", self.recorder)
        self.hooks.call("event", 1, TOPIC)
        self.assertEqual(self.recorder.got, [("event", 1)])

    def test_neither(self) -> None:
        """Anything else is a TypeError that says what was expected, and shows it."""

        class Wrong:
            handle_in = "not callable"

        bad: list[Any] = [5, "text", Wrong()]
        for given in bad:
            error = self.assertRaises(TypeError, self.hooks.add, "event", given)
            self.assertIn("handle_in(event, payload)", str(error))
            self.assertIn(repr(given), str(error))

    def test_remove_given(self) -> None:
        """Those that were added as one thing are removed by the same, all of them."""
        other = Recorder()
        self.hooks.add("event", self.recorder.take)
        self.hooks.add("event", other)
        self.hooks.add("event", self.recorder.take)
        self.hooks.remove("event", self.recorder.take)
        self.hooks.call("event", 1, TOPIC)
        self.assertEqual((self.recorder.got, other.got), ([], [("event", 1)]))
        self.hooks.remove("event", "unknown")
        self.hooks.remove("event", other)
        self.assertFalse(self.hooks.call("event", 2, TOPIC))

    def test_remove_all(self) -> None:
        """Without a hook, all of the event are removed, and none of others."""
        self.hooks.add("event", self.recorder.take)
        self.hooks.add("event", self.recorder)
        self.hooks.add("other", self.recorder.take)
        self.hooks.remove("event")
        self.assertFalse(self.hooks.call("event", 1, TOPIC))
        self.assertTrue(self.hooks.call("other", 2, TOPIC))
        self.assertEqual(self.recorder.got, [2])

    def test_remover(self) -> None:
        """A remover takes its own away, once, and leaves an equal one."""
        remove = self.hooks.add("event", self.recorder.take)
        self.hooks.add("event", self.recorder.take)
        remove()
        remove()
        self.hooks.call("event", 1, TOPIC)
        self.assertEqual(self.recorder.got, [1])

    def test_snapshot(self) -> None:
        """Decision 9: hooks are called on a snapshot."""

        def first(_payload: Any) -> None:
            self.hooks.remove("event")

        self.hooks.add("event", first)
        self.hooks.add("event", self.recorder.take)
        self.assertTrue(self.hooks.call("event", 1, TOPIC))
        self.assertEqual(self.recorder.got, [1])
        self.assertFalse(self.hooks.call("event", 2, TOPIC))

    def test_raises(self) -> None:
        """Decision 8: one that raises does not keep the others from their call."""
        self.hooks.add("event", lambda _: 1 // 0)
        self.hooks.add("event", self.recorder.take)
        self.assertTrue(self.hooks.call("event", 1, TOPIC))
        self.assertEqual(self.recorder.got, [1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
