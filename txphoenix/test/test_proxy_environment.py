"""Tests of :mod:`txphoenix.transports.proxy_environment`."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Any
from unittest import mock

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.protocol.url import ProxyAddress, parse
from txphoenix.transports.proxy_environment import environment_proxy, is_exempt

from .network import TOPIC, NetworkTestCase, Tunnel
from .tls_case import TOKEN, CertificatesTestCase
from .tls_cases import cases

SECRET = "s3cret"


def environment(**variables: str) -> Any:
    """Patch the environment: these are the only variables about proxies in it."""
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name != "REQUEST_METHOD"
    }
    return mock.patch.dict(os.environ, {**others, **variables}, clear=True)


class EnvironmentProxyTests(SynchronousTestCase):
    """Which variable counts for which server."""

    def proxy(self, url: str, **variables: str) -> ProxyAddress | None:
        """The proxy for a URL."""
        with environment(**variables):
            return environment_proxy(parse(url))

    def host(self, url: str, **variables: str) -> str | None:
        """The host of the proxy for a URL."""
        proxy = self.proxy(url, **variables)
        return None if proxy is None else proxy.host

    def test_schemes(self) -> None:
        """A server with TLS has other variables than one without."""
        both = {"HTTP_PROXY": "http://plain:1", "HTTPS_PROXY": "http://secure:1"}
        for url, host in (
            ("ws://example.org", "plain"),
            ("http://example.org", "plain"),
            ("wss://example.org", "secure"),
            ("https://example.org", "secure"),
        ):
            self.assertEqual(self.host(url, **both), host)
        self.assertIsNone(self.host("ws://example.org", HTTPS_PROXY="http://a:1"))
        self.assertIsNone(self.host("wss://example.org", HTTP_PROXY="http://a:1"))
        self.assertIsNone(self.host("wss://example.org"))

    def test_order(self) -> None:
        """The WebSocket's own go first, and those for everything last."""
        all_of_them = {
            "WSS_PROXY": "http://wss:1",
            "HTTPS_PROXY": "http://https:1",
            "ALL_PROXY": "http://all:1",
            "WS_PROXY": "http://ws:1",
            "HTTP_PROXY": "http://http:1",
        }
        for url, hosts in (
            ("wss://example.org", ["wss", "https", "all"]),
            ("ws://example.org", ["ws", "http", "all"]),
        ):
            left = dict(all_of_them)
            for host in hosts:
                self.assertEqual(self.host(url, **left), host)
                del left[f"{host.upper()}_PROXY"]

    def test_letters(self) -> None:
        """Small letters go before capitals, and may take a variable back."""
        for small, host in (("http://small:1", "small"), ("", None)):
            self.assertEqual(
                self.host(
                    "wss://example.org",
                    HTTPS_PROXY="http://capital:1",
                    https_proxy=small,
                ),
                host,
            )

    def test_cgi(self) -> None:
        """Under CGI, a request's header ``Proxy`` is no variable of ours."""
        cgi = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://evil:1"}
        self.assertIsNone(self.host("ws://example.org", **cgi))
        self.assertEqual(
            self.host("ws://example.org", http_proxy="http://good:1", **cgi), "good"
        )

    def test_forms(self) -> None:
        """A proxy may have credentials, TLS, or no scheme at all."""
        self.assertEqual(
            self.proxy("wss://example.org", HTTPS_PROXY=f"http://me:{SECRET}@proxy:1"),
            ProxyAddress("proxy", 1, "Basic bWU6czNjcmV0"),
        )
        self.assertEqual(
            self.proxy("wss://example.org", HTTPS_PROXY="https://proxy"),
            ProxyAddress("proxy", 443, None, True),
        )
        self.assertEqual(
            self.proxy("wss://example.org", HTTPS_PROXY=" proxy:3128 "),
            ProxyAddress("proxy", 3128, None),
        )

    def test_name_like_socks(self) -> None:
        """A proxy is SOCKS by its scheme, and not by its name."""
        for name in ("socks.example", "socks5", "socksproxy"):
            for value in (f"{name}:3128", f"http://{name}:3128"):
                self.assertEqual(self.host("wss://a.org", HTTPS_PROXY=value), name)

    def test_blank(self) -> None:
        """What is blank is not set."""
        self.assertIsNone(self.proxy("wss://example.org", HTTPS_PROXY=" "))
        self.assertEqual(
            self.host("wss://a.org", HTTPS_PROXY=" ", ALL_PROXY="http://all:1"), "all"
        )

    def check_refused(self, words: str, **variables: str) -> None:
        """The variable is refused with its name and without its secret."""
        error = self.assertRaises(
            ConfigurationError, self.proxy, "wss://example.org", **variables
        )
        self.assertIn(words, str(error))
        self.assertNotIn(SECRET, str(error))

    def test_refused(self) -> None:
        """What names no HTTP proxy is refused by the name of the variable."""
        for name in ("HTTPS_PROXY", "https_proxy", "Https_Proxy", "ALL_PROXY"):
            self.check_refused(
                f"{name} must have a port", **{name: f"http://me:{SECRET}@proxy:x"}
            )
        self.check_refused(
            "ALL_PROXY must begin with http:// or https://",
            ALL_PROXY=f"ftp://me:{SECRET}@proxy",
        )
        self.check_refused("HTTPS_PROXY", HTTPS_PROXY=f"me:{SECRET}@")
        self.check_refused("HTTPS_PROXY", HTTPS_PROXY=f"http://me:{SECRET}@a b")

    def test_socks(self) -> None:
        """A SOCKS proxy is refused, with a word about what to do."""
        for scheme in ("socks", "socks4", "socks5", "SOCKS5H"):
            self.check_refused(
                "ALL_PROXY names a SOCKS proxy, which takes an endpoint",
                ALL_PROXY=f"{scheme}://me:{SECRET}@proxy:1080",
            )

    def test_exempt_is_not_read(self) -> None:
        """What is wrong with a proxy does not concern a server that needs none."""
        self.assertIsNone(
            self.proxy("wss://example.org", ALL_PROXY="nonsense://", NO_PROXY="*")
        )


