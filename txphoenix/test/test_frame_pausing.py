"""Tests of pausing in :mod:`txphoenix.transports.frames`."""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.frame_wire import (
    CLOSE,
    PING,
    PONG,
    Fast,
    Frame,
    frame,
    lost,
    opened,
    sent_frames,
)


class PausingTests(SynchronousTestCase):
    """:meth:`FastFrameProtocol.pause_reading` and ``resume_reading``."""

    def paused(self, acts: dict[int, str] | None = None, **options: Any) -> Any:
        """A protocol with messages 2 to 4 and a ping held back."""
        protocol = opened(Fast, **options)
        protocol.acts = {1: "pause", **(acts or {})}
        data = [frame(b"1"), frame(b"2"), frame(b"?", PING), frame(b"3"), frame(b"4")]
        protocol.dataReceived(b"".join(data))
        self.assertEqual(protocol.messages, [b"1"])
        self.assertEqual(protocol.transport.writes, [])
        self.assertEqual(protocol.transport.producerState, "paused")
        return protocol

    def test_pause_and_resume(self) -> None:
        """The rest of a read waits, control frames too, and comes in order."""
        for fast_frames in (True, False):
            protocol = self.paused(attributes={"fast_frames": fast_frames})
            protocol.resume_reading()
            self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])
            [pong] = sent_frames(b"".join(protocol.transport.writes))
            self.assertEqual(pong, Frame(True, PONG, b"?"))
            self.assertEqual(protocol.transport.producerState, "producing")

    def test_read_while_paused(self) -> None:
        """What a transport delivers all the same waits as well."""
        protocol = self.paused()
        protocol.dataReceived(frame(b"5"))
        protocol.dataReceived(frame(b"6")[:2])
        self.assertEqual(protocol.messages, [b"1"])
        protocol.resume_reading()
        protocol.dataReceived(b"6")
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4", b"5", b"6"])

    def test_pause_within_resume(self) -> None:
        """A message delivered by a resume may pause again."""
        protocol = self.paused({3: "pause"})
        protocol.resume_reading()
        self.assertEqual(protocol.messages, [b"1", b"2", b"3"])
        self.assertEqual(protocol.transport.producerState, "paused")
        protocol.resume_reading()
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])

    def test_resume_within_delivery(self) -> None:
        """A resume while a message is delivered lets the others follow that one."""
        protocol = opened(Fast)
        protocol.acts = {1: "pause and resume"}
        order: list[bytes] = []
        act = protocol.act

        def noting(what: str | None, payload: bytes, is_binary: bool) -> None:
            act(what, payload, is_binary)
            order.append(payload)

        protocol.act = noting
        protocol.dataReceived(frame(b"1") + frame(b"2"))
        self.assertEqual(order, [b"1", b"2"])
        self.assertEqual(protocol.transport.producerState, "producing")

    def test_exception_within_resume(self) -> None:
        """An exception comes out of ``resume_reading``, and reading goes on."""
        protocol = self.paused({2: "raise"})
        self.assertRaises(ZeroDivisionError, protocol.resume_reading)
        self.assertEqual(protocol.transport.producerState, "producing")
        protocol.dataReceived(frame(b"5"))
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4", b"5"])

    def test_resume_twice(self) -> None:
        """A resume without a pause does nothing."""
        protocol = opened(Fast)
        protocol.transport.producerState = "paused"
        protocol.resume_reading()
        self.assertEqual(protocol.transport.producerState, "paused")

    def test_lost(self) -> None:
        """What had arrived before a loss is delivered before ``onClose``."""
        protocol = self.paused({2: "pause", 3: "pause"})
        protocol.dataReceived(frame(struct.pack("!H", 1012), CLOSE))
        lost(protocol)
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])
        self.assertEqual(protocol.seen[4], ("close", True, 1012, None))

    def test_lost_and_exception(self) -> None:
        """An exception out of what is delivered at the end does not hide the end."""
        protocol = self.paused({2: "raise"})
        self.assertRaises(ZeroDivisionError, lost, protocol)
        self.assertEqual(
            [it[0] for it in protocol.seen], ["message", "message", "close"]
        )

    def test_close(self) -> None:
        """After a close of ours its answer is read, behind what was held back."""
        protocol = self.paused()
        protocol.sendClose(1000)
        self.assertEqual(protocol.messages, [b"1"])
        self.assertEqual(protocol.transport.producerState, "producing")
        protocol.dataReceived(frame(struct.pack("!H", 1000), CLOSE))
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])
        self.assertEqual(protocol.remoteCloseCode, 1000)

    def test_pause_when_closing(self) -> None:
        """Nothing is paused once the closing handshake has begun."""
        protocol = opened(Fast)
        protocol.sendClose(1000)
        protocol.pause_reading()
        self.assertEqual(protocol.transport.producerState, "producing")

    def test_drop(self) -> None:
        """After a drop nothing is delivered, but the end of TLS can be read."""
        protocol = self.paused()
        protocol.dropConnection()
        self.assertEqual(protocol.transport.producerState, "producing")
        protocol.resume_reading()
        lost(protocol)
        self.assertEqual(protocol.messages, [b"1"])
