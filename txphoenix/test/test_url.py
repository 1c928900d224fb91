"""Tests of :mod:`txphoenix.protocol.url`."""

from __future__ import annotations

from functools import partial
from typing import Any
from unicodedata import is_normalized
from urllib.parse import urlsplit

from hyperlink import URL
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.protocol.url import (
    ProxyAddress,
    Target,
    add_params,
    connect_target,
    connect_url,
    parse,
    parse_proxy,
)

from .properties import checked, given, st

SECRET = "S3CR3T"


class ConnectURLTests(SynchronousTestCase):
    """:func:`connect_url`."""

    def test_websocket(self) -> None:
        """``/websocket`` and ``vsn`` are appended to the socket's URL."""
        self.assertEqual(
            connect_url("ws://localhost:4000/socket"),
            "ws://localhost:4000/socket/websocket?vsn=2.0.0",
        )

    def test_as_the_official_client(self) -> None:
        """Nested names and escapes come byte for byte as phoenix.js writes them."""
        for params, query in (
            (
                {"token": "a b+ü&=/?#%~!*'()", "n": 1, "t": True, "f": 1.5},
                "token=a%20b%2B%C3%BC%26%3D%2F%3F%23%25~!*'()&n=1&t=true&f=1.5",
            ),
            (
                {"user": {"id": 1, "deep": {"x": "y"}}},
                "user%5Bid%5D=1&user%5Bdeep%5D%5Bx%5D=y",
            ),
        ):
            self.assertEqual(
                connect_url("ws://h/socket", params=params),
                f"ws://h/socket/websocket?{query}&vsn=2.0.0",
            )

    def test_longpoll(self) -> None:
        """Long-poll goes to ``/longpoll`` over HTTP."""
        self.assertEqual(
            connect_url("ws://localhost:4000/socket", transport="longpoll"),
            "http://localhost:4000/socket/longpoll?vsn=2.0.0",
        )

    def test_schemes(self) -> None:
        """Each scheme is read as the transport's one of the same security."""
        for given_scheme, websocket, longpoll in (
            ("ws", "ws", "http"),
            ("http", "ws", "http"),
            ("wss", "wss", "https"),
            ("https", "wss", "https"),
            ("HTTPS", "wss", "https"),
        ):
            url = f"{given_scheme}://host/socket"
            self.assertEqual(
                connect_url(url), f"{websocket}://host/socket/websocket?vsn=2.0.0"
            )
            self.assertEqual(
                connect_url(url, transport="longpoll"),
                f"{longpoll}://host/socket/longpoll?vsn=2.0.0",
            )

    def test_path_ends_in_a_transport(self) -> None:
        """A transport's name at the end is not doubled, and the other's is replaced."""
        for path in ("websocket", "longpoll", "websocket/", ""):
            url = f"ws://host/socket/{path}"
            self.assertEqual(
                connect_url(url), "ws://host/socket/websocket?vsn=2.0.0", path
            )
            self.assertEqual(
                connect_url(url, transport="longpoll"),
                "http://host/socket/longpoll?vsn=2.0.0",
                path,
            )

    def test_path_that_only_looks_like_a_transport(self) -> None:
        """Only a whole segment is a transport's name."""
        self.assertEqual(
            connect_url("ws://host/mywebsocket"),
            "ws://host/mywebsocket/websocket?vsn=2.0.0",
        )

    def test_no_path(self) -> None:
        """A socket may be mounted at the root."""
        for url in ("ws://host", "ws://host/", "ws://host/websocket"):
            self.assertEqual(connect_url(url), "ws://host/websocket?vsn=2.0.0")

    def test_query_is_kept(self) -> None:
        """The URL's own query comes first and is kept as it is."""
        self.assertEqual(
            connect_url("ws://host/s?a=1&b=x+y&c", params={"d": 2}),
            "ws://host/s/websocket?a=1&b=x+y&c&d=2&vsn=2.0.0",
        )

    def test_params_override_the_query(self) -> None:
        """A parameter replaces what the query says under its name, nested or not."""
        self.assertEqual(
            connect_url(
                "ws://host/s?user[id]=1&ids[]=1&%75ser=2&users=3&&a%5Bb%5D=4",
                params={"user": "me", "ids": [], "a[c]": 5},
            ),
            "ws://host/s/websocket?users=3&user=me&a%5Bc%5D=5&vsn=2.0.0",
        )

    def test_vsn_comes_once(self) -> None:
        """The argument decides the version, whatever URL and parameters say."""
        self.assertEqual(
            connect_url(
                "ws://host/s?vsn=9.9.9", params={"vsn": "3.0.0", "a": 1}, vsn="1.0.0"
            ),
            "ws://host/s/websocket?a=1&vsn=1.0.0",
        )

    def test_unknown_transport(self) -> None:
        """An unknown transport is refused by name."""
        error = self.assertRaises(
            ConfigurationError,
            connect_url,
            "ws://host",
            transport="pigeon",
        )
        self.assertIn("'pigeon'", str(error))

    def test_add_params(self) -> None:
        """Parameters are added in place of those of the same name."""
        self.assertEqual(
            add_params("HTTP://host/longpoll?vsn=2.0.0&token=old", {"token": "new"}),
            "http://host/longpoll?vsn=2.0.0&token=new",
        )
        self.assertEqual(add_params("wss://host", {}), "wss://host")