class ExemptTests(SynchronousTestCase):
    """Which servers ``NO_PROXY`` names."""

    def test_names(self) -> None:
        """A name is itself and all below it."""
        for exempt in (
            "example.org",
            ".example.org",
            "*.example.org",
            "Example.ORG.",
            "a, example.org ,b",
            "a example.org",
            "example.org:443",
            ",,example.org",
        ):
            for host in ("example.org", "www.example.org", "a.b.example.org."):
                with self.subTest(exempt=exempt, host=host):
                    self.assertTrue(is_exempt(host, 443, exempt))
            for host in ("example.com", "badexample.org", "org", "127.0.0.1"):
                with self.subTest(exempt=exempt, host=host):
                    self.assertFalse(is_exempt(host, 443, exempt))

    def test_others(self) -> None:
        """A port must be the same; nothing is nobody."""
        self.assertFalse(is_exempt("example.org", 80, "example.org:443"))
        for exempt in ("", " ", ",", ".", "*.", ":443", "b\xfc\x00cher"):
            self.assertFalse(is_exempt("example.org", 443, exempt), exempt)
            self.assertFalse(is_exempt("127.0.0.1", 443, exempt), exempt)

    def test_everything(self) -> None:
        """A star on its own is everything, whatever stands beside it."""
        for host in ("example.org", "127.0.0.1", "::1"):
            for exempt in (" * ", "localhost,*", "*, 10.0.0.0/8"):
                self.assertTrue(is_exempt(host, 443, exempt))

    def test_idn(self) -> None:
        """A name may be written in its own letters."""
        for exempt in (
            "b\xfccher.example",
            "*.B\xdcCHER.example.",
            "xn--bcher-kva.example",
        ):
            for host in ("xn--bcher-kva.example", "my_node.xn--bcher-kva.example"):
                self.assertTrue(is_exempt(host, 443, exempt), exempt)
        # As the host of a URL is read: not all of its parts need be of IDNA.
        host = parse("wss://my_node.b\xfccher.example").host
        self.assertTrue(is_exempt(host, 443, "my_node.b\xfccher.example"))
        self.assertFalse(is_exempt(host, 443, "node.b\xfccher.example"))

    def test_addresses(self) -> None:
        """An address is itself, or in a network."""
        for host, exempt in (
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.99/24"),
            ("10.1.2.3", "10.1.2.3:443"),
            ("::1", "::1"),
            ("::1", "[::1]"),
            ("::1", "[::1]:443"),
            ("2001:db8::5", "[2001:db8::]/32"),
            ("2001:db8::5", "[2001:db8::]/32:443"),
            ("fe80::1%eth0", "fe80::/10"),
        ):
            with self.subTest(host=host, exempt=exempt):
                self.assertTrue(is_exempt(host, 443, f"x, {exempt}"))
        for host, exempt in (
            ("10.1.2.3", "10.1.2.4"),
            ("10.1.2.3", "1.2.3"),
            ("10.1.2.3", "11.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3:80"),
            ("10.1.2.3", "10.0.0.0/99"),
            ("10.1.2.3", "::/0"),
            ("::1", "[::1]:80"),
            ("2001:db8::5", "[2001:db8::]/32:80"),
            ("2001:db8::5", "[2001:db7::]/32"),
            ("::1", "[x]"),
        ):
            with self.subTest(host=host, exempt=exempt):
                self.assertFalse(is_exempt(host, 443, exempt))


