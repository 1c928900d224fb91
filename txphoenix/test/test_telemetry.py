"""Tests of :mod:`txphoenix.telemetry`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from txphoenix import telemetry
from txphoenix.errors import ConfigurationError
from txphoenix.telemetry import (
    CHANNEL,
    MESSAGE,
    SOCKET,
    STATE_CHANGE,
    TRAFFIC,
    events,
)
from txphoenix.telemetry.handlers import message_watchers

from .telemetry_kit import (
    ALWAYS,
    CLIENT,
    EVENTS,
    NOW,
    PUSH,
    URL,
    TelemetryCase,
    emit_all,
)

EVERY_NAME = [SOCKET, CHANNEL, telemetry.PUSH, MESSAGE, TRAFFIC, STATE_CHANGE]


class AttachTests(TelemetryCase):
    """Attaching, detaching and listing."""

    def test_attach(self) -> None:
        """The function is called with all there is, at events of this name alone."""
        telemetry.attach("a", ("my", "event"), self.keep, "config")
        telemetry.execute(("my", "event"), {"n": 1}, {"m": 2})
        telemetry.execute(("my", "other"), {}, {})
        telemetry.execute(("my",), {}, {})
        self.assertEqual(self.calls, [(("my", "event"), {"n": 1}, {"m": 2}, "config")])

    def test_attach_many(self) -> None:
        """One id can be attached to several events, to each of them once."""
        telemetry.attach_many("a", [SOCKET, CHANNEL, SOCKET], self.keep)
        telemetry.execute(SOCKET, {}, {})
        telemetry.execute(CHANNEL, {}, {})
        self.assertEqual([call[0] for call in self.calls], [SOCKET, CHANNEL])

    def test_name_as_a_list(self) -> None:
        """A name may come as a list, as Elixir writes it."""
        telemetry.attach("a", ["txphoenix", "socket"], self.keep)
        telemetry.execute(SOCKET, {}, {})
        self.assertEqual(self.calls, [(SOCKET, {}, {}, None)])

    def test_order(self) -> None:
        """Handlers are called in the order of their attachment."""
        telemetry.attach("b", SOCKET, self.keep, 1)
        telemetry.attach("a", SOCKET, self.keep, 2)
        telemetry.execute(SOCKET, {}, {})
        self.assertEqual([call[3] for call in self.calls], [1, 2])

    def test_twice(self) -> None:
        """An id can be attached once only, whatever the event."""
        telemetry.attach("a", SOCKET, self.keep)
        error = self.assertRaises(
            ConfigurationError, telemetry.attach, "a", CHANNEL, self.keep
        )
        self.assertEqual(
            str(error), "a handler is attached as 'a' already; detach it first"
        )
        self.assertEqual(len(telemetry.list_handlers()), 1)

    def test_bad_arguments(self) -> None:
        """A bad function or name is refused, and nothing is attached."""
        bad: list[tuple[Any, Any, str]] = [
            ([SOCKET], "print", "function must be a callable, not of type str"),
            (["txphoenix"], self.keep, "an event's name must be a tuple of str"),
            ([SOCKET, ("txphoenix", 1)], self.keep, "not ('txphoenix', 1)"),
            ([None], self.keep, "not None"),
            ([], self.keep, "at least one event's name"),
        ]
        for names, function, expected in bad:
            error = self.assertRaises(
                ConfigurationError, telemetry.attach_many, "a", names, function
            )
            self.assertIn(expected, str(error))
        self.assertEqual(telemetry.list_handlers(), [])

    def test_detach(self) -> None:
        """A detached handler is not called again, for any of its events."""
        telemetry.attach_many("a", [SOCKET, CHANNEL], self.keep)
        telemetry.attach("b", SOCKET, self.keep, "b")
        self.assertTrue(telemetry.detach("a"))
        telemetry.execute(SOCKET, {}, {})
        telemetry.execute(CHANNEL, {}, {})
        self.assertEqual([call[3] for call in self.calls], ["b"])

    def test_detach_unknown(self) -> None:
        """Detaching what is not attached does nothing and says so."""
        self.assertFalse(telemetry.detach("a"))

    def test_list_handlers(self) -> None:
        """Handlers are listed by the beginning of their events' names."""
        telemetry.attach_many("a", [SOCKET, ("my", "event")], self.keep, 1)
        socket = telemetry.Attachment("a", SOCKET, self.keep, 1)
        mine = telemetry.Attachment("a", ("my", "event"), self.keep, 1)
        self.assertEqual(telemetry.list_handlers(), [socket, mine])
        self.assertEqual(telemetry.list_handlers(("txphoenix",)), [socket])
        self.assertEqual(telemetry.list_handlers(["my", "event"]), [mine])
        self.assertEqual(telemetry.list_handlers(("my", "event", "x")), [])
        self.assertRaises(ConfigurationError, telemetry.list_handlers, "my")


