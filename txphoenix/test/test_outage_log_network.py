"""The whole log of outages over real TCP: ours, Twisted's and Autobahn's.

The lines are those of :mod:`txphoenix.test.test_outage_log`; here it is held that
nobody else says anything, at any level, whatever breaks.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import LogLevel, capturedLogs

from txphoenix import Channel
from txphoenix.protocol.backoff import steps
from txphoenix.testing.tls import self_signed

from .log_case import told, told_by_others
from .network import TOPIC, NetworkTestCase

SECRET = "s3cret"


class Fragile(Channel):
    """Raises at each message."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Raise."""
        raise ZeroDivisionError(event)


class WholeLogTests(NetworkTestCase):
    """All that is logged, while a real connection is lost and comes back."""

    def setUp(self) -> None:
        """Capture it."""
        super().setUp()
        manager = capturedLogs()
        self.captured: Any = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)

    def assert_told(self, *patterns: str) -> None:
        """What was logged is these lines of info and above, and of ours alone."""
        self.assertEqual(told_by_others(self.captured), [])
        lines = told(self.captured)
        shown = "\n".join(lines)
        self.assertEqual(len(lines), len(patterns), shown)
        for line, pattern in zip(lines, patterns, strict=True):
            self.assertRegex(line, f"^{pattern}", shown)
        self.assertNotIn(SECRET, "\n".join(told(self.captured, LogLevel.debug)))
        self.captured[:] = []

    async def until_told(self, text: str) -> None:
        """Wait until a line has been logged."""
        await self.until(lambda: text in "\n".join(told(self.captured)))

    async def lose_and_find(self, server: Any, **options: Any) -> Any:
        """A client of a channel whose server ends, and comes back.

        :return: the client.
        """
        client = self.client(
            server.url,
            name="chat",
            params={"token": SECRET},
            **{"backoff": steps([0.1]), **options},
        )
        await client.join(TOPIC)
        self.assert_told("info: chat: connected to ws")
        await server.stop(drain=False)
        await self.until_told("warn: chat: the connection is lost")
        await self.until(lambda: self.failures() > 2)
        await server.start()
        await self.until_told("the outage is over")
        return client

    def failures(self) -> int:
        """How many attempts have failed."""
        lines = told(self.captured, LogLevel.debug)
        return sum("debug: chat: not connected" in line for line in lines)

    def assert_outage(self) -> None:
        """What was logged is one outage, whole."""
        self.assert_told(
            "warn: chat: the connection is lost: ",
            r"info: chat: connected again after [\d.]+ s; attempts: \d+$",
            r"info: chat: rejoined 1 of 1 channels, [\d.]+ s after the connection$",
            r"warn: chat: the outage is over after [\d.]+ s; attempts: \d+;"
            r" rejoined 1 of 1 channels$",
        )

    async def test_outage(self) -> None:
        """A server that ends is four lines, over each transport, and over TLS."""
        tls = self_signed()
        trust = optionsForClientTLS("127.0.0.1", trustRoot=tls.trust_root)
        for case, serve, options in (
            ("websocket", {}, {}),
            ("long-poll", {}, {"transport": "longpoll"}),
            ("treq", {}, {"transport": "longpoll", "fast_http": False}),
            ("fallback", {}, {"longpoll_fallback": 5.0}),
            ("tls", {"tls": tls.server}, {"tls": trust}),
            ("Twisted", {"tls": tls.server}, {"tls": trust, "fast_tls": False}),
        ):
            with self.subTest(case=case):
                server = await self.serve(**serve)
                client = await self.lose_and_find(server, **options)
                self.assert_outage()
                await client.stopService()
                self.assert_told()

    async def test_stopped(self) -> None:
        """A stop in an outage says nothing more."""
        server = await self.serve()
        client = self.client(server.url, name="chat")
        await client.when_connected()
        await server.stop(drain=False)
        await self.until_told("is lost")
        await client.stopService()
        self.assert_told("info: chat: connected", "warn: chat: the connection is lost")

    async def test_refused(self) -> None:
        """A refusal is one line, ours, for WebSocket, long-poll and both."""
        server = await self.serve()
        for status in (403, 404, 500, 503):
            server.refuse(status)
            for options in (
                {},
                {"transport": "longpoll"},
                {"transport": "longpoll", "fast_http": False},
                {"longpoll_fallback": 5.0},
            ):
                with self.subTest(status=status, options=options):
                    client = self.client(
                        server.url, name="chat", params={"token": SECRET}, **options
                    )
                    await self.failure_of(client.when_connected(4))
                    await client.stopService()
                    self.assert_told(
                        "warn: chat: not connected: handshake refused: HTTP"
                        f" {status} .*127.0.0.1:{server.port}"
                    )

    async def test_unreachable(self) -> None:
        """So is what keeps a client from a server otherwise."""
        server = await self.serve(tls=self_signed().server)
        port = server.port
        await self.serve()
        closed = await self.serve()
        await closed.stop()
        for url, cause, options in (
            (f"ws://127.0.0.1:{closed.port}/socket", "ConnectionRefused", {}),
            (f"wss://127.0.0.1:{port}/socket", "TLS: ", {}),
            (f"wss://127.0.0.1:{port}/socket", "TLS: ", {"fast_tls": False}),
            (f"ws://127.0.0.1:{port}/socket", "", {"connect_timeout": 0.2}),
            ("ws://no-such-host.invalid/socket", "DNS", {}),
            (
                "ws://example.org/socket",
                "ConnectionRefused",
                {"proxy": f"http://127.0.0.1:{closed.port}"},
            ),
        ):
            with self.subTest(url=url, options=options):
                client = self.client(url, name="chat", **options)
                await self.failure_of(client.when_connected(3))
                await client.stopService()
                self.assert_told(f"warn: chat: not connected: .*{cause}")

    async def test_flapping(self) -> None:
        """A connection that is cut again and again stops filling the log."""
        server = await self.serve()
        proxy = await self.stand_between(server)
        self.captured[:] = []
        client = self.client(proxy.url(server.url), name="chat")
        _, channel = await client.join(TOPIC)
        for _ in range(12):
            await self.until(lambda: channel.is_joined)
            proxy.cut(reset=True)
            await self.until(lambda: not client.connected)
        await self.until(lambda: channel.is_joined)
        await client.stopService()
        lines = told(self.captured)
        self.assertEqual(told_by_others(self.captured), [])
        self.assertEqual(len(lines), 1 + 5 * 4 + 1, "\n".join(lines))
        self.assertIn("only reminders follow", lines[-1])

    async def test_thousand(self) -> None:
        """A thousand channels that rejoin are one line."""
        server = await self.serve(channel_limit=None)
        topics = [f"rooms:{number}" for number in range(1000)]
        client = self.client(server.url, name="chat", join_channels=topics)
        await client.when_connected()
        await client.channels.when_settled()
        self.captured[:] = []
        server.drop()
        await self.until_told("the outage is over")
        self.assertEqual(len(told(self.captured)), 4)
        self.assertEqual(told_by_others(self.captured), [])
        self.assertIn("rejoined 1000 of 1000", "\n".join(told(self.captured)))

    async def test_crashes(self) -> None:
        """A channel that crashes at each message is an error each, and then stopped."""
        server = await self.serve()
        client = self.client(server.url, name="chat", max_restarts=2)
        channel = client.channel(TOPIC, channel_class=Fragile)
        await channel.join()
        stopped = self.failure_of(channel.when_stopped())
        for number in range(1, 4):
            await self.until(lambda: channel.is_joined)
            server.broadcast(TOPIC, "new_msg", {"token": SECRET})
            await self.until_told(f"crash {number} in")
        await stopped
        self.flushLoggedErrors(ZeroDivisionError)
        crash = (
            rf"error: {TOPIC}: txphoenix.test.test_outage_log_network.Fragile"
            r".handle_in\('new_msg'\) raised; crash "
        )
        again = r" in 5 s \(max_restarts is 2\); restart is 'transient': the channel"
        self.assert_told(
            "info: chat: connected",
            f"{crash}1{again} begins anew",
            f"{crash}2{again} begins anew",
            rf"{crash}3 in 5 s \(max_restarts is 2\): the channel is stopped for good;"
            r" join\(\) begins it anew$",
        )
