"""What the log has of a channel's crashes: who raised, how often, and what follows."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix import Channel

from .support import TOPIC, ClientTestCase

SECRET = "s3cret"


class Fragile(Channel):
    """Raises where it is told to.

    :cvar fails: the callback that raises; ``"later"`` for ``handle_in``, later.
    """

    fails = "handle_in"

    def init(self, params: Any) -> Any:
        """Begin."""
        self.raise_in("init")

    def handle_join(self, response: Any) -> Any:
        """Be joined."""
        self.raise_in("handle_join")

    def handle_in(self, event: str, payload: Any) -> Any:
        """Take a message."""
        if self.fails == "later":
            self.gate: Deferred[Any] = Deferred()
            return self.gate
        self.raise_in("handle_in")
        return None

    def raise_in(self, callback: str) -> None:
        """Raise, if that is the one."""
        if self.fails == callback:
            raise ZeroDivisionError(callback)


class Whole(Channel):
    """Takes messages whole."""

    def handle_message(self, message: Any) -> Any:
        """Raise."""
        raise ZeroDivisionError("handle_message")


class CrashLogTests(ClientTestCase):
    """A channel whose callbacks raise."""

    def crash(
        self,
        channel_class: type[Channel],
        times: int = 1,
        fails: str = "handle_in",
        **options: Any,
    ) -> list[Any]:
        """What the log has of a channel that crashes so many times."""
        made = type(channel_class.__name__, (channel_class,), {"fails": fails})
        made.__qualname__ = f"Bot.{channel_class.__name__}"
        client = self.connected_client(name="chat", **options)
        with capturedLogs() as captured:
            channel = client.channel(TOPIC, {"token": SECRET}, made)
            channel.join().addErrback(lambda _: None)
            self.memory.flush()
            for _ in range(times if "handle_in" in fails or fails == "later" else 0):
                self.server_sends(None, None, TOPIC, "new_msg", {"body": SECRET})
                gate = getattr(channel, "gate", None)
                if gate is not None:
                    gate.errback(ZeroDivisionError("later"))
                self.memory.advance(0.01)
        self.flushLoggedErrors(ZeroDivisionError)
        self.channel = channel
        told = [each for each in captured if each["log_level"] >= LogLevel.info]
        for event in captured:
            self.assertNotIn(SECRET, formatEvent(event))
        return told

    def test_restarted(self) -> None:
        """An error names topic, class, callback and event, and says what follows."""
        [event] = self.crash(Fragile)
        self.assertEqual(
            formatEvent(event),
            "rooms:lobby: txphoenix.test.test_crash_log.Bot.Fragile"
            ".handle_in('new_msg') raised; crash 1 in 5 s (max_restarts is 3);"
            " restart is 'transient': the channel begins anew, with init() and a join",
        )
        self.assertIs(event["log_level"], LogLevel.error)
        self.assertEqual(event["log_failure"].type, ZeroDivisionError)
        fields = "client", "topic", "callback", "event", "count", "window", "restart"
        self.assertEqual(
            [event[field] for field in fields],
            ["chat", TOPIC, "handle_in", "new_msg", 1, 5.0, "transient"],
        )
        self.assertEqual(self.channel.state, "joined")

    def test_stopped(self) -> None:
        """After too many the error says so, and how the channel is brought back."""
        events = self.crash(Fragile, 3, max_restarts=2, max_seconds=7)
        self.assertEqual([each["count"] for each in events], [1, 2, 3])
        last = formatEvent(events[-1])
        self.assertIn("handle_in('new_msg') raised; crash 3 in 7 s", last)
        self.assertIn("(max_restarts is 2): the channel is stopped for good;", last)
        self.assertIn("join() begins it anew", last)
        self.assertIs(events[-1]["log_level"], LogLevel.error)
        self.assertEqual(events[-1]["max_restarts"], 2)
        self.assertEqual(self.channel.state, "closed")
        # As it says.
        outcome = self.watch(self.channel.join())
        self.memory.flush()
        self.assertEqual(outcome.fired, [{"token": SECRET}])

    def test_callbacks(self) -> None:
        """Each callback is named, and whether it raises at once or later."""
        for fails, callback, event_name in (
            ("init", "init", None),
            ("handle_join", "handle_join", None),
            ("handle_in", "handle_in", "new_msg"),
            ("later", "handle_in", "new_msg"),
        ):
            with self.subTest(fails=fails):
                event = self.crash(Fragile, fails=fails, max_restarts=0)[0]
                self.assertEqual(
                    (event["callback"], event["event"]), (callback, event_name)
                )
                shown = "" if event_name is None else repr(event_name)
                self.assertIn(f"Bot.Fragile.{callback}({shown})", formatEvent(event))
        [event] = self.crash(Whole, max_restarts=0)
        self.assertIn("Whole.handle_message('new_msg') raised", formatEvent(event))

    def test_temporary(self) -> None:
        """One that is not restarted says why."""
        Once = type("Once", (Fragile,), {"restart": "temporary"})
        [event] = self.crash(cast(Any, Once))
        self.assertIn(
            "raised; restart is 'temporary': the channel is stopped; join() begins it"
            " anew",
            formatEvent(event),
        )
        self.assertIsNone(event["count"])

    def test_past(self) -> None:
        """What is of a join that is over, or of a channel that is, has no sequel."""
        channel = self.late()
        channel.leave()
        self.memory.flush()
        self.assertIn("stays closed", self.late_line(channel))
        channel = self.late()
        self.lose_connection()
        self.reconnect()
        self.assertIn("the channel goes on", self.late_line(channel))
        self.assertEqual(channel.state, "joined")

    def late(self) -> Any:
        """A channel with a callback that is at work."""
        made = type("Late", (Fragile,), {"fails": "later"})
        channel = self.joined_channel(channel_class=made)
        self.server_sends(None, None, TOPIC, "new_msg", {})
        return channel

    def late_line(self, channel: Any) -> str:
        """What is logged once that raises."""
        with capturedLogs() as captured:
            channel.gate.errback(ZeroDivisionError("later"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        [line] = map(formatEvent, captured)
        self.memory.flush()
        return line
