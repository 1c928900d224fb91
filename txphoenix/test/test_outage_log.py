"""The log of outages, long ones and odd ones, on a clock: each line, and no other."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from twisted.logger import LogLevel, jsonFileLogObserver
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.outage import shown_time
from txphoenix.protocol.backoff import steps

from .log_case import told, whole_log
from .outage_log_case import HOUR, OutageLogCase

MINUTE = 60.0
CUT = (
    "connection closed with code 1006 (no close frame): 'Connection to the other side"
    " was lost in a non-clean fashion.'"
)


class OutageTests(OutageLogCase):
    """What is logged from a loss to its end."""

    def test_connected(self) -> None:
        """One line when it is connected, and no other until something happens."""
        client = self.connected_client(name="chat")
        self.assertEqual(
            self.lines(), [f"info: chat: connected to {self.memory.url} in 0 s"]
        )
        self.memory.advance(HOUR)
        self.joined_channel(client=client)
        self.memory.advance(HOUR)
        self.assertEqual(self.lines(), [])
        self.stop_client(client)
        self.assertEqual(self.lines(), [])

    def test_without_name(self) -> None:
        """A client without a name is called by its URL."""
        self.connected_client()
        self.assertEqual(self.lines(), [f"info: {self.memory.url}: connected in 0 s"])

    def test_short(self) -> None:
        """A warning, then what is back, then a warning: two and two lines."""
        self.named_client(3)
        self.go_down(10)
        self.come_back()
        joined = "rejoined 3 of 3 channels"
        self.assertEqual(
            self.lines(),
            [
                f"warn: chat: the connection is lost: {CUT}",
                "info: chat: connected again after 10 s; attempts: 21",
                f"info: chat: {joined}, 0 s after the connection",
                f"warn: chat: the outage is over after 10 s; attempts: 21; {joined}",
            ],
        )

    def test_long(self) -> None:
        """It is reminded of after 1, 2, 5, 10, 30 and 60 minutes, then each hour."""
        self.named_client(backoff=steps([0.5, 30.0]))
        self.memory.is_listening = False
        self.memory.cut()
        start, moments = self.clock.seconds(), []
        [began] = self.lines()
        self.assertIn("warn: chat: the connection is lost: ", began)
        while self.clock.seconds() - start < 5 * HOUR + 30:
            self.memory.advance(10)
            for line in self.lines():
                moments.append(round((self.clock.seconds() - start) / 60))
                self.assertIn("warn: chat: no connection since 2", line)
                self.assertIn("; attempts: ", line)
                self.assertIn("the latest: the endpoint MemoryEndpoint: Conn", line)
        self.assertEqual(moments, [1, 2, 5, 10, 30, 60, 120, 180, 240, 300])
        self.memory.is_listening = True
        self.memory.advance(30)
        again, rejoined, over = self.lines()
        self.assertIn("connected again after 5 h 1 min; attempts: 602", again)
        self.assertIn("rejoined 1 of 1 channels", rejoined)
        self.assertIn("warn: chat: the outage is over after 5 h 1 min", over)
        self.memory.advance(24 * HOUR)
        self.assertEqual(self.lines(), [])

    def test_at_start(self) -> None:
        """An outage that begins with the first attempt is no other."""
        self.memory.is_listening = False
        client = self.make_client(name="chat", join_channels=["rooms:1"])
        client.startService()
        self.memory.advance(70)
        failed, reminder = self.lines()
        self.assertIn("warn: chat: not connected: the endpoint Mem", failed)
        self.assertIn("warn: chat: no connection since", reminder)
        self.come_back()
        connected, over = self.lines()
        self.assertIn("info: chat: connected after 70 s; attempts: 142", connected)
        self.assertIn("warn: chat: the outage is over after 70 s", over)

    def test_without_channels(self) -> None:
        """Nothing is rejoined, and nothing is said of it."""
        self.named_client(0)
        self.go_down(1)
        self.come_back()
        _, again, over = self.lines()
        self.assertIn("connected again", again)
        self.assertIn("attempts: 3", over)
        self.assertNotIn("channels", over)

    def test_planned(self) -> None:
        """What the user asks for is no outage, nor is the end of one."""
        client = self.named_client()
        client.disconnect()
        self.memory.flush()
        client.connect()
        self.memory.flush()
        connected, rejoined = self.lines()
        self.assertIn("info: chat: connected to", connected)
        self.assertIn("info: chat: rejoined 1 of 1 channels", rejoined)
        client.reconfigure(params={"a": "b"})
        self.memory.flush()
        self.assertEqual(
            [line.split(":")[0] for line in self.lines()], ["info", "info"]
        )
        self.stop_client(client)
        self.assertEqual(self.lines(), [])
        client = self.named_client()
        self.go_down(1)
        self.assertEqual(len(self.lines()), 1)
        self.stop_client(client)
        self.assertEqual(self.lines(), [])

    def test_planned_inside(self) -> None:
        """A reconfigure() in an outage is a part of it."""
        client = self.named_client()
        self.go_down(1)
        client.reconfigure(params={"a": "b"}).addErrback(lambda _: None)
        client.connect()
        self.memory.advance(1)
        self.come_back()
        levels = [line.split(":")[0] for line in self.lines()]
        self.assertEqual(levels, ["warn", "info", "info", "warn"])

    def test_not_again(self) -> None:
        """Where there is to be no other attempt, the line says so, and is all."""
        for first in (True, False):
            client = self.make_client(name="chat", reconnect=False)
            self.memory.is_listening = not first
            client.startService()
            self.memory.flush()
            if not first:
                self.lines()
                self.memory.cut()
            self.memory.advance(2 * HOUR)
            [line] = self.lines()
            self.assertTrue(
                line.endswith("; it is not tried again before connect() is called")
            )
            self.stop_client(client)

    def test_attempts(self) -> None:
        """Each attempt is of the level debug, with its reason."""
        self.named_client()
        self.go_down(1)
        debug = [
            line for line in told(self.captured, LogLevel.debug) if "not conn" in line
        ]
        self.assertEqual(len(debug), 2)
        self.assertTrue(debug[0].startswith("debug: chat: not connected: the"))

    def test_woken(self) -> None:
        """A machine that has slept has an outage when it wakes up, for that reason."""
        self.named_client()
        self.clock.advance(8 * HOUR)
        self.memory.advance(1)
        slept, lost, again, rejoined, over = self.lines()
        self.assertIn("info: nothing has happened for", slept)
        self.assertIn("warn: chat: the connection is lost: ", lost)
        self.assertIn("stood still", lost)
        self.assertIn("info: chat: connected again after 0 s", again)
        self.assertIn("info: chat: rejoined", rejoined)
        self.assertIn("warn: chat: the outage is over after 0 s", over)


class RefusalTests(OutageLogCase):
    """Servers that say no."""

    def test_at_start(self) -> None:
        """It is told once, then by reminders."""
        self.memory.refuse(403)
        client = self.make_client(name="chat")
        client.startService()
        self.memory.advance(50)
        [refused] = self.lines()
        self.assertIn("warn: chat: not connected: handshake refused: HTTP 403", refused)
        self.memory.advance(20)
        [reminder] = self.lines()
        self.assertIn("the latest: handshake refused: HTTP 403", reminder)

    def test_in_an_outage(self) -> None:
        """A refusal is news, once for each status, whatever comes between."""
        self.named_client()
        self.go_down(5)
        self.memory.is_listening = True
        for status in (502, 503, 502, 403, 502, 403):
            self.memory.refuse(status)
            self.memory.advance(2)
        self.memory.refuse(None)
        self.memory.advance(1)
        lost, *refused, _, _, over = self.lines()
        self.assertIn("is lost", lost)
        self.assertEqual(
            [line.partition("refused: ")[2][:8] for line in refused],
            ["HTTP 502", "HTTP 503", "HTTP 403"],
        )
        self.assertEqual({line[:4] for line in refused}, {"warn"})
        self.assertIn("the outage is over", over)

    def test_many(self) -> None:
        """A server that refuses each time by another status is told five times."""
        self.memory.refuse(400)
        self.make_client(name="chat").startService()
        for status in range(401, 440):
            self.memory.refuse(status)
            self.memory.advance(0.5)
        self.assertEqual(len(self.lines()), 5)

    def test_unmendable(self) -> None:
        """What no retry can mend is an error, once, also in an outage."""
        answers: list[Any] = ["token"]
        client = self.named_client(
            auth_token=lambda: answers[0] if answers else 7, channels=0
        )
        self.go_down(1)
        answers.clear()
        self.memory.is_listening = True
        self.memory.advance(20)
        lost, error = self.lines()
        self.assertIn("warn", lost)
        self.assertIn("error: chat: not connected: auth_token", error)
        self.assertIn("no retry can mend this", error)
        self.stop_client(client)


class FlappingTests(OutageLogCase):
    """Connections that come and go."""

    def flap(self, times: int, every: float = 2.0) -> None:
        """Cut the connection so many times."""
        for _ in range(times):
            self.memory.cut()
            self.memory.advance(every)

    def test_flapping(self) -> None:
        """Five are told in full; then it is one outage, until it is steady."""
        self.named_client()
        self.flap(5)
        lines = self.lines()
        self.assertEqual(len(lines), 20)
        self.assertEqual(sum("the outage is over" in line for line in lines), 5)
        self.flap(1)
        [unsteady] = self.lines()
        self.assertIn("warn: chat: the connection is lost: ", unsteady)
        self.assertIn("only reminders follow until it has lasted for 10 min", unsteady)
        self.flap(1000)
        lines = self.lines()
        self.assertEqual(len(lines), 5)
        for line in lines:
            self.assertIn("warn: chat: the connection comes and goes since 2", line)
        self.assertIn("(30 min), and is open; losses: 900, ", lines[-1])
        self.memory.advance(590)
        self.assertEqual(self.lines(), [])
        self.memory.advance(20)
        [steady] = self.lines()
        self.assertIn(
            "warn: chat: the connection is steady again: it has lasted for 10 min,"
            " after coming and going for 33 min",
            steady,
        )
        self.assertIn("losses: 1001, attempts: 1001", steady)
        self.memory.advance(2 * HOUR)
        self.flap(1)
        self.assertEqual(len(self.lines()), 4)

    def test_open(self) -> None:
        """A reminder does not say that there is no connection where there is one."""
        self.named_client()
        self.flap(5)
        self.lines()
        self.flap(1)
        self.lines()
        self.memory.advance(MINUTE)
        [reminder] = self.lines()
        self.assertIn("the connection comes and goes since 2", reminder)
        self.assertIn("(60 s), and is open; losses: 1, attempts: 1", reminder)
        self.memory.cut()
        self.memory.is_listening = False
        self.memory.advance(MINUTE)
        [reminder] = self.lines()
        self.assertIn("(2 min), and is lost; losses: 2", reminder)

    def test_slowly(self) -> None:
        """So is one that ends each minute, as with a proxy that is impatient."""
        self.named_client()
        self.flap(24 * 60, MINUTE)
        # Each of ten minutes may have one in full.
        self.assertLess(len(self.lines()), 60)

    def test_before_the_rejoin(self) -> None:
        """One that ends before channels are back has ended no outage."""
        self.named_client()
        self.memory.holds_joins = True
        self.flap(100)
        lost, again, *reminders = self.lines()
        self.assertIn("is lost", lost)
        self.assertIn("connected again", again)
        self.assertEqual(len(reminders), 2)
        for line in reminders:
            self.assertIn("comes and goes", line)
        self.memory.holds_joins = False
        self.flap(1)
        rejoined, over = self.lines()
        self.assertIn("rejoined 1 of 1", rejoined)
        self.assertIn("the outage is over", over)

    def test_stopped(self) -> None:
        """A client that is stopped meanwhile leaves nothing behind."""
        for seconds in (0.1, 2.0, 30.0):
            client = self.named_client()
            self.flap(20, seconds)
            self.stop_client(client)
            self.assertEqual(self.clock.getDelayedCalls(), [])


class FieldsTests(OutageLogCase):
    """What an observer that writes JSON finds in each event."""

    def test_json(self) -> None:
        """Numbers as numbers, and all else as text."""
        self.named_client(2)
        self.memory.refuse(503)
        self.go_down(70)
        self.memory.is_listening = True
        self.memory.advance(1)
        self.memory.refuse(None)
        self.memory.advance(1)
        written = StringIO()
        observe = jsonFileLogObserver(written)
        for event in whole_log(self.captured):
            observe(event)
        found = [json.loads(text) for text in written.getvalue().split("\x1e")[1:]]
        lost, reminder, refused, again, rejoined, over = found
        for event in found:
            self.assertEqual(event["client"], "chat")
            self.assertEqual(event["log_namespace"], "txphoenix.client")
        for event in (lost, reminder, refused):
            self.assertIsInstance(event["reason"], str)
        for event in (reminder, again, over):
            self.assertIsInstance(event["duration"], float)
            self.assertIsInstance(event["attempts"], int)
            self.assertEqual(event["losses"], 1)
        self.assertEqual(reminder["since"], over["since"])
        for event in (rejoined, over):
            self.assertEqual(
                (event["joined"], event["channels"], event["refused"]), (2, 2, 0)
            )


class TimeTests(SynchronousTestCase):
    """How a time is shown."""

    def test_units(self) -> None:
        """By what a person says of it."""
        for seconds, text in (
            (0.0, "0 s"),
            (0.0012, "0.0012 s"),
            (9.87, "9.9 s"),
            (59.6, "60 s"),
            (119.0, "119 s"),
            (121.0, "2 min"),
            (3599.0, "1 h"),
            (3600.0, "1 h"),
            (5 * HOUR + 240, "5 h 4 min"),
        ):
            self.assertEqual(shown_time(seconds), text)
