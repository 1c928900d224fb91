"""Tests of decoders for the responses to pushes and joins."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from txphoenix.errors import (
    ConfigurationError,
    DecodeError,
    PushError,
    PushTimeout,
)

from .support import TOPIC, Outcome
from .test_decoders import SECRET, DecoderCase, Note, later, to_note


class ResponseTests(DecoderCase):
    """``push(..., decode=...)`` and ``join(..., decode=...)``."""

    def push(
        self, channel: Any, event: str, payload: Any, **options: Any
    ) -> Outcome[Any]:
        """Push, and have the server answer."""
        outcome = self.watch(channel.push(event, payload, **options))
        self.memory.flush()
        return outcome

    def test_reply(self) -> None:
        """The Deferred fires with what the decoder makes of the response."""
        channel = self.join()
        outcome = self.push(channel, "echo", {"body": "hi"}, decode=to_note)
        self.assert_fired(outcome, Note("hi"))
        raw = self.push(channel, "echo", b"\x01", decode=bytes.hex)
        self.assert_fired(raw, "01")

    def test_failure(self) -> None:
        """One that raises fails that Deferred, and nothing else is told."""
        channel = self.join()
        failed = self.push(channel, "echo", {"token": SECRET}, decode=to_note)
        error = self.assert_failed(failed, DecodeError)
        self.assertEqual((error.topic, error.event), (TOPIC, "echo"))
        self.assertTrue(error.is_response)
        self.assertIsInstance(error.__cause__, ValueError)
        self.assertNotIn(SECRET, str(error))
        self.assertEqual((self.errors, self.client_errors), ([], []))
        self.assert_fired(self.push(channel, "echo", {"a": 1}), {"a": 1})

    def test_other_ends(self) -> None:
        """Another end of the push is as without."""
        channel = self.join()
        refused = self.push(channel, "refuse", {"reason": "no"}, decode=self.fail)
        self.assert_failed(refused, PushError)
        silent = self.push(channel, "silent", {}, timeout=1, decode=self.fail)
        self.memory.advance(1)
        self.assert_failed(silent, PushTimeout)
        pushing = channel.push("silent", {}, decode=self.fail)
        cancelled = self.watch(pushing)
        pushing.cancel()
        self.assert_failed(cancelled, CancelledError)

    def test_wrong(self) -> None:
        """What is no decoder fails at once, and nothing is sent."""
        channel = self.join()
        sent = len(self.sent())
        for wrong in (5, later, "to_note"):
            failed = self.push(channel, "echo", {}, decode=wrong)
            self.assert_failed(failed, ConfigurationError)
        other = self._clients[0].channel("rooms:other")
        self.assert_failed(self.watch(other.join(decode=later)), ConfigurationError)
        self.assertEqual((len(self.sent()), other.state), (sent, "closed"))

    def test_join(self) -> None:
        """A join's response is decoded as well; where it is not, the join holds."""
        client = self.connected_client()
        joined = self.watch(client.channel(TOPIC, {"body": "hi"}).join(decode=to_note))
        other = client.channel("rooms:other", {"token": SECRET})
        failed = self.watch(other.join(decode=to_note))
        self.memory.flush()
        self.assert_fired(joined, Note("hi"))
        error = self.assert_failed(failed, DecodeError)
        self.assertEqual((error.event, error.is_response), ("phx_join", True))
        self.assertTrue(other.is_joined)
