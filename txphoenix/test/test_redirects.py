"""Tests of :mod:`txphoenix.transports.redirects`: where a redirect may lead."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix import HandshakeRefused, client_tls
from txphoenix.options.options import Options
from txphoenix.protocol.url import parse
from txphoenix.transports.attempt import Attempt
from txphoenix.transports.redirects import REDIRECTS, Redirects

from .certificates import Issuer

HERE = "ws://here.example/socket/websocket?token=s3cret&vsn=2.0.0"
HEADERS = {
    "Authorization": "Bearer s3cret",
    "Cookie": "a=s3cret",
    "X-Api-Key": "s3cret",
    "Host": "s3cret.example",
    "User-Agent": "mine",
    "Origin": "https://mine.example",
}


def redirects(url: str = HERE, **options: Any) -> Redirects:
    """Those of an attempt that holds secrets."""
    attempt = Attempt(url, {"token": "s3cret"}, HEADERS, "s3cret")
    return Redirects(Options(url="ws://x/", **options), parse(url), attempt)


def answer(location: str | None, status: int = 302) -> HandshakeRefused:
    """A redirect."""
    headers = {} if location is None else {"location": location}
    return HandshakeRefused(status, headers, "Found")


class PlaceTests(SynchronousTestCase):
    """Where it leads."""

    def place(self, location: str, url: str = HERE) -> str:
        """Where a Location leads from a URL."""
        found = redirects(url)
        self.assertIsNone(found.follow(answer(location)))
        return found.target.url("wss" if found.target.secure else "ws")

    def test_places(self) -> None:
        """Relative and absolute ones, of each scheme, with a query of their own."""
        for location, expected in (
            ("/a/b", "ws://here.example/a/b?token=s3cret&vsn=2.0.0"),
            ("other", "ws://here.example/socket/other?token=s3cret&vsn=2.0.0"),
            ("?x=1", "ws://here.example/socket/websocket?x=1&vsn=2.0.0"),
            ("/a?", "ws://here.example/a?vsn=2.0.0"),
            ("/a?vsn=1.0.0&b=2", "ws://here.example/a?b=2&vsn=2.0.0"),
            ("//there.example/a", "ws://there.example/a?vsn=2.0.0"),
            ("https://there.example/a#part", "wss://there.example/a?vsn=2.0.0"),
            ("wss://there.example:444/?k=v", "wss://there.example:444/?k=v&vsn=2.0.0"),
            ("http://[::1]:80/a", "ws://[::1]/a?vsn=2.0.0"),
            ("/\xc3\xa9", "ws://here.example/%C3%A9?token=s3cret&vsn=2.0.0"),
        ):
            with self.subTest(location=location):
                self.assertEqual(self.place(location), expected)

    def test_statuses(self) -> None:
        """These five lead on, and no others."""
        for status in range(100, 600):
            refused = answer("/a", status)
            found = redirects().follow(refused)
            self.assertIs(found, None if status in REDIRECTS else refused)
        self.assertEqual(REDIRECTS, {301, 302, 303, 307, 308})

    def test_bad_location(self) -> None:
        """One that is no URL is told, with the secrets cut out."""
        for location in (
            None,
            "",
            "ftp://there.example/",
            "ws://",
            "ws://[::1/",
            "ws://user:s3cret@there.example/",
            # Of these the standard library quotes the host and what is before it.
            "ws://user:pa55w0rd\u2100@there.example/",
            "ws://[pa55w0rd]/",
            "ws://there.example:99999/",
            "/a b",
            "/%zz",
            "javascript:alert(1)",
            "/a, /b",
        ):
            with self.subTest(location=location):
                error = redirects().follow(answer(location))
                assert error is not None
                self.assertIn("redirected", str(error))
                self.assertNotIn("s3cret", str(error))
                self.assertNotIn("pa55w0rd", str(error))
                self.assertEqual(error.status, 302)


class SecretsTests(SynchronousTestCase):
    """What goes there."""

    def assert_kept(self, url: str, location: str) -> None:
        """All goes to the same server."""
        found = redirects(url)
        self.assertIsNone(found.follow(answer(location)))
        self.assertEqual(found.attempt.headers, HEADERS)
        self.assertEqual(found.attempt.auth_token, "s3cret")

    def assert_dropped(self, found: Redirects, location: str) -> None:
        """No secret goes to another."""
        self.assertIsNone(found.follow(answer(location)))
        self.assertNotIn("s3cret", repr((*found.attempt, *found.target)))
        self.assertEqual(
            found.attempt.headers,
            {"User-Agent": "mine", "Origin": "https://mine.example"},
        )
        self.assertIsNone(found.attempt.auth_token)

    def test_same(self) -> None:
        """The same server is the same host and port, or the ports of ws and wss."""
        self.assert_kept(HERE, "/a")
        self.assert_kept(HERE, "ws://HERE.example:80/a")
        self.assert_kept(HERE, "ws://here.example./a")
        self.assert_kept(HERE, "wss://here.example/a")
        self.assert_kept("ws://here.example:4000/a", "ws://here.example:4000/b")

    def test_other(self) -> None:
        """Another host is another server, and so is another port."""
        for location in (
            "ws://there.example/a",
            "wss://there.example/a",
            "ws://here.example.evil/a",
            "ws://sub.here.example/a",
            "ws://here.example:4000/a",
            "wss://here.example:4443/a",
            "//there.example",
        ):
            with self.subTest(location=location):
                self.assert_dropped(redirects(), location)
        found = redirects("wss://here.example:4443/a")
        self.assert_dropped(found, "wss://here.example/a")

    def test_back_again(self) -> None:
        """Who has left gets nothing when another server leads back."""
        found = redirects()
        self.assertIsNone(found.follow(answer("ws://there.example/a")))
        self.assert_dropped(found, HERE.partition("?")[0])


class ShownTests(SynchronousTestCase):
    """What is shown of a place."""

    def test_secrets(self) -> None:
        """A place may repeat a secret in its path, or where no URL has one."""
        found = redirects(HERE.replace("s3cret&", "s3cret%2Fb&"))
        for location in (
            "ws://there.example/in/s3cret%2fb/x?b=s3cret",
            "s3cret://there.example/",
        ):
            found.follow(answer(location))
            error = found.follow(answer("/a b"))
            while error is not None:
                self.assertNotIn("s3cret", f"{error} {error.url}")
                error = cast(Any, error.__cause__)
        self.assertEqual(
            found.shown(found.target),
            "ws://there.example/in/[redacted]/x?b=[redacted]&vsn=[redacted]",
        )

    def test_scheme(self) -> None:
        """It is the transport's, as in all other errors."""
        for transport, scheme in (("websocket", "ws"), ("longpoll", "http")):
            found = redirects(transport=transport)
            found.follow(answer("wss://there.example/a"))
            error: Any = found.latest
            self.assertIn(f"redirected to {scheme}s://there", str(error))
            self.assertTrue(error.url.startswith(f"{scheme}://here"), error.url)


