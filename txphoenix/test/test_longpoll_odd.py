"""Tests of long-poll against servers whose answers make no sense.

No answer leaves a client hanging: each ends its attempt, or its session, with an error.
"""

from __future__ import annotations

import gzip
import json
from random import Random
from typing import Any

from txphoenix import ConnectionClosed, ConnectionFailed, HandshakeRefused
from txphoenix.protocol.json_codecs import StandardJSON
from txphoenix.transports import longpoll_answers

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase

SESSION = b'{"status":410,"token":"t","messages":[]}'
OK = b"HTTP/1.1 200 OK\r\n"

# What a server may say in the body of an answer, and no Phoenix server does.
ODD_BODIES = (
    b"",
    b"null",
    b"410",
    b"[]",
    b"[" * 100_000,
    b'{"status":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"a":' + b"[" * 980 + b"]" * 980 + b"}",
    b'{"status":true}',
    b'{"status":200.0}',
    b'{"status":1e400}',
    b'{"status":"200"}',
    b'{"status":null}',
    b'{"status":[200]}',
    b'{"status":' + b"9" * 5_000 + b"}",
    b'{"status":-200}',
    b'{"status":NaN}',
    b'{"status":200,"status":"x"}',
    b'{"status":200,"messages":null}',
    b'{"status":200,"messages":"abc"}',
    b'{"status":200,"messages":{"a":"b"}}',
    b'{"status":200,"messages":[null]}',
    b'{"status":200,"messages":[["a"]]}',
    b'{"status":200,"messages":["\\ud83d"]}',
    b'{"status":200,"messages":[' + b"[" * 980 + b"]" * 980 + b"]}",
    b"\xff\xfe\x00",
    SESSION.decode("ascii").encode("utf-16"),
    b'{"status":410}',
    b'{"status":410,"token":null}',
    b'{"status":410,"token":""}',
    b'{"status":410,"token":["t"]}',
    b'{"status":410,"token":"\\ud800"}',
    b'{"status":410,"token":"' + b"t" * 5_000 + b'"}',
)


def http(body: bytes) -> bytes:
    """A whole answer of HTTP."""
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


class OddTestCase(LongPollTestCase):
    """A test with a client, and a server whose every byte the test writes."""

    def answer(self, data: bytes) -> None:
        """Answer the latest request, and hang up."""
        server = self.server.pairs[-1].server
        server.write(data)
        server.loseConnection()
        self.server.flush()

    def begin_anew(self) -> None:
        """Begin with another client."""
        self.server.asked.clear()
        self.errors.clear()
        self.losses.clear()

    def refuse_with(self, data: bytes, **options: Any) -> Exception:
        """What an attempt fails with."""
        self.begin_anew()
        client = self.begin(reconnect=False, **options)
        waiting = client.when_connected()
        self.server.asked.clear()
        self.answer(data)
        error: Exception = self.failure(client)
        self.assertEqual(str(self.failureResultOf(waiting).value), str(error))
        return error

    def end_with(self, data: bytes, **options: Any) -> ConnectionClosed:
        """What a session ends with."""
        self.begin_anew()
        client, _ = self.open(reconnect=False, **options)
        self.server.asked.clear()
        self.answer(data)
        return self.loss(client)


