"""phoenix.js's socket tests: the constructor, connecting, disconnecting, the state."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed

from txphoenix import (
    ConfigurationError,
    ConnectionFailed,
    Message,
    SocketClient,
)

from .support import TOPIC, PhoenixJSTestCase


async def later(value: object) -> object:
    """The value, as an ``async def`` gives it."""
    return value


class ConstructorTests(PhoenixJSTestCase):
    """What a client is made of."""

    def test_sets_defaults(self) -> None:
        """S1: a new client has no channels and keeps nothing; its defaults are ours."""
        client = SocketClient(self.memory.url, reactor=self.clock)
        options = client.options
        self.assertEqual(
            (options.timeout, options.heartbeat_interval, options.vsn),
            (5.0, 30.0, "2.0.0"),
        )
        self.assertEqual(options.transport, "websocket")
        self.assertTrue(options.reconnect)
        self.assertIsNone(options.serializer)
        self.assertEqual(list(client.channels), [])
        self.assertEqual(client.get_state()["to_send"], 0)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.joined_channel()
        self.assertEqual(self.joins()[0][1], "1")

    def test_supports_closure_or_literal_params(self) -> None:
        """S2: params may be a mapping, or a function, whose result may come later.

        So may headers, the token and the URL.
        """
        self.memory.add_socket("/token", auth_token=True)
        url = self.memory.url_of("/token")
        for number, way in enumerate(
            [
                lambda value: value,
                lambda value: lambda: value,
                lambda value: lambda: succeed(value),
                lambda value: lambda: later(value),
            ]
        ):
            self.connected_client(
                url=way(url),
                params=way({"n": str(number)}),
                headers=way({"X-N": str(number)}),
                auth_token=way(f"token-{number}"),
            )
            socket = self.memory.sessions[-1].socket
            self.assertEqual(socket.params["n"], str(number))
            self.assertEqual(socket.headers["x-n"], str(number))
            self.assertEqual(socket.auth_token, f"token-{number}")

    def test_overrides_some_defaults_with_options(self) -> None:
        """S3: what is given is what is held; an unknown or a wrong one is refused."""
        given: dict[str, Any] = {
            "timeout": 40.0,
            "heartbeat_interval": 60.0,
            "heartbeat_timeout": 20.0,
            "reconnect": False,
            "vsn": "2.0.0",
            "params": {"one": "two"},
            "backoff": lambda attempt: 1.0,
        }
        client = SocketClient(self.memory.url, reactor=self.clock, **given)
        for name, value in given.items():
            self.assertEqual(getattr(client.options, name), value)
            self.assertEqual(client.get_state(name), value)
        for wrong in ({"timeout": "long"}, {"heartbeat": 60.0}, {"transport": "fax"}):
            with self.assertRaises(ConfigurationError):
                SocketClient(self.memory.url, reactor=self.clock, **wrong)


class ConnectTests(PhoenixJSTestCase):
    """Connecting by WebSocket."""

    def test_establishes_websocket_connection_with_endpoint(self) -> None:
        """S29: the WebSocket is asked for at the endpoint's path, with its query."""
        self.connected_client(params={"user": "ann"})
        socket = self.memory.sessions[0].socket
        self.assertEqual(socket.path, "/socket/websocket")
        self.assertEqual(socket.query, "user=ann&vsn=2.0.0")
        self.assertEqual(socket.transport, "websocket")

    def test_sets_callbacks_for_connection(self) -> None:
        """S30: each of the four hooks is called for what happens to the transport."""
        told: list[Any] = []
        client = self.make_client()
        client.on_open(lambda: told.append("open"))
        client.on_close(
            lambda reason: told.append(("close", getattr(reason, "code", None)))
        )
        client.on_error(lambda error: told.append(type(error)))
        client.on_message(told.append)
        client.startService()
        self.memory.flush()
        self.assertEqual(told, ["open"])
        self.server_sends(None, None, TOPIC, "event", {"n": 1})
        self.assertEqual(told[1:], [Message(None, None, TOPIC, "event", {"n": 1})])
        self.memory.is_listening = False
        self.memory.sessions[0].close(1001)
        self.memory.flush()
        self.assertEqual(told[2:], [("close", 1001)])
        self.memory.advance(0.5)
        self.assertEqual(told[3:], [ConnectionFailed])

    def test_is_idempotent(self) -> None:
        """S31: connect() again changes nothing, however far the connection is."""
        client = self.connecting_client()
        client.connect()
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        client.connect()
        self.memory.flush()
        self.lose_connection()
        client.connect()
        self.reconnect()
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 2)
        self.assertEqual(len(self.memory.connections), 1)

    def test_uses_updated_auth_token_function_value_when_reconnecting(self) -> None:
        """S32: a function of the token is asked anew for each connection."""
        self.memory.add_socket("/token", auth_token=True)
        tokens = iter(["old", "new"])
        self.connected_client(
            url=self.memory.url_of("/token"), auth_token=lambda: next(tokens)
        )
        self.lose_connection()
        self.reconnect()
        self.assertEqual(
            [session.socket.auth_token for session in self.memory.sessions],
            ["old", "new"],
        )


