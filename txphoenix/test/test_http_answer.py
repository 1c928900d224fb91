"""Tests of ``transports/http_answer.py``: answers, in whatever pieces they come."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed, MessageTooLarge
from txphoenix.transports.http_answer import AnswerReader
from txphoenix.transports.http_head import Answer, ParseError

LIMIT = 100_000
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class AnswerReaderTests(SynchronousTestCase):
    """One answer."""

    def setUp(self) -> None:
        """Nothing is given up yet."""
        self.given_up = 0

    def give_up(self) -> None:
        """Count."""
        self.given_up += 1

    def reader(self) -> AnswerReader:
        """What reads an answer."""
        return AnswerReader(lambda: LIMIT, self.give_up)

    def read(self, data: bytes, size: int) -> tuple[Answer, bytes, bool]:
        """Read an answer that comes in pieces of a size.

        :return: the answer, what follows it, and whether the connection may stay.
        """
        reader = self.reader()
        for start in range(0, len(data), size):
            rest = reader.take(data[start : start + size])
            if rest is not None:
                rest += data[start + size :]
                answer = self.successResultOf(reader.finish())
                return answer, rest, reader.is_persistent
        raise AssertionError(f"not whole: {data[:60]!r}")

    def test_pieces(self) -> None:
        """In whatever pieces an answer comes, it and what follows are the same."""
        for data, body in (
            (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
            (OK + b"Content-Length: 0\r\n\r\n", b""),
            (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", b"hello"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 4\n\r\n\n\n\n\n", b"\n\n\n\n"),
            (OK + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n", b"\r\n" * 4),
            (b"HTTP/1.1 103 A\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x"),
            (
                CHUNKED + b"3\r\nabc\r\n10;a=b\r\n0123456789\r\nabcd\r\n0\r\n\r\n",
                b"abc0123456789\r\nabcd",
            ),
            (CHUNKED + b"1 \r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"x"),
            (CHUNKED + b"0\r\n\r\n", b""),
            (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
        ):
            for size in range(1, len(data) + 5):
                answer, rest, is_persistent = self.read(data + b"next", size)
                self.assertEqual((answer.body, rest), (body, b"next"), (data, size))
                self.assertTrue(is_persistent)

    def test_headers(self) -> None:
        """Headers are by their lower-case names, and one by one as they came."""
        answer, _, _ = self.read(
            b"HTTP/1.1 418 I'm a teapot \r\nSet-Cookie: a=1\r\nX-Long: 1\r\n  2\r\n"
            b"set-cookie:b=2\r\nContent-Length: 0\r\n\r\n",
            7,
        )
        self.assertEqual((answer.code, answer.phrase), (418, "I'm a teapot"))
        self.assertEqual(
            answer.headers,
            {"set-cookie": "a=1, b=2", "x-long": "1 2", "content-length": "0"},
        )
        self.assertEqual(answer.lines[0], ("Set-Cookie", "a=1"))
        self.assertEqual(answer.lines[2], ("set-cookie", "b=2"))
        self.assertIn(b"\r\nX-Long: 1 2\r\n", answer.head)

    def test_persistent(self) -> None:
        """A server may say that the connection ends (RFC 9112 section 9.3)."""
        for first, header, expected in (
            (b"HTTP/1.1", b"", True),
            (b"HTTP/1.1", b"Connection: keep-alive\r\n", True),
            (b"HTTP/1.1", b"Connection: Close\r\n", False),
            (b"HTTP/1.1", b"connection: x\r\nConnection: close\r\n", False),
            (b"HTTP/1.0", b"", False),
            (b"HTTP/1.1", b"X-Connection: close\r\n", True),
        ):
            data = first + b" 200 OK\r\n" + header + b"Content-Length: 0\r\n\r\n"
            self.assertIs(self.read(data, 100)[2], expected, data)
        self.assertFalse(self.read(b"HTTP/1.1 101 Other\r\n\r\n", 100)[2])

    def test_up_to_the_end(self) -> None:
        """A body of which nothing says how long it is ends with the connection."""
        reader = self.reader()
        self.assertIsNone(reader.take(OK + b"\r\nhel"))
        self.assertIsNone(reader.take(b"lo"))
        ended = reader.lost(Failure(ConnectionDone()), True)
        assert ended is not None
        self.assertEqual(self.successResultOf(ended).body, b"hello")

    def test_cut_off(self) -> None:
        """A body of which something is missing is none; nor is a head."""
        for data in (OK + b"Content-Length: 5\r\n\r\nhell", CHUNKED + b"3\r\nabc\r\n"):
            reader = self.reader()
            self.assertIsNone(reader.take(data))
            ended = reader.lost(Failure(ConnectionLost()), False)
            assert ended is not None
            self.failureResultOf(ended, ConnectionLost)
        for data in (b"", b"HTTP/1.1 200", OK, b"HTTP/1.1 100 Continue\r\n\r\n"):
            reader = self.reader()
            if data:
                self.assertIsNone(reader.take(data))
            self.assertIsNone(reader.lost(Failure(ConnectionLost()), False))

    def test_refused(self) -> None:
        """What is no HTTP is found at once, be it whole or not."""
        for data in (
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1 20 OK\r\n",
            OK + b"a b: c\r\n\r\n",
            OK + b": c\r\n\r\n",
            OK + b"Content-Length: \r\n\r\n",
            OK + b"Content-Length: +1\r\n\r\n",
            OK + b"Content-Length: \xb2\r\n\r\n",
            OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
            CHUNKED + b"1\r\nx\n",
            CHUNKED + b"1\r\nx\r\r",
            CHUNKED + b"1" * 16 + b"\r\n",
        ):
            with self.assertRaises(ParseError, msg=data):
                self.reader().take(data)
            reader = self.reader()
            with self.assertRaises(ParseError, msg=data):
                for byte in data:
                    reader.take(bytes([byte]))

    def test_large(self) -> None:
        """The limit of a body counts, however it comes."""
        for data in (
            OK + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1) + bytes(LIMIT + 1),
            CHUNKED + b"%x\r\n" % (LIMIT + 1) + bytes(LIMIT + 1),
            OK + b"\r\n" + bytes(LIMIT + 1),
        ):
            self.given_up = 0
            reader = self.reader()
            reader.take(data)
            self.assertEqual(self.given_up, 1)
            ended = reader.lost(Failure(ConnectionFailed("given up")), False)
            assert ended is not None
            self.failureResultOf(ended, MessageTooLarge)

    def test_linear(self) -> None:
        """A body in small pieces, or small chunks, is not copied again and again."""
        body = bytes(LIMIT)
        head = OK + b"Content-Length: %d\r\n\r\n" % LIMIT
        self.assertEqual(self.read(head + body, 100)[0].body, body)
        chunks = b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n"
        for size in (7, len(chunks)):
            answer, _, _ = self.read(CHUNKED + chunks, size)
            self.assertEqual(answer.body, b"x" * 10_000)