class LimitTests(SynchronousTestCase):
    """Which are not followed."""

    def refused(self, found: Redirects, location: str) -> HandshakeRefused:
        """The error of one that is not."""
        error = found.follow(answer(location))
        assert error is not None
        self.assertNotIn("s3cret", str(error))
        return error

    def test_downwards(self) -> None:
        """None leads away from TLS."""
        for location in ("ws://here.example/a", "http://there.example/a"):
            error = self.refused(redirects("wss://here.example/a"), location)
            self.assertIn("which has no TLS", str(error))
        found = redirects()
        self.assertIsNone(found.follow(answer("wss://here.example/a")))
        self.assertIn("no TLS", str(self.refused(found, "ws://here.example/b")))

    def test_none(self) -> None:
        """With 0 the error names the place."""
        error = self.refused(
            redirects(max_redirects=0), "wss://there.example/a?b=s3cret"
        )
        self.assertIn("redirected to wss://there.example/a?b=[redacted]", str(error))
        self.assertIn("max_redirects is 0", str(error))

    def test_loop(self) -> None:
        """A loop ends after so many, and the error has all of them."""
        found = redirects(max_redirects=2)
        for _ in range(2):
            self.assertIsNone(found.follow(answer(HERE)))
        error: Any = self.refused(found, HERE)
        self.assertIn("max_redirects (2) were followed", str(error))
        causes = []
        while error is not None:
            causes.append(error)
            error = error.__cause__
        self.assertEqual(len(causes), 3)

    def test_endpoint(self) -> None:
        """A fixed endpoint leads to one server; a callable wherever it is asked to."""
        found = redirects(endpoint="tcp:localhost:4000")
        self.assertIsNone(found.follow(answer("/a")))
        error = self.refused(found, "ws://there.example/a")
        self.assertIn("where the option endpoint does not lead", str(error))
        found = redirects(endpoint=lambda *_: None)
        self.assertIsNone(found.follow(answer("ws://there.example/a")))

    def test_tls(self) -> None:
        """TLS of somebody's own may show a certificate to any host, and is not asked.

        What names a host ends at another before that.
        """

        @implementer(IOpenSSLClientConnectionCreator)
        class Own:
            """Checks no host."""

            def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
                raise AssertionError("nobody connects here")

        places = ("wss://there.example/a", "wss://here.example:4443/a")
        for location in places:
            error = self.refused(redirects(tls=Own()), location)
            self.assertIn("the option tls does not lead", str(error))
        for location in ("/a", "wss://here.example/a", "ws://there.example/a"):
            self.assertIsNone(redirects(tls=Own()).follow(answer(location)))
        named = (
            optionsForClientTLS("here.example", Issuer().trust_root),
            client_tls("my_here.example", Issuer().trust_root),
        )
        for tls in named:
            for location in places:
                self.assertIsNone(redirects(tls=tls).follow(answer(location)))

    def test_retry_after(self) -> None:
        """One that is not followed may say when to come back."""
        refused = answer("ws://there.example/")
        refused.retry_after = 7.0
        error = redirects(max_redirects=0).follow(refused)
        assert error is not None
        self.assertEqual(error.retry_after, 7.0)