@by_treq_too
class BodyTests(OddTestCase):
    """Answers whose body is odd."""

    def test_no_session(self) -> None:
        """None of them opens a session."""
        for body in ODD_BODIES:
            with self.subTest(body=body[:60]):
                error = self.refuse_with(http(body))
                self.assertIsInstance(error, HandshakeRefused)
                self.assertLess(len(str(error)), 300)

    def test_no_poll(self) -> None:
        """None of them is the answer to a poll."""
        for body in ODD_BODIES:
            with self.subTest(body=body[:60]):
                reason = self.end_with(http(body))
                # Whether a text that is no UTF-8 is JSON is for the parser to say.
                is_gone = body.startswith(b'{"status":410') and reason.code == 3410
                self.assertTrue(is_gone or reason.code == 1002)
                self.assertLess(len(str(reason)), 300)

    def test_status(self) -> None:
        """A status of thousands of digits ends an attempt, and a session."""
        for count in (4_000, 4_300, 5_000, 20_000):
            line = b"HTTP/1.1 " + b"1" * count + b" OK\r\nContent-Length: 0\r\n\r\n"
            self.assertIsInstance(self.refuse_with(line), HandshakeRefused)
            self.assertEqual(self.end_with(line).code, 1002)

    def test_headers_without_end(self) -> None:
        """Headers without end are refused, and end a session with 1009."""
        data = OK + b"X-Filler: 0123456789\r\n" * 10_000
        error = self.refuse_with(data)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertIn("headers of an answer", str(error))
        self.assertEqual(self.end_with(data).code, 1009)

    def test_nested_encoding(self) -> None:
        """So is what is compressed in what is compressed, for just that."""
        body = gzip.compress(gzip.compress(SESSION))
        head = b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        error = self.refuse_with(OK + head + body)
        self.assertIsInstance(error, HandshakeRefused)
        reason = self.end_with(OK + head + body)
        self.assertEqual(reason.code, 1002)
        for told in (error, reason):
            self.assertIn("must be gzip or deflate, once", str(told))

    def test_bomb(self) -> None:
        """A compressed answer is measured by what is in it."""
        body = gzip.compress(bytes((16 << 20) + 1))
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        answer = OK + head + body
        refused = self.refuse_with(answer, max_message_size=1000)
        self.assertIsInstance(refused, HandshakeRefused)
        self.assertIn("exceeds the limit of 16777216", str(refused))
        self.assertEqual(self.end_with(answer, max_message_size=1000).code, 1009)


class StandardBodyTests(BodyTests):
    """The same where orjson is not installed."""

    def setUp(self) -> None:
        """Have it so."""
        super().setUp()
        self.patch(longpoll_answers, "_loads", StandardJSON().loads)


@by_treq_too
class FuzzTests(OddTestCase):
    """Answers that were changed at random."""

    def test_changed(self) -> None:
        """Whatever was changed, each attempt and each session ends, or goes on."""
        random = Random(20261127)
        poll = json.dumps({"status": 200, "messages": ["[]", "x"]}).encode("ascii")
        for round_ in range(400):
            body = random.choice((SESSION, poll, b'{"status":204}'))
            chunked = b"%x;a=b\r\n%s\r\n0\r\nT: t\r\n\r\n" % (len(body), body)
            answer = random.choice(
                (
                    http(body),
                    OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
                    OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(body),
                    b"HTTP/1.1 100 Continue\r\n\r\n" + http(body),
                )
            )
            with self.subTest(round=round_):
                self.try_both(_changed(answer, random))

    def try_both(self, data: bytes) -> None:
        """Answer an attempt so, and a poll."""
        self.begin_anew()
        client = self.begin(reconnect=False)
        self.server.asked.clear()
        self.answer(data)
        self.server.advance(client.options.connect_timeout)
        if not client.connected:
            [error] = self.errors or self.losses
            self.assertIsInstance(error, ConnectionFailed)
        self.stop_all()
        self.clients.clear()
        self.begin_anew()
        client, _ = self.open(reconnect=False)
        self.server.asked.clear()
        self.answer(data)
        self.assertTrue(client.connected or self.losses)
        self.stop_all()
        self.clients.clear()


def _changed(data: bytes, random: Random) -> bytes:
    """Some bytes changed, cut out, doubled or put in."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed))
        how = random.randrange(5)
        if how == 0:
            changed[at] = random.randrange(256)
        elif how == 1:
            del changed[at : at + random.randint(1, 8)]
        elif how == 2:
            changed[at:at] = changed[at : at + random.randint(1, 20)]
        elif how == 3:
            changed[at:at] = random.choice(
                (b"\r\n", b"9" * 5000, b"\x00", b":", b"\xff")
            )
        else:
            digits = [i for i, byte in enumerate(changed) if 48 <= byte < 58]
            changed[random.choice(digits or [at])] = random.randrange(48, 58)
        if not changed:
            break
    return bytes(changed)
