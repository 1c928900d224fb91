"""Tests of :mod:`txphoenix.transports.frames`.

That it does the same as Autobahn's own protocol is tested in ``test_frame_streams``,
pausing in ``test_frame_pausing``.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any

from autobahn.exception import Disconnected, PayloadExceededError
from autobahn.websocket.compress import PerMessageDeflate
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from txaio.testutil import replace_loop

from txphoenix.test.frame_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Fast,
    Frame,
    frame,
    lost,
    opened,
    sent_frames,
)
from txphoenix.transports.short_way import is_plain_session


class NoParser(Fast):
    """The protocol under test, where Autobahn's parser must not be needed."""

    def processData(self) -> bool:
        """Fail."""
        raise AssertionError(f"Autobahn's parser got {self.data[:20]!r}")


class Counting(Fast):
    """The protocol under test; it counts the bytes that its buffer was given."""

    buffered = 0
    _data = b""

    @property
    def data(self) -> bytes:
        """The read buffer."""
        return self._data

    @data.setter
    def data(self, data: bytes) -> None:
        self._data = data
        self.buffered += len(data)


class ReceivingTests(SynchronousTestCase):
    """What happens to the bytes that come in."""

    def test_plain_frames(self) -> None:
        """Plain frames are delivered without Autobahn's parser."""
        protocol = opened(NoParser)
        sizes = [0, 1, 125, 126, 65535, 65536]
        for size in sizes:
            protocol.dataReceived(frame(b"t" * size) + frame(b"b" * size, BINARY))
        expected: list[tuple[Any, ...]] = []
        for size in sizes:
            expected += [
                ("message", b"t" * size, False),
                ("message", b"b" * size, True),
            ]
        self.assertEqual(protocol.seen, expected)
        self.assertIs(type(protocol.messages[-1]), bytes)

    def test_incomplete_frame(self) -> None:
        """The frame a read ends in is kept for the next, wherever it was cut."""
        data = frame("grüße".encode()) + frame(b"x" * 200) + frame(b"y" * 9000, BINARY)
        for cut in [*range(250), 400, 9000]:
            protocol = opened(NoParser)
            protocol.dataReceived(data[:cut])
            protocol.dataReceived(data[cut:])
            sizes = [len(payload) for payload in protocol.messages]
            self.assertEqual(sizes, [7, 200, 9000])

    def test_large_frame_looked_through(self) -> None:
        """A read that only brings more of a frame is not asked about."""
        asked: list[bytes] = []

        class Asked(NoParser):
            def receiver_of(self, read: bytes) -> Any:
                asked.append(read)
                return super().receiver_of(read)

        protocol = opened(Asked)
        data = frame(b"1") + frame(b"x" * 900) + frame(b"2")
        for start in range(0, len(data), 100):
            protocol.dataReceived(data[start : start + 100])
        self.assertEqual(protocol.messages, [b"1", b"x" * 900, b"2"])
        self.assertEqual([read[:3] for read in asked], [frame(b"1"), frame(b"2")])

    def test_behind_the_handshake(self) -> None:
        """Frames that come in one read with the server's handshake are delivered."""
        protocol = opened(NoParser, rest=frame(b"1") + frame(b"2")[:2])
        self.assertEqual(protocol.messages, [b"1"])
        protocol.dataReceived(b"2")
        self.assertEqual(protocol.messages, [b"1", b"2"])

    def test_back_again(self) -> None:
        """Behind a frame for Autobahn's parser, the short way goes on."""
        protocol = opened(Fast)
        protocol.acts = dict.fromkeys(range(1, 9), "echo")
        split = (
            frame(b"sp", fin=False) + frame(b"!", PING) + frame(b"lit", CONTINUATION)
        )
        protocol.dataReceived(frame(b"1") + frame(b"?", PING) + split + frame(b"2")[:2])
        protocol.processData = NoParser.processData.__get__(protocol)
        protocol.dataReceived(frame(b"2")[2:] + frame(b"3"))
        self.assertEqual(protocol.messages, [b"1", b"split", b"2", b"3"])
        sent = [
            (it.opcode, it.payload)
            for it in sent_frames(b"".join(protocol.transport.writes))
        ]
        self.assertEqual(
            sent,
            [
                (TEXT, b"1"),
                (PONG, b"?"),
                (PONG, b"!"),
                (TEXT, b"split"),
                (TEXT, b"2"),
                (TEXT, b"3"),
            ],
        )

    def test_bad_text(self) -> None:
        """Text that is not UTF-8 closes with 1007, as soon as it shows."""
        protocol = opened(Fast)
        protocol.dataReceived(frame(b"good") + b"\x81\x7e\x01\x00" + b"so far \xc3")
        self.assertEqual(protocol.state, protocol.STATE_OPEN)
        protocol.dataReceived(b"\xc3")
        self.assertEqual(protocol.messages, [b"good"])
        self.assertEqual(protocol.localCloseCode, 1007)

    def test_cut_twice(self) -> None:
        """The check of an incomplete text knows nothing of the one before."""
        protocol = opened(Fast)
        protocol.dataReceived(frame("€".encode())[:3])
        protocol.dataReceived(frame("€".encode())[3:] + b"\x81\x05\x82")
        self.assertEqual(protocol.messages, ["€".encode()])
        self.assertEqual(protocol.localCloseCode, 1007)

    def test_bad_long_text(self) -> None:
        """Text in a long frame is checked all the same."""
        protocol = opened(Fast)
        data = frame("ü".encode() * 20000 + b"\xff" + b"x" * 200000)
        protocol.dataReceived(data[:40000])
        self.assertEqual(protocol.state, protocol.STATE_OPEN)
        protocol.dataReceived(data[40000:60000])
        self.assertEqual(protocol.localCloseCode, 1007)

    def test_too_large(self) -> None:
        """A frame over the limit closes with 1009 when its header is there."""
        for limit in ("maxMessagePayloadSize", "maxFramePayloadSize"):
            limits: dict[str, Any] = {limit: 1000}
            protocol = opened(Fast, **limits)
            protocol.dataReceived(frame(b"x" * 1000) + frame(b"y" * 1001)[:4])
            self.assertEqual(protocol.messages, [b"x" * 1000])
            self.assertEqual(protocol.localCloseCode, 1009)

    def test_long_frame_in_small_reads(self) -> None:
        """What is copied grows with the frame, not with its square."""
        for read_size, size in [(1460, 1 << 20), (65536, 250_000), (1000, 16_000)]:
            for payload in (b"x" * size, "ü".encode() * (size // 2)):
                protocol = opened(Counting)
                data = frame(payload)
                for start in range(0, len(data), read_size):
                    protocol.dataReceived(data[start : start + read_size])
                self.assertEqual(protocol.messages, [payload])
                self.assertLess(protocol.buffered, 25 * len(data))

    def test_long_frame_in_any_reads(self) -> None:
        """A long frame takes the short way, whatever it holds and however it comes."""
        text = "ü€😀".encode() * 20_000
        for payload in (b"x" * 200_000, text, b"x" * 90_000 + text):
            for read_size in (1460, 16_384, 65_536, 65_537):
                protocol = opened(NoParser)
                data = frame(payload) + frame(payload, BINARY) + frame(b"y")
                for start in range(0, len(data), read_size):
                    protocol.dataReceived(data[start : start + read_size])
                self.assertEqual(protocol.messages, [payload, payload, b"y"])
                self.assertEqual({type(it) for it in protocol.messages}, {bytes})

    def test_close_within_a_long_frame(self) -> None:
        """A close of ours in the middle of a frame loses nothing of it."""
        protocol = opened(Fast)
        data = frame(b"x" * 200_000) + frame(b"y")
        protocol.dataReceived(data[:100_000])
        protocol.sendClose(1000)
        protocol.dataReceived(data[100_000:])
        self.assertEqual(protocol.messages, [b"x" * 200_000, b"y"])

    def test_listener_within_a_long_frame(self) -> None:
        """Who listens to Autobahn's signal from then on gets the frame as well."""
        protocol = opened(Fast)
        data = frame(b"x" * 200_000) + frame(b"y")
        protocol.dataReceived(data[:100_000])
        heard: list[bytes] = []
        protocol.on("message", lambda payload, is_binary: heard.append(payload))
        protocol.dataReceived(data[100_000:])
        self.assertEqual(heard, [b"x" * 200_000, b"y"])

    def test_lost_within_a_long_frame(self) -> None:
        """What has come of a frame is let go of with the connection."""
        protocol = opened(Fast)
        protocol.dataReceived(frame(b"x" * 200_000)[:100_000])
        lost(protocol)
        self.assertIsNone(protocol._incomplete)

    def test_more_within_a_delivery(self) -> None:
        """What the transport delivers while a message is, comes after it, in order."""
        protocol = opened(NoParser)
        late = [frame(b"3", BINARY)[:1], frame(b"3", BINARY)[1:] + frame(b"4", BINARY)]
        ended: list[bytes] = []

        def act(what: str | None, payload: bytes, is_binary: bool) -> None:
            if late:
                protocol.dataReceived(late.pop(0))
            ended.append(payload)

        protocol.act = act
        protocol.dataReceived(frame(b"1") + frame(b"2"))
        self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])
        self.assertEqual(ended, protocol.messages)

    def test_exception(self) -> None:
        """An exception goes to the reactor; no message is lost or comes twice."""
        split = frame(b"2", fin=False) + frame(b"", CONTINUATION)
        data = frame(b"1") + split + frame(b"3") + frame(b"4")[:2]
        for act in (1, 2, 3):
            protocol = opened(Fast)
            protocol.acts = {1: "echo", act: "raise"}
            self.assertRaises(ZeroDivisionError, protocol.dataReceived, data)
            self.assertEqual(len(protocol.messages), act)
            protocol.dataReceived(b"4")
            self.assertEqual(protocol.messages, [b"1", b"2", b"3", b"4"])
            self.assertEqual(len(protocol.transport.writes), 1 if act > 1 else 0)

    def test_close_within_a_delivery(self) -> None:
        """After a close of ours messages still come, after a drop none do."""
        for act, messages in [("close", 4), ("drop", 2), ("abort", 2)]:
            protocol = opened(Fast)
            protocol.acts = {2: act}
            protocol.dataReceived(frame(b"x") * 4)
            self.assertEqual(len(protocol.messages), messages, act)

    def test_after_the_end(self) -> None:
        """What comes after a drop is not looked at."""
        protocol = opened(Fast)
        protocol.dropConnection()
        protocol.dataReceived(frame(b"x"))
        self.assertEqual(protocol.seen, [])


