"""Tests of :mod:`txphoenix.testing.connect` and :mod:`txphoenix.testing.handshake`."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data

from txphoenix.testing import Endpoint, Refused, ServerChannel, Socket
from txphoenix.testing.connect import plug_params
from txphoenix.testing.flavour import flavour_named
from txphoenix.testing.options import SocketOptions

from .kit import KitTestCase
from .wire_client import RawClient, upgrade_request

_WITHOUT_TOKEN: tuple[dict[str, Any], ...] = (
    {},
    {"auth_token": True, "flavour": "1.7-bandit"},
)
TARGET = "/socket/websocket?vsn=2.0.0"


class ParamsTests(SynchronousTestCase):
    """Queries are decoded as Plug does it."""

    def test_decoding(self) -> None:
        """Plain names, objects and lists; the last of a repeated name counts."""
        for query, params in (
            ("", {}),
            ("a=1&b=", {"a": "1", "b": ""}),
            ("a=1&a=2", {"a": "2"}),
            ("a%20b=c+d", {"a b": "c d"}),
            ("a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}),
            ("a[]=1&a[]=2", {"a": ["1", "2"]}),
            ("a[b][]=1&a[b][]=2&a[c][d]=3", {"a": {"b": ["1", "2"], "c": {"d": "3"}}}),
            ("a=1&a[b]=2", {"a": {"b": "2"}}),
            ("a=1&a[]=2", {"a": ["2"]}),
        ):
            self.assertEqual(plug_params(query), params, query)


class SocketTests(SynchronousTestCase):
    """What a channel knows of its connection."""

    def test_parts(self) -> None:
        """Path and query come from the URI, and repr shows no secret."""
        socket = Socket(
            params={"token": "secret"},
            headers={},
            uri="http://h:1/a/websocket?token=secret",
            peer=("127.0.0.1", 2),
            transport="websocket",
            serializer="S",
        )
        self.assertEqual((socket.path, socket.query), ("/a/websocket", "token=secret"))
        self.assertNotIn("secret", repr(socket))


class OptionsTests(SynchronousTestCase):
    """Which channels a socket has, and which flavours there are."""

    def test_names(self) -> None:
        """add_socket() takes the endpoint's arguments, but for those it says."""
        text = inspect.getdoc(Endpoint.add_socket) or ""
        not_taken = set(re.findall(r"``(\w+)``", text))
        self.assertEqual(
            {field.name for field in dataclasses.fields(SocketOptions)},
            inspect.signature(Endpoint).parameters.keys() - not_taken,
        )

    def test_patterns(self) -> None:
        """The first pattern that fits counts; a star stands at the end."""

        class Lobby(ServerChannel):
            pass

        options = SocketOptions(
            channels={"rooms:lobby": Lobby, "rooms:*": ServerChannel}
        )
        for topic, expected in (
            ("rooms:lobby", Lobby),
            ("rooms:lobby2", ServerChannel),
            ("rooms:", ServerChannel),
            ("room", None),
            (5, None),
        ):
            self.assertIs(options.channel_for(topic), expected)

    def test_unknown_flavour(self) -> None:
        """An unknown flavour is an error that names those there are."""
        error = self.assertRaises(ValueError, flavour_named, "2.0-bandit")
        for name in ("1.8-bandit", "1.8-cowboy", "1.7-bandit", "2.0-bandit"):
            self.assertIn(name, str(error))


