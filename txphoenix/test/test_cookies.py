"""Tests of :mod:`txphoenix.transports.cookies`, and of the option ``cookies``."""

from __future__ import annotations

from http.client import HTTPMessage
from http.cookiejar import Cookie, CookieJar
from typing import Any, cast
from urllib.request import Request

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Handshake
from txphoenix.errors import HandshakeRefused
from txphoenix.protocol.cookie_jar import bounded_jar
from txphoenix.protocol.url import parse
from txphoenix.transports.cookies import ServerCookies

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .network import NetworkTestCase, reactor
from .raw_server import SWITCHING, RawConnection, RawServer, RawTestCase

SESSION = b'{"status":410,"token":"t","messages":[]}'


def cookie(name: str, value: str, host: str = "a.example") -> Cookie:
    """A cookie as somebody else may put it into a jar."""
    request = Request(f"http://{host}/")
    (made,) = CookieJar().make_cookies(cast(Any, Answer("n=v; Path=/")), request)
    made.name, made.value = name, value
    return made


class Answer:
    """An answer that sets a cookie, for :mod:`http.cookiejar`."""

    def __init__(self, line: str) -> None:
        self._headers = HTTPMessage()
        self._headers["Set-Cookie"] = line

    def info(self) -> HTTPMessage:
        """The headers."""
        return self._headers


