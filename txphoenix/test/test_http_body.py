"""Tests of ``transports/http_body.py``: bodies within a limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import http_body
from txphoenix.transports.http_body import (
    AnswerBody,
    AnswerTooLarge,
    MalformedAnswer,
    RequestBody,
)

LIMIT = 1_000_000


def memory_used(action: Callable[[], object]) -> int:
    """The most bytes that an action has had at a time."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class AnswerBodyTests(SynchronousTestCase):
    """The body of an answer."""

    def setUp(self) -> None:
        """Nothing is given up yet."""
        self.given_up = 0

    def give_up(self) -> None:
        """Count."""
        self.given_up += 1

    def take(self, encoding: bytes, chunks: Iterable[bytes]) -> AnswerBody:
        """A body that has come to its end."""
        body = AnswerBody(encoding, LIMIT, self.give_up)
        body.begin()
        for chunk in chunks:
            body.take(chunk)
        body.end()
        return body

    def assert_malformed(self, body: AnswerBody, words: str) -> None:
        """It cannot be read, and the error says why."""
        error = self.failureResultOf(body.finished, MalformedAnswer).value
        self.assertIn(words, str(error))

    def test_plain(self) -> None:
        """What is not compressed is taken as it is."""
        for encoding in (b"", b"identity", b" Identity "):
            body = self.take(encoding, [b"a" * LIMIT])
            self.assertEqual(self.successResultOf(body.finished), b"a" * LIMIT)
        self.assertEqual(self.given_up, 0)

    def test_compressed(self) -> None:
        """What is compressed once is decompressed, in whatever pieces it comes."""
        text = bytes(range(256)) * 3000
        for encoding, data in (
            (b"gzip", gzip.compress(text)),
            (b"x-gzip", gzip.compress(text)),
            (b" GZIP ", gzip.compress(text)),
            (b"deflate", zlib.compress(text)),
        ):
            for size in (1, 1000, len(data)):
                chunks = (data[i : i + size] for i in range(0, len(data), size))
                body = self.take(encoding, chunks)
                self.assertEqual(self.successResultOf(body.finished), text)

    def test_all_of_it(self) -> None:
        """Nothing is left in the decompressor, whatever the sizes are."""
        for size in (0, 1, 65_535, 65_536, 65_537, 131_072, LIMIT):
            data = zlib.compress(bytes(size))
            for end in (1, 2, len(data)):
                body = self.take(b"deflate", [data[:-end], data[-end:]])
                self.assertEqual(len(self.successResultOf(body.finished)), size)

    def test_empty(self) -> None:
        """No body at all is none, whatever its encoding would be."""
        body = self.take(b"gzip", [])
        self.assertEqual(self.successResultOf(body.finished), b"")

    def test_bomb(self) -> None:
        """Of what becomes too large no more is decompressed than a chunk beyond."""
        bomb = gzip.compress(bytes(100 * LIMIT))

        def explode() -> None:
            body = self.take(b"gzip", [bomb])
            error = self.failureResultOf(body.finished, AnswerTooLarge).value
            self.assertEqual(error.limit, LIMIT)
            self.assertLess(error.size, LIMIT + 100_000)

        self.assertLess(memory_used(explode), 2 * LIMIT)
        self.assertEqual(self.given_up, 1)

    def test_nested(self) -> None:
        """What is compressed twice, or in a way that is not asked for, is refused.

        Nothing of it is taken.
        """
        twice = gzip.compress(gzip.compress(bytes(100 * LIMIT)))
        for encoding in (
            b"gzip, gzip",
            b"gzip,deflate",
            b"br",
            b"zstd",
            b"gzip, br",
            # Others may read another name (RFC 9110 section 5.6.3).
            b"\x0bgzip",
            b"gzip\x0c",
        ):
            self.given_up = 0

            def refuse(encoding: bytes = encoding) -> None:
                body = self.take(encoding, [twice])
                self.assert_malformed(body, "must be gzip or deflate, once")

            self.assertLess(memory_used(refuse), 100_000)
            self.assertEqual(self.given_up, 1)

    def test_within(self) -> None:
        """What is compressed once more without saying so is not looked into."""
        inner = gzip.compress(bytes(100 * LIMIT))
        body = self.take(b"gzip", [gzip.compress(inner)])
        self.assertEqual(self.successResultOf(body.finished), inner)

    def test_damaged(self) -> None:
        """What cannot be decompressed is an error, and so are its end and its rest."""
        data = gzip.compress(b"text")
        for chunks, words in (
            ([b"text"], "badly compressed"),
            ([data[:-1]], "ends too soon"),
            ([data, b"x"], "something behind it"),
            ([data + b"x"], "something behind it"),
            ([data + data], "something behind it"),
        ):
            self.assert_malformed(self.take(b"gzip", chunks), words)

    def test_too_large(self) -> None:
        """What is over the limit as it comes is given up at once, and once."""
        body = self.take(b"", [b"x" * LIMIT, b"x", b"x" * LIMIT])
        error = self.failureResultOf(body.finished, AnswerTooLarge).value
        self.assertEqual((error.size, error.limit), (LIMIT + 1, LIMIT))
        self.assertEqual(self.given_up, 1)

    def test_small_chunks(self) -> None:
        """A body in chunks of a byte costs no more memory than another."""
        used = memory_used(lambda: self.take(b"", (b"x" for _ in range(LIMIT // 4))))
        self.assertLess(used, LIMIT)

    def test_lost(self) -> None:
        """The connection's loss is told as it is."""
        body = AnswerBody(b"", LIMIT, self.give_up)
        body.take(b"x")
        body.end(Failure(ConnectionLost()))
        self.failureResultOf(body.finished, ConnectionLost)

    def test_cancelled(self) -> None:
        """Cancelled, it is given up; what becomes of it then is nobody's."""
        body = AnswerBody(b"", LIMIT, self.give_up)
        body.finished.cancel()
        self.assertEqual(self.given_up, 1)
        self.failureResultOf(body.finished, CancelledError)
        body.end(Failure(ConnectionLost()))


class Consumer:
    """A connection that takes so many bytes, and then asks for a pause."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        """Take it."""
        self.taken += data
        if len(self.taken) >= self.room:
            self.producer.pauseProducing()


class RequestBodyTests(SynchronousTestCase):
    """The body of a request."""

    def make(self, body: bytes, room: int) -> tuple[RequestBody, Consumer, list[str]]:
        """A body and a connection."""
        told: list[str] = []
        producer = RequestBody(
            body, lambda: told.append("progressed"), lambda: told.append("written")
        )
        consumer = Consumer(room)
        consumer.producer = producer
        return producer, consumer, told

    def test_at_once(self) -> None:
        """A short one is written at once."""
        producer, consumer, told = self.make(b"question", 100)
        self.assertEqual(producer.length, 8)
        self.assertIsNone(
            self.successResultOf(producer.startProducing(cast(Any, consumer)))
        )
        self.assertEqual((consumer.taken, told), (b"question", ["written"]))

    def test_paused(self) -> None:
        """A long one waits for the connection; each time that it goes on is told."""
        body = bytes(range(256)) * 400
        producer, consumer, told = self.make(body, 30_000)
        finished = producer.startProducing(cast(Any, consumer))
        self.assertNoResult(finished)
        self.assertLess(len(consumer.taken), 50_000)
        consumer.room = 60_000
        producer.resumeProducing()
        self.assertNoResult(finished)
        self.assertEqual(told, ["progressed"])
        consumer.room = len(body)
        producer.resumeProducing()
        # All is with the connection, which has not written it yet.
        self.assertEqual(consumer.taken, body)
        self.assertNoResult(finished)
        producer.resumeProducing()
        self.assertIsNone(self.successResultOf(finished))
        self.assertEqual(told, ["progressed"] * 3 + ["written"])

    def test_resumed_within(self) -> None:
        """A connection that asks for more within a write gets it in order.

        However often it does so, no write is within another.
        """
        self.patch(http_body, "_PIECE", 16)
        body = bytes(range(256)) * 400
        producer, consumer, _ = self.make(body, 30_000)
        pause = producer.pauseProducing

        def pause_and_resume() -> None:
            pause()
            producer.resumeProducing()

        producer.pauseProducing = pause_and_resume  # type: ignore[method-assign]
        finished = producer.startProducing(cast(Any, consumer))
        self.assertIsNone(self.successResultOf(finished))
        self.assertEqual(consumer.taken, body)

    def test_stopped(self) -> None:
        """One whose connection has ended writes no more."""
        producer, consumer, told = self.make(bytes(100_000), 30_000)
        finished = producer.startProducing(cast(Any, consumer))
        size = len(consumer.taken)
        producer.stopProducing()
        producer.resumeProducing()
        self.assertNoResult(finished)
        self.assertEqual(len(consumer.taken), size)
        self.assertNotIn("written", told)
