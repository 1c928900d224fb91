"""Tests of our HTTP client against a server that means harm (RFC 9112).

What one reader takes for two answers, or for the end of one, another may not; whoever
writes an answer for both can smuggle something past the one.
"""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed, MessageTooLarge
from txphoenix.transports.http_answer import AnswerReader
from txphoenix.transports.http_head import Answer, ParseError

LIMIT = 100_000
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


class HostileTestCase(SynchronousTestCase):
    """A test that reads answers."""

    def reader(self, **options: Any) -> AnswerReader:
        """What reads an answer."""
        return AnswerReader(lambda: LIMIT, lambda: None, **options)

    def read(
        self, data: bytes, size: int = LIMIT, **options: Any
    ) -> tuple[Answer, bytes, bool]:
        """Read an answer that comes in pieces of a size.

        :return: the answer, what follows it, and whether the connection may stay.
        :raises ConnectionFailed: it does not come to an end.
        """
        reader = self.reader(**options)
        for start in range(0, len(data), size):
            rest = reader.take(data[start : start + size])
            if rest is not None:
                rest += data[start + size :]
                answer = self.successResultOf(reader.finish())
                return answer, rest, reader.is_persistent
        raise ConnectionFailed("not whole")

    def outcome(self, data: bytes, size: int) -> Any:
        """The same, as something to compare: an error is one like another."""
        try:
            return self.read(data, size)
        except (ParseError, ConnectionFailed, MessageTooLarge):
            return None

    def assert_refused(self, data: bytes) -> None:
        """It is no answer, however it comes."""
        for size in (1, LIMIT):
            with self.assertRaises(ParseError, msg=data):
                self.read(data, size)


