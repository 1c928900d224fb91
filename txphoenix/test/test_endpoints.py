"""Tests of :mod:`txphoenix.transports.endpoints` and :mod:`.transports.attempt`."""

from __future__ import annotations

from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix.errors import ConfigurationError
from txphoenix.options.options import Options
from txphoenix.protocol.url import parse
from txphoenix.transports.attempt import Attempt, given, prepare
from txphoenix.transports.endpoints import client_endpoint
from txphoenix.transports.named import NamedEndpoint
from txphoenix.transports.proxy import HTTPConnectEndpoint
from txphoenix.transports.tls import verified


@implementer(IOpenSSLClientConnectionCreator)
class Other:
    """Somebody's own way with TLS."""

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """No connection at all."""
        return "nothing"


class EndpointTests(SynchronousTestCase):
    """Decision 1: a server is reached by whatever endpoint there is for it."""

    def setUp(self) -> None:
        """Make a reactor that connects to nothing."""
        self.reactor = MemoryReactorClock()

    def endpoint(self, url: str, **options: Any) -> IStreamClientEndpoint:
        """The endpoint for a URL."""
        return client_endpoint(self.reactor, parse(url), Options(url=url, **options))

    def test_host_name(self) -> None:
        """By default the host name is looked up: Happy Eyeballs and all."""
        endpoint = self.endpoint("ws://example.org/socket")
        self.assertEqual(repr(endpoint), "<HostnameEndpoint example.org:80>")

    def test_address(self) -> None:
        """An address is connected to at once: there is nothing to look up."""
        for host, address in (("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")):
            with self.subTest(host=host):
                endpoint = self.endpoint(f"ws://{host}:4000/socket")
                endpoint.connect(Factory())
                self.assertEqual(self.reactor.tcpClients[-1][:2], (address, 4000))

    def test_address_with_a_zone(self) -> None:
        """A zone is a part of an address of IPv6."""
        endpoint = self.endpoint("ws://[fe80::1%25lo]:4000/socket")
        self.assertIsInstance(endpoint, TCP6ClientEndpoint)

    def test_proxy_address(self) -> None:
        """A proxy may be an address as well."""
        endpoint = self.endpoint("ws://example.org/", proxy="http://127.0.0.1:3128")
        endpoint.connect(Factory())
        self.assertEqual(self.reactor.tcpClients[-1][:2], ("127.0.0.1", 3128))

    def inside(self, endpoint: IStreamClientEndpoint) -> Any:
        """The endpoint that TLS is wrapped around."""
        self.assertEqual(type(endpoint).__name__, "_FastTLSEndpoint")
        return cast(Any, endpoint)._endpoint

    def named(self, endpoint: IStreamClientEndpoint) -> IStreamClientEndpoint:
        """The endpoint whose errors are given its name."""
        self.assertIsInstance(endpoint, NamedEndpoint)
        return cast(NamedEndpoint, endpoint).endpoint

    def test_tls(self) -> None:
        """A secure URL has TLS around its endpoint, whatever that is."""
        inner = self.inside(self.endpoint("wss://example.org/socket"))
        self.assertEqual(repr(inner), "<HostnameEndpoint example.org:443>")
        given = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 1)
        inner = self.inside(self.endpoint("https://example.org/socket", endpoint=given))
        self.assertIs(self.named(inner), given)

    def test_stock_tls(self) -> None:
        """With ``fast_tls`` set to false, all of it is Twisted's TLS."""
        stock = {"proxy": "https://p.example", "fast_tls": False}
        endpoint: Any = self.endpoint("wss://example.org/socket", **stock)
        self.assertEqual(type(endpoint).__name__, "_WrapperEndpoint")
        proxy = endpoint._wrappedEndpoint._proxy.endpoint
        self.assertEqual(type(proxy).__name__, "_WrapperEndpoint")

    def test_tls_verifies(self) -> None:
        """Decision 3: by default the server must prove to be the URL's host."""
        made: list[Any] = []

        def ask(*arguments: Any) -> Any:
            made.extend(arguments)
            return TCP4ClientEndpoint(*arguments[:3])

        self.endpoint("wss://example.org/socket", endpoint=ask)
        reactor, host, port, tls = made
        self.assertIs(reactor, self.reactor)
        self.assertEqual((host, port), ("example.org", 443))
        self.assertIs(type(tls), type(verified(optionsForClientTLS("example.org"))))
        self.assertTrue(IOpenSSLClientConnectionCreator.providedBy(tls))

    def test_own_tls(self) -> None:
        """The option ``tls`` takes the place of the default, and is verified by us.

        What does more than Twisted's own is left to itself.
        """
        own = optionsForClientTLS("other.example")
        made: list[Any] = []

        def ask(*arguments: Any) -> Any:
            made.extend(arguments)
            return TCP4ClientEndpoint(*arguments[:3])

        self.endpoint("wss://example.org/socket", endpoint=ask, tls=own)
        self.assertIs(made[3]._tls, own)
        other = Other()
        self.endpoint("wss://example.org/socket", endpoint=ask, tls=other)
        connection = made[7].clientConnectionForTLS(None)
        failed = self.assertRaises(SSL.Error, connection.do_handshake)
        self.assertIn("not a value of type str", str(failed))

    def test_callable(self) -> None:
        """A callable is not told of TLS for a plain URL, and its answer is taken."""
        given = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 1)
        calls: list[tuple[Any, ...]] = []

        def ask(*arguments: Any) -> Any:
            calls.append(arguments)
            return given

        endpoint = self.endpoint("ws://example.org:81/socket", endpoint=ask)
        self.assertIs(self.named(endpoint), given)
        self.assertEqual(calls, [(self.reactor, "example.org", 81, None)])
        # It has had TLS in its hands, and nothing is wrapped around what it made of it.
        endpoint = self.endpoint("wss://example.org/socket", endpoint=ask)
        self.assertIs(self.named(endpoint), given)

    def test_callable_that_answers_nonsense(self) -> None:
        """What is no endpoint is refused by name."""
        error = self.assertRaises(
            ConfigurationError,
            self.endpoint,
            "ws://example.org/socket",
            endpoint=lambda *arguments: None,
        )
        self.assertEqual(
            str(error),
            "endpoint must return an IStreamClientEndpoint, not a value of type"
            " NoneType",
        )

    def test_description_of_none(self) -> None:
        """A description that only an attempt can tell to be of none is refused then."""
        for description in ("bogus:x", "tls:my_service:443", "ssl:a"):
            error = self.assertRaises(
                ConfigurationError,
                self.endpoint,
                "ws://localhost/socket",
                endpoint=description,
            )
            self.assertIn("endpoint is a description of no endpoint: ", str(error))
            self.assertIsNotNone(error.__cause__)

    def test_description(self) -> None:
        """A string describes an endpoint, as ``clientFromString`` has it."""
        endpoint = self.endpoint("ws://localhost/socket", endpoint="unix:/run/socket")
        self.assertIsInstance(self.named(endpoint), UNIXClientEndpoint)
        endpoint = self.endpoint("ws://localhost/socket", endpoint="tcp:host:80")
        self.assertIsInstance(self.named(endpoint), TCP4ClientEndpoint)

    def test_wrong_description(self) -> None:
        """A description that Twisted does not know is an error at the attempt."""
        self.assertRaises(
            ValueError, self.endpoint, "ws://localhost/socket", endpoint="nothing:1"
        )

    def test_proxy(self) -> None:
        """The option ``proxy`` is a tunnel, with TLS inside."""
        proxy = "http://me:s3cret@proxy.example:3128"
        endpoint = self.endpoint("ws://example.org/socket", proxy=proxy)
        self.assertIsInstance(endpoint, HTTPConnectEndpoint)
        inner = self.inside(self.endpoint("wss://example.org/socket", proxy=proxy))
        self.assertIsInstance(inner, HTTPConnectEndpoint)
        self.assertNotIn("s3cret", repr(inner))


