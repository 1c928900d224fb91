"""Tests of :mod:`txphoenix.transports.retry_after`, and of what is waited for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import ConnectionClosed, HandshakeRefused, JoinError, telemetry
from txphoenix.protocol.backoff import after_overload, after_refusal, after_restart
from txphoenix.testing.session import ServerSession
from txphoenix.transports.retry_after import retry_after

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .support import ClientTestCase

# Sun, 06 Nov 1994 08:49:37 GMT
MOMENT = 784111777.0
DATES = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
)


class HeaderTests(SynchronousTestCase):
    """:func:`retry_after`."""

    def test_seconds(self) -> None:
        """A number is one of seconds, however it is written, and no more than 2**31."""
        for value, expected in (
            ("0", 0.0),
            ("120", 120.0),
            (" 007\t", 7.0),
            ("9" * 5000, 2.0**31),
            ("0" * 5000 + "5", 5.0),
        ):
            with self.subTest(value=value[:10]):
                self.assertEqual(retry_after({"Retry-After": value}, 0.0), expected)

    def test_dates(self) -> None:
        """Each of HTTP's three formats is read, and compared with our clock."""
        for date in DATES:
            with self.subTest(date=date):
                headers = {"retry-after": date}
                self.assertEqual(retry_after(headers, MOMENT - 30), 30.0)
                self.assertEqual(retry_after(headers, MOMENT + 30), 0.0, "has passed")

    def test_server_clock(self) -> None:
        """The answer's own date counts for more than our clock, if it is good."""
        for server_date in DATES:
            headers = {"Date": server_date, "Retry-After": "Sun Nov  6 08:50:37 1994"}
            self.assertEqual(retry_after(headers, MOMENT + 86400), 60.0)
        headers = {"Date": "soon", "Retry-After": "Sun Nov  6 08:50:37 1994"}
        self.assertEqual(retry_after(headers, MOMENT), 60.0)

    def test_short_year(self) -> None:
        """A year of two digits is at most fifty years ahead."""
        headers = {"retry-after": "Sunday, 06-Nov-44 08:49:37 GMT"}
        found = retry_after(headers, MOMENT)
        self.assertAlmostEqual((found or 0.0) / 86400 / 365.25, 50, places=1)
        headers = {"retry-after": "Sunday, 06-Nov-45 08:49:37 GMT"}
        self.assertEqual(retry_after(headers, MOMENT), 0.0)

    def test_several(self) -> None:
        """Of several the longest counts, and garbage among them does not."""
        for value in ("5, 60", "60,5", f"{DATES[0]}, 5", f"x, 5, {DATES[0]}", "60, -1"):
            with self.subTest(value=value):
                found = retry_after({"retry-after": value}, MOMENT - 60)
                self.assertEqual(found, 60.0)

    def test_garbage(self) -> None:
        """What is neither a number nor a date is as if it were not there."""
        for value in (
            "",
            ",",
            "-5",
            "+5",
            "1.5",
            "5s",
            "soon",
            "٣",
            "²",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun",
            "\0",
        ):
            with self.subTest(value=value):
                self.assertIsNone(retry_after({"retry-after": value}, MOMENT))
        self.assertIsNone(retry_after({}, MOMENT))


class DelayTests(SynchronousTestCase):
    """What is made of it."""

    def test_refusal(self) -> None:
        """It is never less, and up to a tenth or a second more; not past the limit."""
        for share in (0.0, 0.5, 0.999):
            delay = after_refusal(30.0, 60.0, partial(float, share))
            self.assertAlmostEqual(delay, 30.0 + 3.0 * share)
        self.assertEqual(after_refusal(1.0, 60.0, lambda: 0.5), 1.5)
        self.assertEqual(after_refusal(3600.0, 60.0, lambda: 0.0), 60.0)
        self.assertEqual(after_refusal(3600.0, 60.0, lambda: 0.5), 57.0)
        self.assertEqual(after_refusal(5.0, 0.0), 0.0, "a limit of none ignores it")
        self.assertEqual(after_refusal(0.0, 60.0), 0.0)

    def test_overload(self) -> None:
        """After 1013 all delays are longer than any after 1012, and spread."""
        restarted = [after_restart(0.1, 60.0) for _ in range(200)]
        overloaded = [after_overload(0.1, 60.0) for _ in range(200)]
        self.assertGreater(min(overloaded), max(restarted))
        self.assertLessEqual(max(overloaded), 15.0)
        self.assertGreater(max(overloaded) - min(overloaded), 5.0)
        self.assertLessEqual(max(after_overload(0.1, 3.0) for _ in range(200)), 3.0)


