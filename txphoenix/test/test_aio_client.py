"""Tests of :class:`txphoenix.aio.Client`, in memory."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

from twisted.internet.defer import fail
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.aio import Channel, wait
from txphoenix.aio.calls import Calls
from txphoenix.errors import (
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    NotConnected,
    PhoenixError,
)
from txphoenix.message import Message

from .aio_memory import AioMemoryTestCase
from .custom_serializers import SERVER_CODECS, Objects
from .support import TOPIC

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


class ClientTests(AioMemoryTestCase):
    """What a client does."""

    def test_state(self) -> None:
        """It tells what the client inside knows."""
        client = self.open(name="ann")
        self.assertEqual(
            (client.connected, client.status, client.get_state("name")),
            (True, "connected", "ann"),
        )
        self.assertIsNotNone(client.handshake)
        self.assertTrue(repr(client).startswith("<Client ws://"))
        self.assertTrue(client.twisted.connected)
        self.assertEqual(client.buffers().unwritten.size, 0)
        client.put_state("seen", 1)
        self.assertEqual(client.get_state()["seen"], 1)

    def test_hooks(self) -> None:
        """Its hooks may be coroutine functions, and are taken away."""
        client = self.open()
        told: list[Any] = []

        async def tell(*args: Any) -> None:
            await asyncio.sleep(0)
            told.append([type(each).__name__ for each in args])

        for add in (client.on_open, client.on_close, client.on_error):
            add(tell)
        remove = client.on_message(tell)
        self.finish(client.join(TOPIC))
        remove()
        self.lose_connection()
        self.turn(2)
        self.memory.advance(0.5)
        self.turn(2)
        self.assertTrue(client.connected)
        self.assertEqual(told[:2], [["Message"], ["ConnectionClosed"]])
        self.assertEqual(told[-1], [])

    def test_serializer(self) -> None:
        """A serializer of the user's has no need to know of asyncio."""
        self.memory.add_socket(self.memory.path, serializers=SERVER_CODECS)
        client = self.open(serializer=Objects())
        self.finish(client.join(TOPIC))
        self.assertEqual(client.get_state("vsn"), Objects.vsn)
        self.assertEqual(self.memory.sessions[-1].socket.params["vsn"], Objects.vsn)

    def test_topic_hooks(self) -> None:
        """A hook of a topic that no channel has may be a coroutine function."""
        client = self.open()
        told: list[Any] = []

        async def tell(message: Message) -> None:
            await asyncio.sleep(0)
            told.append(message.payload)

        remove = client.on_topic("nobody:*", tell)
        for payload in (1, 2):
            self.memory.sessions[-1].send(
                Message(None, None, "nobody:a", "news", payload)
            )
            self.memory.flush()
            self.turn(2)
            remove()
        self.assertEqual(told, [1])
        self.assertRaises(ConfigurationError, client.on_topic, "", tell)

    def test_push(self) -> None:
        """Messages go out, and pings come back."""
        client = self.open()
        sent = client.push(Message(None, None, "rooms:x", "hello", {}))
        self.assertIsNotNone(sent.ref)
        self.finish(client.when_writable())
        self.assertEqual(self.finish(client.ping()), 0.0)
        self.assertIn("hello", self.events_sent())

    def test_leave(self) -> None:
        """A topic is left, whoever has it."""
        client = self.open()
        _, channel = self.finish(client.join(TOPIC))
        self.finish(channel.when_writable())
        stopping = self.begin(channel.when_stopped())
        self.finish(client.leave(TOPIC))
        self.finish(client.leave(TOPIC))
        self.assertIsNone(self.finish(stopping))
        channel.stop()

    def test_reconfigure(self) -> None:
        """Changed options are taken as the first ones are."""
        client = self.open()

        class Room(Channel):
            pass

        async def params() -> dict[str, str]:
            await asyncio.sleep(0)
            return {"user": "bob"}

        self.finish(
            client.reconfigure(params=params, default_channel_class=Room, timeout=3.0)
        )
        self.assertEqual(self.memory.sessions[-1].socket.params["user"], "bob")
        self.assertIs(type(client.channel(TOPIC)), Room)
        self.finish(client.reconfigure(default_channel_class=None))
        self.assertIs(type(client.channel(TOPIC)), Channel)
        with self.assertRaises(ConfigurationError):
            self.finish(client.reconfigure(timeout=-1))
        with self.assertRaises(ConfigurationError):
            self.finish(client.disconnect(1))

    def test_context(self) -> None:
        """What is called is called in the context in which it was given."""
        client = self.open()
        told: list[Any] = []

        async def added() -> Channel:
            WHO.set("ann")
            channel = client.channel(TOPIC, lambda: told.append(WHO.get()))
            channel.on("shouted", lambda payload: told.append(WHO.set("bob").old_value))
            channel.on("shouted", lambda payload: told.append(WHO.get()))
            return channel

        channel = self.finish(added())
        self.finish(channel.join())
        self.finish(channel.push("shout"))
        self.assertEqual((told[0], told[2]), ("ann", "ann"))

    def test_stop_iteration(self) -> None:
        """Even what no coroutine can raise comes out, and nothing hangs."""

        def params() -> Any:
            raise StopIteration("over")

        channel = self.open().channel(TOPIC, params)
        with self.assertRaises(RuntimeError):
            self.finish(channel.join())
        with self.assertRaises(RuntimeError):
            self.finish(wait(fail(StopIteration("over"))))

    def test_left(self) -> None:
        """Who leaves waits until nothing of the client is left."""
        client = self.open()
        self.leave(client)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_left_for_good(self) -> None:
        """Who was left does not connect again, not even by a hook of that end."""
        client = self.open()
        client.on_close(lambda reason: client.connect())
        self.leave(client)
        self.assertEqual(client.status, "disconnected")
        with self.assertRaises(NotConnected):
            client.connect()

    def test_cancelled_params(self) -> None:
        """A function that is cancelled by itself is a cancellation for asyncio."""

        async def params() -> Any:
            raise asyncio.CancelledError

        channel = self.open().channel(TOPIC, params)
        joining = self.begin(channel.join())
        self.turn(3)
        self.assertTrue(joining.cancelled())

    def test_end(self) -> None:
        """Hooks under way are cancelled, those of the end have their time."""
        client = self.open(close_timeout=0.001)
        _, channel = self.finish(client.join(TOPIC))
        told: list[Any] = []

        async def slow(payload: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                told.append(payload)

        async def told_of_end(reason: Any) -> None:
            told.append(reason)
            await asyncio.Event().wait()

        channel.on("shouted", slow)
        channel.on_close(told_of_end)
        self.finish(channel.push("shout", 1))
        self.turn()
        ending = self.loop.create_task(client._end())
        self.turn(2)
        # The time of the loop is real.
        self.loop.run_until_complete(ending)
        self.assertEqual(told, [1, "stopped"])

    def test_shutdown(self) -> None:
        """A reactor that shuts down stops the client."""
        client = self.open()
        [(phase, event, stop)] = self.triggers
        self.triggers.clear()
        self.assertEqual((phase, event), ("before", "shutdown"))
        stop()
        self.turn()
        self.assertFalse(client.connected)


class CallTests(SynchronousTestCase):
    """How the user's functions are called."""

    def test_ended(self) -> None:
        """What ends a program ends the loop, also out of a task that begins eagerly."""
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)

        def eagerly(_loop: Any, coroutine: Any, **_: Any) -> Any:
            coroutine.send(None)

        async def late() -> None:
            raise SystemExit(4)

        def plain() -> None:
            raise SystemExit(4)

        loop.set_task_factory(eagerly)
        for function in (plain, late):
            with self.assertRaises(SystemExit):
                Calls(loop).run(copy_context(), function)
            with self.assertRaises(SystemExit):
                loop.run_forever()


