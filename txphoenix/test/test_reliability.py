"""How long the client is away after a fault, and what becomes of messages meanwhile.

``docs/reliability.rst`` names them, beside those of many other modules.
Here are faults with the options as they are by default, in memory and on a clock, and
the promise of delivery under all of them at once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError

from txphoenix import Channel, SocketClient
from txphoenix.errors import (
    BufferFull,
    ConnectionClosed,
    ConnectionFailed,
    HandshakeRefused,
    HeartbeatTimeout,
    PushError,
    PushInterrupted,
    PushTimeout,
)
from txphoenix.protocol.backoff import exponential, reconnect
from txphoenix.testing import Refused

from .raw_server import server_frame
from .support import TOPIC, ClientTestCase, Outcome, Room, ScriptedServer

# The longest delays before the first two attempts, as the options are by default.
FIRST_DELAY, SECOND_DELAY = map(reconnect(random=lambda: 0.0), (0, 1))


class AwayTests(ClientTestCase):
    """A joined channel with the default options, and a fault.

    :ivar losses: the errors that ``on_close`` was told, each with the seconds at which.
    :ivar failures: those of ``on_error``.
    """

    def start(self, **options: Any) -> Channel:
        """Join, and listen to what goes wrong."""
        self.losses: list[tuple[Exception, float]] = []
        self.failures: list[Exception] = []
        client = self.connected_client(**{"backoff": None, **options})
        channel = self.joined_channel(client=client)
        client.on_close(lambda it: self.losses.append((it, self.clock.seconds())))
        client.on_error(self.failures.append)
        return channel

    @property
    def client(self) -> SocketClient:
        """The latest client."""
        return self._clients[-1]

    def away(self, channel: Channel, fault: Callable[[], object]) -> float:
        """The seconds from a fault to the moment when the channel is joined again.

        It is an error if the connection is not lost.
        """
        began = self.clock.seconds()
        sessions = len(self.memory.sessions)
        fault()
        self.memory.wait_for(lambda: len(self.memory.sessions) > sessions, 3600.0)
        self.memory.wait_for(lambda: channel.state == "joined")
        self.assertEqual(self.client.status, "connected")
        return self.clock.seconds() - began

    @property
    def loss(self) -> Exception:
        """The error of the one loss."""
        ((error, _),) = self.losses
        return error

    def close(self, code: int) -> None:
        """Have the server close."""
        self.memory.connections[0].close(code)

    def test_closed(self) -> None:
        """A close, whatever its code, is got over in the first delay."""
        for code in (1000, 1001, 1011, 3000):
            channel = self.start()
            away = self.away(channel, lambda code=code: self.close(code))  # type: ignore[misc]
            self.assertLessEqual(away, FIRST_DELAY)
            assert isinstance(self.loss, ConnectionClosed)
            self.assertEqual(self.loss.code, code)
            self.stop_client(self.client)

    def test_ended(self) -> None:
        """So is an end without a close frame."""
        for fault in (self.memory.cut, self.memory.drop):
            channel = self.start()
            self.assertLessEqual(self.away(channel, fault), FIRST_DELAY)
            assert isinstance(self.loss, ConnectionClosed)
            self.assertEqual(self.loss.code, 1006)
            self.stop_client(self.client)

    def test_restart(self) -> None:
        """After 1012, a restart, the first delay is from a half to five seconds."""
        for _ in range(5):
            channel = self.start()
            away = self.away(channel, self.memory.drain)
            self.assertGreater(away, 0.5)
            self.assertLessEqual(away, 5.0)
            self.stop_client(self.client)

    def test_vanished(self) -> None:
        """One that is gone is found in ``heartbeat_interval + heartbeat_timeout``."""
        channel = self.start()
        began = self.clock.seconds()
        push = self.watch(channel.push("echo", 1, timeout=60.0))
        self.memory.flush()
        silent = self.watch(channel.push("silent", timeout=60.0))
        self.memory.flush()
        self.memory.pause()
        self.memory.wait_for(lambda: self.losses)
        self.memory.resume()
        ((error, at),) = self.losses
        self.assertIsInstance(error, HeartbeatTimeout)
        self.assertLessEqual(at - began, 40.0)
        self.assert_fired(push, 1)
        self.assert_failed(silent, PushInterrupted)
        self.memory.wait_for(lambda: channel.state == "joined")
        self.assertLessEqual(self.clock.seconds() - at, FIRST_DELAY)

    def test_stalled(self) -> None:
        """A network that stands still for less than that loses nothing."""
        channel = self.start()
        heard: list[Any] = []
        channel.on("news", heard.append)
        self.memory.is_stalled = True
        pushes = [self.watch(channel.push("echo", n, timeout=60.0)) for n in range(3)]
        for n in range(3):
            self.memory.broadcast(TOPIC, "news", n)
        self.memory.advance(39.0)
        self.assertEqual(heard, [])
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual(heard, [0, 1, 2])
        for n, push in enumerate(pushes):
            self.assert_fired(push, n)
        self.memory.advance(60.0)
        self.assertEqual(self.losses, [])

    def test_down(self) -> None:
        """A server that is down is tried with growing delays, and told each time.

        With delays of 0.5, 1, 2, 4, 8 seconds and so on.
        """
        channel = self.start(backoff=exponential(0.5, 2.0, 60.0, lambda: 0.0))
        self.memory.is_listening = False

        def down_for_a_minute() -> None:
            self.memory.cut()
            self.memory.advance(60.0)
            self.memory.is_listening = True

        # The attempts before are at 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 seconds.
        self.assertEqual(self.away(channel, down_for_a_minute), 63.5)
        self.assertEqual(len(self.failures), 6)
        for error in self.failures:
            self.assertIsInstance(error, ConnectionFailed)
            self.assertIn("ConnectionRefusedError", str(error))

    def test_down_for_long(self) -> None:
        """No delay is longer than ``reconnect_interval``."""
        channel = self.start()
        self.memory.is_listening = False
        self.memory.cut()
        self.memory.advance(3600.0)
        began = self.clock.seconds()
        self.memory.is_listening = True
        self.memory.wait_for(lambda: channel.state == "joined")
        self.assertLessEqual(self.clock.seconds() - began, 60.0)

    def test_token_expired(self) -> None:
        """A token that has run out is refused; the next attempt asks for another."""
        valid = "first"
        tokens = ["first", "first", "second"]

        def connect(params: Any, socket: Any) -> None:
            if params["token"] != valid:
                raise Refused()

        self.memory = ScriptedServer(self.server_channels, connect=connect)
        self.clock = self.memory.clock
        channel = self.start(params=lambda: {"token": tokens.pop(0)})
        valid = "second"
        away = self.away(channel, self.memory.drop)
        # One attempt is refused, so there are two delays.
        self.assertLessEqual(away, FIRST_DELAY + SECOND_DELAY)
        (error,) = self.failures
        assert isinstance(error, HandshakeRefused)
        self.assertEqual((error.status, tokens), (403, []))

    def test_idle(self) -> None:
        """What cuts a line that is idle for 20 s cuts none with heartbeats before."""
        for interval in (10.0, 30.0):
            channel = self.start(heartbeat_interval=interval)
            cuts = 0
            idle, seen = 0.0, -1
            for _ in range(120):
                self.memory.advance(1.0)
                sent = sum(len(it.frames) for it in self.memory.sessions)
                idle, seen = (0.0, sent) if sent != seen else (idle + 1.0, sent)
                if idle >= 20.0 and self.client.connected:
                    self.memory.cut()
                    cuts += 1
            self.assertEqual(len(self.losses), cuts)
            self.assertEqual(cuts > 0, interval > 20.0)
            self.memory.wait_for(lambda channel=channel: channel.state == "joined")  # type: ignore[misc]
            self.stop_client(self.client)

    def test_corrupted(self) -> None:
        """A byte that is another costs one message, or the connection, and no more.

        Where the length of a frame is another, that shows by the frame behind it.
        """
        whole = server_frame(1, f'[null,null,"{TOPIC}","news",{{"n":1}}]'.encode())
        channel = self.start()
        damages = [(place, byte ^ 0x55) for place, byte in enumerate(whole)]
        # The second byte is the length; these two say that it has more bytes.
        for place, byte in [*damages, (1, 126), (1, 127)]:
            damaged = bytearray(whole)
            damaged[place] = byte
            self.memory.pairs[-1].client.deliver(bytes(damaged))
            self.memory.advance(40.0 + FIRST_DELAY)
            self.memory.wait_for(lambda: channel.state == "joined")
            push = self.watch(channel.push("echo", place))
            self.memory.flush()
            self.assert_fired(push, place)
        codes = {getattr(error, "code", None) for error, _ in self.losses}
        self.assertLessEqual({1002, 1007}, codes)
        self.assertNotIn(None, codes)
        self.assertLess(len(self.losses), len(whole) // 2)

    def test_missed(self) -> None:
        """What the server sends while the client is away never comes; the rest does."""
        channel = self.start()
        heard: list[Any] = []
        channel.on("news", heard.append)
        self.memory.broadcast(TOPIC, "news", "before")
        self.memory.flush()
        self.memory.cut()
        self.memory.flush()
        self.memory.broadcast(TOPIC, "news", "meanwhile")
        self.memory.wait_for(lambda: channel.state == "joined")
        self.memory.broadcast(TOPIC, "news", "after")
        self.memory.flush()
        self.assertEqual(heard, ["before", "after"])


class Counting(Room):
    """A channel of the server that counts what comes."""

    taken: Counter[int] = Counter()

    def handle_in(self, event: str, payload: Any) -> Any:
        """Count it, and do what the event says."""
        self.taken[payload] += 1
        return super().handle_in(event, payload)


class DeliveryTests(ClientTestCase):
    """Pushes by the hundred, and faults between them."""

    server_channels = {"rooms:*": Counting}

    def setUp(self) -> None:
        """Count anew."""
        super().setUp()
        Counting.taken = Counter()
        self.chance = random.Random(12)
        self.channel = self.joined_channel(push_buffer=40, timeout=3.0)
        self.numbers = iter(range(100_000))

    def disturb(self) -> None:
        """Have something happen, or nothing."""
        chance, memory = self.chance, self.memory
        faults: list[Callable[[], object]] = [
            memory.cut,
            memory.drop,
            memory.drain,
            lambda: memory.kill_channel(TOPIC),
            lambda: memory.kick("nobody"),
            lambda: setattr(memory, "is_stalled", not memory.is_stalled),
            lambda: setattr(memory, "is_listening", not memory.is_listening),
            memory.pause,
            memory.resume,
        ]
        chance.choice([*faults, *[memory.flush] * 20])()
        memory.advance(chance.choice([0.0, 0.0, 0.01, 0.3, 2.0]))

    def calm(self) -> None:
        """Let everything work again, and wait until nothing is under way."""
        self.memory.is_stalled = False
        self.memory.is_listening = True
        self.memory.resume()
        self.memory.wait_for(lambda: self.channel.state == "joined", 200.0)
        self.memory.advance(10.0)

    def test_push(self) -> None:
        """A push is delivered once at most, and what its Deferred says is true.

        What was answered has come; of what has ``was_sent`` false nothing has come, nor
        does it come later.
        """
        outcomes: dict[int, Outcome[Any]] = {}
        events = ["echo"] * 6 + ["silent", "refuse", "crash"]
        for _ in range(600):
            for _ in range(self.chance.randint(0, 3)):
                number = next(self.numbers)
                push = self.channel.push(self.chance.choice(events), number)
                outcomes[number] = self.watch(push)
                if self.chance.random() < 0.05:
                    push.cancel()
            self.disturb()
        self.calm()
        kinds: Counter[str] = Counter()
        for number, outcome in outcomes.items():
            self.assertEqual(len(outcome.fired), 1, number)
            taken = Counting.taken[number]
            self.assertLessEqual(taken, 1)
            kind = self.check(number, outcome.fired[0], taken)
            kinds[f"{kind} {taken}"] += 1
        # All that there is has happened.
        self.assertLessEqual(
            {"answered 1", "refused 1", "sent 0", "sent 1", "not sent 0"}, kinds.keys()
        )

    def check(self, number: int, result: Any, taken: int) -> str:
        """See whether what a Deferred has said is true.

        :param taken: how often the push has come.
        """
        if isinstance(result, (PushInterrupted, PushTimeout)):
            if result.was_sent:
                return "sent"
            self.assertEqual(taken, 0, result)
            return "not sent"
        if isinstance(result, BufferFull):
            self.assertEqual(taken, 0, result)
            return "not sent"
        if isinstance(result, CancelledError):
            return "cancelled"
        if isinstance(result, PushError):
            # "unmatched topic" comes from a server that has not taken it.
            self.assertEqual(taken, 0 if result.reason else 1, result)
            return "refused"
        self.assertEqual((result, taken), (number, 1))
        return "answered"

    def test_push_async(self) -> None:
        """So it is with one that wants no reply."""
        refused: set[int] = set()
        for _ in range(600):
            for _ in range(self.chance.randint(0, 3)):
                number = next(self.numbers)
                try:
                    self.channel.push_async("silent", number)
                except BufferFull:
                    refused.add(number)
            self.disturb()
        self.calm()
        self.assertEqual(set(Counting.taken.values()), {1})
        self.assertEqual(refused & Counting.taken.keys(), set())
        self.assertGreater(len(refused), 0)
        self.assertGreater(len(Counting.taken), 100)
