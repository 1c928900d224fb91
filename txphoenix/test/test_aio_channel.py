"""Tests of :class:`txphoenix.aio.Channel`, in memory."""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher

import txphoenix
from txphoenix import Message
from txphoenix.aio import Channel, Presence
from txphoenix.errors import AlreadyJoined, ConfigurationError, JoinError, NotConnected
from txphoenix.testing import PresenceChannel

from .aio_memory import AioMemoryTestCase
from .support import TOPIC, Room


class Tracked(PresenceChannel):
    """A channel that tells who is there."""

    def after_join(self) -> None:
        """Be there."""
        self.track("ann")
        self.push_presence_state()


class Kept(Channel):
    """A class with a constructor of its own."""

    def __init__(self, *args: Any, db: list[Any]) -> None:
        super().__init__(*args)
        self.db = db

    async def handle_in(self, event: str, payload: Any) -> None:
        """Keep it."""
        await asyncio.sleep(0)
        self.db.append((event, payload))


def tell(number: int, payload: Any) -> None:
    """A hook with an argument of its own."""


class CancelTests(AioMemoryTestCase):
    """What a cancelled task leaves behind."""

    def test_kept_push(self) -> None:
        """A push that has not left is withdrawn."""
        channel = self.open().channel(TOPIC)
        joining = self.begin(channel.join())
        pushing = self.begin(channel.push("echo", 1))
        pushing.cancel()
        self.finish(joining)
        self.turn()
        self.assertTrue(pushing.cancelled())
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_answered_push(self) -> None:
        """A push that was answered and one that failed, each in that very moment."""
        channel = self.joined()
        for event in ("echo", "refuse"):
            pushing = self.begin(channel.push(event, {}))
            # Its answer comes, and nobody has looked at it yet.
            self.memory.flush()
            pushing.cancel()
            self.turn()
            self.assertTrue(pushing.cancelled())

    def test_received(self) -> None:
        """A message that comes in that very moment is the next one's."""
        channel = self.joined()
        receiving = self.begin(channel.receive())
        self.server_sends(None, None, TOPIC, "tick", 1)
        self.server_sends(None, None, TOPIC, "tick", 2)
        receiving.cancel()
        self.turn()
        self.assertTrue(receiving.cancelled())
        taken = [self.finish(channel.receive()).payload for _ in range(2)]
        self.assertEqual(taken, [1, 2])

    def test_received_by_another(self) -> None:
        """A task that waits already has that message, and not only the next one."""
        channel = self.joined()
        first, second = self.begin(channel.receive()), self.begin(channel.receive())
        self.server_sends(None, None, TOPIC, "tick", 1)
        first.cancel()
        self.assertEqual(self.finish(second).payload, 1)
        self.assertTrue(first.cancelled())

    def test_received_by_none(self) -> None:
        """If those that wait are cancelled in turn, nothing is lost or moved."""
        channel = self.joined()
        waiting = [self.begin(channel.receive()) for _ in range(3)]
        self.server_sends(None, None, TOPIC, "tick", 1)
        self.server_sends(None, None, TOPIC, "tick", 2)
        for receiving in waiting:
            receiving.cancel()
        self.turn()
        self.server_sends(None, None, TOPIC, "tick", 3)
        taken = [self.finish(channel.receive()).payload for _ in range(3)]
        self.assertEqual(taken, [1, 2, 3])

    def test_received_before(self) -> None:
        """That message is none of the next join's."""
        channel = self.joined()
        receiving = self.begin(channel.receive())
        self.server_sends(None, None, TOPIC, "tick", 1)
        receiving.cancel()
        self.finish(channel.leave())
        self.finish(channel.join())
        receiving = self.begin(channel.receive())
        self.server_sends(None, None, TOPIC, "tick", 2)
        self.assertEqual(self.finish(receiving).payload, 2)

    def test_join(self) -> None:
        """A join that is cancelled leaves the channel."""
        channel = self.open().channel(TOPIC)
        joining = self.begin(channel.join())
        joining.cancel()
        self.turn(2)
        self.assertEqual((joining.cancelled(), channel.state), (True, "closed"))

    def test_joined(self) -> None:
        """So does one that was answered in that very moment."""
        channel = self.open().channel(TOPIC)
        joining = self.begin(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        joining.cancel()
        self.turn(2)
        self.assertEqual((joining.cancelled(), channel.state), (True, "closed"))
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave"])

    def test_leave(self) -> None:
        """A leave goes on, whoever waits for it."""
        channel = self.joined()
        leaving = self.begin(channel.leave())
        leaving.cancel()
        self.turn()
        self.assertEqual((leaving.cancelled(), channel.state), (True, "closed"))

    def test_hook(self) -> None:
        """A callback that waits is cancelled with what it is part of."""
        ended: list[str] = []

        class Slow(Channel):
            async def init(self, params: Any) -> None:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    ended.append("cancelled")
                    raise

        channel = self.open().channel(TOPIC, channel_class=Slow)
        joining = self.begin(channel.join())
        self.turn(2)
        joining.cancel()
        self.turn(2)
        self.assertEqual((ended, channel.state), (["cancelled"], "closed"))


class HookTests(AioMemoryTestCase):
    """Hooks, and what they are given."""

    def test_off(self) -> None:
        """A hook is taken away by the function that was given."""
        channel = self.joined()
        heard: list[Any] = []

        async def hear(payload: Any) -> None:
            heard.append(payload)

        for remove in (
            lambda _: channel.off("shouted", hear),
            lambda _: channel.off("shouted"),
            lambda remove: remove(),
        ):
            remover = channel.on("shouted", hear)
            self.finish(channel.push("shout", 1))
            remove(remover)
            self.finish(channel.push("shout", 2))
            self.turn()
        self.assertEqual(heard, [1, 1, 1])

    def test_kinds(self) -> None:
        """A hook is decorated, or is an object with the method; else it is refused."""
        channel = self.joined()
        heard: list[Any] = []

        @channel.on("shouted")
        async def hear(payload: Any) -> None:
            heard.append(payload)

        class Hearing:
            async def handle_in(self, event: str, payload: Any) -> None:
                heard.append((event, payload))

        hearing = Hearing()
        channel.on("shouted", hearing)
        self.finish(channel.push("shout", 1))
        self.turn()
        channel.off("shouted", hearing)
        self.finish(channel.push("shout", 2))
        self.turn()
        self.assertEqual(heard, [1, ("shouted", 1), 2])
        with self.assertRaises(TypeError):
            channel.on("shouted", 1)
        with self.assertRaises(ConfigurationError):
            channel.on("phx_join")
        with self.assertRaises(TypeError):
            channel.on_close(1)  # type: ignore[arg-type]

    def test_raises(self) -> None:
        """A hook that raises is logged under the name that the user knows."""
        channel = self.joined()

        async def bad(payload: Any) -> None:
            raise ValueError(payload)

        channel.on("shouted", bad)
        self.finish(channel.push("shout", 1))
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_names(self) -> None:
        """The log names what has raised as the user knows it, functions and classes."""
        from txphoenix.runtime.callable_names import qualified_name

        calls = self.joined()._calls
        self.assertEqual(qualified_name(calls.of(partial(tell, 1))), f"{__name__}.tell")
        self.assertEqual(qualified_name(calls.of(tell)), f"{__name__}.tell")
        events: list[Any] = []
        observer: Any = events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

        class Other(Channel):
            def handle_message(self, message: Message) -> None:
                raise ValueError("other")

        class Bad(Channel):
            async def handle_in(self, event: str, payload: Any) -> None:
                raise ValueError("bad")

        client = self.open(max_restarts=0)
        for kind, method in ((Bad, "handle_in"), (Other, "handle_message")):
            channel = client.channel(TOPIC, channel_class=kind)
            self.finish(channel.join())
            channel.push_async("shout")
            self.turn(4)
            text = "\n".join(map(formatEvent, events))
            self.assertIn(f"{kind.__qualname__}.{method}('shouted')", text)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_name_of_close(self) -> None:
        """So it does at the end of a channel."""
        events: list[Any] = []
        observer: Any = events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

        class Bad(Channel):
            def handle_close(self, reason: object) -> None:
                raise ValueError("bad")

        channel = self.open().channel(TOPIC, channel_class=Bad)
        self.finish(channel.join())
        self.finish(channel.leave())
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        [told] = [event for event in events if "callback" in event]
        self.assertEqual(
            told["callback"], f"{__name__}.{Bad.__qualname__}.handle_close"
        )

    def test_ends(self) -> None:
        """The hooks of errors and of the end are called."""
        channel = self.joined()
        told: list[Any] = []
        channel.on_error(lambda error: told.append(type(error).__name__))
        channel.on_close(told.append)
        self.lose_connection()
        self.memory.advance(0.5)
        self.turn()
        self.assertTrue(channel.is_joined)
        self.finish(channel.leave())
        self.assertEqual(told, ["ConnectionClosed", "left"])

    def test_assigned(self) -> None:
        """What is set in the place of a method is refused, as it is never called."""
        channel = self.joined()
        with self.assertRaises(ConfigurationError):
            channel.on_close = print  # type: ignore[method-assign,assignment]
        client = self.open()
        with self.assertRaises(AttributeError):
            client.on_open = lambda: None  # type: ignore[method-assign,assignment,misc]


class ClassTests(AioMemoryTestCase):
    """Classes of channels, and what makes them."""

    def test_constructor(self) -> None:
        """A class with a constructor hands on what it gets."""
        client = self.open(
            topic_channel_map={"rooms:*": partial(Kept, db=[])},
            default_channel_params=lambda: {"a": 1},
        )

        async def params() -> dict[str, int]:
            await asyncio.sleep(0)
            return {"b": 2}

        channel = client.channel(TOPIC, params)
        assert isinstance(channel, Kept)
        self.assertEqual(self.finish(channel.join()), {"a": 1, "b": 2})
        self.finish(channel.push("shout", 1))
        self.turn(2)
        self.assertEqual(channel.db, [("shouted", 1)])
        self.assertEqual(repr(channel), "<Kept rooms:lobby joined>")

    def test_params(self) -> None:
        """The params are as they were given, and may be changed."""
        channel = self.joined()

        async def params() -> int:
            await asyncio.sleep(0)
            return 2

        channel.params = params
        self.assertIs(channel.params, params)
        self.finish(channel.leave())
        self.assertEqual(self.finish(channel.join()), 2)

    def test_restart(self) -> None:
        """What a class or a channel says of its restart holds."""

        class Brief(Channel):
            restart = "temporary"

            async def handle_in(self, event: str, payload: Any) -> None:
                raise ValueError(event)

        client = self.open()
        for restart, state in ((None, "closed"), ("transient", "joined")):
            channel = client.channel(TOPIC, channel_class=Brief)
            if restart is not None:
                channel.restart = restart  # type: ignore[misc]
            self.finish(channel.join())
            self.finish(channel.push("shout"))
            self.turn(4)
            self.assertEqual(channel.state, state)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_wrong(self) -> None:
        """What is no class of these channels is refused, by a name and with why."""
        client = self.open()

        async def late(topic: str, params: Any, maker: Any) -> Channel:
            return Channel(topic, params, maker)

        wrong: Any
        for wrong, words in (
            (txphoenix.Channel, "subclass of txphoenix.aio.Channel, which txphoenix."),
            (lambda topic, params, maker: None, "return a txphoenix.aio.Channel, not"),
            (late, "at once"),
            (lambda: None, "topic, params"),
            (1, "channel_class must be"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                client.channel(TOPIC, channel_class=wrong)
            self.assertIn(words, str(caught.exception))
        with self.assertRaises(ConfigurationError):
            self.open(topic_channel_map={"rooms:*": txphoenix.Channel})
        with self.assertRaises(ConfigurationError):
            Channel(TOPIC)
        with self.assertRaises(ConfigurationError):

            class Wrong(Channel):
                restart = "sometimes"

    def test_found(self) -> None:
        """Channels are found, and listed, as those that users hold."""
        client = self.open(join_channels=["rooms:a"])
        self.turn(2)
        first = client.channels.find("rooms:a")
        assert first is not None
        self.assertEqual([first], list(client.channels))
        with self.assertRaises(AlreadyJoined) as caught:
            self.finish(client.join("rooms:a"))
        self.assertIs(caught.exception.channel, first)
        started = client.channels.start_channel("rooms:b")
        self.finish(client.channels.when_settled())
        self.assertTrue(started.is_joined)
        self.assertTrue(client.channels.terminate_channel("rooms:a"))
        self.assertIsNone(client.channels.find("rooms:a"))
        client.channels.terminate()
        self.assertEqual(list(client.channels), [])
        self.assertEqual(started.state, "closed")

    def test_started(self) -> None:
        """One that is started waits for ``connect()``; after the end it is refused."""
        client = self.open(auto_connect=False)
        asked: list[str] = []

        async def params() -> dict[str, int]:
            asked.append("asked")
            return {"a": 1}

        channel = client.channels.start_channel(TOPIC, params)
        self.turn(2)
        self.assertEqual((channel.state, asked), ("joining", []))
        for _ in range(2):
            client.connect()
            self.finish(client.channels.when_settled())
            self.assertTrue(channel.is_joined)
            self.finish(client.disconnect())
            self.turn(2)
            self.assertEqual(channel.state, "errored")
        other = client.channels.start_channel("rooms:b")
        client.connect()
        self.finish(client.channels.when_settled())
        self.assertTrue(channel.is_joined and other.is_joined)
        self.assertEqual(self.sent(0)[0][4], {"a": 1})
        self.leave(client)
        self.assertEqual((channel.state, other.state), ("closed", "closed"))
        self.assertRaises(NotConnected, client.channels.start_channel, TOPIC)

    def test_failed(self) -> None:
        """So is one whose first join has failed, for as long as the user holds it."""
        client = self.open()
        self.memory.refusal = {"reason": "full"}
        channel = client.channel(TOPIC)
        with self.assertRaises(JoinError):
            self.finish(channel.join())
        gc.collect()
        self.assertEqual(client.channels.failed, [channel])
        self.finish(channel.leave())
        self.assertEqual(client.channels.failed, [])


class PresenceTests(AioMemoryTestCase):
    """:class:`txphoenix.aio.Presence`."""

    server_channels = {"rooms:*": Room, "tracked:*": Tracked}

    def test_hooks(self) -> None:
        """Its hooks may be coroutine functions, also where it is made late."""
        _, channel = self.finish(self.open().join("tracked:a"))
        self.turn()
        told: list[Any] = []
        presence = Presence(channel)

        async def join(key: str, current: Any, new: Any) -> None:
            await asyncio.sleep(0)
            told.append(key)

        async def leave(key: str, current: Any, left: Any) -> None:
            told.append(f"-{key}")

        presence.on_join(join)
        presence.on_leave(leave)
        presence.on_sync(lambda: told.append("sync"))
        self.turn(3)
        self.server_sends(None, None, "tracked:a", "presence_state", {})
        self.turn(3)
        self.assertEqual(told, ["sync", "ann", "sync", "-ann"])
        presence.stop()

    def test_wrong(self) -> None:
        """It is that of a channel of these."""
        channel = self.joined()
        for wrong in (channel.twisted, None):
            with self.assertRaises(ConfigurationError):
                Presence(wrong)  # type: ignore[arg-type]


class IterationTests(AioMemoryTestCase):
    """``async for``."""

    def test_disconnected(self) -> None:
        """A disconnect is no end in good order, leaving the client's block is one."""
        client = self.open()
        _, channel = self.finish(client.join(TOPIC))

        async def read() -> list[Any]:
            return [message.payload async for message in channel]

        reading = self.begin(read())
        self.finish(client.disconnect())
        with self.assertRaises(NotConnected):
            self.finish(reading)
        client.connect()
        self.finish(client.when_connected())
        reading = self.begin(read())
        self.leave(client)
        self.assertEqual(self.finish(reading), [])