class ParseTests(SynchronousTestCase):
    """:func:`parse` and :class:`Target`."""

    def test_whole(self) -> None:
        """A URL is taken apart."""
        target = parse("wss://Example.com:4000/socket/websocket?a=1&b=2")
        self.assertEqual(
            target,
            Target(True, "example.com", 4000, "/socket/websocket", "a=1&b=2"),
        )
        self.assertEqual(target.resource, "/socket/websocket?a=1&b=2")
        self.assertEqual(target.authority, "example.com:4000")
        self.assertEqual(
            target.url("https"), "https://example.com:4000/socket/websocket?a=1&b=2"
        )

    def test_default_ports(self) -> None:
        """The port is the scheme's own if there is none, and is then not written."""
        for url, secure, port in (
            ("ws://host", False, 80),
            ("http://host:", False, 80),
            ("wss://host", True, 443),
            ("https://host:443", True, 443),
        ):
            target = parse(url)
            self.assertEqual((target.secure, target.port), (secure, port))
            self.assertEqual(target.authority, "host")
            self.assertEqual(target.resource, "/")

    def test_hosts(self) -> None:
        """Host names, IPv4 and IPv6 addresses are hosts."""
        for host, parsed, authority in (
            ("localhost", "localhost", "localhost:1"),
            ("my_service.local.", "my_service.local.", "my_service.local:1"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1:1"),
            ("[::1]", "::1", "[::1]:1"),
            ("[FE80::1]", "fe80::1", "[fe80::1]:1"),
            ("bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example:1"),
            ("Bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example:1"),
        ):
            target = parse(f"ws://{host}:1/s")
            self.assertEqual((target.host, target.authority), (parsed, authority))
            self.assertEqual(parse(target.url("ws")), target)

    def test_zone(self) -> None:
        """A zone stays with the address to connect to, and goes to no server."""
        for url in ("ws://[fe80::1%25eth0]:1/s", "ws://[fe80::1%25eth0]/s"):
            target = parse(url)
            self.assertEqual(target.host, "fe80::1%eth0")
            self.assertTrue(target.authority.startswith("[fe80::1]"))
            self.assertEqual(target.url("ws"), url)

    def test_characters_are_escaped(self) -> None:
        """What may not stand in a request line is escaped, and escapes are kept."""
        target = parse('ws://host/ü%20"?ü="&a[]=%5B')
        self.assertEqual(target.path, "/%C3%BC%20%22")
        self.assertEqual(target.query, "%C3%BC=%22&a[]=%5B")

    def test_repr(self) -> None:
        """The ``repr`` shows no value of the query."""
        self.assertEqual(
            repr(parse(f"ws://host/s?token={SECRET}")),
            "Target(ws://host/s?token=[redacted])",
        )
        self.assertEqual(repr(parse("https://host/s")), "Target(wss://host/s)")

    def assert_refused(self, url: Any, expected: str) -> None:
        """The URL is refused, and what is said holds no secret."""
        error = self.assertRaises(ConfigurationError, parse, url)
        self.assertIn(expected, str(error))
        self.assertNotIn(SECRET, str(error))

    def test_no_str(self) -> None:
        """A URL is a str."""
        self.assert_refused(SECRET.encode(), "url must be a str, not a bytes")
        self.assert_refused(None, "url must be a str, not a NoneType")

    def test_scheme(self) -> None:
        """Another scheme, or none, is refused, and the URL is shown redacted."""
        for url, told in (
            (f"ftp://host/s?token={SECRET}", "'ftp://host/s?token=[redacted]'"),
            (f"localhost:4000/s?token={SECRET}", "'localhost:4000/s?token=[redacted]'"),
            (f"//{SECRET}@host/s", "'//[redacted]@host/s'"),
            ("", "not ''"),
            ("ws:/host/s", "not"),
        ):
            self.assert_refused(url, "url must begin with ws:// or wss://")
            self.assert_refused(url, told)

    def test_long(self) -> None:
        """A long URL is cut short in the error."""
        error = self.assertRaises(ConfigurationError, parse, "x" * 10_000)
        self.assertLess(len(str(error)), 400)

    def test_userinfo(self) -> None:
        """Credentials in a URL are refused, and the error says where they go."""
        for userinfo in (f"me:{SECRET}@", f"{SECRET}@", "@"):
            self.assert_refused(f"ws://{userinfo}host/s", "Authorization header")

    def test_fragment(self) -> None:
        """RFC 6455 section 3: a fragment must not be used, not even an empty one."""
        for fragment in ("#", f"#{SECRET}"):
            self.assert_refused(f"ws://host/s{fragment}", "fragment")

    def test_characters(self) -> None:
        """Spaces, line breaks and control characters are refused."""
        for character in " \t\r\n\x00\x7f":
            self.assert_refused(f"ws://host/s?a={SECRET}{character}", "control")

    def test_escapes(self) -> None:
        """A percent sign begins an escape, which a server could not read otherwise."""
        for escape in ("%", "%2", "%zz"):
            self.assert_refused(f"ws://host/s?a={SECRET}{escape}", "'%25'")

    def test_no_host(self) -> None:
        """A host is needed."""
        for url in ("ws://", "ws:///socket", "ws://:4000/socket"):
            self.assert_refused(url, "must have a host")

    def test_bad_hosts(self) -> None:
        """What is neither a name nor an address is refused."""
        for host in (
            "a..b",
            ".a",
            "a" * 64,
            "a,b",
            "a%41",
            "a\\b",
            "[::1",
            "[",
            "[]",
            "::1",
            "[::g]",
            "[1.2.3.4]",
            "[v1.a]",
            "[::1]x",
            "ü..b",
            "a\u2100.com",  # it would be "aa/c.com" in ASCII
        ):
            self.assert_refused(f"ws://{host}/s?a={SECRET}", "url has a host that is")

    def test_bad_ports(self) -> None:
        """A port is a number from 1 to 65535."""
        for port in ("0", "65536", "-1", "x", "80x", "99999999999"):
            self.assert_refused(f"ws://host:{port}/s", "a port from 1 to 65535")

    def test_lone_surrogate(self) -> None:
        """Text that is not Unicode is refused, wherever it stands."""
        for url in ("ws://host/\ud800", "ws://host/s?\ud800"):
            self.assert_refused(url, "surrogate")
        self.assert_refused("ws://\ud800/", "host")

    @checked
    @given(st.text(), st.text(alphabet=":/?#[]@%.a1é-"))
    def test_any_text(self, text: str, rest: str) -> None:
        """Any text is either parsed, and then connects, or refused as it should be."""
        for url in (text, f"ws://{text}", f"ws://host{rest}", f"ws://{rest}"):
            try:
                parse(url)
            except ConfigurationError:
                continue
            connected = connect_url(url)
            self.assertTrue(connected.isascii())
            self.assertEqual(connect_url(connected), connected)
            self.assertEqual(urlsplit(connected).scheme, "ws")


HOSTS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z][a-z0-9]{0,9}){0,3}\.?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.sampled_from(["bücher.example", "Ελλάδα.gr", "Example.ORG"]),
)
# What hyperlink does not do as a browser does: it escapes the brackets of a query, and
# normalises what is not normalised.
PARTS = st.text(
    st.characters(
        codec="utf-8", exclude_characters="/?#%[]", exclude_categories=["C", "Z"]
    )
).filter(partial(is_normalized, "NFC"))


