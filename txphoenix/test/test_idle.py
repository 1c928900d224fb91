"""What an idle client holds: decision 9 for those who have thousands of them.

How many bytes that is, ``python -m benchmarks sockets`` measures.
"""

from __future__ import annotations

import gc
from base64 import b64encode
from collections.abc import Iterator
from types import FunctionType
from typing import Any, TypeGuard, cast

from txphoenix.client.socket_client import SocketClient
from txphoenix.testing.session import ServerSession
from txphoenix.transports.fallback import FallbackConnector
from txphoenix.transports.session_defaults import _FACTORY, _PROTOCOL
from txphoenix.transports.websocket import PhoenixClientProtocol
from txphoenix.transports.websocket_factory import PhoenixClientFactory

from .raw_server import SWITCHING, RawServer
from .support import ClientTestCase

SECRET = "s3cret"
TOKEN = b64encode(SECRET.encode()).rstrip(b"=")
"""As it is offered."""

# CPython keeps the attributes of an object with more of them in a dict of its own.
MOST_ATTRIBUTES = 30


# Of our own classes; with those of Python and Twisted they are some 60.
MOST_TRACKED = 37


def ours_tracked() -> list[object]:
    """What the garbage collector walks of the library's own, but for the test kit's."""
    gc.collect()
    return [
        each
        for each in gc.get_objects()
        for home in [each.__module__ if is_function(each) else type(each).__module__]
        if str(home).startswith("txphoenix.")
        and not str(home).startswith(("txphoenix.test.", "txphoenix.testing."))
    ]


def is_function(each: object) -> TypeGuard[FunctionType]:
    """Whether it is one with a closure, and so made anew each time."""
    return isinstance(each, FunctionType) and each.__closure__ is not None


def protocol_of(client: SocketClient) -> PhoenixClientProtocol:
    """The WebSocket of a client."""
    return cast(PhoenixClientProtocol, client.connection.link.transport)


def factory_of(client: SocketClient) -> PhoenixClientFactory:
    """What makes the WebSockets of a client."""
    return client.connection._factory


def texts(value: Any) -> Iterator[bytes]:
    """All text that can be reached from a value through containers."""
    if isinstance(value, str | bytes):
        yield value.encode("utf-8", "replace") if isinstance(value, str) else value
    elif isinstance(value, list | tuple | dict):
        for inner in gc.get_referents(value):
            yield from texts(inner)


def kept_by(*owners: object) -> list[str]:
    """The names of what they have of a handshake."""
    return [
        name
        for owner in owners
        for name in {*dir(owner)} - {"connection", "options"}
        for text in texts(getattr(owner, name, None))
        if any(part in text for part in (SECRET.encode(), TOKEN, b"Sec-WebSocket"))
    ]


class IdleTests(ClientTestCase):
    """A client that is connected, and on which nothing happens."""

    def test_attributes(self) -> None:
        """None of its objects has more attributes than are kept compactly."""
        channel = self.joined_channel()
        (client,) = self._clients
        protocol, factory = protocol_of(client), factory_of(client)
        for each in (
            client,
            client.state,
            client.connection,
            client.channels,
            channel,
            factory,
            factory.connector,
            protocol,
        ):
            with self.subTest(each=each):
                self.assertLessEqual(len(vars(each)), MOST_ATTRIBUTES)

    def test_few_tracked(self) -> None:
        """It keeps few objects that the garbage collector walks, and no function."""
        self.joined_channel()
        before = {id(each) for each in ours_tracked()}
        self.joined_channel()
        made = [each for each in ours_tracked() if id(each) not in before]
        functions = [
            each
            for each in made
            if is_function(each) and each.__module__.startswith("txphoenix.client.")
        ]
        self.assertEqual(functions, [])
        kinds = sorted({type(each).__name__ for each in made})
        self.assertLessEqual(len(made), MOST_TRACKED, kinds)

    def test_nothing_for_plain_messages(self) -> None:
        """What Autobahn counts and checks with is not made for a plain message."""
        self.joined_channel()
        protocol = protocol_of(self._clients[0])
        made = {"trafficStats", "utf8validator"} & set(vars(protocol))
        self.assertEqual(made, set())

    def test_shared(self) -> None:
        """Of what Autobahn sets nothing is missing, and each has its own of few."""
        client = self.connected_client()
        for owner, shared, most in (
            (protocol_of(client), _PROTOCOL, {"factory", "maxFramePayloadSize"}),
            (factory_of(client), _FACTORY, {"reactor", "protocols"}),
        ):
            self.assertEqual([name for name in shared if not hasattr(owner, name)], [])
            own = set(vars(owner)) & set(shared)
            self.assertLessEqual(len(own), 6, own)
            self.assertLessEqual(most, own)

    def test_handshake(self) -> None:
        """Nothing is kept of the handshake, least of all its secrets."""
        client = self.connected_client(
            headers={"Authorization": SECRET}, auth_token=SECRET, params={"t": SECRET}
        )
        self.assertEqual(kept_by(protocol_of(client), factory_of(client)), [])

    def test_failed_handshake(self) -> None:
        """Nor is there when it has failed, and the next attempt is waited for."""
        self.memory.refuse(503)
        for is_listening in (True, False):
            self.memory.is_listening = is_listening
            client = self.make_client(
                headers={"Authorization": SECRET}, auth_token=SECRET
            )
            client.startService()
            self.memory.flush()
            self.assertEqual(client.status, "disconnected")
            self.assertEqual(kept_by(factory_of(client)), [])
            self.stop_client(client)

    def test_fallback(self) -> None:
        """Nor by the WebSocket that has failed, when long-poll is open instead."""
        self.memory.refuse(503, "websocket")
        client = self.connected_client(
            headers={"Authorization": SECRET}, auth_token=SECRET, longpoll_fallback=2.5
        )
        connector = cast(FallbackConnector, factory_of(client).connector)
        self.assertEqual(kept_by(connector._websocket.factory), [])

    def test_chosen_token(self) -> None:
        """Nor where a server has chosen the token, which was offered, to speak."""
        raw = RawServer()
        chosen = b"Sec-WebSocket-Protocol: base64url.bearer.phx." + TOKEN
        raw.answer = SWITCHING + chosen + b"\r\n\r\n"
        self.memory._server_factory = cast(Any, raw)
        client = self.connected_client(auth_token=SECRET)
        self.assertEqual(kept_by(protocol_of(client), factory_of(client)), [])

    def test_delayed_calls(self) -> None:
        """A hundred idle clients have no more delayed calls than one has."""

        def calls() -> int:
            # The server has some as well.
            return sum(
                not isinstance(getattr(call.func, "__self__", None), ServerSession)
                for call in self.clock.calls
            )

        self.connected_client()
        self.memory.advance(20)
        calls_of_one = calls()
        for _ in range(100):
            self.connected_client()
        self.memory.advance(20)
        self.assertEqual(calls(), calls_of_one)
