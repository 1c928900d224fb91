"""Tests of ``transports/longpoll_pace.py``: when a session polls, and how long."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.message import Message
from txphoenix.transports.longpoll_pace import Pace, Window

from .http_ways import by_treq_too
from .longpoll_case import SHOUT, LongPollTestCase
from .scripted_http import Asked


class WindowTests(SynchronousTestCase):
    """How long a poll may be silent."""

    def setUp(self) -> None:
        """Make the pace of a session."""
        self.clock = Clock()
        self.window = Window()
        self.pace = Pace(self.clock, self.window)

    def poll(self, waited: float, is_empty: bool = True) -> float:
        """Poll once.

        :return: the delay before the next poll.
        """
        self.pace.begin(5.0, 3.0)
        self.clock.advance(waited)
        return self.pace.answered(is_empty)

    def next_session(self) -> None:
        """Have another session."""
        self.pace = Pace(self.clock, self.window)

    def test_not_shown(self) -> None:
        """Until the server has shown its window, it is Phoenix's ten seconds."""
        self.assertEqual(self.pace.begin(5.0, 3.0), 13.0)
        self.assertEqual(self.pace.begin(30.0, 10.0), 40.0)
        self.assertEqual(self.pace.begin(0.1, 0.1), 10.1)

    def test_shown(self) -> None:
        """A window that was shown is what counts, if the interval is not longer."""
        for waited, limit in ((0.5, 8.0), (2.0, 8.0), (6.0, 9.0), (8.5, 11.5)):
            self.poll(waited)
            self.assertEqual(self.pace.begin(5.0, 3.0), limit)
        self.poll(1.0)
        self.assertEqual(self.pace.begin(5.0, 3.0), 11.5)

    def test_messages_show_nothing(self) -> None:
        """A poll that was answered with messages has shown no window."""
        self.poll(1.0, is_empty=False)
        self.assertEqual(self.pace.begin(5.0, 3.0), 13.0)

    def test_short_window_is_forgotten(self) -> None:
        """A session may be cut short: the next one waits for ten seconds again."""
        self.poll(1.0)
        self.next_session()
        self.assertEqual(self.pace.begin(5.0, 3.0), 13.0)

    def test_longer_window(self) -> None:
        """One that is longer is found by trying, and is remembered."""
        limits = []
        for _ in range(3):
            limits.append(self.pace.begin(5.0, 3.0))
            self.clock.advance(limits[-1])
            self.pace.not_answered()
            self.next_session()
        self.assertEqual(limits, [13.0, 23.0, 43.0])
        self.poll(60.0)
        self.assertEqual(self.pace.begin(5.0, 3.0), 63.0)
        self.next_session()
        self.assertEqual(self.pace.begin(5.0, 3.0), 63.0)

    def test_bounded(self) -> None:
        """A server that answers no poll is not waited for longer and longer."""
        for _ in range(20):
            self.pace.not_answered()
            self.next_session()
        self.assertEqual(self.pace.begin(5.0, 3.0), 303.0)

    def test_found_again(self) -> None:
        """After a network that was gone, the window is what the server shows."""
        self.pace.not_answered()
        self.next_session()
        self.poll(10.0)
        self.next_session()
        self.assertEqual(self.pace.begin(5.0, 3.0), 13.0)

    def test_clock_jumps(self) -> None:
        """A clock that jumps shows no window of an hour, and none below zero."""
        self.poll(3600.0)
        self.assertEqual(self.pace.begin(5.0, 3.0), 16.0)
        self.clock.rightNow -= 3600.0
        self.assertEqual(self.pace.answered(True), 0.0)