class ServerCookiesTests(SynchronousTestCase):
    """What goes into the jar, and which of it goes where."""

    def setUp(self) -> None:
        """Have a jar."""
        self.jar = bounded_jar()

    def at(self, url: str) -> ServerCookies:
        """The cookies of a URL."""
        return ServerCookies(self.jar, parse(url))

    def check(self, line: str, *goes_to: str, of: str = "wss://a.example/x/y") -> None:
        """A cookie goes to these URLs, and to no other."""
        self.jar.clear()
        self.at(of).take([line])
        urls = (
            "wss://a.example/x/y",
            "https://a.example:8443/x/longpoll",
            "ws://a.example/x/y",
            "wss://a.example/z",
            "wss://b.a.example/x/y",
            "wss://c.example/x/y",
        )
        found = [url for url in urls if self.at(url).value() is not None]
        self.assertEqual(found, list(goes_to), line)

    def test_rules(self) -> None:
        """Host, path, domain, ``Secure`` and the time decide."""
        first, other_port, plain, other_path, below, _ = (
            "wss://a.example/x/y",
            "https://a.example:8443/x/longpoll",
            "ws://a.example/x/y",
            "wss://a.example/z",
            "wss://b.a.example/x/y",
            "",
        )
        self.check("n=1", first, other_port, plain)
        self.check("n=1; Path=/", first, other_port, plain, other_path)
        self.check("n=1; Secure", first, other_port)
        self.check("n=1; HttpOnly; Max-Age=60", first, other_port, plain)
        self.check("n=1; Domain=a.example", first, other_port, plain, below)
        self.check("n=1; Domain=c.example")
        self.check("n=1; Domain=example")
        self.check("n=1; Max-Age=0")
        self.check("n=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        self.check("n=1; Path=/z", other_path)
        self.check("n=1; Domain=co.uk", of="wss://a.co.uk/x/y")

    def test_attributes_that_do_not_count(self) -> None:
        """An attribute that says nothing is as good as none (RFC 6265 section 5.2)."""
        here = (
            "wss://a.example/x/y",
            "https://a.example:8443/x/longpoll",
            "ws://a.example/x/y",
        )
        for attribute in (
            "Domain=",
            "Domain=.",
            "Path=",
            "Path=z",
            "Max-Age=soon",
            "Max-Age",
            'Port="1"',
            "Version=7",
            "Comment=x; Unheard-Of=y",
        ):
            self.check(f"n=1; {attribute}", *here)

    def test_attributes_twice(self) -> None:
        """The last that says anything counts (RFC 6265 section 5.3)."""
        first, other_port, plain, other_path = (
            "wss://a.example/x/y",
            "https://a.example:8443/x/longpoll",
            "ws://a.example/x/y",
            "wss://a.example/z",
        )
        self.check("n=1; Path=/z; path=/x", first, other_port, plain)
        self.check("n=1; Path=/x; Path=/", first, other_port, plain, other_path)
        over, later = (
            "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "Expires=Fri, 01 Jan 2038 00:00:00 GMT",
        )
        self.check(f"n=1; {over}; {later}", first, other_port, plain)
        self.check(f"n=1; {later}; {over}")
        self.check("n=1; Max-Age=0; Max-Age=60", first, other_port, plain)
        self.check("n=1; Max-Age=60; Max-Age=soon", first, other_port, plain)

    def test_domain_of_one_label(self) -> None:
        """It may be the host's own, and then the cookie is for that host alone."""
        for host in ("localhost", "my_service", "[::1]"):
            domain = host.strip("[]")
            url = f"ws://{host}:4000/socket"
            self.jar.clear()
            self.at(url).take([f"n=1; Domain={domain}"])
            self.assertEqual(self.at(url).value(), "n=1")
            self.assertIsNone(self.at("ws://other:4000/socket").value())
        self.jar.clear()
        self.at("ws://other:4000/socket").take(["n=1; Domain=my_service"])
        self.assertIsNone(self.at("ws://my_service:4000/socket").value())

    def test_one_after_the_other(self) -> None:
        """Of the cookies of one answer, a later one decides: it may be the end of one.

        A framework that renews a session deletes what it has set in between.
        """
        cookies = self.at("wss://a.example/x/y")
        cookies.take(["n=1", "m=1", "n=; Max-Age=0"])
        self.assertEqual(cookies.value(), "m=1")
        cookies.take(["n=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "n=2"])
        self.assertEqual(cookies.value(), "m=1; n=2")

    def test_hosts(self) -> None:
        """A cookie goes back to any kind of host, and to no other of that kind."""
        for one, other in (
            ("localhost", "localhost2"),
            ("127.0.0.1", "127.0.0.2"),
            ("[::1]", "[::2]"),
            ("my_service", "my_other_service"),
            ("[fe80::1%25lo]", "[fe80::2%25lo]"),
        ):
            with self.subTest(host=one):
                self.jar.clear()
                self.at(f"ws://{one}:4000/socket").take(["n=1"])
                self.assertEqual(self.at(f"ws://{one}:4000/socket").value(), "n=1")
                self.assertIsNone(self.at(f"ws://{other}:4000/socket").value())

    def test_beside_the_users(self) -> None:
        """The user's cookies go before those of the same name, in one header."""
        cookies = self.at("wss://a.example/x/y")
        self.assertIsNone(cookies.value())
        self.assertEqual(cookies.value("mine=1"), "mine=1")
        cookies.take(["node=7", "mine=2"])
        self.assertEqual(cookies.value("mine=1; a=b; "), "mine=1; a=b; node=7")
        for name in ("Cookie", "cookie", "COOKIE"):
            self.assertEqual(
                cookies.added_to({"X": "y", name: "mine=1"}),
                {"X": "y", "Cookie": "mine=1; node=7"},
            )
        self.assertEqual(
            cookies.added_to({"X": "y"}), {"X": "y", "Cookie": "node=7; mine=2"}
        )
        self.jar.clear()
        self.assertEqual(cookies.added_to({"X": "y"}), {"X": "y"})

    def test_what_is_not_fit(self) -> None:
        """What could not go into a header, or is too long, is not taken."""
        cookies = self.at("wss://a.example/x/y")
        long = "a=" + "b" * 4096
        for line in ("a=\xff", "a=b\x00", "a=b\r\nX: y", long, "", "=", ";"):
            with self.subTest(line=line):
                cookies.take([line])
                self.assertEqual(list(self.jar), [])
        self.assertEqual(self.flushWarnings(), [])

    def test_odd_ages(self) -> None:
        """An age that is none is none, and one is as long as it may be."""
        kept = ["n=1"]
        for age, expected in (
            ("Max-Age", kept),
            ("max-age=", kept),
            ("Max-Age=soon", kept),
            ("Max-Age=\u0663", []),
            (f"MAX-AGE={'9' * 4000}", kept),
            ("Max-Age=-1", []),
            (f"Max-Age=-{'9' * 4000}", []),
            ('Max-Age="60"', kept),
            ("Max-Age=0", []),
        ):
            with self.subTest(age=age):
                self.jar.clear()
                cookies = self.at("wss://a.example/x/y")
                cookies.take(["brother=1", f"n=1; {age}; Path=/"])
                found = str(cookies.value()).split("; ")
                self.assertEqual(sorted(found), ["brother=1", *expected])
        self.assertEqual(self.flushWarnings(), [])

    def test_unfit_in_the_users_jar(self) -> None:
        """What was put into a jar by others, and could end a header, stays in it."""
        for value in ("x\r\nEvil: 1", "x\n", "x\0", "\x7f", "\u20ac", "\udcff"):
            with self.subTest(value=value):
                self.jar.clear()
                self.jar.set_cookie(cookie("bad", value))
                self.jar.set_cookie(cookie(value, "bad"))
                cookies = self.at("wss://a.example/x/y")
                self.assertIsNone(cookies.value())
                self.assertEqual(cookies.value("mine=1"), "mine=1")
                self.jar.set_cookie(cookie("good", "1"))
                self.assertEqual(cookies.value("mine=1"), "mine=1; good=1")

    def test_bounded(self) -> None:
        """However many are set, the jar has fifty; those it has may change."""
        cookies = self.at("wss://a.example/x/y")
        for number in range(1000):
            cookies.take([f"n{number}={number}", "n0=again"])
        self.assertEqual(len(self.jar), 50)
        self.assertIn("n0=again", str(cookies.value()))


class WebSocketTests(RawTestCase):
    """The cookies of a WebSocket, over reconnects."""

    def next_peer(self) -> RawConnection:
        """Lose the connection, and open the next."""
        self.peer.lose()
        self.memory.flush()
        self.memory.advance(1)
        return self.peer

    def test_kept(self) -> None:
        """A cookie of a handshake is sent with the next, beside the user's own."""
        self.raw.answer = SWITCHING + b"Set-Cookie: node=7; Path=/\r\n\r\n"
        client = self.connected_client(cookies=True, headers={"cookie": "mine=1"})
        self.assertEqual(self.peer.header("cookie"), "mine=1")
        peer = self.next_peer()
        self.assertEqual(peer.header("cookie"), "mine=1; node=7")
        self.assertEqual(peer.request.lower().count(b"cookie:"), 1)
        self.assertTrue(client.connected)

    def test_not_kept(self) -> None:
        """Without the option there are none."""
        self.raw.answer = SWITCHING + b"Set-Cookie: node=7\r\n\r\n"
        self.connected_client()
        self.assertEqual(self.next_peer().header("cookie"), "")

    def test_refused(self) -> None:
        """A refusal sets cookies as well."""
        self.raw.answer = b"HTTP/1.1 403 No\r\nSet-Cookie: node=7\r\n\r\n"
        client, (error,) = self.refused_client(cookies=True)
        self.assertIsInstance(error, HandshakeRefused)
        client.connect()
        self.memory.flush()
        self.assertEqual(self.peer.header("cookie"), "node=7")

    def test_shared(self) -> None:
        """A jar of the user's may be that of several clients."""
        jar = CookieJar()
        self.raw.answer = SWITCHING + b"Set-Cookie: node=7\r\n\r\n"
        self.connected_client(cookies=jar)
        self.connected_client(cookies=jar)
        self.assertEqual(self.peer.header("cookie"), "node=7")
        self.assertEqual([cookie.value for cookie in jar], ["7"])

    def test_secret(self) -> None:
        """A cookie is a secret wherever the client is shown."""
        self.raw.answer = SWITCHING + b"Set-Cookie: node=s3cret\r\n\r\n"
        client = self.connected_client(cookies=True)
        self.assertEqual(len(client.get_state("cookies")), 1)
        shown = (client.options, client.get_state(), client.handshake, client)
        self.assertNotIn("s3cret", repr(shown))


@by_treq_too
class LongPollTests(LongPollTestCase):
    """The cookies of sessions of long-poll."""

    def session(self, **headers: str) -> Any:
        """Open a session.

        :return: its first request.
        """
        asked = self.server.take("GET")
        asked.answer(200, SESSION, **headers)
        return asked

    def test_beside_the_users(self) -> None:
        """A balancer's cookie goes back though the user has one of his own."""
        self.begin(headers={"Cookie": "mine=1"})
        self.assertEqual(self.session(set_cookie="node=7").header("cookie"), "mine=1")
        self.assertEqual(self.server.take("GET").header("cookie"), "mine=1; node=7")

    def test_kept(self) -> None:
        """With the option they last over sessions, and without it they do not."""
        for cookies, expected in ((True, "node=7"), (False, None)):
            self.begin(cookies=cookies)
            self.session(set_cookie="node=7")
            self.server.take("GET").say(410)
            self.server.advance(0.5)
            self.assertEqual(self.session().header("cookie"), expected)
            self.server.take("GET")
            self.stop_all()
            self.clients.clear()


class NetworkTests(NetworkTestCase):
    """Over real TCP."""

    async def check(self, answer: bytes, **options: Any) -> None:
        """A cookie of the first handshake comes with the second."""
        server = RawServer()
        server.answer = answer
        listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            server
        )
        self.addCleanup(listening.stopListening)
        self.addCleanup(server.lose_http)
        url = f"ws://127.0.0.1:{listening.getHost().port}/socket"
        client = self.client(url, cookies=True, **options)
        await client.when_connected()
        await client.disconnect()
        client.connect()
        await client.when_connected()
        heads = [peer.header("cookie") for peer in server.connections if peer.request]
        self.assertEqual((heads[0], heads[-1]), ("", "node=7"))
        self.assertEqual(cast(Handshake, client.handshake).cookies, {"node": "7"})
        await client.stopService()

    async def test_websocket(self) -> None:
        """For a WebSocket."""
        await self.check(SWITCHING + b"Set-Cookie: node=7\r\n\r\n", close_timeout=0.05)

    async def test_unfit(self) -> None:
        """A cookie of the user's jar ends no header, and a bad one no handshake."""
        for transport in ("websocket", "longpoll"):
            for value in ("x\r\nEvil: 1", "\udcff"):
                server = RawServer()
                server.answer = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
                listening = await TCP4ServerEndpoint(
                    reactor, 0, interface="127.0.0.1"
                ).listen(server)
                self.addCleanup(listening.stopListening)
                jar = CookieJar()
                jar.set_cookie(cookie("bad", value, "127.0.0.1"))
                client = self.client(
                    f"ws://127.0.0.1:{listening.getHost().port}/socket",
                    cookies=jar,
                    transport=transport,
                    reconnect=False,
                )
                error = await self.failure_of(client.when_connected())
                with self.subTest(transport=transport, value=value):
                    self.assertIsInstance(error, HandshakeRefused)
                    self.assertNotIn(b"evil", server.connections[0].request.lower())
                await client.stopService()

    async def test_longpoll(self) -> None:
        """For long-poll."""
        head = b"HTTP/1.1 200 OK\r\nSet-Cookie: node=7\r\nContent-Length: %d\r\n\r\n"
        await self.check(head % len(SESSION) + SESSION, transport="longpoll")
