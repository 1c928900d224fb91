"""Tests of :mod:`txphoenix.transports.short_way`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.short_way import is_at_frame, is_plain_session

from .frame_wire import Fast, frame, lost, opened


class ShortWayTests(SynchronousTestCase):
    """When it is open."""

    def test_session(self) -> None:
        """Any option that asks for more than payloads closes it."""
        self.assertTrue(is_plain_session(opened(Fast)))
        for name, value in (
            ("utf8validateIncoming", False),
            ("maskClientFrames", False),
            ("applyMask", False),
            ("autoFragmentSize", 10),
            ("logFrames", True),
            ("trackTimings", True),
        ):
            protocol = opened(Fast)
            setattr(protocol, name, value)
            self.assertFalse(is_plain_session(protocol), name)

    def test_frame(self) -> None:
        """It is open between two messages, until the session has ended."""
        protocol = opened(Fast)
        self.assertTrue(is_at_frame(protocol))
        protocol.dataReceived(frame(b"begun", fin=False))
        self.assertFalse(is_at_frame(protocol), "inside of a message")
        protocol.dataReceived(frame(b", and ended", opcode=0))
        self.assertTrue(is_at_frame(protocol))
        lost(protocol)
        self.assertFalse(is_at_frame(protocol), "after the loss")

    def test_others(self) -> None:
        """Whoever asks Autobahn of each message, or for a pong, has it go there."""
        for name in ("_listeners", "autoPingTimeoutCall"):
            protocol = opened(Fast)
            setattr(protocol, name, object())
            self.assertFalse(is_at_frame(protocol), name)
            setattr(protocol, name, None)