@by_treq_too
class EmptyAnswerTests(LongPollTestCase):
    """Polls that are answered at once, without a message."""

    def ask_for(self, seconds: float, poll: Asked, answer: Any) -> int:
        """Answer each poll at once.

        :return: how many there were.
        """
        end = self.server.clock.seconds() + seconds
        count = 0
        # If they cost no time, there is no end to them.
        while count < 1000:
            answer(poll)
            while not self.server.asked and self.server.clock.seconds() < end:
                self.server.advance(0.05)
            if not self.server.asked:
                break
            poll = self.server.take("GET")
            count += 1
        return count

    def test_bounded(self) -> None:
        """They are asked for some times in five seconds, whatever says so."""
        for answer in (
            lambda poll: poll.say(204),
            lambda poll: poll.answer(204),
            lambda poll: poll.say(200, messages=[]),
            lambda poll: poll.say(200),
        ):
            client, poll = self.open()
            self.assertLess(self.ask_for(5.0, poll, answer), 15)
            self.assertTrue(client.connected)
            client.stopService()
            self.server.flush()

    def test_goes_on(self) -> None:
        """They are asked for every two seconds at least, for ever."""
        _, poll = self.open()
        self.ask_for(20.0, poll, lambda poll: poll.say(204))
        count = self.ask_for(60.0, self.again(), lambda poll: poll.say(204))
        self.assertGreaterEqual(count, 29)
        self.assertLess(count, 61)

    def again(self) -> Asked:
        """The next poll, whenever it comes."""
        self.server.wait_for(lambda: self.server.asked)
        return self.server.take("GET")

    def two_at_once(self, poll: Asked) -> Asked:
        """Answer until the next poll has to wait, which the third has.

        :return: the poll that comes then.
        """
        for _ in range(2):
            poll.say(204)
            poll = self.server.take("GET")
        poll.say(204)
        self.assertEqual(self.server.asked, [])
        return self.again()

    def test_few(self) -> None:
        """Two in a row cost no time."""
        _, poll = self.open()
        self.two_at_once(poll)

    def test_messages(self) -> None:
        """After messages the next poll is made at once, and the count begins anew."""
        client, poll = self.open()
        heard: list[Any] = []
        client.on_message(heard.append)
        for _ in range(3):
            for _ in range(5):
                poll.say(204)
                poll = self.again()
            for i in range(20):
                poll.say(200, messages=[SHOUT % i])
                poll = self.server.take("GET")
            poll = self.two_at_once(poll)
        self.assertEqual(len(heard), 60)

    def test_waited(self) -> None:
        """So it does after an answer that took its time."""
        _, poll = self.open()
        for _ in range(3):
            for _ in range(5):
                poll.say(204)
                poll = self.again()
            self.server.advance(0.3)
            poll.say(204)
            poll = self.two_at_once(self.server.take("GET"))

    def test_published(self) -> None:
        """What is sent is answered by the next poll, which is made at once then."""
        client, poll = self.open()
        for _ in range(8):
            poll.say(204)
            poll = self.again()
        poll.say(204)
        self.assertEqual(self.server.asked, [])
        joining = client.join("rooms:1")
        self.server.take("POST").say(200)
        self.server.take("GET")
        joining.addErrback(lambda _: None)

    def test_paused(self) -> None:
        """A reader that pauses meanwhile changes nothing."""
        client, poll = self.open()
        for _ in range(8):
            poll.say(204)
            poll = self.again()
        poll.say(204)
        connection: Any = client.connection
        connection.pause_reading()
        connection.resume_reading()
        self.assertEqual(self.server.asked, [])
        connection.pause_reading()
        self.server.advance(3.0)
        connection.resume_reading()
        self.server.take("GET")
        self.assertEqual(self.server.asked, [])

    def test_stopped(self) -> None:
        """A poll that was to come does not, once the session has ended."""
        client, poll = self.open()
        for _ in range(8):
            poll.say(204)
            poll = self.again()
        poll.say(204)
        client.disconnect()
        self.server.flush()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.server.advance(10.0)
        self.assertEqual(self.server.asked, [])


@by_treq_too
class SilentPollTests(LongPollTestCase):
    """Polls that are not answered at once."""

    def test_idle(self) -> None:
        """An idle session lasts, however short the heartbeats would be."""
        client, poll = self.open(heartbeat_interval=5.0, heartbeat_timeout=3.0)
        for _ in range(10):
            self.server.advance(10.0)
            poll.say(204)
            poll = self.server.take("GET")
        self.assertTrue(client.connected)
        self.assertEqual(self.losses, [])

    def test_longer_window(self) -> None:
        """A window that is longer than Phoenix's is found after some losses."""
        client = self.begin(heartbeat_interval=5.0, heartbeat_timeout=3.0)
        poll = self.server.open_session()
        for reason in LOSSES:
            self.server.wait_for(lambda: not client.connected)
            self.assertEqual(self.losses[-1].reason, reason)
            self.server.wait_for(lambda: self.server.asked)
            poll = self.server.open_session()
        self.server.advance(35.0)
        for _ in range(10):
            poll.say(204)
            poll = self.server.take("GET")
            self.server.advance(35.0)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.losses), len(LOSSES))

    def test_dead(self) -> None:
        """A server that is gone is found out in the window and the timeout."""
        client, poll = self.open(heartbeat_interval=5.0, heartbeat_timeout=3.0)
        self.server.advance(10.0)
        poll.say(204)
        poll = self.server.take("GET")
        self.server.advance(12.9)
        self.assertTrue(client.connected)
        self.server.advance(0.1)
        self.assertEqual(self.loss(client).reason, "no answer within 13 s")

    def test_publish(self) -> None:
        """A publish has as much: the server may wait for a channel that is busy."""
        client, _ = self.open(heartbeat_interval=5.0, heartbeat_timeout=3.0)
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        self.server.advance(9.0)
        publish.say(200)
        self.assertTrue(client.connected)

    def test_open(self) -> None:
        """So has the opening of a session, and ``connect_timeout`` at most."""
        client = self.begin(
            heartbeat_interval=1.0, heartbeat_timeout=1.0, connect_timeout=20.0
        )
        opening = self.server.take("GET")
        self.server.advance(10.9)
        opening.say(410, token="t")
        self.assertTrue(client.connected)

    def test_slow_answer(self) -> None:
        """An answer that comes slowly is no silence."""
        client, poll = self.open(heartbeat_interval=5.0, heartbeat_timeout=3.0)
        heard: list[Any] = []
        client.on_message(heard.append)
        body = b'{"status":200,"messages":["%s"]}' % b"x" * 1
        poll.write(200, b"", content_length=str(len(body)))
        for i in range(len(body) - 1):
            self.server.advance(12.0)
            poll.write(200, body[i : i + 1])
        self.assertTrue(client.connected)
        poll.write(200, body[-1:])
        poll._request.finish()
        self.server.flush()
        self.assertEqual(len(self.errors), 1)
        self.assertTrue(client.connected)


LOSSES = ["no answer within 13 s", "no answer within 23 s"]