class HyperlinkTests(SynchronousTestCase):
    """:func:`parse` beside hyperlink, which reads URLs as others write them."""

    @checked
    @given(
        st.sampled_from(["ws", "wss", "http", "https"]),
        HOSTS,
        st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format)),
        st.lists(PARTS, min_size=1),
        PARTS,
    )
    def test_the_same(
        self, scheme: str, host: str, port: str, path: list[str], query: str
    ) -> None:
        """Both read and write what is no special case in the same way."""
        text = f"{scheme}://{host}{port}/{'/'.join(path)}" + (query and f"?{query}")
        target, read = parse(text), URL.from_text(text).to_uri()
        self.assertEqual((target.host, target.port), (read.host.lower(), read.port))
        self.assertEqual(
            target.url(scheme), read.replace(host=read.host.lower()).to_text()
        )

    def test_ours_alone(self) -> None:
        """What hyperlink refuses is why the reading is ours."""
        for host, read in (
            ("host:", "host"),
            ("[fe80::1%25eth0]", "fe80::1%eth0"),
            ("[::1]", "::1"),
            ("my_service", "my_service"),
            ("xn--a", "xn--a"),
        ):
            self.assertEqual(parse(f"ws://{host}/s").host, read)
            with self.assertRaises((ValueError, UnicodeError)):
                URL.from_text(f"ws://{host}/s").to_uri()


