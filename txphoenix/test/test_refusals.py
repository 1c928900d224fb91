"""Tests of what the error of a refused handshake holds, by each transport."""

from __future__ import annotations

import gzip
import json
import pickle
from base64 import b64encode
from typing import Any, ClassVar
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import HandshakeRefused
from txphoenix.protocol.url import parse
from txphoenix.transports.http_body import LONGEST_REFUSAL, PATIENCE
from txphoenix.transports.refusal import refused
from txphoenix.transports.request_secrets import RequestSecrets

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .raw_server import RawTestCase

PROBLEM = {
    "type": "https://example.org/full",
    "title": "Too many sockets",
    "detail": "Try again tomorrow.",
    "status": 429,
}
SECRET = "s3cr3t/+&= \"'é"


def head(*lines: str, status: str = "429 Too Many Requests") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def with_length(body: bytes, *lines: str) -> bytes:
    """An answer whose body has its length."""
    return head(f"Content-Length: {len(body)}", *lines) + body


class BodyTests(RawTestCase):
    """The body of a refusal of a WebSocket."""

    options: ClassVar[dict[str, Any]] = {}

    def refusal(self, answer: bytes, **options: Any) -> HandshakeRefused:
        """What the user is told of an answer, without any time passing."""
        self.raw.answer = answer
        _, errors = self.refused_client(**{**self.options, **options})
        [error] = errors
        assert isinstance(error, HandshakeRefused), error
        self.assertEqual(error.status, 429)
        self.memory.flush()
        self.assertTrue(self.peer.is_lost, "the connection is closed")
        return error

    def test_problem(self) -> None:
        """A problem is there whole, and its title and detail are in the text."""
        body = json.dumps(PROBLEM).encode()
        kind = "Content-Type: application/problem+json; charset=utf-8"
        error = self.refusal(with_length(body, kind))
        self.assertEqual(error.problem, PROBLEM)
        self.assertEqual(json.loads(error.body), PROBLEM)
        said = "429 Too Many Requests: Too many sockets: Try again tomorrow."
        self.assertIn(said, str(error))
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((again.problem, again.body), (PROBLEM, error.body))

    def test_text(self) -> None:
        """A text is there, and one line of it in the error's text, legible."""
        body = "zu viele\nClients \x1b[2J é".encode()
        error = self.refusal(with_length(body, "Content-Type: text/plain"))
        self.assertEqual(error.body, "zu viele\nClients \\x1b[2J é")
        self.assertIn("zu viele Clients \\x1b[2J é", str(error).replace("\\\\", "\\"))
        self.assertIsNone(error.problem)

    def test_json(self) -> None:
        """Of other JSON the text has what is wrong, once."""
        for body, said in (
            ('{"errors":{"detail":"Quota"}}', "Requests: Quota ("),
            ('{"reason":"late"}', "Requests: late ("),
            ('{"errors":{"detail":"Too Many Requests"}}', "429 Too Many Requests ("),
            ('{"code":7}', 'Requests: {"code": 7} ('),
        ):
            with self.subTest(body=body):
                kind = "Content-Type: application/json"
                error = self.refusal(with_length(body.encode(), kind))
                self.assertIn(said, str(error))
                self.assertEqual(error.body, body)
                self.assertIsNone(error.problem)

    def test_html(self) -> None:
        """Of a page the text has the title at most."""
        body = b"<!DOCTYPE html><html><title>Busy &amp; \n full</title><p>" + b"x" * 500
        for lines in (["Content-Type: text/html"], []):
            error = self.refusal(with_length(body, *lines))
            self.assertIn("Requests: Busy & full (", str(error))
            self.assertNotIn("xxx", str(error))
            self.assertIn("xxx", error.body)
        error = self.refusal(with_length(b"<html>x", "Content-Type: text/html"))
        self.assertIn("429 Too Many Requests (", str(error))

    def test_compressed(self) -> None:
        """A compressed body is taken apart, and no further than there is room."""
        for body in (b"busy", b"busy" * 1_000_000):
            lines = ("Content-Encoding: gzip", "Content-Type: text/plain")
            error = self.refusal(with_length(gzip.compress(body), *lines))
            self.assertEqual(error.body, body[:LONGEST_REFUSAL].decode())

    def test_badly_compressed(self) -> None:
        """What cannot be taken apart costs the body alone."""
        for coding in ("gzip", "br", "gzip, gzip"):
            lines = (f"Content-Encoding: {coding}", "Content-Type: text/plain")
            self.assertEqual(self.refusal(with_length(b"busy", *lines)).body, "")

    def test_chunked(self) -> None:
        """So is one in chunks."""
        lines = ("Transfer-Encoding: chunked", "Content-Type: text/plain")
        body = b"2\r\nbu\r\n2;x=y\r\nsy\r\n0\r\nA: b\r\n\r\n"
        self.assertEqual(self.refusal(head(*lines) + body).body, "busy")
        self.assertEqual(self.refusal(head(*lines) + b"4\r\nbusyx").body, "busy")

    def test_endless(self) -> None:
        """Of one that does not end, the beginning is enough."""
        for lines in (
            ("Transfer-Encoding: chunked", "Content-Type: text/plain"),
            ("Content-Length: 999999999", "Content-Type: text/plain"),
            ("Content-Type: text/plain",),
        ):
            body = b"x" * (LONGEST_REFUSAL + 1)
            if len(lines) == 2 and "chunked" in lines[0]:
                body = b"FFFFFF\r\n" + body
            error = self.refusal(head(*lines) + body)
            self.assertEqual(error.body, "x" * LONGEST_REFUSAL)
            self.assertLess(len(str(error)), 1000)

    def test_dripping(self) -> None:
        """One that drips is waited for two seconds, not more."""
        self.raw.answer = head("Content-Length: 100", "Content-Type: text/plain")
        _, errors = self.refused_client(**self.options)
        for _ in range(8):
            self.assertEqual(errors, [])
            self.peer.send(b"x")
            self.memory.advance(PATIENCE / 8)
        [error] = errors
        assert isinstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.body), (429, "x" * 8))
        self.assertTrue(self.peer.is_lost)

    def test_cut_off(self) -> None:
        """What has come before the connection ends is told."""
        self.raw.closes = True
        answer = head("Content-Length: 100", "Content-Type: text/plain") + b"bus"
        self.assertEqual(self.refusal(answer).body, "bus")
        answer = head("Content-Type: text/plain") + b"busy"
        self.assertEqual(self.refusal(answer).body, "busy")

    def test_success(self) -> None:
        """An answer that calls itself a success is none, and its body is bounded."""
        kind = "Content-Type: text/plain"
        self.raw.answer = head("Content-Length: 100", kind, status="200 OK") + b"hello"
        _, errors = self.refused_client(**self.options)
        self.memory.advance(PATIENCE)
        [error] = errors
        assert isinstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.body), (200, "hello"))

    def test_connect_timeout(self) -> None:
        """If the time of the attempt ends meanwhile, it is a refusal all the same."""
        self.raw.answer = head("Content-Length: 100", "Retry-After: 9")
        _, errors = self.refused_client(connect_timeout=1.0, **self.options)
        self.memory.advance(1.0)
        [error] = errors
        assert isinstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.retry_after), (429, 9.0))

    def test_none(self) -> None:
        """Where nothing tells of a body, none is waited for."""
        self.assertEqual(self.refusal(head()).body, "")

    def test_stopped(self) -> None:
        """Who stops the client does not wait for the body."""
        self.raw.answer = head("Content-Length: 100")
        client, _ = self.refused_client(**self.options)
        self.assertEqual(client.status, "connecting")
        self.stop_client(client)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_secrets(self) -> None:
        """Whatever of the request the body repeats, it is cut out."""
        encoded = b64encode(SECRET.encode()).decode()
        told = "|".join(
            [
                SECRET,
                quote(SECRET, safe=""),
                quote(SECRET, safe="").lower(),
                encoded,
                encoded.rstrip("="),
                json.dumps(SECRET),
                json.dumps(SECRET, ensure_ascii=False),
            ]
        )
        kind = "Content-Type: text/plain; charset=utf-8"
        for options in (
            {"params": {"token": SECRET}},
            {"params": {"user": {"keys": [SECRET]}}},
            {"headers": {"X-Key": SECRET}},
            {"headers": {"Authorization": f"Bearer {SECRET}"}},
            {"auth_token": SECRET},
        ):
            with self.subTest(options=options):
                error = self.refusal(with_length(told.encode(), kind), **options)
                for text in (error.body, str(error), repr(error), repr(vars(error))):
                    self.assertNotIn("s3cr3t", text.lower())
                    self.assertNotIn(encoded[:12], text)
                self.assertEqual(error.body.count("[redacted]"), 7, error.body)