class ConnectionTests(ClientTestCase):
    """A server that says when to come back."""

    def delays(self, **options: Any) -> list[float]:
        """What telemetry is told of the delays of a client that is being refused."""
        delays: list[float] = []

        def handle(name: Any, measured: Any, metadata: Any, config: Any) -> None:
            if metadata["action"] == "reconnecting":
                delays.append(measured["delay"])

        telemetry.attach(self.id(), telemetry.SOCKET, handle)
        self.addCleanup(telemetry.detach, self.id())
        self.client = self.make_client(**options)
        self.errors: list[Any] = []
        self.client.on_error(self.errors.append)
        self.client.startService()
        self.memory.flush()
        return delays

    def test_not_before(self) -> None:
        """The next attempt is made no sooner, and not much later, on any status."""
        for transport in ("websocket", "longpoll"):
            for status in (403, 429, 500, 503):
                with self.subTest(transport=transport, status=status):
                    self.memory.refuse(status, retry_after=30)
                    delays = self.delays(transport=transport)
                    [error] = self.errors
                    self.assertEqual((error.status, error.retry_after), (status, 30.0))
                    [delay] = delays
                    self.assertTrue(30.0 <= delay <= 33.0, delay)
                    self.memory.refuse(None)
                    self.memory.advance(29.99)
                    self.assertFalse(self.client.connected)
                    self.memory.advance(3.1)
                    self.assertTrue(self.client.connected)
                    self.stop_client(self.client)
                    telemetry.detach(self.id())

    def test_bounded(self) -> None:
        """No more than ``reconnect_interval`` is waited, or ``max_retry_after``."""
        self.memory.refuse(503, retry_after=3600)
        for options, least, most in (
            ({}, 54.0, 60.0),
            ({"reconnect_interval": 20.0}, 18.0, 20.0),
            ({"max_retry_after": 7200.0}, 3600.0, 3960.0),
            ({"max_retry_after": 0}, 0.5, 0.5),
        ):
            with self.subTest(options=options):
                [delay] = self.delays(**options)
                self.assertTrue(least <= delay <= most, delay)
                self.stop_client(self.client)
                telemetry.detach(self.id())

    def test_greater_of_both(self) -> None:
        """A backoff of the user's counts where it waits for longer."""
        self.memory.refuse(503, retry_after=10)
        [delay] = self.delays(backoff=lambda _: 25.0)
        self.assertEqual(delay, 25.0)
        self.assertEqual(self.errors[0].retry_after, 10.0)

    def test_by_hand(self) -> None:
        """Who connects by hand does not wait for it, and an open one forgets it."""
        self.memory.refuse(503, retry_after=30)
        delays = self.delays()
        self.memory.refuse(None)
        self.client.connect()
        self.memory.flush()
        self.assertTrue(self.client.connected)
        self.lose_connection()
        self.assertEqual(delays[1:], [0.5])
        self.memory.refuse(429, retry_after=30)
        self.memory.advance(0.5)
        self.watch(self.client.disconnect())
        self.memory.flush()
        self.memory.refuse(None)
        self.client.connect()
        self.memory.flush()
        self.assertTrue(self.client.connected)

    def test_log(self) -> None:
        """The line of the outage says for how long the server wants to be left."""
        lines: list[str] = []

        def observe(event: Any) -> None:
            lines.append(formatEvent(event))

        observer: Any = observe
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.memory.refuse(503, retry_after=30)
        self.delays()
        self.assertIn("the server asks for 30 s without an attempt", "".join(lines))

    def test_rejoin(self) -> None:
        """A rejoin_backoff that takes the error has what interrupted the channel."""
        given: list[Any] = []

        def backoff(failures: int, error: Exception) -> float:
            given.append((failures, error))
            return 1.0

        channel = self.joined_channel(rejoin_backoff=backoff)
        self.memory.refusal = {"reason": "not now"}
        self.memory.kill_channel(channel.topic)
        self.memory.flush()
        self.memory.advance(1.0)
        self.assertEqual([failures for failures, _ in given], [0, 1])
        self.assertIsInstance(given[1][1], JoinError)
        self.assertEqual(given[1][1].reason, "not now")

    def test_garbage(self) -> None:
        """What nobody can read is as if it were not there."""
        self.memory.refuse(503, retry_after="whenever")
        self.assertEqual(self.delays(), [0.5])
        self.assertIsNone(self.errors[0].retry_after)

    def test_try_again_later(self) -> None:
        """A close with 1013 is waited for longer than one with 1012."""
        delays = self.delays()
        for code in (1012, 1013):
            self.memory.connections[-1].close(code)
            self.memory.flush()
            self.memory.advance(15.1)
            self.assertTrue(self.client.connected)
        self.assertLessEqual(delays[0], 5.0)
        self.assertTrue(5.0 < delays[1] <= 15.0, delays)

    def test_fallback(self) -> None:
        """With both transports refused, that of the attempt's error counts."""
        self.memory.refuse(503, retry_after=30)
        [delay] = self.delays(longpoll_fallback=1.0)
        self.assertTrue(30.0 <= delay <= 33.0, delay)
        self.assertEqual(self.errors[0].retry_after, 30.0)

    def test_fallback_of_one(self) -> None:
        """The WebSocket's counts as well, unless long-poll opens in that attempt."""
        self.memory.refuse(503, "websocket", retry_after=30)
        self.memory.refuse(500, "longpoll")
        [delay] = self.delays(longpoll_fallback=1.0)
        self.assertTrue(30.0 <= delay <= 33.0, delay)
        self.assertEqual(
            (self.errors[0].status, self.errors[0].retry_after), (500, 30.0)
        )
        self.memory.refuse(None, "longpoll")
        self.memory.advance(delay)
        self.assertTrue(self.client.connected)
        handshake = self.client.handshake
        assert handshake is not None
        self.assertEqual(handshake.transport, "longpoll")

    def test_try_later_fallback(self) -> None:
        """A close with 1013 that has come before anything else counts as well.

        Long-poll is tried in the same attempt, and has failed in whatever way.
        """

        def close(session: ServerSession) -> None:
            session.close(1013)

        self.patch(self.memory, "session_opened", close)
        for status in (404, 500):
            self.memory.refuse(status, "longpoll", retry_after=2)
            [delay] = self.delays(longpoll_fallback=1.0)
            [error] = self.errors
            self.assertEqual((error.code, error.retry_after), (1013, 2.0))
            self.assertTrue(5.0 < delay <= 15.0, delay)
            self.stop_client(self.client)
            telemetry.detach(self.id())

    def test_error_to_backoff(self) -> None:
        """A backoff that takes the error is given what ended the attempt."""
        given: list[Any] = []

        def backoff(failures: int, error: Exception) -> float:
            given.append((failures, error))
            return 2.0

        self.memory.refuse(503)
        self.assertEqual(self.delays(backoff=backoff), [2.0])
        [(failures, error)] = given
        self.assertEqual((failures, repr(error)), (0, repr(self.errors[0])))
        self.assertEqual(error.status, 503)
        # What is kept until then is no error that a hook may have raised.
        self.assertIsNot(error, self.errors[0])
        self.memory.advance(2.0)
        self.assertEqual([failures for failures, _ in given], [0, 1])