class DetourTests(SynchronousTestCase):
    """When frames go Autobahn's way; its counters tell."""

    def assert_detour(self, protocol: Any) -> None:
        """Assert that Autobahn's parser and ``sendMessage`` do the work."""
        protocol.dataReceived(frame(b"hello") + frame(b"b", BINARY))
        self.assertEqual(protocol.messages, [b"hello", b"b"])
        stats = protocol.trafficStats
        self.assertEqual(stats.incomingWebSocketMessages, 2)
        protocol.send_frame(b"bye", False)
        self.assertEqual(stats.outgoingWebSocketMessages, 1)
        self.assertEqual(len(protocol.transport.writes), 1)

    def test_short_way(self) -> None:
        """On the short way Autobahn counts no message."""
        protocol = opened(Fast)
        self.assertRaises(AssertionError, self.assert_detour, protocol)
        self.assertEqual(protocol.messages, [b"hello", b"b"])

    def test_switched_off(self) -> None:
        """``fast_frames`` set to false turns the short way off."""
        self.assert_detour(opened(Fast, attributes={"fast_frames": False}))

    def test_options(self) -> None:
        """So do Autobahn's options that ask for more than payloads."""
        for name, value in [
            ("logFrames", True),
            ("trackTimings", True),
            ("utf8validateIncoming", False),
            ("maskClientFrames", False),
            ("applyMask", False),
            ("autoFragmentSize", 1000),
        ]:
            self.assert_detour(opened(Fast, attributes={name: value}))

    def test_log_octets(self) -> None:
        """Autobahn's hook for each read is called on the short way as well."""
        protocol = opened(NoParser, attributes={"logOctets": True})
        octets: list[bytes] = []
        protocol.logRxOctets = octets.append
        protocol.dataReceived(frame(b"x"))
        self.assertEqual(octets, [frame(b"x")])

    def test_other_compression(self) -> None:
        """So does a compression that is not permessage-deflate itself."""

        class Other(PerMessageDeflate):
            pass

        protocol = opened(Fast)
        protocol._perMessageCompress = Other(False, False, False, 0, 0, 0)
        protocol._is_plain = is_plain_session(protocol)
        protocol._writer.limit_frames(-1)
        self.assert_detour(protocol)

    def test_listener(self) -> None:
        """Who listens to Autobahn's signal gets each message."""
        protocol = opened(Fast)
        heard: list[bytes] = []
        protocol.on("message", lambda payload, is_binary: heard.append(payload))
        protocol.dataReceived(frame(b"1") + frame(b"2"))
        self.assertEqual(heard, [b"1", b"2"])
        self.assertEqual(protocol.messages, heard)

    def test_pong_awaited(self) -> None:
        """Autobahn sees a frame that it takes for a sign of life, and only that one."""
        protocol = opened(Fast)
        timeout = protocol.factory.reactor.callLater(9, self.fail)
        protocol.autoPingTimeoutCall = timeout
        protocol.dataReceived(frame(b"1") + frame(b"2"))
        self.assertFalse(timeout.active())
        self.assertEqual(protocol.messages, [b"1", b"2"])
        self.assertEqual(protocol.trafficStats.incomingWebSocketMessages, 1)