class ExecuteTests(TelemetryCase):
    """:func:`telemetry.execute`."""

    def test_handler_raises(self) -> None:
        """A handler that raises is logged and detached; the others go on."""

        def fail(*arguments: object) -> None:
            raise ValueError("broken")

        telemetry.attach_many("bad", [SOCKET, CHANNEL], fail)
        telemetry.attach("good", SOCKET, self.keep)
        telemetry.execute(SOCKET, {}, {})
        telemetry.execute(SOCKET, {}, {})
        self.assertEqual(len(self.calls), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(
            [handler.handler_id for handler in telemetry.list_handlers()], ["good"]
        )

    def test_handler_of_messages_raises(self) -> None:
        """So is one of the messages, whose handlers are called by another way."""

        def fail(*arguments: object) -> None:
            raise ValueError("broken")

        telemetry.attach("bad", MESSAGE, fail)
        telemetry.attach("good", MESSAGE, self.keep)
        for _ in range(2):
            telemetry.message_event("sent", CLIENT, PUSH, 99)
        self.assertEqual(len(self.calls), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertFalse(telemetry.detach("bad"))

    def test_replaced_and_raises(self) -> None:
        """A handler that replaces itself and then raises leaves its replacement."""

        def replace(*arguments: object) -> None:
            telemetry.detach("a")
            telemetry.attach("a", SOCKET, self.keep)
            raise ValueError("broken")

        telemetry.attach("a", SOCKET, replace)
        telemetry.execute(SOCKET, {}, {})
        telemetry.execute(SOCKET, {}, {})
        self.assertEqual(len(self.calls), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_snapshot(self) -> None:
        """Decision 9: those are called that were attached when it happened."""

        def change(*arguments: object) -> None:
            telemetry.detach("second")
            telemetry.attach("third", SOCKET, self.keep, "third")

        telemetry.attach("first", SOCKET, change)
        telemetry.attach("second", SOCKET, self.keep, "second")
        telemetry.execute(SOCKET, {}, {})
        self.assertEqual([call[3] for call in self.calls], ["second"])

    def test_exit(self) -> None:
        """What is no error of the handler is not held back."""

        def leave(*arguments: object) -> None:
            raise SystemExit(1)

        telemetry.attach("a", SOCKET, leave)
        self.assertRaises(SystemExit, telemetry.execute, SOCKET, {}, {})


class EventTests(TelemetryCase):
    """The events of the client."""

    def setUp(self) -> None:
        """Stop the clock."""
        super().setUp()
        self.patch(events, "time", SimpleNamespace(time=lambda: NOW))

    def test_events(self) -> None:
        """Each event has its name, action, measurements and metadata."""
        telemetry.attach_many("a", EVERY_NAME, self.keep)
        emit_all()
        self.assertEqual(len(self.calls), len(EVENTS))
        for call, (_, arguments, event_name, action, measurements, metadata) in zip(
            self.calls, EVENTS, strict=True
        ):
            expected = {
                "action": action,
                "client": CLIENT,
                "timestamp": NOW,
                **ALWAYS[event_name],
                **metadata,
            }
            if event_name == STATE_CHANGE:
                expected["old_status"], expected["new_status"] = arguments
            self.assertEqual(call, (event_name, measurements, expected, None))

    def test_separate(self) -> None:
        """A handler that changes what it is handed changes it in no other event."""

        def spoil(_: object, measurements: Any, metadata: Any, __: object) -> None:
            measurements["count"] = 0
            metadata.clear()

        telemetry.attach("a", SOCKET, spoil)
        emit_all()
        self.detach_all()
        telemetry.attach("b", SOCKET, self.keep)
        telemetry.socket_connected(CLIENT, URL)
        ((_, measurements, metadata, _),) = self.calls
        self.assertEqual(measurements, {"count": 1})
        self.assertEqual(metadata["action"], "connected")

    def test_every_function_is_covered(self) -> None:
        """The table above has every function that lets an event happen."""
        own = {
            "attach",
            "attach_debug_handler",
            "attach_many",
            "detach",
            "detach_debug_handler",
            "execute",
            "list_handlers",
        }
        functions = {
            name
            for name in telemetry.__all__
            if name.islower() and not name.endswith("_handlers")
        }
        self.assertEqual(
            {function.__name__ for function, *_ in EVENTS}, functions - own
        )

    def test_nobody_listens(self) -> None:
        """Decision 9: without a handler nothing is built, not even a timestamp."""
        self.patch(events, "time", SimpleNamespace(time=self.fail))
        # Who sends a message asks first, with the truth test of the next test.
        emit_all(but=MESSAGE)

    def test_truth_test(self) -> None:
        """Decision 9: one list, never replaced, says if messages have a handler."""
        handlers = telemetry.message_handlers
        self.assertFalse(handlers)
        telemetry.attach_many("a", [MESSAGE, SOCKET], self.keep)
        self.assertTrue(handlers)
        self.assertTrue(telemetry.socket_handlers)
        self.assertFalse(telemetry.channel_handlers)
        self.assertFalse(telemetry.state_change_handlers)
        self.assertFalse(telemetry.push_handlers)
        self.assertFalse(telemetry.traffic_handlers)
        telemetry.detach("a")
        self.assertFalse(handlers)
        self.assertIs(handlers, telemetry.message_handlers)

    def test_truth_test_of_messages(self) -> None:
        """One more list says if messages, or their number, have a handler."""
        watchers = message_watchers
        for name in MESSAGE, TRAFFIC:
            self.assertFalse(watchers)
            telemetry.attach("a", name, self.keep)
            self.assertTrue(watchers)
            telemetry.detach("a")
        self.assertFalse(watchers)
        telemetry.attach("a", telemetry.PUSH, self.keep)
        self.assertTrue(telemetry.push_handlers)
        self.assertFalse(watchers)
