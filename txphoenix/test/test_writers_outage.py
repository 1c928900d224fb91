"""Tests of ``when_writable()`` without a connection, and of what an outage drops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.channels.channel import Channel
from txphoenix.channels.pushes import Pushes
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ChannelClosed, ConnectionFailed, NotConnected, PushTimeout

from .support import TOPIC, ClientTestCase


class OutageTests(ClientTestCase):
    """Who waits with ``when_writable()`` while there is no connection."""

    def outage(self, **options: Any) -> tuple[SocketClient, Channel]:
        """A client whose connection is lost, and a channel that was joined."""
        self.memory.is_listening = True
        channel = self.joined_channel(**options)
        self.memory.is_listening = False
        self.lose_connection()
        return self._clients[-1], channel

    def test_loop(self) -> None:
        """A loop of ``push_async`` rests in an outage, and nothing of it is lost."""
        channel = self.joined_channel(push_buffer=3)
        pushed = []

        async def push_all() -> None:
            for number in range(20):
                await channel.when_writable()
                channel.push_async("silent", number)
                pushed.append(number)
                if number == 9:
                    self.memory.flush()
                    self.lose_connection()

        self.memory.is_listening = False
        done = self.watch(ensureDeferred(push_all()))
        with capturedLogs() as captured:
            self.memory.advance(30)
        self.assertEqual((len(pushed), done.fired), (10, []))
        self.memory.is_listening = True
        self.memory.advance(30)
        self.assert_fired(done, None)
        sent = [
            message[4]
            for number in range(len(self.memory.sessions))
            for message in self.sent(number)
            if message[3] == "silent"
        ]
        self.assertEqual(sent, list(range(20)))
        self.assertNotIn("never sent", repr(captured))

    def test_ends(self) -> None:
        """What ends the hope for a push ends the waiting, and no later call waits."""
        ends: dict[str, Callable[[SocketClient, Channel], object]] = {
            "left": lambda _client, channel: channel.leave(),
            "stopped": lambda _client, channel: channel.stop(),
            "disconnected": lambda client, _channel: client.disconnect(),
            "service stopped": lambda client, _channel: client.stopService(),
            "given up": lambda client, _channel: client.reconfigure(reconnect=False),
        }
        for name, end in ends.items():
            with self.subTest(name):
                client, channel = self.outage()
                writable = self.watch(channel.when_writable())
                by_client = self.watch(client.when_writable())
                self.assertEqual((writable.fired, by_client.fired), ([], []))
                end(client, channel)
                self.memory.advance(60)
                kind = ChannelClosed if name in ("left", "stopped") else NotConnected
                self.assert_failed(writable, kind)
                closed = ChannelClosed if channel.state == "closed" else NotConnected
                self.assert_failed(self.watch(channel.when_writable()), closed)
                self.assertEqual(by_client.fired == [], client.connection.is_wanted)
                client.stopService()
                self.assert_failed(
                    by_client, ConnectionFailed if name == "given up" else NotConnected
                )

    def test_refused_join(self) -> None:
        """A first join that is refused fails who waits for it."""
        client = self.connected_client()
        self.memory.refusal = {}
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        writable = self.watch(channel.when_writable())
        self.assertEqual(writable.fired, [])
        self.memory.flush()
        self.assert_failed(writable, ChannelClosed)

    def test_crashed(self) -> None:
        """A channel that has crashed on the server is waited for till it is back."""
        channel = self.joined_channel()
        channel.push_async("crash")
        self.memory.flush()
        self.assertEqual(channel.state, "errored")
        writable = self.watch(channel.when_writable())
        self.assertEqual(writable.fired, [])
        self.memory.advance(1.0)
        self.assert_fired(writable, channel)

    def test_own_channel(self) -> None:
        """A channel that joins looks at who waits for it, and not for the others."""
        client = self.connected_client()
        self.memory.is_listening = False
        self.lose_connection()
        asked: list[str] = []
        look = Pushes.why_not_send

        def counted(pushes: Pushes) -> Exception | None:
            asked.append(pushes.topic)
            return look(pushes)

        self.patch(Pushes, "why_not_send", counted)
        for number in range(20):
            channel = client.channel(f"rooms:{number}")
            self.watch(channel.join())
            self.watch(channel.when_writable())
        asked.clear()
        self.memory.is_listening = True
        self.reconnect()
        self.assertEqual(len(set(asked)), 20)
        self.assertLessEqual(len(asked), 20 * 4)

    # -- What is dropped ----------------------------------------------------------

    def warnings(self, change: Callable[[], object]) -> list[str]:
        """What the log warns of at a change."""
        with capturedLogs() as captured:
            change()
        return [
            formatEvent(event)
            for event in captured
            if event["log_level"] is LogLevel.warn and "sent" in formatEvent(event)
        ]

    def test_one_line(self) -> None:
        """Those of a channel that expire in one moment make one line, with a number."""
        client, channel = self.outage()
        other = self.joined_later(client)
        kept = self.watch(channel.push("echo", timeout=5))
        for number in range(300):
            channel.push_async(f"e{number}")
        other.push_async("single")
        lines = self.warnings(lambda: self.memory.clock.advance(5))
        self.assertEqual(len(lines), 2, lines)
        self.assertIn(
            f"{TOPIC}: 300 pushes without a reply were never sent, the first of them"
            " e0: push of 'e0' to 'rooms:lobby' not sent within 5 s: no connection: ",
            lines[0],
        )
        self.assertIn("rooms:other: single was never sent: ", lines[1])
        self.assert_failed(kept, PushTimeout)

    def joined_later(self, client: SocketClient) -> Channel:
        """Another channel, whose join waits for the connection."""
        channel = client.channel("rooms:other")
        self.watch(channel.join(timeout=60))
        return channel

    def test_one_line_for_each_end(self) -> None:
        """So do those that a leave, a stop or a disconnect drops."""
        ends: dict[str, Callable[[SocketClient, Channel], object]] = {
            "left": lambda _client, channel: channel.leave(),
            "stopped": lambda _client, channel: channel.stop(),
            "told to disconnect": lambda client, _channel: client.disconnect(),
            "told to disc": lambda client, _channel: client.stopService(),
        }
        for name, end in ends.items():
            with self.subTest(name):
                client, channel = self.outage()
                for _ in range(3):
                    channel.push_async("e")
                [line] = self.warnings(partial(end, client, channel))
                self.assertIn("3 pushes without a reply were never sent", line)
                self.assertIn(name, line)
                client.stopService()
