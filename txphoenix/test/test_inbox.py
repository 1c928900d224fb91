"""The queue of receive(): its order, its limit, and its end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.inbox import Inbox
from txphoenix.errors import ChannelClosed
from txphoenix.protocol.message import Message
from txphoenix.runtime.deadlines import Deadline, Deadlines

from .support import TOPIC, Outcome

PATIENCE = 30.0


def news(number: int) -> Message:
    """A message."""
    return Message(None, None, TOPIC, "news", number)


class InboxTestCase(SynchronousTestCase):
    """A queue of four messages, and what it asks of the connection."""

    def setUp(self) -> None:
        """Have it empty."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.asked: list[str] = []
        self.inbox = self.make(4)

    def make(self, limit: int) -> Inbox:
        """Another queue."""
        return Inbox(
            TOPIC,
            limit,
            lambda: self.asked.append("pause"),
            lambda: self.asked.append("resume"),
            self,
        )

    def await_reader(self, inbox: Deadline) -> None:
        """Have a pause wait for its reader."""
        self.deadlines.set(inbox, PATIENCE)

    def messages_dropped(self, topic: str, count: int) -> None:
        """Note what telemetry would be told."""
        self.asked.append(f"{topic}: {count} dropped")

    def left_unread(self, topic: str, count: int) -> None:
        """Note what telemetry would be told."""
        self.asked.append(f"{topic}: {count} left unread")

    def put(self, *numbers: int) -> None:
        """Messages come."""
        for number in numbers:
            self.inbox.put(news(number))

    def get(self) -> Outcome[Message]:
        """Take a message."""
        return Outcome(self.inbox.get())

    def assert_got(self, *numbers: int) -> None:
        """These messages are there, and can be taken at once."""
        self.assertEqual(
            [self.get().fired for _ in numbers], [[news(each)] for each in numbers]
        )


class QueueTests(InboxTestCase):
    """Putting and getting."""

    def test_order(self) -> None:
        """Messages are taken in the order in which they came."""
        self.put(1, 2, 3)
        self.assertEqual(len(self.inbox), 3)
        self.assert_got(1, 2, 3)
        self.assertEqual(len(self.inbox), 0)

    def test_wait(self) -> None:
        """Without a message it waits; who waits longest gets the next one."""
        first, second = self.get(), self.get()
        self.put(1)
        self.assertEqual((first.fired, second.fired), ([news(1)], []))
        self.put(2, 3)
        self.assertEqual(second.fired, [news(2)])
        self.assert_got(3)

    def test_cancel(self) -> None:
        """Who cancels takes no message."""
        first, second = self.get(), self.get()
        first.deferred.cancel()
        self.put(1)
        self.assertIsInstance(first.fired[0], CancelledError)
        self.assertEqual(second.fired, [news(1)])

    def test_get_in_callback(self) -> None:
        """A callback may get the next message, or close the queue."""
        got: list[Any] = []

        def again(message: Message) -> None:
            got.append(message.payload)
            if message.payload < 3:
                self.inbox.get().addCallback(again)
            else:
                self.inbox.close(ChannelClosed("done"))

        self.inbox.get().addCallback(again)
        self.put(1, 2, 3, 4)
        self.assertEqual(got, [1, 2, 3])
        self.assert_got(4)


class LimitTestCase(InboxTestCase):
    """A queue that is asked whether it asks for a pause."""

    def assert_asked(self, *asked: str) -> None:
        """This was asked of the connection since the last time."""
        self.assertEqual(self.asked, list(asked))
        self.asked.clear()


