"""Every row of the table of Elixir's ``phoenix_socket_client``, in its order.

Each row is shown at work against a server over TCP.
The docstring of a test is what the row names in the seed.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from typing import Any

from twisted.application.service import Application, IService, IServiceCollection
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from txphoenix import interfaces, telemetry
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.channels.manager import ChannelManager
from txphoenix.client.socket_client import SocketClient
from txphoenix.client.state import SocketState
from txphoenix.errors import (
    AlreadyJoined,
    ConfigurationError,
    ConnectionClosed,
    HandshakeRefused,
    JoinError,
)
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message, generate_ref
from txphoenix.protocol.serializer import V1Serializer, V2Serializer, serializer_for
from txphoenix.telemetry import EventName
from txphoenix.transports.websocket import PhoenixClientProtocol

from .seed_case import TOPIC, Hook, Lobby, SeedTestCase, WholeMessages


class SeedTableTests(SeedTestCase):
    """One test a row."""

    async def test_row_01(self) -> None:
        """``start_link(opts)``, ``child_spec``."""
        server = await self.serve()
        application = Application("chat")
        client = SocketClient(url=server.url, name="socket", params={"a": "1"})
        verifyObject(IService, client)
        client.setServiceParent(application)
        services = IServiceCollection(application)
        self.assertIs(services.getServiceNamed("socket"), client)
        IService(application).startService()
        self.addCleanup(IService(application).stopService)
        await client.when_connected()
        self.assertEqual(server.connections[0].socket.params["a"], "1")

    async def test_row_02(self) -> None:
        """``connect/1``, ``disconnect/1``, ``connected?/1``."""
        server = await self.serve()
        client = SocketClient(server.url, auto_connect=False)
        client.startService()
        self.addCleanup(client.stopService)
        self.assertFalse(client.connected)
        client.connect()
        self.assertEqual(client.status, "connecting")
        await client.when_connected()
        self.assertTrue(client.connected)
        gone = server.when_disconnected()
        await client.disconnect()
        await gone
        self.assertEqual((client.connected, client.status), (False, "disconnected"))
        client.connect()
        await client.when_connected()

    async def test_row_03(self) -> None:
        """``get_state/1,2``, ``put_state/3`` (config keys first, then custom)."""
        client = await self.connected(params={"token": "secret"})
        client.put_state("color", "red")
        self.assertEqual(client.get_state("color"), "red")
        self.assertEqual(client.get_state("heartbeat_interval"), 30.0)
        self.assertIs(client.get_state("connected"), True)
        state = json.loads(json.dumps(client.get_state()))
        self.assertEqual((state["status"], state["color"]), ("connected", "red"))
        self.assertEqual(state["params"], {"token": "[redacted]"})
        with self.assertRaisesRegex(ConfigurationError, "reconfigure"):
            client.put_state("timeout", 1)
        with self.assertRaises(KeyError):
            client.get_state("colour")

    async def test_row_04(self) -> None:
        """``push/2``."""
        client = await self.connected()
        _, channel = await client.join(TOPIC)
        seen: list[Message] = []
        client.on_message(seen.append)
        received = self.server.when_received("shout", TOPIC)
        message = client.push(Message.push(TOPIC, "shout", {"body": "hi"}))
        self.assertEqual((await received).payload, {"body": "hi"})
        # Its answer comes before that to a later push.
        await channel.push("echo")
        self.assertIn(message.ref, [each.ref for each in seen])

    async def test_row_05(self) -> None:
        """``channel_join/3``, ``channel_leave/2``."""
        client = await self.connected()
        response, channel = await client.join(TOPIC, {"user_id": 123})
        self.assertEqual(response, {"user_id": 123})
        self.assertEqual(channel.state, "joined")
        error: Any = await self.assertFailure(client.join(TOPIC), AlreadyJoined)
        self.assertIs(error.channel, channel)
        left = self.server.when_left(TOPIC)
        await client.leave(TOPIC)
        await left
        self.assertEqual(channel.state, "closed")

    async def test_row_06(self) -> None:
        """``update_channel_status/5``, ``remove_channel/2`` (internal)."""
        client = await self.connected()
        statuses: list[str] = []

        def note(*event: Any) -> None:
            statuses.append(client.get_state("joined_channels")[TOPIC]["status"])

        telemetry.attach(self, telemetry.STATE_CHANGE, note)
        self.addCleanup(telemetry.detach, self)
        joining = client.join(TOPIC, {"a": 1})
        self.assertEqual(
            client.get_state("joined_channels"),
            {TOPIC: {"status": "joining", "params": {"a": 1}}},
        )
        await joining
        await client.leave(TOPIC)
        self.assertEqual(statuses, ["joining", "joined", "leaving", "left"])
        client.state.remove_channel(TOPIC)
        self.assertEqual(client.get_state("joined_channels"), {})

    async def test_row_07(self) -> None:
        """``reconfigure/2``."""
        client = await self.connected()
        await client.join(TOPIC)
        before = self.server.connections
        await client.reconfigure(timeout=2.0)
        self.assertEqual(self.server.connections, before)
        with self.assertRaises(ConfigurationError):
            client.reconfigure(params={"token": "new"}, timeout=-1)
        self.assertEqual(client.get_state("params"), {})
        await client.reconfigure(params={"token": "new"})
        self.assertEqual(self.server.connections[0].socket.params["token"], "new")
        self.assertEqual(len(self.server.channels(TOPIC)), 1)

    async def test_row_08(self) -> None:
        """``Agent`` (``get``, ``put``, ``get_state``, ``pop_all_to_send`` ...)."""
        client = await self.connected()
        state = client.getServiceNamed("state")
        self.assertIsInstance(state, SocketState)
        state.put("color", "red")
        self.assertEqual(state.get("color"), "red")
        self.assertEqual(state.snapshot(), client.get_state())
        self.assertTrue(state.connected)
        state.update_channel_status("rooms:1", "joined", {})
        self.assertEqual(state.joined_channels["rooms:1"]["status"], "joined")
        state.remove_channel("rooms:1")
        self.assertNotIn("rooms:1", state.joined_channels)

        gone = self.server.when_disconnected()
        reopened = client.reconfigure(params={"a": "1"})
        first = client.push(Message.push(TOPIC, "one", {}))
        second = client.push(Message.push(TOPIC, "two", {}))
        self.assertEqual(state.pop_all_to_send(), [first, second])
        self.assertEqual(state.pop_all_to_send(), [])
        third = client.push(Message.push(TOPIC, "three", {}))
        received = self.server.when_received("three")
        await gone
        await reopened
        self.assertEqual((await received).ref, third.ref)

    async def test_row_09(self) -> None:
        """``Channel.join/4``, ``leave``, ``push``, ``push_async``, ``stop``, ``on``."""
        client = await self.connected()
        channel = client.channel(TOPIC, {"user_id": 1})
        self.assertEqual(await channel.join(timeout=5), {"user_id": 1})
        heard: list[Any] = []
        channel.on("shouted", heard.append)
        self.assertEqual(await channel.push("echo", {"a": 1}, timeout=5), {"a": 1})
        channel.push_async("shout", {"b": 2})
        await channel.push("echo")
        self.assertEqual(heard, [{"b": 2}])
        channel.off("shouted")
        await channel.push("shout", {"c": 3})
        self.assertEqual(heard, [{"b": 2}])
        await channel.leave()
        self.assertEqual(channel.state, "closed")
        await channel.join()
        left = self.server.when_left(TOPIC)
        channel.stop()
        self.assertEqual(channel.state, "closed")
        await left

    async def test_row_10(self) -> None:
        """``use Channel`` with ``init``, ``handle_in``, ``handle_message``."""
        client = await self.connected()
        channel = client.channel(TOPIC, {"user_id": 1}, Lobby)
        assert isinstance(channel, Lobby)
        await channel.join()
        await channel.push("shout", {"body": "hi"})
        await channel.leave()
        self.assertEqual(
            channel.seen,
            [
                ("init", {"user_id": 1}),
                ("handle_join", {"user_id": 1}),
                ("handle_in", "shouted", {"body": "hi"}),
                ("handle_close", "left"),
            ],
        )
        whole = client.channel(TOPIC, channel_class=WholeMessages)
        assert isinstance(whole, WholeMessages)
        await whole.join()
        await whole.push("shout", {"body": "hi"})
        self.assertEqual(
            whole.seen[-1], Message(None, None, TOPIC, "shouted", {"body": "hi"})
        )

    async def test_row_11(self) -> None:
        """Hook functions and hook modules with ``handle_in/2``."""
        client = await self.connected()
        _, channel = await client.join(TOPIC)
        hook, payloads = Hook(), list[Any]()
        channel.on("shouted", hook)
        channel.on("shouted", payloads.append)
        await channel.push("shout", {"body": "hi"})
        self.assertEqual(hook.seen, [("shouted", {"body": "hi"})])
        self.assertEqual(payloads, [{"body": "hi"}])
        channel.off("shouted", hook)
        await channel.push("shout", {"body": "ho"})
        self.assertEqual((len(hook.seen), len(payloads)), (1, 2))

    async def test_row_12(self) -> None:
        """``Channel.EchoRoom``, ``default_channel_module`` and the options with it."""
        client = await self.connected(
            topic_channel_map={TOPIC: Lobby, "rooms:w*": WholeMessages},
            default_channel_params={"user_id": 1},
            join_channels=[TOPIC],
        )
        joined = await self.server.when_joined(TOPIC)
        self.assertEqual(joined.params, {"user_id": 1})
        self.assertIsInstance(client.channels.find(TOPIC), Lobby)
        self.assertIsInstance(client.channel("rooms:whole"), WholeMessages)
        # Map.merge(default_channel_params, params).
        for params, merged in (
            ({"a": 2}, {"user_id": 1, "a": 2}),
            ({"user_id": 3},) * 2,
        ):
            response, channel = await client.join("rooms:own", params)
            self.assertEqual(response, merged)
            await channel.leave()

        room = client.channel("rooms:echo")
        assert isinstance(room, EchoRoom)
        await room.join()
        await room.push("shout", {"n": 1})
        self.assertEqual((await room.receive()).payload, {"n": 1})
        forwarded: list[Message] = []
        room.forward_to(forwarded.append)
        await room.push("shout", {"n": 2})
        self.assertEqual([each.payload for each in forwarded], [{"n": 2}])
        client.reconfigure(default_channel_class=Lobby)
        self.assertIsInstance(client.channel("other"), Lobby)

    async def test_row_13(self) -> None:
        """``Channel.State``, ``State`` with ``joined_channels`` and their statuses."""
        client = await self.connected(rejoin_backoff=steps([60.0]))

        def statuses() -> dict[str, str]:
            return {
                topic: channel["status"]
                for topic, channel in client.get_state("joined_channels").items()
            }

        joining = client.join(TOPIC, {"a": 1})
        self.assertEqual(statuses(), {TOPIC: "joining"})
        _, channel = await joining
        self.assertEqual(statuses(), {TOPIC: "joined"})
        self.assertEqual((channel.topic, channel.params), (TOPIC, {"a": 1}))
        self.assertEqual(channel.join_ref, self.server.channels(TOPIC)[0].join_ref)
        leaving = channel.leave()
        self.assertEqual(statuses(), {TOPIC: "leaving"})
        await leaving
        self.assertEqual(statuses(), {TOPIC: "left"})
        _, other = await client.join("rooms:1")
        self.server.kill_channel("rooms:1")
        await client.ping()
        self.assertEqual(statuses(), {TOPIC: "left", "rooms:1": "errored"})
        self.assertEqual(other.state, "errored")

    async def test_row_14(self) -> None:
        """``ChannelManager`` (``channel_pid``, ``start_channel``, ``terminate``)."""
        client = await self.connected()
        manager = client.getServiceNamed("channels")
        self.assertIsInstance(manager, ChannelManager)
        self.assertIsNone(manager.find(TOPIC))
        channel = manager.start_channel(TOPIC, {"a": 1})
        self.assertIs(manager.find(TOPIC), channel)
        self.assertIs(manager.getServiceNamed(TOPIC), channel)
        await self.server.when_joined(TOPIC)
        left = self.server.when_left(TOPIC)
        self.assertTrue(manager.terminate_channel(TOPIC))
        await left
        self.assertIsNone(manager.find(TOPIC))
        await client.join("rooms:1")
        await client.join("rooms:2")
        manager.terminate()
        await client.ping()
        self.assertEqual(self.server.channels(), [])

    async def test_row_15(self) -> None:
        """``Message`` (``join``, ``leave``, ``push``, ``encode!``, ...), V1 and V2."""
        join = Message.join(TOPIC, {"a": 1})
        self.assertEqual((join.ref, join.event), (join.join_ref, "phx_join"))
        self.assertEqual(Message.leave(TOPIC).event, "phx_leave")
        push = Message.push(TOPIC, "echo", {"a": 1}, ref=generate_ref())
        data, is_binary = push.encode()
        self.assertEqual(Message.decode(data, is_binary=is_binary), push)
        self.assertNotEqual(generate_ref(), generate_ref())
        self.assertIsInstance(serializer_for("2.0.0"), V2Serializer)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertIsInstance(serializer_for("1.0.0"), V1Serializer)
            client = await self.connected(vsn="1.0.0")
        self.assertIn(DeprecationWarning, [each.category for each in caught])
        _, channel = await client.join(TOPIC)
        self.assertEqual(await channel.push("echo", {"a": 1}), {"a": 1})
        self.assertEqual(self.server.connections[0].socket.params["vsn"], "1.0.0")

    async def test_row_16(self) -> None:
        """``Transport`` (``open/2``, ``close/1``), ``Transports.Websocket``."""
        methods = {
            name
            for name, _ in inspect.getmembers(interfaces.Transport, inspect.isfunction)
            if not name.startswith("_")
        }
        self.assertTrue({"send", "close", "abort"} <= methods)
        for name in methods:
            self.assertTrue(callable(getattr(PhoenixClientProtocol, name)), name)
        client = await self.connected(transport="websocket")
        self.assertEqual(self.server.connections[0].socket.transport, "websocket")
        closed: list[Any] = []
        client.on_close(closed.append)
        await client.disconnect(4001, "bye")
        (reason,) = closed
        self.assertIsInstance(reason, ConnectionClosed)
        self.assertTrue(reason.was_clean)

    async def test_row_17(self) -> None:
        """``Telemetry``; :mod:`.test_telemetry_events` has each event in detail."""
        client = await self.connected()
        actions = set()

        def note(
            name: EventName,
            measurements: Mapping[str, Any],
            metadata: Mapping[str, Any],
            config: object,
        ) -> None:
            actions.add((name[-1], metadata["action"]))

        telemetry.attach_many(
            self,
            [
                telemetry.SOCKET,
                telemetry.CHANNEL,
                telemetry.MESSAGE,
                telemetry.STATE_CHANGE,
            ],
            note,
        )
        self.addCleanup(telemetry.detach, self)
        telemetry.attach_debug_handler()
        self.addCleanup(telemetry.detach_debug_handler)
        await client.join(TOPIC)
        await self.assertFailure(client.join("rooms:1", {"refuse": True}), JoinError)
        await client.reconfigure(heartbeat_interval=0.01, params={"a": "1"})
        await self.server.when_received("heartbeat")
        await client.ping()
        lost: Deferred[Any] = Deferred()
        remove = client.on_close(lost.callback)
        self.server.refuse(503)
        self.server.drop()
        await lost
        remove()
        refused = client.when_connected(fail_after_failures=1)
        await self.assertFailure(refused, HandshakeRefused)
        self.server.refuse(None)
        await client.when_connected()
        await client.leave(TOPIC)
        self.assertTrue(telemetry.detach_debug_handler())
        self.assertEqual(
            actions - {("socket", "heartbeat_duration")},
            {
                *(
                    ("socket", action)
                    for action in (
                        "connecting",
                        "connected",
                        "disconnected",
                        "connection_error",
                        "reconnecting",
                        "connection_duration",
                        "heartbeat",
                    )
                ),
                *(
                    ("channel", action)
                    for action in (
                        "joined",
                        "join_error",
                        "left",
                        "join_duration",
                        "leave_duration",
                    )
                ),
                *(("message", action) for action in ("sent", "received")),
                *(("state_change", action) for action in ("socket", "channel")),
            },
        )

    async def test_row_18(self) -> None:
        """The options table of its README, under its names and with its defaults."""
        client = await self.connected()
        defaults: dict[str, Any] = {
            "name": None,
            "params": {},
            "headers": {},
            "transport": "websocket",
            "heartbeat_interval": 30.0,
            "reconnect_interval": 60.0,
            "reconnect": True,
            "auto_connect": True,
            "vsn": "2.0.0",
            "topic_channel_map": {},
        }
        for name, default in defaults.items():
            self.assertEqual(client.get_state(name), default)
        self.assertEqual(client.get_state("url"), self.server.url)
        # With the seed's form of the URL, and values of each type.
        await client.stopService()
        other = SocketClient(
            f"{self.server.url}/websocket",
            name="other",
            params={"token": "a"},
            headers={"X-Token": "b"},
            transport="websocket",
            heartbeat_interval=10,
            reconnect_interval=20,
            reconnect=False,
            auto_connect=False,
            serializer=json,
            vsn="2.0.0",
            topic_channel_map={TOPIC: Lobby},
        )
        other.connect()
        self.addCleanup(other.stopService)
        await other.when_connected()
        socket = self.server.connections[0].socket
        self.assertEqual(socket.params["token"], "a")
        self.assertEqual(socket.headers["x-token"], "b")
