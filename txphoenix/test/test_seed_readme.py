"""Each example of the README of Elixir's ``phoenix_socket_client`` 0.7.0, in Python.

They are in the README's order, under its headings.
The README's server is not shown there; here it is :class:`Room`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from twisted.application.service import MultiService
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from txphoenix import (
    Channel,
    ChannelClosed,
    HandshakeRefused,
    JoinError,
    JoinTimeout,
    Message,
    PushTimeout,
    SocketClient,
    telemetry,
)
from txphoenix.telemetry import EventName
from txphoenix.testing import PhoenixServer, Refused, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.connect import Socket


class Room(ServerChannel):
    """The server's rooms, of which some are private and one is slow."""

    def join(self, params: Any) -> Any:
        """Let in who may come in."""
        if self.topic == "rooms:private":
            raise Refused({"reason": "unauthorized"})
        if self.topic == "rooms:broken":
            raise Refused({"reason": "no such room"})
        if self.topic == "rooms:slow":
            never: Deferred[None] = Deferred()
            return never
        return {"welcome": self.topic}

    def after_join(self) -> None:
        """Tell everybody."""
        user = self.params.get("user_id", "somebody")
        self.broadcast("user:joined", {"user": user})

    def handle_in(self, event: str, payload: Any) -> Any:
        """Pass on what is said."""
        if event == "unanswered":
            return None
        self.broadcast(event, payload)
        return ok({"sent": True})


def connect(params: Mapping[str, Any], socket: Socket) -> None:
    """Let in who has not got a wrong token."""
    if params.get("token") == "invalid-token":
        raise Refused


class MyChannel(Channel):
    """The README's custom channel."""

    def init(self, params: Any) -> None:
        """Initialise the channel's own state."""
        self.arguments = (self.topic, params)
        self.heard: list[tuple[str, Any]] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Take a message."""
        self.heard.append((event, payload))


class MyHook:
    """The README's hook module."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Take a message."""
        self.lines.append(f"Got event {event} with payload {payload}")