class DisconnectTests(PhoenixJSTestCase):
    """Disconnecting."""

    # This server answers a close with the code that it was sent.
    server_options = {"flavour": "1.8-cowboy"}

    def test_removes_existing_connection(self) -> None:
        """S36: the connection is gone, also when that is asked for twice."""
        client = self.connected_client()
        outcomes = [self.watch(client.disconnect()) for _ in range(2)]
        self.memory.flush()
        for outcome in outcomes:
            self.assert_fired(outcome, None)
        self.assertFalse(client.connected)
        self.assertEqual(self.memory.connections, [])
        self.assert_fired(self.watch(client.disconnect()), None)

    def test_calls_callback(self) -> None:
        """S37: the Deferred fires once, and not before the connection is gone."""
        client = self.connected_client()
        outcome = self.watch(client.disconnect())
        self.assert_waits(outcome)
        self.assertEqual(len(self.memory.connections), 1)
        self.memory.flush()
        self.assert_fired(outcome, None)
        self.assertEqual(self.memory.pairs, [])

    def test_calls_connection_close_callback(self) -> None:
        """S38: the server is told 1000, or the code that is given.

        Hooks of on_close get the code with which the server answers.
        """
        for arguments, code in (((), 1000), ((4321, "enough"), 4321)):
            client = self.connected_client()
            reasons: list[Any] = []
            client.on_close(reasons.append)
            self.watch(client.disconnect(*arguments))
            self.memory.flush()
            [reason] = reasons
            self.assertEqual((reason.code, reason.was_clean), (code, True))

    def test_does_not_throw_when_no_connection(self) -> None:
        """S39: without a connection it fires at once, never started included."""
        client = self.make_client()
        self.assert_fired(self.watch(client.disconnect()), None)
        client.startService()
        self.memory.flush()
        self.lose_connection()
        self.assert_fired(self.watch(client.disconnect()), None)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ConnectionStateTests(PhoenixJSTestCase):
    """What status and connected say."""

    def test_defaults_to_closed(self) -> None:
        """S69: a client that was never started is disconnected."""
        client = self.make_client()
        self.assertEqual((client.status, client.connected), ("disconnected", False))

    def test_returns_connecting(self) -> None:
        """S71: while an attempt is under way it is connecting, and not connected."""
        client = self.connecting_client()
        self.assertEqual((client.status, client.connected), ("connecting", False))

    def test_returns_open(self) -> None:
        """S72: once the connection is open it is connected."""
        client = self.connected_client()
        self.assertEqual((client.status, client.connected), ("connected", True))

    def test_returns_closing(self) -> None:
        """S73, otherwise: there is no status for it: closing is disconnected."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.assertEqual(len(self.memory.connections), 1)
        self.assertEqual((client.status, client.connected), ("disconnected", False))

    def test_returns_closed(self) -> None:
        """S74: it is disconnected after a disconnect(), and between two attempts."""
        client = self.connected_client()
        self.lose_connection()
        self.assertEqual((client.status, client.connected), ("disconnected", False))
        self.reconnect()
        self.watch(client.disconnect())
        self.memory.flush()
        self.assertEqual((client.status, client.connected), ("disconnected", False))
