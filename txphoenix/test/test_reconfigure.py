"""``reconfigure()`` of a client that is at work, over TCP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from txphoenix.channels.channel import Channel
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    BufferFull,
    ConfigurationError,
    HandshakeRefused,
    MessageTooLarge,
    PushInterrupted,
    PushTimeout,
)
from txphoenix.options.options import CONNECTION_OPTIONS
from txphoenix.protocol.backoff import steps
from txphoenix.testing import PhoenixServer, Refused, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.connect import Socket
from txphoenix.testing.session import ServerSession

CHANNELS = 10
PUSHES = 100


class Room(ServerChannel):
    """Answers all but what it is asked to hold."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer with the payload."""
        return None if event == "hold" else ok(payload)


class OtherRoom(Channel):
    """A class of channels."""


def connect(params: Mapping[str, Any], socket: Socket) -> None:
    """Refuse a bad token."""
    if params.get("token") == "bad":
        raise Refused


class ReconfigureTestCase(PhoenixMixin, TestCase):
    """A client with some joined channels."""

    timeout = 120

    async def start(self, **options: Any) -> SocketClient:
        """Start a server and a client, and join."""
        self.server = await self.serve()
        client = SocketClient(
            self.server.url, **{"params": {"token": "old"}, **options}
        )
        client.startService()
        self.addCleanup(client.stopService)
        self.channels = [
            channel
            for _, channel in [
                await client.join(f"rooms:{number}") for number in range(CHANNELS)
            ]
        ]
        return client

    async def serve(self) -> PhoenixServer:
        """A server that takes tokens."""
        return await self.phoenix_server(
            {"rooms:*": Room}, connect=connect, auth_token=True
        )

    @property
    def session(self) -> ServerSession:
        """The one connection of the server."""
        (session,) = self.server.connections
        return session

    def assert_all_joined(self) -> None:
        """Both sides hold every channel joined, on the same connection."""
        self.assertEqual({str(channel.state) for channel in self.channels}, {"joined"})
        self.assertEqual(
            sorted(channel.topic for channel in self.server.channels()),
            sorted(channel.topic for channel in self.channels),
        )
        self.assertEqual(
            {channel.session for channel in self.server.channels()}, {self.session}
        )


class InFlightTests(ReconfigureTestCase):
    """Pushes that are on their way while the client reconnects."""

    async def check(self, **options: Any) -> None:
        """Change options with pushes in flight and others buffered."""
        client = await self.start()
        before = self.session

        def push(event: str, number: int) -> Deferred[Any]:
            channel = self.channels[number % CHANNELS]
            return channel.push(event, {"n": number}).addErrback(lambda it: it.value)

        in_flight = [push("hold", number) for number in range(PUSHES)]
        await self.channels[0].push("echo")
        done = client.reconfigure(**options)
        self.assertFalse(client.connected)
        buffered = [push("echo", number) for number in range(PUSHES)]
        self.assertFalse(any(deferred.called for deferred in buffered))

        await done
        self.assert_all_joined()
        self.assertIsNot(self.session, before)
        answers = await gatherResults(buffered)
        self.assertEqual(answers, [{"n": number} for number in range(PUSHES)])
        errors = await gatherResults(in_flight)
        self.assertEqual({type(error) for error in errors}, {PushInterrupted})

    async def test_token(self) -> None:
        """Each push's Deferred fires, and the server saw the new token."""
        await self.check(auth_token="new")
        self.assertEqual(self.session.socket.auth_token, "new")

    async def test_token_among_params(self) -> None:
        """The same for a token that is a parameter."""
        await self.check(params={"token": "new"})
        self.assertEqual(self.session.socket.params["token"], "new")

    async def test_several_at_once(self) -> None:
        """Several options make one new connection, which has them all."""
        await self.check(
            params={"token": "new", "user": {"id": "1"}},
            headers={"X-New": "yes"},
            auth_token="newer",
            timeout=2.0,
            vsn="2.0.0",
        )
        socket = self.session.socket
        self.assertEqual(socket.params["user"], {"id": "1"})
        self.assertEqual(socket.auth_token, "newer")
        self.assertEqual(socket.headers["x-new"], "yes")


class ConnectionOptionTests(ReconfigureTestCase):
    """The options that need a new connection."""

    async def test_each_reconnects(self) -> None:
        """Each of them makes a new connection, on which all channels are joined."""
        client = await self.start()
        other = await self.serve()
        values: dict[str, Any] = {
            "url": other.url,
            "params": {"token": "new"},
            "headers": {"X-New": "yes"},
            "auth_token": "new",
            "exact_url": False,
            "transport": "websocket",
            "vsn": "2.0.0",
            "serializer": json,
            "tls": None,
            "endpoint": TCP4ClientEndpoint(reactor, "127.0.0.1", other.port),
            "proxy": None,
            "keepalive": True,
            "compression": True,
            "fast_frames": False,
            "fast_http": False,
            "fast_tls": False,
            "longpoll_token_header": True,
        }
        self.assertEqual(set(values), set(CONNECTION_OPTIONS))
        for name, value in values.items():
            self.server = other if client.get_state("url") == other.url else self.server
            before = self.session
            gone = self.server.when_disconnected()
            await client.reconfigure(**{name: value})
            await gone
            self.server = other
            self.assertIsNot(self.session, before, name)
            self.assert_all_joined()

    async def test_refused(self) -> None:
        """A token that the server refuses is told; the next one can be a better one."""
        client = await self.start(
            should_reconnect=lambda reason: not isinstance(reason, HandshakeRefused)
        )
        refused = client.reconfigure(params={"token": "bad"})
        push = self.channels[0].push("echo")
        await self.assertFailure(refused, HandshakeRefused)
        await self.assertFailure(push, HandshakeRefused)
        await client.reconfigure(params={"token": "new"})
        self.assertEqual(client.status, "disconnected")
        client.connect()
        await client.when_connected()
        self.assertEqual(await self.channels[0].push("echo", {"n": 1}), {"n": 1})

    async def test_again_meanwhile(self) -> None:
        """Of two changes at once both Deferreds fire, and the second holds."""
        client = await self.start(backoff=steps([0.01]))
        first = client.reconfigure(params={"token": "bad"})
        second = client.reconfigure(params={"token": "new"})
        await gatherResults([first, second])
        self.assertEqual(self.session.socket.params["token"], "new")
        self.assert_all_joined()

    async def test_not_started(self) -> None:
        """A client that is not connected takes the options for later."""
        server = await self.serve()
        client = SocketClient("ws://127.0.0.1:1/socket")
        await client.reconfigure(url=server.url, params={"token": "new"})
        self.assertEqual(client.status, "disconnected")
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected()
        self.assertEqual(server.connections[0].socket.params["token"], "new")