class ReadmeTests(PhoenixMixin, TestCase):
    """The examples, heading by heading."""

    timeout = 120

    async def serve(self) -> PhoenixServer:
        """Start the server."""
        self.server = await self.phoenix_server({"rooms:*": Room}, connect=connect)
        # The README's URL is that of the WebSocket itself.
        self.url = f"{self.server.url}/websocket"
        return self.server

    async def socket(self, **options: Any) -> SocketClient:
        """Start the server and a client."""
        await self.serve()
        socket = SocketClient(self.url, **options)
        socket.startService()
        self.addCleanup(socket.stopService)
        return socket

    async def test_basic_connection_supervised(self) -> None:
        """Basic Connection: a child of a supervisor, found by its name."""
        await self.serve()
        supervisor = MultiService()
        SocketClient(self.url, name="MyApp.Socket").setServiceParent(supervisor)
        supervisor.startService()
        self.addCleanup(supervisor.stopService)
        await supervisor.getServiceNamed("MyApp.Socket").when_connected()
        self.assertEqual(len(self.server.connections), 1)

    async def test_basic_connection(self) -> None:
        """Basic Connection: standing alone, with params and headers."""
        await self.serve()
        socket = SocketClient(
            url=self.url,
            params={"token": "your-token"},
            headers={"Authorization": "Bearer your-token"},
        )
        socket.startService()
        self.addCleanup(socket.stopService)
        await socket.when_connected()
        seen = self.server.connections[0].socket
        self.assertEqual(seen.params["token"], "your-token")
        self.assertEqual(seen.headers["authorization"], "Bearer your-token")

    async def test_joining_channels(self) -> None:
        """Joining Channels: a response, messages one by one, and a push."""
        socket = await self.socket()
        response, channel = await socket.join("rooms:lobby", {"user_id": 123})
        self.assertEqual(response, {"welcome": "rooms:lobby"})
        message = await channel.receive()
        self.assertIsInstance(message, Message)
        self.assertEqual(
            (message.event, message.payload), ("user:joined", {"user": 123})
        )
        self.assertEqual(
            await channel.push("new_msg", {"body": "Hello"}), {"sent": True}
        )
        message = await channel.receive()
        self.assertEqual((message.event, message.payload["body"]), ("new_msg", "Hello"))

    async def test_custom_channels(self) -> None:
        """Custom Channels: a class, and the map from topics to classes."""
        socket = await self.socket(topic_channel_map={"rooms:lobby": MyChannel})
        _, channel = await socket.join("rooms:lobby", {"user_id": 123})
        assert isinstance(channel, MyChannel)
        self.assertEqual(channel.arguments, ("rooms:lobby", {"user_id": 123}))
        await channel.push("new_msg", {"body": "Hello"})
        self.assertIn(("new_msg", {"body": "Hello"}), channel.heard)

    async def test_hooks(self) -> None:
        """Handling Incoming Messages with Hooks: a function, on and off."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby")
        heard: list[Any] = []
        channel.on("new_msg", heard.append)
        await channel.push("new_msg", {"body": "Hello"})
        channel.off("new_msg")
        await channel.push("new_msg", {"body": "Nobody listens"})
        self.assertEqual(heard, [{"body": "Hello"}])

    async def test_hook_module(self) -> None:
        """Handling Incoming Messages with Hooks: an object with ``handle_in``."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby")
        hook = MyHook()
        channel.on("new_msg", hook)
        await channel.push("new_msg", {"body": "Hello"})
        self.assertEqual(
            hook.lines, ["Got event new_msg with payload {'body': 'Hello'}"]
        )

    async def test_reconfiguring(self) -> None:
        """Reconfiguring the Socket: another URL, other params."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby")
        other = await self.phoenix_server({"rooms:*": Room})
        await socket.reconfigure(url=other.url)
        self.assertEqual(len(other.channels("rooms:lobby")), 1)
        self.assertEqual(self.server.connections, [])
        await socket.reconfigure(params={"token": "new-token"})
        self.assertEqual(other.connections[0].socket.params["token"], "new-token")
        self.assertEqual(await channel.push("new_msg", {}), {"sent": True})

    async def test_configuration_options(self) -> None:
        """Configuration Options: each of the table, with its default spelt out."""
        socket = await self.socket(
            name=None,
            params={},
            headers={},
            transport="websocket",
            heartbeat_interval=30.0,
            reconnect_interval=60.0,
            reconnect=True,
            auto_connect=True,
            serializer=json,
            vsn="2.0.0",
            topic_channel_map={},
        )
        await socket.when_connected()

    async def test_message_handling_in_a_process(self) -> None:
        """Message Handling Examples: one clause for each event, as in a GenServer."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby", {"user_id": "ann"})
        said: list[str] = []

        async def handle_info() -> None:
            async for message in channel:
                match message:
                    case Message(event="new_msg", payload=payload):
                        said.append(f"New message: {payload}")
                    case Message(event="user:joined", payload={"user": user}):
                        said.append(f"User {user} joined the room")

        process = Deferred.fromCoroutine(handle_info())
        await channel.push("new_msg", {"body": "Hello"})
        await channel.leave()
        # The loop ends with the channel.
        await process
        self.assertEqual(
            said, ["User ann joined the room", "New message: {'body': 'Hello'}"]
        )

    async def test_message_handling_with_receive(self) -> None:
        """Message Handling Examples: one message, or none in time."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby")
        message = await channel.receive().addTimeout(5, reactor)
        self.assertEqual(message.event, "user:joined")
        nothing = channel.receive()
        deferLater(reactor, 0, nothing.cancel)
        await self.assertFailure(nothing, CancelledError)

    async def test_connection_errors(self) -> None:
        """Error Handling Examples: a token that the server refuses."""
        socket = await self.socket(params={"token": "invalid-token"})
        refused: Any = await self.assertFailure(
            socket.when_connected(fail_after_failures=1), HandshakeRefused
        )
        self.assertEqual(refused.status, 403)
        self.assertFalse(socket.connected)

    async def test_join_errors(self) -> None:
        """Error Handling Examples: the ways in which a join fails."""
        socket = await self.socket(close_timeout=0.1)

        async def join(topic: str) -> str:
            try:
                response, _ = await socket.join(topic, {"user_id": 123}, timeout=0.1)
            except JoinTimeout:
                return "Channel join timed out"
            except JoinError as error:
                if error.reason == "unauthorized":
                    return "Not authorized to join channel"
                return f"Failed to join channel: {error.reason}"
            return f"joined: {response}"

        self.assertEqual(
            [
                await join(f"rooms:{name}")
                for name in ("lobby", "private", "broken", "slow")
            ],
            [
                "joined: {'welcome': 'rooms:lobby'}",
                "Not authorized to join channel",
                "Failed to join channel: no such room",
                "Channel join timed out",
            ],
        )

    async def test_push_errors(self) -> None:
        """Error Handling Examples: the ways in which a push fails."""
        socket = await self.socket()
        _, channel = await socket.join("rooms:lobby")

        async def push(event: str) -> str:
            try:
                response = await channel.push(event, {"body": "Hello"}, timeout=0.1)
            except PushTimeout:
                return "Message push timed out"
            except ChannelClosed:
                return "Channel is no longer available"
            return f"pushed: {response}"

        self.assertEqual(await push("new_msg"), "pushed: {'sent': True}")
        self.assertEqual(await push("unanswered"), "Message push timed out")
        await channel.leave()
        self.assertEqual(await push("new_msg"), "Channel is no longer available")

    async def test_connection_recovery(self) -> None:
        """Connection Recovery: a handler that connects again on its own terms."""
        telemetry.attach_debug_handler()
        self.addCleanup(telemetry.detach_debug_handler)
        socket = await self.socket(reconnect=False)
        await socket.when_connected()

        def reconnect(
            name: EventName,
            measurements: Mapping[str, Any],
            metadata: Mapping[str, Any],
            config: float,
        ) -> None:
            if metadata["action"] == "disconnected":
                reactor.callLater(config, metadata["client"].connect)

        telemetry.attach("reconnection-handler", telemetry.SOCKET, reconnect, 0.01)
        gone = self.server.when_disconnected()
        self.server.drop()
        await gone
        await self.server.when_connected()
        telemetry.detach("reconnection-handler")

    async def test_telemetry(self) -> None:
        """Telemetry: one handler of several events, and the debug handler."""
        happened: list[tuple[str, Any]] = []

        def handler(
            name: EventName,
            measurements: Mapping[str, Any],
            metadata: Mapping[str, Any],
            config: object,
        ) -> None:
            if metadata["action"] in ("connected", "disconnected", "joined"):
                happened.append((metadata["action"], metadata["client"]))

        telemetry.attach_many(
            "my-handler", [telemetry.SOCKET, telemetry.CHANNEL], handler, {}
        )
        self.addCleanup(telemetry.detach, "my-handler")
        lines: list[str] = []

        def observe(event: LogEvent) -> None:
            lines.append(formatEvent(event))

        observer = cast(ILogObserver, observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        telemetry.attach_debug_handler()
        self.addCleanup(telemetry.detach_debug_handler)

        socket = await self.socket()
        await socket.join("rooms:lobby")
        await socket.stopService()
        self.assertEqual(
            happened,
            [("connected", socket), ("joined", socket), ("disconnected", socket)],
        )
        self.assertTrue(any("channel joined" in line for line in lines), lines)

    async def test_deprecation_notices(self) -> None:
        """Deprecation Notices: version 1 works, with a warning."""
        socket = await self.socket(vsn="1.0.0")
        await socket.join("rooms:lobby")
        (warning, *_) = self.flushWarnings()
        self.assertEqual(warning["category"], DeprecationWarning)