class LimitTests(LimitTestCase):
    """Decision 10: what happens when there are too many."""

    def test_pauses(self) -> None:
        """Decision 10: with a reader, it asks for a pause when it is full."""
        self.get()
        self.put(0, 1, 2, 3)
        self.assert_asked()
        self.put(4)
        self.assert_asked("pause")

    def test_resumes_at_half(self) -> None:
        """Decision 10: it asks to go on when half of its messages have been read."""
        self.get()
        self.put(0, 1, 2, 3, 4)
        self.assert_asked("pause")
        self.assert_got(1)
        self.assert_asked()
        self.assert_got(2)
        self.assert_asked("resume")
        self.assert_got(3, 4)
        self.assert_asked()

    def test_more_than_full(self) -> None:
        """With a reader nothing is lost, though more come before the pause holds."""
        self.get()
        self.put(*range(9))
        self.assertEqual(set(self.asked), {"pause"})
        self.asked.clear()
        self.assert_got(*range(1, 6))
        self.assert_asked()
        self.assert_got(6)
        self.assert_asked("resume")
        self.assert_got(7, 8)
        self.assertEqual(self.inbox.dropped, 0)

    def test_limit_of_one(self) -> None:
        """The smallest limit works as well."""
        self.inbox = self.make(1)
        self.get()
        self.put(0, 1)
        self.assert_asked("pause")
        self.assert_got(1)
        self.assert_asked("resume")

    def test_drops_oldest(self) -> None:
        """Decision 10: without a reader it drops its oldest, and counts them."""
        with capturedLogs() as captured:
            self.put(*range(10))
        self.assert_asked()
        self.assertEqual(self.inbox.dropped, 6)
        [event] = captured
        self.assertIs(event["log_level"], LogLevel.warn)
        text = event["log_format"].format(**event)
        self.assertIn(TOPIC, text)
        self.assertIn("more than 4", text)
        self.assert_got(6, 7, 8, 9)

    def test_logged_once(self) -> None:
        """Decision 10: the log says so once, however many are dropped."""
        with capturedLogs() as captured:
            self.put(*range(1000))
        self.assertEqual(len(captured), 1)
        self.assertEqual(len(self.inbox), 4)

    def test_late_reader(self) -> None:
        """From its first reader on nothing is dropped any more."""
        self.put(*range(5))
        self.assertEqual(self.inbox.dropped, 1)
        self.assert_got(1)
        self.put(5, 6)
        self.assertEqual(self.inbox.dropped, 1)
        self.assert_asked("pause", "pause")
        self.assert_got(2, 3, 4, 5, 6)

    def test_forget_reader(self) -> None:
        """A reader that is forgotten is waited for no more, until it reads again."""
        self.get()
        self.put(*range(5))
        self.assert_asked("pause")
        self.inbox.forget_reader()
        self.assert_asked("resume")
        self.put(5)
        self.assert_asked()
        self.assertEqual(self.inbox.dropped, 1)
        self.assert_got(2)
        self.put(6)
        self.assert_asked("pause")

    def test_larger(self) -> None:
        """A larger limit holds at once, and asks to go on."""
        self.get()
        self.put(*range(5))
        self.assert_asked("pause")
        self.inbox.resize(8)
        self.assert_asked("resume")
        self.put(5, 6, 7)
        self.assert_asked()
        self.put(8)
        self.assert_asked("pause")

    def test_smaller(self) -> None:
        """A smaller limit holds with the next message."""
        self.get()
        self.put(0, 1, 2, 3)
        self.inbox.resize(2)
        self.assert_asked()
        self.put(4)
        self.assert_asked("pause")
        self.assert_got(1, 2)
        self.assert_asked()
        self.assert_got(3)
        self.assert_asked("resume")