class SendingTests(SynchronousTestCase):
    """:meth:`FastFrameProtocol.send_frame` and what else is written."""

    def sent(self, protocol: Any) -> list[list[tuple[int, bytes]]]:
        """The frames in each write."""
        return [
            [(it.opcode, it.payload) for it in sent_frames(write)]
            for write in protocol.transport.writes
        ]

    def test_one_turn(self) -> None:
        """Frames made in one turn of the reactor leave in one write."""
        protocol = opened(Fast)
        clock = protocol.factory.reactor
        protocol.send_frame(b"1", False)
        protocol.send_frame(b"2", True)
        self.assertEqual(protocol.transport.writes, [])
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(0)
        protocol.send_frame(b"3", False)
        clock.advance(0)
        self.assertEqual(
            self.sent(protocol), [[(TEXT, b"1"), (BINARY, b"2")], [(TEXT, b"3")]]
        )
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_one_read(self) -> None:
        """Frames made while a read is worked off leave at its end, in one write."""
        protocol = opened(Fast)
        protocol.acts = dict.fromkeys(range(1, 4), "echo")
        # A delayed call costs more than the frame.
        self.patch(protocol.factory.reactor, "callLater", None)
        protocol.dataReceived(frame(b"1") + frame(b"2") + frame(b"3"))
        self.assertEqual(
            self.sent(protocol), [[(TEXT, b"1"), (TEXT, b"2"), (TEXT, b"3")]]
        )

    def test_long_read(self) -> None:
        """In a read of many messages every 32 frames are a write.

        So the server can work on them while the rest of the read is worked off.
        """
        protocol = opened(Fast)
        protocol.acts = dict.fromkeys(range(1, 71), "echo")
        protocol.dataReceived(b"".join(frame(b"%d" % n) for n in range(70)))
        writes = self.sent(protocol)
        self.assertEqual([len(frames) for frames in writes], [32, 32, 6])
        sent = [payload for frames in writes for _, payload in frames]
        self.assertEqual(sent, [b"%d" % n for n in range(70)])

    def test_not_coalesced(self) -> None:
        """With ``coalesce`` set to false each frame is a write, at once."""
        protocol = opened(Fast, attributes={"coalesce": False})
        protocol.send_frame(b"1", False)
        protocol.send_frame(b"2", False)
        self.assertEqual(self.sent(protocol), [[(TEXT, b"1")], [(TEXT, b"2")]])
        self.assertEqual(protocol.factory.reactor.getDelayedCalls(), [])

    def test_order(self) -> None:
        """Whatever Autobahn writes comes after the frames that are older."""
        protocol = opened(Fast)
        protocol.send_frame(b"1", False)
        protocol.sendPing(b"?")
        protocol.send_frame(b"2", False)
        protocol.sendMessage(b"3", True)
        protocol.send_frame(b"4", False)
        protocol.sendClose(1000)
        self.assertEqual(
            list(chain(*self.sent(protocol))),
            [
                (TEXT, b"1"),
                (PING, b"?"),
                (TEXT, b"2"),
                (BINARY, b"3"),
                (TEXT, b"4"),
                (CLOSE, struct.pack("!H", 1000)),
            ],
        )
        self.assertEqual(protocol.factory.reactor.getDelayedCalls(), [])

    def test_chopped(self) -> None:
        """Autobahn's queue of chopped writes keeps its place."""
        protocol = opened(Fast)
        with replace_loop(Clock()) as loop:
            protocol.sendData(b"chopped", chopsize=4)
            protocol.send_frame(b"1", False)
            protocol.flush_frames()
            loop.pump([1] * 4)
        [*chops, write] = protocol.transport.writes
        self.assertEqual(chops, [b"chop", b"ped"])
        self.assertEqual(sent_frames(write), [Frame(True, TEXT, b"1")])

    def test_dropped(self) -> None:
        """What was sent is the transport's when the connection is dropped or aborted.

        A transport that is aborted drops it; nothing is written after that.
        """
        for abort, count in [(False, 1), (True, 1)]:
            protocol = opened(Fast)
            protocol.send_frame(b"1", False)
            protocol.dropConnection(abort=abort)
            protocol.factory.reactor.advance(1)
            self.assertEqual(len(protocol.transport.writes), count)

    def test_lost(self) -> None:
        """A loss leaves no delayed call, and nothing is written after it."""
        protocol = opened(Fast)
        protocol.send_frame(b"1", False)
        lost(protocol)
        self.assertEqual(protocol.factory.reactor.getDelayedCalls(), [])
        self.assertEqual(protocol.transport.writes, [])

    def test_not_open(self) -> None:
        """A session that is not open raises what Autobahn does."""
        protocol = opened(Fast)
        protocol.sendClose(1000)
        self.assertRaises(Disconnected, protocol.send_frame, b"1", False)

    def test_too_large(self) -> None:
        """A payload over the limit raises what Autobahn does, and is not sent."""
        protocol = opened(Fast, maxMessagePayloadSize=10, maxFramePayloadSize=5)
        protocol.send_frame(b"x" * 10, False)
        self.assertRaises(PayloadExceededError, protocol.send_frame, b"x" * 11, False)
        protocol.flush_frames()
        self.assertEqual(self.sent(protocol), [[(TEXT, b"x" * 10)]])