class ProxyFromEnvironmentTests(NetworkTestCase):
    """``proxy="environment"`` over real TCP."""

    async def check(self, **options: Any) -> None:
        """Connect through the proxy, then without, as the environment changes."""
        server = await self.serve(longpoll=True)
        tunnel = f"http://me:{SECRET}@127.0.0.1:{await self.listen(Tunnel)}"
        Tunnel.heads.clear()
        with environment(HTTP_PROXY=tunnel):
            client = self.client(server.url, proxy="environment", **options)
            _, room = await client.join(TOPIC)
            self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
            self.assertIn(b"Proxy-Authorization: Basic bWU6czNjcmV0", Tunnel.heads[0])
            self.assertNotIn(SECRET, repr(client.options))
            await client.disconnect()
        Tunnel.heads.clear()
        with environment(HTTP_PROXY=tunnel, NO_PROXY="127.0.0.0/8"):
            client.connect()
            await client.when_connected()
            await client.disconnect()
        self.assertEqual(Tunnel.heads, [])
        with environment(HTTP_PROXY=f"http://me:{SECRET}@proxy:x"):
            error = self.next_call(client.on_error)
            client.connect()
            self.assertIn("HTTP_PROXY must have a port", str(await error))
        await self.stop_both(client, server)

    async def test_websocket(self) -> None:
        """Read anew at each attempt, for a WebSocket."""
        await self.check()

    async def test_longpoll(self) -> None:
        """The same for long-poll."""
        await self.check(transport="longpoll")

    async def test_fallback(self) -> None:
        """The same for both."""
        await self.check(longpoll_fallback=10)


class SecureProxyTests(CertificatesTestCase):
    """A proxy that is reached by TLS."""

    async def check(self, **options: Any) -> None:
        """Connect to a server with TLS through a proxy with TLS."""
        local = x509.IPAddress(ip_address("127.0.0.1"))
        server = await self.serve(tls=self.root.sign(local), longpoll=True)
        proxy = await self.listen(Tunnel, self.root.sign(local))
        Tunnel.heads.clear()
        client = self.client(
            server.url, proxy=f"https://me:{SECRET}@127.0.0.1:{proxy}", **options
        )
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        self.assertIn(b"Proxy-Authorization: Basic", Tunnel.heads[0])
        await self.stop_both(client, server)

    async def test_websocket(self) -> None:
        """TLS inside of TLS, for a WebSocket."""
        await self.check()

    async def test_longpoll(self) -> None:
        """The same for long-poll."""
        await self.check(transport="longpoll")

    async def test_odd_certificates(self) -> None:
        """A proxy whose certificate is no good is told nothing."""
        for case in cases(self.root):
            if case.host != "127.0.0.1":
                continue
            for transport in ("websocket", "longpoll"):
                error, told = await self.try_out(
                    case.certificate,
                    "ws://x.example",
                    lambda host, port, transport=transport: {
                        "proxy": f"https://me:{SECRET}@127.0.0.1:{port}",
                        "transport": transport,
                    },
                )
                with self.subTest(case=case.name, error=error, told=told):
                    self.assertRegex(
                        str(error), r"the proxy 127\.0\.0\.1:\d+ hung up: "
                    )
                    self.assertNotIn(TOKEN.encode(), told)
                    if case.fault is None:
                        self.assertIn(b"CONNECT x.example:", told)
                    else:
                        self.assertEqual(told, b"")
                        self.assertIn(case.fault, str(error))
                        self.assertIsNotNone(error.__cause__)