class StockBodyTests(BodyTests):
    """The same by Autobahn's own frames."""

    options: ClassVar[dict[str, Any]] = {"fast_frames": False}


@by_treq_too
class LongPollTests(LongPollTestCase):
    """The body of a refusal of a session of long-poll."""

    def refusal(self) -> HandshakeRefused:
        """What the user is told."""
        [error] = self.errors
        assert isinstance(error, HandshakeRefused), error
        self.assertEqual(error.status, 503)
        self.assertEqual(self.server.pairs, [], "the connection is closed")
        return error

    def test_problem(self) -> None:
        """A problem is there whole."""
        self.begin(reconnect=False)
        kind = "application/problem+json"
        body = json.dumps(PROBLEM).encode()
        self.server.take("GET").answer(503, body, Content_Type=kind)
        self.assertEqual(self.refusal().problem, PROBLEM)
        self.assertIn("Too many sockets: Try again tomorrow.", str(self.refusal()))

    def test_compressed(self) -> None:
        """One that is a bomb is taken apart as far as there is room."""
        self.begin(reconnect=False)
        words = {"Content_Type": "text/plain", "Content_Encoding": "gzip"}
        body = gzip.compress(b"x" * 10_000_000)
        self.server.take("GET").answer(503, body, **words)
        self.assertEqual(self.refusal().body, "x" * LONGEST_REFUSAL)

    def test_endless(self) -> None:
        """One that does not end is cut off."""
        self.begin(reconnect=False)
        asked = self.server.take("GET")
        asked.write(503, b"x" * (LONGEST_REFUSAL + 1), Content_Type="text/plain")
        self.assertEqual(self.refusal().body, "x" * LONGEST_REFUSAL)

    def test_dripping(self) -> None:
        """One that drips is waited for two seconds, not more."""
        self.begin(reconnect=False)
        asked = self.server.take("GET")
        for _ in range(8):
            self.assertEqual(self.errors, [])
            asked.write(503, b"x", Content_Type="text/plain")
            self.server.advance(PATIENCE / 8)
        self.assertEqual(self.refusal().body, "x" * 8)

    def test_secrets(self) -> None:
        """What it repeats of the request is cut out: params, headers, token."""
        self.begin(
            reconnect=False,
            params={"key": "one-s3cret"},
            headers={"X-Key": "two-s3cret"},
            auth_token="three-s3cret",
        )
        body = b"one-s3cret two-s3cret three-s3cret"
        self.server.take("GET").answer(503, body, Content_Type="text/plain")
        self.assertEqual(self.refusal().body, " ".join(["[redacted]"] * 3))

    def test_page_of_another(self) -> None:
        """A page in the place of Phoenix's answer is told by its title."""
        self.begin(reconnect=False)
        body = b"<html><title>Log in to the WLAN</title>" + b"x" * 1000
        self.server.take("GET").answer(200, body, Content_Type="text/html")
        [error] = self.errors
        self.assertIn("Log in to the WLAN", str(error))
        self.assertLess(len(str(error)), 300)