class DecisionTests(AioMemoryTestCase):
    """A ``should_reconnect`` that is a coroutine function."""

    def decided(self, *answers: Any) -> list[str]:
        """Lose connections, with these answers; what was asked about."""
        asked: list[str] = []
        left = list(answers)

        async def decide(reason: Exception) -> Any:
            asked.append(type(reason).__name__)
            await asyncio.sleep(0)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.client = self.open(should_reconnect=decide, auth_token=self.token)
        for _ in answers:
            self.lose_connection()
            self.turn(3)
            self.memory.advance(0.5)
            self.turn(6)
        return asked

    tokens = 0

    async def token(self) -> str:
        """A token, a new one each time."""
        await asyncio.sleep(0)
        self.tokens += 1
        return f"t{self.tokens}"

    def test_yes(self) -> None:
        """A yes has the client connect, with a new token."""
        self.assertEqual(self.decided(True, True), ["ConnectionClosed"] * 2)
        self.assertTrue(self.client.connected)
        self.assertEqual(self.tokens, 3)

    def test_no(self) -> None:
        """A no disconnects, and who waits has the error that was asked about."""
        self.decided(False)
        self.assertEqual((self.client.status, self.tokens), ("disconnected", 1))
        with self.assertRaises(ConnectionClosed):
            self.finish(self.client.when_connected())
        # It is not for ever.
        self.client.connect()
        self.finish(self.client.when_connected())
        self.finish(self.client.disconnect())
        with self.assertRaises(NotConnected):
            self.finish(self.client.when_connected())

    def test_raises(self) -> None:
        """One that raises is a yes, and asyncio is told."""
        self.decided(ValueError("undecided"))
        self.assertTrue(self.client.connected)
        [told] = self.told
        self.told.clear()
        self.assertIn("should_reconnect raised", told["message"])
        self.assertIsInstance(told["exception"], ValueError)

    def test_changed(self) -> None:
        """It may be given, taken back, and go with another token."""
        client = self.open()
        asked: list[Any] = []

        async def decide(reason: Exception) -> bool:
            asked.append(reason)
            return True

        self.finish(client.reconfigure(should_reconnect=decide))
        self.finish(client.reconfigure(auth_token="other"))
        self.lose_connection()
        self.turn(3)
        self.memory.advance(0.5)
        self.turn(3)
        self.assertTrue(client.connected)
        self.finish(client.reconfigure(should_reconnect=lambda reason: False))
        self.lose_connection()
        self.turn(3)
        self.assertEqual((client.status, len(asked)), ("disconnected", 1))
        with self.assertRaises(ConnectionFailed):
            self.finish(client.when_connected())

    def test_errors(self) -> None:
        """Other errors stay what they are."""
        channel = self.open().channel(TOPIC)
        with self.assertRaises(PhoenixError):
            self.finish(channel.push("echo"))