class PrepareTests(SynchronousTestCase):
    """What an attempt is prepared of."""

    def test_answers(self) -> None:
        """All four answers, checked."""
        options = Options(
            url=lambda: "ws://example.org/socket",
            params={"a": 1},
            headers=None,
            auth_token="token",
        )
        attempt = self.successResultOf(self.prepare(options))
        self.assertEqual(
            tuple(attempt), ("ws://example.org/socket", {"a": 1}, {}, "token")
        )

    def prepare(self, options: Options) -> Any:
        """Prepare."""
        return prepare(options)

    def test_given(self) -> None:
        """Without a callable the answers are there at once, and are the same."""
        options = Options(
            url="ws://example.org/socket",
            params={"a": 1},
            headers={"X-A": "b"},
            auth_token="token",
        )
        attempt = given(options)
        self.assertEqual(attempt, self.successResultOf(self.prepare(options)))
        for name in ("url", "params", "headers", "auth_token"):
            asked = options.replace(**cast(Any, {name: lambda: None}))
            self.assertIsNone(given(asked))

    def test_changed_in_place(self) -> None:
        """Headers that were made bad since they were checked are refused."""
        options = Options(url="ws://example.org/socket", headers={"X-A": "b"})
        cast(Any, options.headers)["X-A"] = "b\r\nX-C: d"
        self.assertRaises(ConfigurationError, given, options)

    def test_repr(self) -> None:
        """Decision 11: what an attempt was prepared of is not shown."""
        attempt = Attempt("ws://host/?t=s3cret", {"t": "s3cret"}, {}, "s3cret")
        self.assertNotIn("s3cret", repr(attempt))
        self.assertNotIn("s3cret", str(attempt))