class SecretsTests(SynchronousTestCase):
    """:class:`RequestSecrets`, and :func:`refused`."""

    def secrets(self, **headers: str) -> RequestSecrets:
        """Those of one request."""
        target = parse("ws://host/socket?token=abcdefgh&user=1&vsn=2.0.0")
        return RequestSecrets(target, headers, "tok3n-value")

    def test_short(self) -> None:
        """What is found in any text is none, nor is the version."""
        text = "1 of 2.0.0"
        self.assertEqual(self.secrets().cut_out(text), text)

    def test_basic(self) -> None:
        """User and password of Basic authentication are cut out too."""
        encoded = b64encode(b"me:passw0rd").decode()
        cut = self.secrets(Authorization=f"Basic {encoded}").cut_out
        self.assertEqual(
            cut(f"me:passw0rd, passw0rd, {encoded}"), ", ".join(["[redacted]"] * 3)
        )

    def test_cookies(self) -> None:
        """So is each cookie by itself."""
        cut = self.secrets(Cookie="sid=abc123; lang=deutsch").cut_out
        self.assertEqual(cut("sid is abc123"), "sid is [redacted]")

    def test_inside_base64(self) -> None:
        """A secret in the middle of what was encoded as a whole is not legible."""
        for offset in range(3):
            told = b64encode(b"x" * offset + b"abcdefgh-and-more").decode()
            self.assertIn("[redacted]", self.secrets().cut_out(told))

    def test_cut_off(self) -> None:
        """Where a body was cut off, the beginning of a secret is none of it."""
        body = b"x" * (LONGEST_REFUSAL - 6) + b"abcdefgh"
        error = refused(403, {}, "", body, self.secrets())
        self.assertTrue(error.body.endswith("x[redacted]"), error.body[-30:])

    def test_problem(self) -> None:
        """A problem's names, values and numbers are free of them, however deep."""
        told = {"abcdefgh": ["tok3n-value", {"a": "x abcdefgh"}], "n": 12345}
        headers = {"content-type": "application/problem+json"}
        secrets = RequestSecrets(
            parse("ws://host/?t=abcdefgh&n=12345"), {}, "tok3n-value"
        )
        error = refused(403, headers, "", json.dumps(told).encode(), secrets)
        text = repr(error.problem) + error.body + str(error)
        for secret in ("abcdefgh", "tok3n-value", "12345"):
            self.assertNotIn(secret, text)

    def test_nested(self) -> None:
        """A problem that is nested too deeply is none, and raises nothing."""
        headers = {"content-type": "application/problem+json"}
        for depth in (30, 2000):
            body = b'{"a":' * depth + b"1" + b"}" * depth
            error = refused(403, headers, "", body[:LONGEST_REFUSAL], self.secrets())
            self.assertIsNone(error.problem)

    def test_phrase(self) -> None:
        """The reason phrase may repeat one as well."""
        error = refused(403, {}, "no abcdefgh here", b"", self.secrets())
        self.assertEqual(error.reason, "no [redacted] here")
        self.assertNotIn("abcdefgh", str(error))

    def test_binary(self) -> None:
        """What is no text is left out; a charset that is none of text is none."""
        for kind, body in (
            ("image/png", b"\x89PNG"),
            ("application/octet-stream", b"abc"),
            ("", b"\xff\xfe"),
        ):
            self.assertEqual(refused(403, {"content-type": kind}, "", body).body, "")
        headers = {"content-type": "text/plain; charset=zlib_codec"}
        self.assertEqual(refused(403, headers, "", b"\xffx").body, "\ufffdx")
        headers = {"content-type": "text/plain; charset=ISO-8859-1"}
        self.assertEqual(refused(403, headers, "", b"\xe9").body, "é")

    def test_repr(self) -> None:
        """Nothing of them is in the ``repr``."""
        self.assertEqual(repr(self.secrets()), "<RequestSecrets>")