class OtherOptionTests(ReconfigureTestCase):
    """The options that take hold at once, and those that never do."""

    async def test_bad_option_changes_nothing(self) -> None:
        """A bad option among good ones raises, and none of them is taken."""
        client = await self.start()
        before, options = self.session, client.options
        wrong: list[dict[str, Any]] = [
            {"timeout": -1},
            {"headers": {"a b": "c"}},
            {"parms": {}},
        ]
        for bad in wrong:
            with self.assertRaises(ConfigurationError):
                client.reconfigure(params={"token": "new"}, max_restarts=9, **bad)
        self.assertIs(client.options, options)
        self.assertEqual(client.get_state("params"), {"token": "old"})
        self.assertEqual(client.get_state("max_restarts"), 3)
        self.assertEqual(await self.channels[0].push("echo", {"n": 1}), {"n": 1})
        self.assertIs(self.session, before)
        self.assert_all_joined()

    async def test_hint(self) -> None:
        """A name that does not exist is answered with the one that is like it."""
        client = await self.start()
        with self.assertRaisesRegex(ConfigurationError, "did you mean 'auth_token'"):
            client.reconfigure(auth_tokn="new")  # type: ignore[call-arg]

    async def test_connection_stays(self) -> None:
        """The others leave the connection as it is, and their Deferred has fired."""
        client = await self.start()
        before = self.session
        values: dict[str, Any] = {
            "name": None,
            "heartbeat_interval": 11.0,
            "heartbeat_timeout": 12.0,
            "reconnect": True,
            "reconnect_interval": 13.0,
            "backoff": steps([1]),
            "rejoin_backoff": steps([1]),
            "should_reconnect": bool,
            "auto_connect": False,
            "timeout": 4.0,
            "join_window": 3,
            "connect_timeout": 14.0,
            "close_timeout": 1.0,
            "disconnect_when_idle": 19.0,
            "topic_channel_map": {"den": OtherRoom},
            "join_channels": {},
            "default_channel_class": EchoRoom,
            "default_channel_params": {"a": 1},
            "send_buffer": 15,
            "push_buffer": 16,
            "write_buffer": 1 << 20,
            "receive_buffer": 17,
            "max_message_size": 18_000,
            "cookies": CookieJar(),
            "longpoll_fallback": None,
            "max_restarts": 1,
            "max_seconds": 1.5,
            "max_redirects": 2,
            "max_retry_after": 19.0,
        }
        every = set(client.options.snapshot())
        self.assertEqual(set(values), every - CONNECTION_OPTIONS)
        for name, value in values.items():
            done = client.reconfigure(**{name: value})
            self.assertTrue(done.called, name)
            self.assertEqual(client.get_state(name), value)
        self.assertEqual(await self.channels[0].push("echo", {"n": 1}), {"n": 1})
        self.assertIs(self.session, before)

    async def test_they_take_hold(self) -> None:
        """What happens next happens by the new options."""
        client = await self.start()
        channel = self.channels[0]
        client.reconfigure(
            timeout=0.01,
            max_message_size=100,
            topic_channel_map={"den": OtherRoom},
            default_channel_params={"a": 1},
        )
        await self.assertFailure(channel.push("hold"), PushTimeout)
        await self.assertFailure(channel.push("echo", "x" * 100), MessageTooLarge)
        self.assertIs(type(client.channel("den")), OtherRoom)
        self.assertEqual(client.channel("other").params, {"a": 1})

    async def test_buffers_take_hold(self) -> None:
        """A smaller buffer refuses the next push, and keeps those it has."""
        client = await self.start()
        channel = self.channels[0]
        done = client.reconfigure(params={"token": "new"})
        kept = [channel.push("echo", {"n": number}) for number in range(3)]
        client.reconfigure(push_buffer=2)
        refused: Deferred[Any] = channel.push("echo")
        self.assertIsInstance(await _outcome(refused), BufferFull)
        await done
        self.assertEqual(await gatherResults(kept), [{"n": 0}, {"n": 1}, {"n": 2}])


async def _outcome(deferred: Deferred[Any]) -> Any:
    """The result or the error of a Deferred."""

    def value(result: Any) -> Any:
        return result.value if isinstance(result, Failure) else result

    return await deferred.addBoth(value)
