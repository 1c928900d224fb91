"""What is told of an error out of a user's code, and what is not."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from treq.client import HTTPClient
from twisted.internet.defer import FirstError
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import ResponseNeverReceived

from txphoenix import ConnectionFailed, SocketClient, https_agent
from txphoenix.testing import PhoenixServer
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.tls import self_signed
from txphoenix.transports.raised import classes_of
from txphoenix.transports.server_identity import NoTLS

from .network import reactor

SECRET = "s3cr3t"
VERIFY_FAILED = TLSError([("SSL routines", "", "certificate verify failed")])


def caused(error: BaseException, cause: BaseException | None) -> BaseException:
    """An error that was raised from another one."""
    error.__cause__ = cause
    return error


class ClassesTests(SynchronousTestCase):
    """The classes of a chain of causes."""

    def assert_told(self, error: BaseException, expected: str) -> None:
        """That is told of an error."""
        told = classes_of(error)
        self.assertEqual(told, expected)
        self.assertNotIn(SECRET, told)

    def test_alone(self) -> None:
        """Of one without a cause it is the class."""
        self.assert_told(KeyError(SECRET), "KeyError")

    def test_causes(self) -> None:
        """Causes are told of as Python keeps them, and Twisted, and urllib."""
        refused = ConnectionRefusedError(SECRET)
        for error, name in (
            (caused(RuntimeError(SECRET), refused), "RuntimeError"),
            (ResponseNeverReceived([Failure(refused)]), "ResponseNeverReceived"),
            (FirstError(Failure(refused), 0), "FirstError"),
            (URLError(refused), "URLError"),
        ):
            with self.subTest(name=name):
                self.assert_told(error, f"{name} because of ConnectionRefusedError")

    def test_group(self) -> None:
        """Of a group the first error is told, unless the group has a cause itself."""
        refused = ConnectionRefusedError(SECRET)
        group = ExceptionGroup(SECRET, [refused, KeyError(SECRET)])
        self.assert_told(group, "ExceptionGroup because of ConnectionRefusedError")
        outer = caused(ExceptionGroup(SECRET, [refused]), ValueError(SECRET))
        self.assert_told(outer, "ExceptionGroup because of ValueError")

    def test_context(self) -> None:
        """What was being handled is a cause, unless that is suppressed."""
        error = RuntimeError(SECRET)
        error.__context__ = KeyError(SECRET)
        self.assert_told(error, "RuntimeError because of KeyError")
        error.__suppress_context__ = True
        self.assert_told(error, "RuntimeError")

    def test_tls(self) -> None:
        """Of TLS the reason is told, which is the end of the chain."""
        error = ResponseNeverReceived([Failure(VERIFY_FAILED)])
        self.assert_told(
            error,
            "ResponseNeverReceived because of OpenSSL.SSL.Error"
            " (TLS: certificate verify failed)",
        )
        mismatches: list[Any] = [SECRET]
        self.assert_told(
            caused(ValueError(SECRET), VerificationError(errors=mismatches)),
            "ValueError because of VerificationError"
            " (TLS: the certificate is for another host)",
        )
        standard = ssl.SSLCertVerificationError(1, SECRET)
        standard.verify_message = "self-signed certificate"
        self.assert_told(
            URLError(standard),
            "URLError because of SSLCertVerificationError"
            " (TLS: certificate verify failed: self-signed certificate)",
        )

    def test_named_host(self) -> None:
        """A reason that names the host is told, however long that is, but cut."""
        for host, end in (
            ("tokens.internal.example.org", "'tokens.internal.example.org'.)"),
            (f"{'a' * 60}." * 4, "... (322 characters))"),
        ):
            error = ssl.SSLCertVerificationError(1, SECRET)
            error.verify_message = (
                f"Hostname mismatch, certificate is not valid for '{host}'."
            )
            told = classes_of(error)
            start = "SSLCertVerificationError (TLS: certificate verify failed: Hostname"
            self.assertTrue(told.startswith(start), told)
            self.assertTrue(told.endswith(end), told)

    def test_odd_tls(self) -> None:
        """What is no reason of OpenSSL's own is not told."""
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-_"
        for odd in (
            SECRET,
            [],
            [()],
            [SECRET],
            [("", "", f"token={SECRET}")],
            [("", "", token)],
            None,
        ):
            with self.subTest(odd=odd):
                self.assert_told(TLSError(odd), "OpenSSL.SSL.Error")
        self.assert_told(TLSError(), "OpenSSL.SSL.Error")
        self.assert_told(ssl.SSLError(1, SECRET), "SSLError")
        # What a user's own option tls has raised may be in its text.
        self.assert_told(NoTLS(f"the option tls raised {SECRET}"), "NoTLS")

    def test_endless(self) -> None:
        """A chain without an end, or in a circle, is cut."""
        error = first = RuntimeError(SECRET)
        for _ in range(20):
            error.__cause__ = RuntimeError(SECRET)
            error = error.__cause__
        self.assert_told(first, " because of ".join(["RuntimeError"] * 5))
        one, other = RuntimeError(SECRET), KeyError(SECRET)
        one.__cause__, other.__cause__ = other, one
        self.assert_told(one, "RuntimeError because of KeyError")

    def test_odd_attributes(self) -> None:
        """A user's error may have attributes of these names that are something else."""

        class Odd(Exception):
            reason = property(lambda self: 1 / 0)

        self.assert_told(caused(Odd(SECRET), Odd(SECRET)), "Odd because of Odd")
        text: Any = RuntimeError(SECRET)
        text.reasons = [SECRET]
        text.subFailure = SECRET
        self.assert_told(text, "RuntimeError")
        long = type("X" * 1000, (Exception,), {})
        self.assertLess(len(classes_of(long())), 300)

    def test_hostile(self) -> None:
        """Neither what a class overrides is shown, nor what it raises."""

        def leak(_self: object) -> Any:
            raise RuntimeError(SECRET)

        for name in ("__cause__", "__context__", "__dict__", "__suppress_context__"):
            with self.subTest(name=name):
                kind = type("Odd", (Exception,), {name: property(leak)})
                self.assert_told(kind(SECRET), "Odd")
        wrong = type("Odd", (Exception,), {"__cause__": SECRET})
        self.assert_told(wrong(), "Odd")
        meta = type("Meta", (type,), {"__name__": property(leak)})
        self.assert_told(meta("Odd", (Exception,), {})(SECRET), "an error")