class SplittingTests(HostileTestCase):
    """Heads that end in one place for one reader, and elsewhere for another."""

    def test_mixed_ends(self) -> None:
        """Where a head ends does not depend on how it comes, nor on what follows."""
        for end in (b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n"):
            data = OK + b"Content-Length: 4" + end + b"\r\n\r\nnext\r\n\r\n"
            for size in range(1, len(data) + 1):
                answer, rest, _ = self.read(data, size)
                self.assertEqual(answer.body, b"\r\n\r\n", (end, size))
                self.assertEqual(rest, b"next\r\n\r\n", (end, size))

    def test_lone_cr(self) -> None:
        """A CR without its LF is no end of a line, and nothing else either."""
        for data in (
            b"HTTP/1.1 200 OK\rX: y\r\nContent-Length: 0\r\n\r\n",
            OK + b"X: y\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
            OK + b"X: y\r\r\nContent-Length: 0\r\n\r\n",
            OK + b"X\r: y\r\nContent-Length: 0\r\n\r\n",
        ):
            self.assert_refused(data)

    def test_nul(self) -> None:
        """A NUL is a space (RFC 9110 section 5.5)."""
        answer, _, _ = self.read(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(answer.headers["x"], "a b")
        self.assert_refused(OK + b"X\0: a\r\n\r\n")
        self.assert_refused(EMPTY[:-2] + b"\0X: a\r\n\r\n")

    def test_folded(self) -> None:
        """A value on several lines is one, also that of a length or a coding."""
        folded = OK + b"X: a\r\n\tb\r\n  c\r\nContent-Length:\r\n 1\r\n\r\nx"
        for size in range(1, len(folded) + 1):
            answer, _, _ = self.read(folded, size)
            self.assertEqual((answer.headers["x"], answer.body), ("a b c", b"x"))
        empty = OK + b"Transfer-Encoding: chunked\r\n \r\n\t\r\n\r\n0\r\n\r\n"
        self.assertEqual(self.read(empty)[0].headers["transfer-encoding"], "chunked")
        self.assert_refused(OK + b"Content-Length: 1\r\n 1\r\n\r\nx")
        self.assert_refused(OK + b"Transfer-Encoding: chunked\r\n x\r\n\r\n")
        self.assert_refused(OK + b" X: a\r\n\r\n")

    def test_names(self) -> None:
        """A name is a token, and ends with its colon (RFC 9112 section 5.1)."""
        for name in (
            *(b"Content-Length ", b"Transfer-Encoding\t", b"\x0bX", b"X\x7f", b""),
            *(b"\xa0Content-Length", b",Content-Length", b"X(y)", b"X\xe9"),
        ):
            self.assert_refused(OK + name + b": 0\r\n\r\n")

    def test_byte_by_byte(self) -> None:
        """A long head that comes byte by byte is not read again with each."""
        head = OK + b"X: y\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n"
        answer, _, _ = self.read(head, 1)
        self.assertEqual(len(answer.headers["x"]), 3 * 10_000 - 2)

    def test_changed(self) -> None:
        """Whatever an answer is made of, it is the same in any pieces."""
        random = Random(1)
        parts = [
            *(b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b":", b",", b";", b"0", b"1"),
            *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 X\r\n", b"Content-Length: 3\r\n"),
            *(b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"3\r\nabc\r\n", b"X:y"),
        ]
        whole = 0
        for _ in range(3000):
            body = b"".join(random.choices(parts, k=random.randrange(8)))
            data = OK + body + random.choice((EMPTY[17:], CHUNKED[17:] + b"0\r\n\r\n"))
            expected = self.outcome(data, len(data))
            whole += expected is not None
            for size in (1, 2, 3, 7):
                self.assertEqual(self.outcome(data, size), expected, (data, size))
        self.assertGreater(whole, 300)


class FramingTests(HostileTestCase):
    """How long a body is, where that is said in several ways."""

    def test_lengths(self) -> None:
        """Several lengths must be one, and a number (RFC 9112 section 6.3)."""
        answer, rest, _ = self.read(
            OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nxy"
        )
        self.assertEqual((answer.body, rest), (b"x", b"y"))
        for value in (
            b"1, 2",
            b"1,",
            b"0x1",
            b"1 1",
            b"-1",
            b"\xa01",
            b"\x0b1",
            b"1_0",
        ):
            self.assert_refused(OK + b"Content-Length: " + value + b"\r\n\r\nxx")
        self.assert_refused(OK + b"Content-Length: 1\r\ncontent-length: 2\r\n\r\nxx")

    def test_length_and_chunks(self) -> None:
        """Chunks count, and the connection serves no other request."""
        for lines in (
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        ):
            answer, rest, is_persistent = self.read(OK + lines + b"1\r\nx\r\n0\r\n\r\n")
            self.assertEqual((answer.body, rest), (b"x", b""))
            self.assertFalse(is_persistent)

    def test_codings(self) -> None:
        """There is one coding, once, and it is ``chunked``."""
        for value in (
            *(b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity"),
            *(b"\x0bchunked", b"chunked\xa0", b"xchunked", b"chunked;q=1", b""),
            b"chunked\r\nTransfer-Encoding: chunked",
        ):
            self.assert_refused(OK + b"Transfer-Encoding: " + value + b"\r\n\r\n")

    def test_chunks(self) -> None:
        """A chunk has a size of hexadecimal digits, and ends in CR and LF."""
        for chunk in (
            *(b"-1\r\n", b"+1\r\nx\r\n", b"0x1\r\nx\r\n", b" 1\r\nx\r\n", b"\r\n"),
            *(b"1\nx\r\n", b"1\r\nx\n0\r\n\r\n", b"1\r\nx\r\r", b"1\r\nxy\r\n"),
            *(b"1 1\r\nx\r\n", b"1\x0b\r\nx\r\n", b"1;a\rb\r\nx\r\n", b"1;a\nb\r\n"),
            b"f" * 16 + b"\r\n",
        ):
            self.assert_refused(CHUNKED + chunk)

    def test_extensions(self) -> None:
        """Of extensions there may be as much as of headers, in all chunks together."""
        chunk = b"1;" + b"x" * 1000 + b"\r\nx\r\n"
        answer, _, _ = self.read(CHUNKED + chunk * 50 + b"0\r\n\r\n")
        self.assertEqual(answer.body, b"x" * 50)
        self.assert_refused(CHUNKED + chunk * 70)

    def test_trailers(self) -> None:
        """Trailers are none of the headers, and end where their blank line is."""
        trailers = b"0\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n\r\nnext"
        answer, rest, _ = self.read(CHUNKED + trailers)
        self.assertEqual(set(answer.headers), {"transfer-encoding"})
        self.assertEqual(rest, b"next")

    def test_without_body(self) -> None:
        """Some answers have no body, whatever they say (RFC 9112 section 6.3)."""
        for lines in (b"Content-Length: 4\r\n\r\n", CHUNKED[17:]):
            for first in (b"HTTP/1.1 204 X\r\n", b"HTTP/1.1 304 X\r\n"):
                answer, rest, _ = self.read(first + lines + b"next")
                self.assertEqual((answer.body, rest), (b"", b"next"))
            answer, rest, is_persistent = self.read(OK + lines + b"next", to_head=True)
            self.assertEqual((answer.body, rest), (b"", b"next"))
            self.assertTrue(is_persistent)

    def test_interim(self) -> None:
        """An interim answer has no body, whatever it says, and its headers are lost."""
        interim = b"HTTP/1.1 102 X\r\nContent-Length: 40\r\nConnection: close\r\n\r\n"
        for size in range(1, 2 * len(interim)):
            answer, rest, is_persistent = self.read(interim * 2 + EMPTY + b"next", size)
            self.assertEqual((answer.code, rest), (200, b"next"))
            self.assertEqual(list(answer.headers), ["content-length"])
            self.assertTrue(is_persistent)

    def test_other_versions(self) -> None:
        """Who speaks no HTTP/1.1 has no say in what a connection is used for."""
        for version in (b"HTTP/0.9", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/3.1"):
            data = version + b" 200 OK\r\nConnection: keep-alive\r\n" + EMPTY[17:]
            self.assertFalse(self.read(data)[2], version)

    def test_cut_off(self) -> None:
        """A body that ends with the connection is whole if that ends in good order."""
        for first in (b"HTTP/1.0 200 OK\r\n\r\n", OK + b"\r\n"):
            for error, is_end in ((ConnectionDone(), True), (ConnectionLost(), False)):
                reader = self.reader()
                self.assertIsNone(reader.take(first + b"[1,2"))
                ended = reader.lost(Failure(error), is_end)
                assert ended is not None
                if is_end:
                    self.assertEqual(self.successResultOf(ended).body, b"[1,2")
                else:
                    self.failureResultOf(ended, ConnectionLost)
