"""What a timeout says: sent and not answered, or never sent, and why."""

from __future__ import annotations

import pickle
from typing import Any

from twisted.internet.error import ConnectionRefusedError
from twisted.logger import capturedLogs, formatEvent

from txphoenix.errors import (
    ConnectionClosed,
    ConnectionFailed,
    HandshakeRefused,
    JoinTimeout,
    PushTimeout,
)

from .support import TOPIC, ClientTestCase, Outcome

REFUSED = (
    "no connection: the endpoint MemoryEndpoint: ConnectionRefusedError: Connection was"
    " refused by other side. (ws://127.0.0.1:4000/socket/websocket?vsn=[redacted])"
)


class PushTimeoutTests(ClientTestCase):
    """A push that has waited for too long."""

    def assert_says(
        self, outcome: Outcome[Any], was_sent: bool, text: str
    ) -> PushTimeout:
        """It says whether it was sent, and in its text why not."""
        error = self.assert_failed(outcome, PushTimeout)
        self.assertEqual(error.was_sent, was_sent)
        self.assertEqual(str(error), f"push of 'silent' to '{TOPIC}' {text}")
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.was_sent), (str(error), was_sent))
        return error

    def test_sent(self) -> None:
        """Sent, and not answered: the server may have acted on it."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("silent", timeout=3))
        self.memory.advance(3)
        error = self.assert_says(outcome, True, "not answered within 3 s")
        self.assertIsNone(error.__cause__)

    def test_no_connection(self) -> None:
        """Never sent: it says why there was no connection, as its cause does."""
        channel = self.joined_channel()
        self.memory.is_listening = False
        self.lose_connection()
        early = self.watch(channel.push("silent", timeout=0.25))
        late = self.watch(channel.push("silent", timeout=3))
        self.memory.advance(0.25)
        error = self.assert_failed(early, PushTimeout)
        cause = error.__cause__
        self.assertIsInstance(cause, ConnectionClosed)
        self.assert_says(
            early, False, f"not sent within 0.25 s: no connection: {cause}"
        )
        self.memory.advance(2.75)
        error = self.assert_says(late, False, f"not sent within 3 s: {REFUSED}")
        cause = error.__cause__
        assert isinstance(cause, ConnectionFailed)
        self.assertIsInstance(cause.__cause__, ConnectionRefusedError)

    def test_not_joined(self) -> None:
        """Never sent, as the channel was not joined, though there was a connection."""
        channel = self.joined_channel()
        self.memory.refusal = {"reason": "full"}
        self.lose_connection()
        outcome = self.watch(channel.push("silent", timeout=3))
        self.reconnect()
        self.memory.advance(2.5)
        error = self.assert_says(outcome, False, "not sent within 3 s: not joined")
        self.assertIsNone(error.__cause__)

    def test_push_async(self) -> None:
        """The log has it for those without a Deferred."""
        channel = self.joined_channel()
        self.memory.is_listening = False
        self.lose_connection()
        channel.push_async("silent")
        self.memory.advance(4.9)
        with capturedLogs() as captured:
            self.memory.advance(0.1)
        texts = [formatEvent(event) for event in captured]
        self.assertIn(
            f"{TOPIC}: silent was never sent: push of 'silent' to '{TOPIC}' not sent"
            f" within 5 s: {REFUSED}",
            texts,
        )


class JoinTimeoutTests(ClientTestCase):
    """A join that has waited for too long."""

    def assert_says(
        self, outcome: Outcome[Any], was_sent: bool, text: str
    ) -> JoinTimeout:
        """It says whether it was sent, and in its text why not."""
        error = self.assert_failed(outcome, JoinTimeout)
        self.assertEqual(error.was_sent, was_sent)
        self.assertEqual(str(error), f"join of '{TOPIC}' {text}")
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.was_sent), (str(error), was_sent))
        return error

    def test_sent(self) -> None:
        """Sent, and not answered."""
        client = self.connected_client()
        self.memory.holds_joins = True
        outcome = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        self.assert_says(outcome, True, "not answered within 5 s")

    def test_refused_connection(self) -> None:
        """Never sent: a program that has nobody to talk to says so."""
        self.memory.is_listening = False
        client = self.make_client()
        client.startService()
        outcome = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        error = self.assert_says(outcome, False, f"not sent within 5 s: {REFUSED}")
        self.assertIsInstance(error.__cause__, ConnectionFailed)

    def test_refused_handshake(self) -> None:
        """So does one whose token is refused."""
        self.memory.refuse(403)
        client = self.make_client()
        client.startService()
        outcome = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        error = self.assert_failed(outcome, JoinTimeout)
        self.assertIsInstance(error.__cause__, HandshakeRefused)
        self.assertIn("no connection: handshake refused: HTTP 403", str(error))

    def test_first_attempt(self) -> None:
        """While the first attempt is under way there is no error to tell."""
        client = self.connecting_client()
        outcome = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        error = self.assert_says(outcome, False, "not sent within 5 s: no connection")
        self.assertIsNone(error.__cause__)

    def test_connection_came(self) -> None:
        """An error before the connection that is there has nothing to do with it."""
        self.memory.is_listening = False
        client = self.make_client()
        client.startService()
        self.memory.flush()
        self.memory.is_listening = True
        self.memory.holds_joins = True
        outcome = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        self.assert_says(outcome, True, "not answered within 5 s")

    def test_being_left(self) -> None:
        """Never sent, as the leave before it took too long."""
        channel = self.joined_channel()
        self.memory.answers = False
        self.watch(channel.leave(timeout=10))
        outcome = self.watch(channel.join())
        self.memory.advance(5)
        self.assert_says(
            outcome, False, "not sent within 5 s: the topic is still being left"
        )