class TokenTests(PhoenixMixin, TestCase):
    """A token that is asked of a server whose authority is not trusted."""

    timeout = 120

    async def told(self, ask: Any) -> str:
        """Why the attempt fails, of which the log has the text."""
        server = await self.phoenix_server()
        client = SocketClient(server.url, auth_token=ask)
        client.startService()
        self.addCleanup(client.stopService)
        waiting = client.when_connected(fail_after_failures=1)
        error: Any = await self.assertFailure(waiting, ConnectionFailed)
        self.assertNotIn(SECRET, str(error))
        return str(error)

    async def secure_url(self) -> str:
        """What a token is asked of."""
        tokens = PhoenixServer({}, tls=self_signed().server)
        await tokens.start()
        self.addCleanup(tokens.stop, drain=False)
        return f"https://127.0.0.1:{tokens.port}/{SECRET}"

    async def test_treq(self) -> None:
        """The reason why TLS was refused is what the socket would say."""
        url = await self.secure_url()
        for agent, name in (
            (https_agent(reactor), "CertificateRefused"),
            (None, "OpenSSL.SSL.Error"),
        ):
            http = HTTPClient(agent) if agent else None
            with self.subTest(name=name):
                told = await self.told(lambda http=http: ask_by_treq(http, url))
                self.assertIn(
                    "auth_token raised ResponseNeverReceived because of"
                    f" {name} (TLS: certificate verify failed",
                    told,
                )
                self.assertIn("(this error's __cause__, whose text may hold", told)

    async def test_urllib(self) -> None:
        """So it is with the standard library."""
        url = await self.secure_url()
        told = await self.told(lambda: deferToThread(urlopen, url, timeout=10))
        self.assertIn(
            "auth_token raised URLError because of SSLCertVerificationError"
            " (TLS: certificate verify failed: self-signed certificate",
            told,
        )


async def ask_by_treq(http: HTTPClient | None, url: str) -> Any:
    """Ask for a token; by Twisted's own agent if there is no client."""
    if http is None:
        import treq

        return await treq.get(url, persistent=False)
    return await http.get(url)
