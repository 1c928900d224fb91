"""Tests of ``transports/longpoll_outgoing.py``: what waits, and what has left."""

from __future__ import annotations

import tracemalloc
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import BufferFull
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.transports.longpoll_outgoing import Outgoing

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase


class OutgoingTests(SynchronousTestCase):
    """The queue."""

    def setUp(self) -> None:
        """Make one."""
        self.outgoing = Outgoing()

    def test_batches(self) -> None:
        """Frames go in order, as many together as may."""
        add = self.outgoing.add
        marks = [
            add(b"[1]", False),
            add(b"[2]", False),
            add(b'{"a":1}', False),
            add(b"[\n3]", False),
            add(b"\x00\x01", True),
            add(b"[4]", False),
        ]
        self.assertEqual(marks, sorted(set(marks)))
        batches = []
        while self.outgoing:
            batches.append(self.outgoing.next_batch())
        self.assertEqual(
            batches,
            [
                (b"[1]\n[2]", "application/x-ndjson"),
                (b'{"a":1}', "text/plain"),
                (b"[\n3]", "text/plain"),
                (b"AAE=\n[4]", "application/x-ndjson"),
            ],
        )

    def test_size(self) -> None:
        """What waits is counted, the batch under way too, until the server has it."""
        for _ in range(150):
            self.outgoing.add(b"[12345678]", False)
        self.assertEqual(self.outgoing.size, 1500)
        self.outgoing.next_batch()
        self.outgoing.batch_left()
        self.assertEqual(self.outgoing.size, 1500)
        self.outgoing.batch_taken()
        self.assertEqual(self.outgoing.size, 500)
        self.outgoing.clear()
        self.assertEqual(self.outgoing.size, 0)
        self.assertFalse(self.outgoing)

    def test_left(self) -> None:
        """A frame has left once its batch has."""
        marks = [self.outgoing.add(b"[1]", False) for _ in range(101)]
        self.outgoing.next_batch()
        has_left = self.outgoing.has_left
        self.assertEqual([has_left(mark) for mark in marks], [False] * 101)
        self.outgoing.batch_left()
        self.assertEqual([has_left(mark) for mark in marks], [True] * 100 + [False])
        self.outgoing.clear()
        self.assertFalse(has_left(marks[-1]))

    def test_withdrawn(self) -> None:
        """A frame that is in no batch can be taken back, once."""
        marks = [self.outgoing.add(b"[%d]" % i, False) for i in range(5)]
        for mark in (marks[0], marks[3], marks[4]):
            self.assertTrue(self.outgoing.withdraw(mark))
            self.assertFalse(self.outgoing.withdraw(mark))
        self.assertEqual(self.outgoing.size, 6)
        self.assertEqual(self.outgoing.next_batch()[0], b"[1]\n[2]")
        self.assertFalse(self.outgoing.withdraw(marks[1]))
        self.assertFalse(self.outgoing)

    def test_unsent(self) -> None:
        """What is dropped is counted, as far as it has not left."""
        for has_left in False, True:
            outgoing = Outgoing()
            outgoing.add(b"[1]", False)
            outgoing.add(b"[2]", False)
            outgoing.next_batch()
            if has_left:
                outgoing.batch_left()
            outgoing.add(b"[3]", False)
            outgoing.withdraw(outgoing.add(b"[4]", False))
            for _ in range(2):
                outgoing.clear()
                self.assertEqual(outgoing.unsent, 1 if has_left else 3)

    def test_many_withdrawn(self) -> None:
        """Nothing is left of those, however many there are behind a slow batch."""
        self.outgoing.add(b"[0]", False)
        first = self.outgoing.add(b"[1]", False)
        for number in range(5000):
            self.outgoing.withdraw(self.outgoing.add(b"[%d]" % number, False))
        last = self.outgoing.add(b"[2]", False)
        self.assertLess(len(self.outgoing._marks), 100)
        self.assertTrue(self.outgoing.withdraw(first))
        self.assertEqual(self.outgoing.next_batch()[0], b"[0]\n[2]")
        self.assertFalse(self.outgoing.withdraw(last))

    def test_memory(self) -> None:
        """What waits takes as many bytes as it has, whatever has encoded it."""
        encode = V2Serializer().encode
        message = Message("1", "2", "a", "b", {"body": "x" * 1000})
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(200):
            self.outgoing.add(*encode(message))
        after, _ = tracemalloc.get_traced_memory()
        self.assertLess(after - before, 2 * self.outgoing.size)


@by_treq_too
class RoomTests(LongPollTestCase):
    """A session that has enough to send."""

    def push(self, client: Any, size: int) -> None:
        """Push a message of about so many bytes."""
        client.push(Message(None, None, "a", "b", "x" * size))

    def test_full(self) -> None:
        """The connection is full at ``write_buffer``, and not when there is room."""
        client, _ = self.open(write_buffer=1000)
        connection: Any = client.connection
        self.push(client, 900)
        self.assertFalse(connection.is_full)
        self.push(client, 100)
        self.assertTrue(connection.is_full)
        publish = self.server.take("POST")
        self.assertTrue(connection.is_full)
        publish.say(200)
        self.assertFalse(connection.is_full)

    def test_bounded(self) -> None:
        """Whoever pushes on at a server that takes nothing is refused."""
        client, _ = self.open(write_buffer=10_000)
        transport: Any = client.connection.link.transport
        with self.assertRaises(BufferFull):
            for _ in range(1000):
                self.push(client, 100)
        self.assertLess(transport._outgoing.size, 10_000 + 200)
        self.server.take("POST")
        self.assertRaises(BufferFull, self.push, client, 1)

    def test_limit_changes(self) -> None:
        """reconfigure() says how much is enough from now on."""
        client, _ = self.open(write_buffer=1000)
        connection: Any = client.connection
        self.push(client, 1000)
        self.assertTrue(connection.is_full)
        client.reconfigure(write_buffer=10_000)
        self.assertFalse(connection.is_full)
        client.reconfigure(write_buffer=100)
        self.assertTrue(connection.is_full)

    def test_withdrawn(self) -> None:
        """What is taken back is not sent, and makes room."""
        client, _ = self.open(write_buffer=1000)
        connection: Any = client.connection
        transport = connection.link.transport
        mark = transport.send(b"[1]" + b" " * 1000, False)
        self.assertTrue(connection.is_full)
        self.assertTrue(transport.withdraw(mark))
        self.assertFalse(connection.is_full)
        self.server.advance(1.0)
        self.assertEqual(self.server.asked, [])
        mark = transport.send(b"[2]", False)
        publish = self.server.take("POST")
        self.assertEqual(publish.body, b"[2]")
        self.assertFalse(transport.withdraw(mark))

    def test_left(self) -> None:
        """What was in a request has left, after the loss as well; the rest has not."""
        client, _ = self.open()
        transport: Any = client.connection.link.transport
        first = transport.send(b"[1]", False)
        self.assertFalse(transport.has_left(first))
        publish = self.server.take("POST")
        second = transport.send(b"[2]", False)
        publish.hang_up()
        self.loss(client)
        self.assertTrue(transport.has_left(first))
        self.assertFalse(transport.has_left(second))
