"""Errors that no retry can mend, and those that a callable may."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel, globalLogPublisher

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, HandshakeRefused

from .support import TOPIC, ClientTestCase


class UnmendableTests(ClientTestCase):
    """What a ConfigurationError of an attempt comes to."""

    def setUp(self) -> None:
        """Note the errors, and what the log has at level error."""
        super().setUp()
        self.errors: list[Exception] = []
        self.logged: list[str] = []

        def note(event: dict[str, Any]) -> None:
            if event["log_level"] is LogLevel.error:
                self.logged.append(event["log_format"].format(**event))

        publisher: Any = globalLogPublisher
        publisher.addObserver(note)
        self.addCleanup(publisher.removeObserver, note)

    def start(self, **options: Any) -> SocketClient:
        """Start a client."""
        client = self.make_client(**options)
        client.on_error(self.errors.append)
        client.startService()
        self.memory.flush()
        return client

    def test_callable(self) -> None:
        """A callable may answer otherwise: retries go on, and the log says it once."""
        answers: list[Any] = [7, 7, 7, "token", 7, "token"]
        for transport in ("websocket", "longpoll"):
            with self.subTest(transport=transport):
                self.errors.clear()
                self.logged.clear()
                left = list(answers)
                client = self.start(
                    auth_token=lambda left=left: left.pop(0), transport=transport
                )
                self.memory.advance(1.0)
                self.assertEqual(
                    [type(it) for it in self.errors], [ConfigurationError] * 3
                )
                [line] = self.logged
                self.assertIn("no retry can mend this, unless", line)
                self.assertIn("auth_token", line)
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
                # Another row of failures is told again.
                self.memory.drop()
                self.memory.flush()
                self.memory.advance(0.5)
                self.assertEqual(len(self.logged), 2)
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
                self.stop_client(client)

    def test_endpoint(self) -> None:
        """So it is with an endpoint callable that makes something else."""
        made: list[Any] = [object(), self.memory.endpoint]
        client = self.start(endpoint=lambda *_: made.pop(0))
        [error] = self.errors
        self.assertIsInstance(error, ConfigurationError)
        self.memory.advance(0.5)
        self.assertTrue(client.connected)

    def test_static(self) -> None:
        """Where nothing is asked anew, the retries end, and all who wait are told."""
        wrong = ConfigurationError("it can never work")

        def connect(_factory: Any) -> Any:
            raise wrong

        self.patch(self.memory, "accept", connect)
        client = self.make_client()
        client.on_error(self.errors.append)
        client.startService()
        waiting = self.watch(client.when_connected())
        join = self.watch(client.join(TOPIC))
        self.memory.advance(100)
        self.assertEqual((self.errors, client.connection.is_wanted), ([wrong], False))
        self.assertEqual(len(join.fired), 1)
        error = self.assert_failed(waiting, ConfigurationError)
        self.assertEqual(str(error), str(wrong))
        [line] = self.logged
        self.assertIn("not tried again", line)

    def test_refusals(self) -> None:
        """A server may change its mind: refusals are retried, whatever the status."""
        self.memory.refuse(403)
        client = self.start()
        self.memory.advance(0.5)
        self.assertEqual([type(it) for it in self.errors], [HandshakeRefused] * 2)
        self.assertEqual(self.logged, [])
        self.assertTrue(client.connection.is_wanted)
