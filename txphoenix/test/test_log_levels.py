"""What a log has of a client whose server is not there, and at which level."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.testing.tls import self_signed

from .network import TOPIC, NetworkTestCase
from .support import ClientTestCase

SECRET = "s3cret"


def lines(captured: Any, *levels: Any) -> list[str]:
    """The lines of some levels, of whoever wrote them."""
    return [formatEvent(it) for it in captured if it["log_level"] in levels]


class LevelTests(ClientTestCase):
    """Failed attempts in a row, in memory."""

    def levels(self, captured: Any) -> list[Any]:
        """The levels of the lines that tell of a failed attempt."""
        return [
            event["log_level"]
            for event in captured
            if "not connected: " in formatEvent(event)
        ]

    def test_first(self) -> None:
        """The first is a warning, and no other until there was a connection."""
        for transport in ("websocket", "longpoll"):
            with self.subTest(transport=transport), capturedLogs() as captured:
                self.memory.is_listening = False
                client = self.make_client(transport=transport)
                client.startService()
                self.memory.advance(2)
                once = self.levels(captured)
                self.assertEqual(once[0], LogLevel.warn)
                self.assertEqual(set(once[1:]), {LogLevel.debug})
                self.memory.is_listening = True
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
                [back] = [
                    it for it in lines(captured, LogLevel.info) if "connected" in it
                ]
                self.assertIn(client.state.shown_url, back)
                before = len(captured)
                self.memory.is_listening = False
                self.memory.drop()
                self.memory.advance(2)
                again = captured[before:]
                # The warning is that of the loss.
                self.assertEqual(set(self.levels(again)), {LogLevel.debug})
                [lost] = lines(again, LogLevel.warn)
                self.assertIn("the connection is lost: ", lost)
                self.stop_client(client)

    def test_each_start(self) -> None:
        """So it is after each connect(), where the last row has ended in nothing."""
        self.memory.is_listening = False
        client = self.make_client(reconnect=False)
        with capturedLogs() as captured:
            for _ in range(3):
                client.connect()
                self.memory.advance(60)
        self.assertEqual(self.levels(captured), [LogLevel.warn] * 3)
        client = self.make_client()
        with capturedLogs() as captured:
            for _ in range(2):
                client.connect()
                self.memory.advance(1)
                client.disconnect()
                self.memory.flush()
        told = [each for each in self.levels(captured) if each is LogLevel.warn]
        self.assertEqual(told, [LogLevel.warn] * 2)

    def test_worse(self) -> None:
        """What no retry can mend is told as an error, also where others came first."""
        answers: list[Any] = ["token", 7, 7, "token"]
        self.memory.is_listening = False
        client = self.make_client(auth_token=lambda: answers.pop(0))
        with capturedLogs() as captured:
            client.startService()
            self.memory.advance(1.5)
        expected = [LogLevel.warn, LogLevel.error, LogLevel.debug, LogLevel.debug]
        self.assertEqual(self.levels(captured), expected)


class HurryTests(ClientTestCase):
    """What the log has of ``connect()`` where it hurries nothing any more."""

    def test_told(self) -> None:
        """It says so once, and again once it has hurried something meanwhile."""
        self.memory.is_listening = False
        client = self.make_client(backoff=lambda _attempt: 1000.0)
        client.startService()
        self.memory.flush()

        def asked(times: int) -> int:
            with capturedLogs() as captured:
                for _ in range(times):
                    client.connect()
                    self.memory.flush()
            said = lines(captured, LogLevel.info)
            return len([it for it in said if "too often" in it])

        self.assertEqual(asked(5), 0)
        self.assertEqual(asked(20), 1)
        self.memory.advance(61)
        self.assertEqual(asked(20), 1)


class NetworkTests(NetworkTestCase):
    """What a service that shows warnings alone says, over real TCP."""

    async def warnings(self, url: str, **options: Any) -> list[str]:
        """What is logged, of whomever, in three attempts."""
        client = self.client(url, params={"token": SECRET}, **options)
        with capturedLogs() as captured:
            await self.failure_of(client.when_connected(3))
            await client.stopService()
        return lines(captured, LogLevel.warn, LogLevel.error, LogLevel.critical)

    async def test_refused(self) -> None:
        """One line, with the URL and the cause, and nothing of a library below us."""
        server = await self.serve()
        port = server.port
        for transport in ("websocket", "longpoll"):
            [line] = await self.warnings(
                f"ws://127.0.0.1:{port}/nothing", transport=transport
            )
            self.assertIn("HTTP 404", line)
            self.assertIn(f"127.0.0.1:{port}/nothing", line)
            self.assertNotIn(SECRET, line)

    async def test_down(self) -> None:
        """So it is where nobody listens."""
        server = await self.serve()
        port = server.port
        await server.stop()
        for transport in ("websocket", "longpoll"):
            [line] = await self.warnings(
                f"ws://127.0.0.1:{port}/socket", transport=transport
            )
            self.assertIn("Connection refused", line)
            self.assertIn(f"127.0.0.1:{port}/socket", line)
            self.assertNotIn(SECRET, line)

    async def test_tls(self) -> None:
        """So it is where TLS fails, which is an error to Autobahn."""
        server = await self.serve(tls=self_signed().server)
        [line] = await self.warnings(server.url)
        self.assertIn("TLS: ", line)

    async def test_recovers(self) -> None:
        """A warning of the outage, and one that it is over."""
        server = await self.serve()
        client = self.client(server.url)
        await client.join(TOPIC)
        with capturedLogs() as captured:
            await server.stop()
            await self.until(lambda: lines(captured, LogLevel.warn))
            await server.start()
            await client.when_connected()
            await self.until(lambda: client.channels.find(TOPIC).is_joined)  # type: ignore[union-attr]
        begins, ends = lines(captured, LogLevel.warn)
        self.assertIn("the connection is lost: ", begins)
        self.assertIn("the outage is over", ends)
        self.assertTrue(
            [it for it in lines(captured, LogLevel.info) if "connected again" in it]
        )
