"""Tests of :mod:`txphoenix.telemetry.debug_handler`."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from txphoenix import telemetry
from txphoenix.errors import ConfigurationError
from txphoenix.protocol.message import Message
from txphoenix.telemetry import MESSAGE, TRAFFIC

from .telemetry_kit import (
    CLIENT,
    EVENTS,
    ROOM,
    SECRET,
    SHOWN_URL,
    TOPIC,
    TelemetryCase,
    emit_all,
)


class DebugHandlerTests(TelemetryCase):
    """:func:`telemetry.attach_debug_handler`."""

    def setUp(self) -> None:
        """Keep what is logged."""
        super().setUp()
        self.logged: list[LogEvent] = []
        observer: Any = self.logged.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def test_lines(self) -> None:
        """Each event is one readable line, without secrets."""
        telemetry.attach_debug_handler()
        emit_all()
        lines = [formatEvent(event) for event in self.logged]
        self.assertEqual(len(lines), len(EVENTS))
        self.assertEqual(lines[0], f"socket connecting: name='chat', url='{SHOWN_URL}'")
        self.assertEqual(
            lines[5],
            f"socket reconnecting: name='chat', url='{SHOWN_URL}', attempt=3, "
            "next_attempt_at=99.5, delay=1.5",
        )
        self.assertEqual(
            lines[13],
            "message sent: name='chat', topic='rooms:lobby', event='new_msg', "
            "ref='2', join_ref='1', size=99",
        )
        self.assertEqual(
            lines[16],
            "state_change channel: name='chat', id='rooms:lobby', "
            "old_status='joining', new_status='joined'",
        )
        self.assertEqual(
            lines[17:],
            [
                f"socket reading_paused: name='chat', url='{SHOWN_URL}'",
                f"socket reading_resumed: name='chat', url='{SHOWN_URL}', duration=2.5",
                f"socket undecodable: name='chat', url='{SHOWN_URL}'",
                f"socket unsent: name='chat', url='{SHOWN_URL}', count=3",
                (
                    "channel rejoining: name='chat', topic='rooms:lobby', "
                    "error=ValueError('away'), delay=0.5"
                ),
                (
                    "channel crashed: name='chat', topic='rooms:lobby', "
                    "error=ValueError('away'), callback='handle_in'"
                ),
                "channel restarted: name='chat', topic='rooms:lobby'",
                (
                    "channel dropped: name='chat', topic='rooms:lobby', "
                    "reason='unread', count=7"
                ),
                (
                    "push replied: name='chat', topic='rooms:lobby', event='new_msg', "
                    "status='ok', duration=0.25"
                ),
                (
                    "push failed: name='chat', topic='rooms:lobby', event='new_msg', "
                    "error=ValueError('away'), duration=5.0"
                ),
                "traffic sent: name='chat', size=99",
                "traffic received: name='chat', count=2, size=198",
                f"socket idle: name='chat', url='{SHOWN_URL}', duration=2.5",
            ],
        )
        self.assertNotIn(SECRET, repr(self.logged))

    def test_levels(self) -> None:
        """What may come in numbers is debug, everything else is info."""
        telemetry.attach_debug_handler()
        emit_all()
        for event, (_, _, event_name, action, _, _) in zip(
            self.logged, EVENTS, strict=True
        ):
            frequent = (
                event_name in (MESSAGE, TRAFFIC)
                or action.startswith("heartbeat")
                or action in ("dropped", "replied", "undecodable")
            )
            self.assertEqual(
                event["log_level"], LogLevel.debug if frequent else LogLevel.info
            )

    def test_client_without_a_name(self) -> None:
        """A client without a name, and what is None, are left out."""
        telemetry.attach_debug_handler()
        message = Message(None, None, TOPIC, "shout", {})
        telemetry.message_event("received", object(), message, 9)
        self.assertEqual(
            formatEvent(self.logged[0]),
            "message received: topic='rooms:lobby', event='shout', size=9",
        )

    def test_line_breaks(self) -> None:
        """A topic with a line break in it stays in its line."""
        telemetry.attach_debug_handler()
        telemetry.channel_left(CLIENT, "a\nb {c}", ROOM, "x\ny")
        self.assertEqual(
            formatEvent(self.logged[0]),
            "channel left: name='chat', topic='a\\nb {c}', reason='x\\ny'",
        )

    def test_long_values(self) -> None:
        """A long value is cut, so that those behind it are in the line as well."""
        telemetry.attach_debug_handler()
        telemetry.channel_left(CLIENT, "a" * 5000, ROOM, "leave")
        line = formatEvent(self.logged[0])
        self.assertLess(len(line), 500)
        self.assertTrue(line.endswith("(5000 characters), reason='leave'"), line)

    def test_detach(self) -> None:
        """It can be attached once, and detached, which says if it was attached."""
        telemetry.attach_debug_handler()
        self.assertRaises(ConfigurationError, telemetry.attach_debug_handler)
        self.assertTrue(telemetry.detach_debug_handler())
        self.assertFalse(telemetry.detach_debug_handler())
        emit_all()
        self.assertEqual(self.logged, [])