class ParseProxyTests(SynchronousTestCase):
    """:func:`parse_proxy`."""

    def test_address(self) -> None:
        """Host and port are taken out; the port is 80 if there is none."""
        self.assertEqual(
            parse_proxy("http://proxy.local:3128/"),
            ProxyAddress("proxy.local", 3128, None),
        )
        self.assertEqual(parse_proxy("HTTP://[::1]"), ProxyAddress("::1", 80, None))

    def test_secure(self) -> None:
        """The proxy itself may be reached by TLS; the port is 443 then."""
        self.assertEqual(
            parse_proxy("https://proxy.local"),
            ProxyAddress("proxy.local", 443, None, True),
        )
        self.assertFalse(parse_proxy("http://proxy.local").secure)

    def test_name(self) -> None:
        """What holds the URL is named in an error."""
        error = self.assertRaises(
            ConfigurationError, parse_proxy, "http://proxy:x", "HTTPS_PROXY"
        )
        self.assertEqual(str(error), "HTTPS_PROXY must have a port from 1 to 65535")

    def test_credentials(self) -> None:
        """Credentials become Basic authentication (the example of RFC 7617)."""
        for userinfo in ("Aladdin:open%20sesame", "%41laddin:open%20sesame"):
            self.assertEqual(
                parse_proxy(f"http://{userinfo}@proxy:8080").authorization,
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            )
        self.assertEqual(
            parse_proxy("http://a:b:c@proxy").authorization, "Basic YTpiOmM="
        )
        self.assertEqual(parse_proxy("http://a@proxy").authorization, "Basic YTo=")

    def test_repr(self) -> None:
        """The ``repr`` shows no credentials."""
        self.assertEqual(
            repr(parse_proxy("http://a:b@proxy:8080")),
            "ProxyAddress(host='proxy', port=8080)",
        )

    def test_refused(self) -> None:
        """Anything else is refused, and what is said holds no secret."""
        bad: list[tuple[Any, str]] = [
            (3128, "proxy must be a str"),
            (f"ftp://me:{SECRET}@proxy", "proxy must begin with http:// or https://"),
            (f"socks5://me:{SECRET}@proxy", "proxy names a SOCKS proxy"),
            (f"http://me:{SECRET}@proxy/path", "no path"),
            (f"http://me:{SECRET}@proxy?a", "no query"),
            (f"http://me:{SECRET}@", "a host"),
            (f"http://me:{SECRET}@proxy:x", "port"),
            (f"http://me:{SECRET}@pro..xy", "proxy has a host that is"),
            (f"http://m%3Ae:{SECRET}@proxy", "colon"),
        ]
        for url, expected in bad:
            error = self.assertRaises(ConfigurationError, parse_proxy, url)
            self.assertIn(expected, str(error))
            self.assertNotIn(SECRET, str(error))


class TargetTests(SynchronousTestCase):
    """What is known of a target without another reading of its URL."""

    def test_connect_target(self) -> None:
        """It is what the URL of an attempt would be read as."""
        for url in (
            "ws://h/socket",
            "wss://h:443/socket/longpoll?a=b&vsn=1&x[y]=%20z",
            "http://my_service:8080",
            "wss://[fe80::1%25eth0]:4000/s",
            "ws://b\u00fccher.example/\u00fc?\u00fc=\u00fc",
            "ws://127.0.0.1/a b".replace(" ", "%20"),
        ):
            for exact in (False, True):
                for params in (
                    None,
                    {},
                    {"a": "c", "t": ["1 &", "\u00fc"], "n": {"m": None}},
                ):
                    given: Any = {"params": params, "vsn": "2.0.0", "exact": exact}
                    for transport in ("websocket", "longpoll"):
                        given["transport"] = transport
                        self.assertEqual(
                            connect_target(url, **given),
                            parse(connect_url(url, **given)),
                            (url, given),
                        )

    def test_authority(self) -> None:
        """It is as hyperlink has it."""
        for scheme, secure in (("ws", False), ("wss", True)):
            for host in ("h", "my-host.example", "127.0.0.1", "::1", "fe80::1"):
                for port in (80, 443, 4000):
                    self.assertEqual(
                        Target(secure, host, port, "", "").authority,
                        URL(scheme=scheme, host=host, port=port).authority(),
                    )

    def test_is_address(self) -> None:
        """An address is told from a name."""
        for host, expected in (
            ("127.0.0.1", True),
            ("[::1]", True),
            ("[fe80::1%25eth0]", True),
            ("localhost", False),
            ("127.0.0.1.example", False),
            ("a1", False),
            ("10.example.", False),
        ):
            self.assertIs(parse(f"ws://{host}/").is_address, expected, host)
