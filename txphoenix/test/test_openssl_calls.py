"""Tests of :mod:`txphoenix.transports.openssl_calls`."""

from __future__ import annotations

from OpenSSL.SSL import TLS_CLIENT_METHOD, Connection, Context, Error, WantReadError
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import openssl_calls
from txphoenix.transports.openssl_calls import fast_calls


def connection() -> Connection:
    """A client's, which has said nothing."""
    made = Connection(Context(TLS_CLIENT_METHOD), None)
    made.set_connect_state()
    return made


class CallsTests(SynchronousTestCase):
    """What is called, and what it raises."""

    def test_errors(self) -> None:
        """The errors are those of pyOpenSSL."""
        for calls_of in (fast_calls, lambda it: it):
            calls = calls_of(connection())
            self.assertRaises(WantReadError, calls.bio_read, 1)
            self.assertRaises(WantReadError, calls.recv, 1)
            self.assertGreater(len(calls.bio_read(1024)), 100)
            self.assertRaises(WantReadError, calls.send, b"x")
            self.assertEqual(calls.bio_write(b"HTTP/1.1 400"), 12)
            error = self.assertRaises(Error, calls.recv, 1)
            self.assertNotIsInstance(error, WantReadError)
            self.assertTrue(error.args[0])

    def test_fast(self) -> None:
        """With the pyOpenSSL that is installed they are fast."""
        made = connection()
        self.assertIsNot(fast_calls(made), made)

    def test_others(self) -> None:
        """Where anything is not as it is known, pyOpenSSL's own calls are made."""

        class Own(Connection):
            """One of the user's."""

        own = Own(Context(TLS_CLIENT_METHOD), None)
        self.assertIs(fast_calls(own), own)
        replaced = connection()
        replaced.send = replaced.send  # type: ignore[method-assign]
        self.assertIs(fast_calls(replaced), replaced)
        bare = connection()
        del bare._from_ssl
        self.assertIs(fast_calls(bare), bare)

    def test_another_pyopenssl(self) -> None:
        """One with other names, or in which these do something else, is noticed."""

        def nothing(*_arguments: object) -> None:
            """Raise nothing."""

        def other(_connection: object) -> None:
            """Take other arguments."""

        self.addCleanup(openssl_calls._works.cache_clear)
        for owner, name, value in (
            (openssl_calls, "_is_known", False),
            (Connection, "_raise_ssl_error", nothing),
            (Connection, "_raise_ssl_error", other),
            (openssl_calls, "_buffer", bytearray),
        ):
            patched = self.patch(owner, name, value)
            openssl_calls._works.cache_clear()
            usual = connection()
            self.assertIs(fast_calls(usual), usual, (name, value))
            patched.restore()