class ReaderTests(LimitTestCase):
    """Decision 10: who is a reader, and for how long."""

    def test_cancelled(self) -> None:
        """Decision 10: a get() that is cancelled leaves no reader behind."""
        self.get().deferred.cancel()
        self.put(*range(9))
        self.assert_asked()
        self.assertEqual(self.inbox.dropped, 5)

    def test_one_of_two_cancelled(self) -> None:
        """As long as another waits, there is a reader."""
        first = self.get()
        self.get()
        first.deferred.cancel()
        self.put(*range(5))
        self.assert_asked("pause")

    def test_pause_is_logged(self) -> None:
        """A pause begins with a warning that names the topic, one each."""
        self.get()
        with capturedLogs() as captured:
            self.put(*range(8))
        [event] = captured
        self.assertIs(event["log_level"], LogLevel.warn)
        self.assertIn(f"{TOPIC}: 4 messages wait for receive()", formatEvent(event))

    def test_many_pauses(self) -> None:
        """Pauses 1, 2, 4, 8 and so on are logged: a slow reader has thousands."""
        self.get()
        self.put(0)
        with capturedLogs() as captured:
            for _ in range(20):
                self.put(*range(4))
                for _ in range(4):
                    self.get()
        self.assertEqual([event["count"] for event in captured], [1, 2, 4, 8, 16])

    def test_reader_has_gone(self) -> None:
        """Decision 10: a pause waits for its reader for a bounded time.

        From then on the oldest are dropped, counted, and the log says so once.
        """
        self.get()
        self.put(*range(7))
        self.asked.clear()
        self.clock.advance(PATIENCE - 1)
        self.assert_asked()
        with capturedLogs() as captured:
            self.clock.advance(1)
            self.assert_asked("resume")
            self.put(7, 8)
        self.assert_asked()
        self.assertEqual(self.inbox.dropped, 4)
        [event] = captured
        self.assertIs(event["log_level"], LogLevel.warn)
        self.assertIn(f"{TOPIC}: nobody has read", formatEvent(event))
        self.assert_got(5, 6, 7, 8)

    def test_slow_reader(self) -> None:
        """One that takes a message now and then is waited for, however long."""
        self.get()
        self.put(*range(9))
        self.assert_asked(*["pause"] * 5)
        for number in range(1, 6):
            self.clock.advance(PATIENCE - 1)
            self.assert_got(number)
            self.assert_asked()
        self.clock.advance(PATIENCE - 1)
        self.assert_got(6)
        self.assert_asked("resume")
        self.clock.advance(PATIENCE)
        self.assert_asked()
        self.assertEqual(self.inbox.dropped, 0)

    def test_comes_back(self) -> None:
        """A reader that comes back is one again, and a new loss is told anew."""
        self.get()
        self.put(*range(5))
        self.clock.advance(PATIENCE)
        self.assert_got(1)
        self.asked.clear()
        self.put(5)
        self.assert_asked("pause")
        with capturedLogs() as captured:
            self.clock.advance(PATIENCE)
        self.assertEqual(len(captured), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_is_left(self) -> None:
        """Whatever ends a pause ends the wait for its reader."""
        for end in (
            self.inbox.forget_reader,
            lambda: self.inbox.resize(20),
            lambda: self.inbox.interrupt(ChannelClosed("away")),
            lambda: self.inbox.close(ChannelClosed("left")),
        ):
            with self.subTest(end=end):
                self.inbox.resize(4)
                self.get()
                self.put(*range(5))
                self.assertTrue(self.inbox.is_set)
                end()
                self.assertFalse(self.inbox.is_set)


class EndTests(InboxTestCase):
    """Closing, interrupting and opening."""

    def test_close(self) -> None:
        """Who waits fails, and so does who comes after the last message."""
        waiting = [self.get(), self.get()]
        self.inbox.close(ChannelClosed("left"))
        for outcome in waiting:
            self.assertIsInstance(outcome.fired[0], ChannelClosed)
        self.assertIsInstance(self.get().fired[0], ChannelClosed)

    def test_close_with_messages(self) -> None:
        """What is there can still be read, and holds nobody up."""
        self.get()
        self.put(*range(5))
        self.asked.clear()
        self.inbox.close(ChannelClosed("left"))
        self.assertEqual(self.asked, ["resume"])
        self.assert_got(1, 2, 3, 4)
        self.assertIsInstance(self.get().fired[0], ChannelClosed)

    def test_open(self) -> None:
        """Opened again, it waits again."""
        self.inbox.close(ChannelClosed("left"))
        self.inbox.open()
        outcome = self.get()
        self.assertEqual(outcome.fired, [])
        self.put(1)
        self.assertEqual(outcome.fired, [news(1)])

    def test_open_with_messages(self) -> None:
        """What nobody has read of the time before is gone then, and counted."""
        self.get()
        self.put(0, 1, 2)
        self.inbox.close(ChannelClosed("left"))
        self.inbox.open()
        self.assertEqual((len(self.inbox), self.inbox.dropped), (0, 2))
        self.asked.clear()
        self.put(*range(3, 9))
        self.assertEqual(self.asked, [])
        self.assert_got(5, 6, 7, 8)

    def test_interrupt(self) -> None:
        """An interruption fails who waits now, and nobody else."""
        outcome = self.get()
        self.inbox.interrupt(ChannelClosed("away"))
        self.assertIsInstance(outcome.fired[0], ChannelClosed)
        self.assertEqual(self.get().fired, [])

    def test_cancel_each_other(self) -> None:
        """Who fails may cancel another who fails just then."""
        first = self.inbox.get()
        second = self.inbox.get()
        first.addErrback(lambda _: second.cancel())
        outcomes = [Outcome(first), Outcome(second), self.get()]
        self.inbox.close(ChannelClosed("left"))
        self.assertEqual(outcomes[0].fired, [None])
        self.assertIsInstance(outcomes[1].fired[0], CancelledError)
        self.assertIsInstance(outcomes[2].fired[0], ChannelClosed)

    def test_wait_again_when_interrupted(self) -> None:
        """Who fails may wait again, and is not failed again."""
        outcomes: list[Outcome[Message]] = []
        self.inbox.get().addErrback(lambda _: outcomes.append(self.get()))
        self.inbox.interrupt(ChannelClosed("away"))
        self.assertEqual(outcomes[0].fired, [])
        self.put(1)
        self.assertEqual(outcomes[0].fired, [news(1)])