class HandshakeTests(KitTestCase):
    """What the recordings do not show of handshakes."""

    def ask(self, target: str = TARGET, **headers: Any) -> bytes:
        """Send a request, and return the answer."""
        client: RawClient = RawClient.connect(self.memory)
        client.write(upgrade_request(target, **headers))
        self.memory.flush()
        self.client = client
        return client.received

    def test_connect(self) -> None:
        """Connect gets the params and the connection, and gives it its id."""
        seen: list[Any] = []

        def connect(params: Any, socket: Socket) -> str:
            seen.append((params, socket.headers["x-a"], socket.peer[0]))
            socket.assigns["known"] = True
            return "user:1"

        memory = self.serve(connect=connect)
        answer = self.ask(f"{TARGET}&a[b]=1", x_a="yes")
        self.assertIn(b" 101 ", answer)
        self.assertEqual(
            seen, [({"vsn": "2.0.0", "a": {"b": "1"}}, "yes", "127.0.0.1")]
        )
        [session] = memory.connections
        self.assertEqual(session.socket.id, "user:1")
        self.assertEqual(session.socket.assigns, {"known": True})
        self.assertIn("user:1", repr(session))

    def test_deferred_connect(self) -> None:
        """Connect may take its time, and refuse after it."""
        waiting: list[Deferred[Any]] = []

        def connect(params: Any, socket: Socket) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1]

        self.serve(connect=connect)
        self.assertEqual(self.ask(), b"")
        waiting.pop().callback("id")
        self.memory.flush()
        self.assertIn(b" 101 ", self.client.received)
        self.ask()
        waiting.pop().errback(Refused())
        self.memory.flush()
        self.assertIn(b" 403 ", self.client.received)

    def test_coroutine_connect(self) -> None:
        """Connect may be a coroutine."""

        async def connect(params: Any, socket: Socket) -> str:
            return "from a coroutine"

        memory = self.serve(connect=connect)
        self.ask()
        self.assertEqual(memory.connections[0].socket.id, "from a coroutine")

    def test_client_gone(self) -> None:
        """A client that goes while connect is awaited is forgotten."""
        waiting: Deferred[Any] = Deferred()
        memory = self.serve(connect=lambda params, socket: waiting)
        self.ask()
        memory.cut()
        self.assertTrue(waiting.called)
        memory.flush()
        self.assertEqual(memory.connections, [])

    def test_refuse(self) -> None:
        """refuse() answers every handshake with a status, until it is taken back."""
        memory = self.serve()
        memory.refuse(503)
        self.assertIn(b"503 Service Unavailable", self.ask())
        memory.refuse(None)
        self.assertIn(b" 101 ", self.ask())

    def test_paused(self) -> None:
        """A paused server does not even answer handshakes, and does so later."""
        memory = self.serve()
        memory.pause()
        self.assertEqual(self.ask(), b"")
        memory.resume()
        memory.flush()
        self.assertIn(b" 101 ", self.client.received)

    def test_fault_of_the_kit(self) -> None:
        """A fault in the kit itself is logged as the error it is."""
        memory = self.serve()
        self.patch(memory, "flavour", None)
        self.assertEqual(self.ask(), b"")
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.memory.cut()

    def test_faults(self) -> None:
        """A request that cannot be upgraded is told what is wrong with it."""
        self.serve()
        for headers, words in (
            (
                {"connection": "keep-alive"},
                b"""contain 'upgrade', got ["keep-alive"]""",
            ),
            ({"upgrade": "h2c"}, b"""'upgrade' header must contain 'websocket'"""),
            ({"sec_websocket_key": None}, b"'sec-websocket-key' header is absent"),
            ({"sec_websocket_version": None}, b"must equal '13', got []"),
        ):
            answer = self.ask(**headers)
            self.assertIn(b" 400 ", answer)
            self.assertIn(words, answer)

    def test_keep_alive(self) -> None:
        """After a refusal the connection can be used again."""
        self.serve()
        self.assertIn(b" 404 ", self.ask("/nowhere"))
        self.client.write(upgrade_request(TARGET, connection="keep-alive, Upgrade"))
        self.memory.flush()
        self.assertIn(b" 101 ", self.client.received)

    def test_resource(self) -> None:
        """Other paths than those of sockets are the resource's, if there is one."""
        site = Resource()
        site.putChild(b"page", Data(b"a page", "text/plain"))
        self.serve()
        self.assertIn(b" 404 ", self.ask("/page"))
        self.memory.resource = site
        self.assertIn(b"a page", self.ask("/page"))
        self.assertIn(b" 404 ", self.ask("/other"))
        self.assertIn(b" 101 ", self.ask(TARGET))

    def test_token(self) -> None:
        """The token is decoded from standard base64, with or without padding lost."""
        memory = self.serve(auth_token=True)
        for encoded, token in (("YWI", "ab"), ("YWJj", "abc"), ("a-b_", None)):
            answer = self.ask(
                sec_websocket_protocol=f"phoenix, base64url.bearer.phx.{encoded}"
            )
            if token is None:
                self.assertIn(b" 500 ", answer)
            else:
                self.assertIn(b"sec-websocket-protocol: phoenix\r\n", answer)
                self.assertEqual(memory.connections[-1].socket.auth_token, token)

    def test_token_unasked(self) -> None:
        """Without auth_token, and before 1.8, nothing is made of the subprotocols."""
        for options in _WITHOUT_TOKEN:
            memory = self.serve(**options)
            answer = self.ask(sec_websocket_protocol="phoenix, base64url.bearer.phx.!")
            self.assertIn(b" 101 ", answer)
            self.assertNotIn(b"sec-websocket-protocol", answer)
            self.assertIsNone(memory.connections[-1].socket.auth_token)

    def test_compression_offers(self) -> None:
        """permessage-deflate is taken with what the client can do, or left."""
        self.serve(compression=True)
        for offer, answered in (
            ("permessage-deflate", b"extensions: permessage-deflate\r\n"),
            (
                "x-other, permessage-deflate; server_no_context_takeover",
                b"extensions: permessage-deflate;server_no_context_takeover\r\n",
            ),
            # RFC 7692, section 7.1: declined, and the next one may do.
            ("permessage-deflate; what_is_this", None),
            ("permessage-deflate; client_max_window_bits=99", None),
            (
                "permessage-deflate; server_max_window_bits=x, permessage-deflate",
                b"extensions: permessage-deflate\r\n",
            ),
            ("x-other", None),
        ):
            answer = self.ask(sec_websocket_extensions=offer)
            self.assertIn(b" 101 ", answer)
            if answered is None:
                self.assertNotIn(b"extensions", answer)
            else:
                self.assertIn(answered, answer)

    def test_compressed_messages(self) -> None:
        """What is agreed on is then spoken, in both directions."""
        memory = self.serve(compression=True)
        self.ask(sec_websocket_extensions="permessage-deflate")
        [session] = memory.connections
        transport: Any = session._transport
        self.assertIsNotNone(transport._perMessageCompress)
        before = len(self.client.received)
        transport.send(b"[1,2,3]" * 100, False)
        memory.flush()
        self.assertLess(len(self.client.received) - before, 100)
