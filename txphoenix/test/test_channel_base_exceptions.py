"""What is no Exception, out of a callable of a channel: it is treated as one.

A callable must not leave its channel, or any other, half-way, whatever it raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from txphoenix.channels.channel import Channel
from txphoenix.channels.presence import Presence
from txphoenix.client.socket_client import SocketClient

from .presence_kit import entry
from .support import TOPIC, ClientTestCase

KINDS: list[type[BaseException]] = [
    asyncio.CancelledError,
    GeneratorExit,
    SystemExit,
    KeyboardInterrupt,
]


def raising(kind: type[BaseException], is_async: bool) -> Callable[..., Any]:
    """A callable that raises, at once or when it is awaited."""

    def now(*_: Any) -> Any:
        raise kind

    async def later(*_: Any) -> Any:
        raise kind

    return later if is_async else now


class BaseExceptionTests(ClientTestCase):
    """Each kind, out of each callable."""

    def each(
        self,
        check: Callable[[SocketClient, Callable[..., Any]], object],
        may_be_async: bool = True,
    ) -> None:
        """Run a check with each kind, at once and later, beside another channel."""
        for kind in KINDS:
            for is_async in (False, True) if may_be_async else (False,):
                with self.subTest(kind=kind, is_async=is_async):
                    client = self.connected_client()
                    other = self.joined_channel("rooms:other", client=client)
                    check(client, raising(kind, is_async))
                    self.memory.flush()
                    self.assertEqual(other.state, "joined")
                    self.assertTrue(client.connected)
                    self.stop_client(client)
                    self._clients.remove(client)
                    self.flushLoggedErrors(kind)

    def crashing(self, name: str, ends_as: str = "joined") -> None:
        """A callback of a class that raises the first time: it crashes, and is back.

        :param ends_as: the state in the end.
        """

        def check(client: SocketClient, raises: Callable[..., Any]) -> None:
            calls: list[Any] = []

            def callback(channel: Any, *args: Any) -> Any:
                calls.append(args)
                return raises() if len(calls) == 1 else None

            made = type("Crashing", (Channel,), {name: callback})
            channel = client.channel(TOPIC, {}, made)
            joined = self.watch(channel.join())
            self.memory.flush()
            self.memory.broadcast(TOPIC, "news", {})
            self.memory.flush()
            if name == "handle_close":
                self.watch(channel.leave())
                self.memory.flush()
            self.memory.advance(5.0)
            self.assertEqual(len(joined.fired), 1)
            self.assertEqual(channel.state, ends_as)
            self.assertTrue(calls)

        self.each(check)

    def test_init(self) -> None:
        """``init``: the channel begins anew."""
        self.crashing("init")

    def test_handle_join(self) -> None:
        """``handle_join``."""
        self.crashing("handle_join")

    def test_handle_in(self) -> None:
        """``handle_in``."""
        self.crashing("handle_in")

    def test_handle_message(self) -> None:
        """``handle_message``."""
        self.crashing("handle_message")

    def test_handle_close(self) -> None:
        """``handle_close``: the end is the end."""
        self.crashing("handle_close", "closed")

    def test_params(self) -> None:
        """Params, of the channel and of all: the join fails with what was raised."""

        def check(client: SocketClient, raises: Callable[..., Any]) -> None:
            self.watch(client.reconfigure(default_channel_params=raises))
            for params in (raises, {"a": 1}):
                outcome = self.watch(client.channel(TOPIC, params).join())
                self.memory.flush()
                [error] = outcome.fired
                self.assertIn(type(error), KINDS)

        self.each(check)

    def test_rejoin(self) -> None:
        """Params of a rejoin: it is tried again."""

        def check(client: SocketClient, raises: Callable[..., Any]) -> None:
            asked: list[None] = []

            def params() -> Any:
                asked.append(None)
                return raises() if len(asked) == 2 else {}

            channel = self.joined_channel(TOPIC, params, client=client)
            self.lose_connection()
            self.reconnect()
            self.assertEqual(channel.state, "errored")
            self.memory.advance(1.0)
            self.assertEqual(channel.state, "joined")

        self.each(check)

    def test_rejoin_backoff(self) -> None:
        """``rejoin_backoff``: the channel is joined again in a second."""

        def check(client: SocketClient, raises: Callable[..., Any]) -> None:
            self.watch(client.reconfigure(rejoin_backoff=raises))
            channel = self.joined_channel(client=client)
            self.memory.kill_channel(TOPIC)
            self.memory.flush()
            self.memory.advance(1.0)
            self.assertEqual(channel.state, "joined")

        self.each(check, may_be_async=False)

    def test_hooks(self) -> None:
        """``on()``, ``on_error``, ``on_close`` and a Presence's: the next is called."""

        def check(client: SocketClient, raises: Callable[..., Any]) -> None:
            channel = self.joined_channel(client=client)
            told: list[str] = []
            presence = Presence(channel)
            presence.on_join(raises)
            presence.on_join(lambda *_: told.append("presence"))
            for name in ("news", "presence_state"):
                channel.on(name, raises)
                channel.on(name, lambda _, name=name: told.append(name))
            channel.on_error(raises)
            channel.on_error(lambda _: told.append("error"))
            channel.on_close(raises)
            channel.on_close(lambda _: told.append("close"))
            self.memory.broadcast(TOPIC, "news", {})
            self.memory.broadcast(TOPIC, "presence_state", {"ann": entry("1")})
            self.memory.flush()
            self.lose_connection()
            self.reconnect()
            self.watch(channel.leave())
            self.memory.flush()
            self.assertEqual(
                told, ["news", "presence", "presence_state", "error", "close"]
            )

        self.each(check)

    def test_factory(self) -> None:
        """What makes a channel of ``join_channels``: that topic fails alone."""
        for kind in KINDS:
            client = self.connected_client(
                join_channels=["rooms:1", "rooms:2"],
                topic_channel_map={"rooms:1": raising(kind, False)},
            )
            self.assertIsNone(client.channels.find("rooms:1"))
            channel = client.channels.find("rooms:2")
            self.assertEqual(channel and channel.state, "joined")
            self.assertEqual(len(self.flushLoggedErrors(kind)), 1)