@by_treq_too
class LongPollTests(LongPollTestCase):
    """A session that is refused in its middle."""

    def test_poll(self) -> None:
        """A poll's refusal is waited for as one of a handshake is."""
        client, poll = self.open()
        words = {"Content_Type": "text/plain", "Retry_After": "30"}
        poll.answer(503, b"overloaded: the-token", **words)
        reason = self.loss(client)
        self.assertEqual((reason.code, reason.retry_after), (3503, 30.0))
        self.assertIn("overloaded", str(reason))
        self.assertNotIn("the-token", str(reason))
        self.server.advance(29.9)
        self.assertEqual(self.server.asked, [])
        self.server.advance(3.2)
        self.server.open_session()
        self.assertTrue(client.connected)

    def test_publish(self) -> None:
        """So is that of a publish."""
        client, _ = self.open()
        client.channel("rooms:1").join().addErrback(lambda _: None)
        self.server.take("POST").answer(429, Retry_After="30")
        [reason] = self.losses
        assert isinstance(reason, ConnectionClosed)
        self.assertEqual((reason.code, reason.retry_after), (3429, 30.0))
        self.server.advance(29.9)
        self.assertFalse(client.connected)
        self.assertEqual(client.status, "disconnected")

    def test_opening(self) -> None:
        """And so is that of the request that opens the session."""
        client = self.begin()
        self.server.take("GET").answer(429, b"", Retry_After="30")
        error = self.failure(client)
        assert isinstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.retry_after), (429, 30.0))
        self.server.advance(29.9)
        self.assertEqual(self.server.asked, [])
