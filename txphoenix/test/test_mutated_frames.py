"""Mutations of what servers have sent, through a whole client that lives on.

``python -m fuzz.live``, in a clone, has a hundred thousand of them.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.receiving import _Receiving
from txphoenix.errors import SerializerError
from txphoenix.protocol import v2_frames
from txphoenix.transports.frames import FastFrameProtocol

from .mutated_life import MutatedLife, Wrong

SEED = 12
MUTATIONS = 2500
FEW = 300
STEPS = 10

MIB = 1024 * 1024
# The largest message is 16 KiB; most is of dead connections that nobody has collected.
MOST_AT_ONCE = 10 * MIB
# In a run of all tests, caches of others grow meanwhile.
MOST_LEFT = 2 * MIB


class LifeCase(SynchronousTestCase):
    """A test of such a client."""

    def live(self, is_deflated: bool, count: int = MUTATIONS) -> MutatedLife:
        """Live through so many, and end."""
        life = MutatedLife(SEED, is_deflated)
        self.addCleanup(life.forget)
        life.start()
        life.run(count)
        life.stop()
        return life

    def assert_bounded(self, is_deflated: bool) -> None:
        """Live, and look at the memory on the way."""
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        life = MutatedLife(SEED + 1, is_deflated)
        self.addCleanup(life.forget)
        life.start()
        life.run(FEW)
        gc.collect()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(STEPS):
            life.run(FEW // STEPS)
            # A dead connection is a circle, which Python may let lie for a while.
            gc.collect()
        after, peak = tracemalloc.get_traced_memory()
        life.stop()
        self.assertLess(peak - before, MOST_AT_ONCE)
        self.assertLess(after - before, MOST_LEFT)


class MutatedFramesTests(LifeCase):
    """A client of which RFC 6455 is asked at each read."""

    def assert_lived(self, is_deflated: bool) -> None:
        """It has delivered, dropped and died, for each reason that there is."""
        life = self.live(is_deflated)
        self.assertEqual(life.mutations, MUTATIONS)
        self.assertGreater(life.messages - life.dropped, MUTATIONS // 3)
        self.assertGreater(life.dropped, MUTATIONS // 10)
        self.assertLess(sum(life.deaths.values()), MUTATIONS // 2)
        for code in (1000, 1002, 1005, 1006, 1007, 1009, 1012):
            self.assertIn(code, life.deaths)

    def test_plain(self) -> None:
        """The connection dies where the RFC asks for it, with its code, and only there.

        A frame that is no message costs that frame alone, nothing is raised or logged,
        and every Deferred fires.
        """
        self.assert_lived(False)

    def test_compressed(self) -> None:
        """The same with permessage-deflate."""
        self.assert_lived(True)

    def test_memory(self) -> None:
        """Nothing is left of what has come, and not much is there at once."""
        for is_deflated in (False, True):
            self.assert_bounded(is_deflated)


def leak(found: list[Any]) -> Any:
    """A reader of frames that keeps what it reads."""
    receive = _Receiving.receive

    def keep(self: _Receiving, data: bytes, is_binary: bool) -> None:
        found.append(data + bytes(32 * 1024))
        receive(self, data, is_binary)

    return keep


def raising(data: bytes) -> Any:
    """A reader of binary frames that stumbles over a part of one."""
    return None, None, *str(data[data[4] :], "utf-8").split(":", 1), b""


PLANTED = {
    "bad text is delivered": (
        "txphoenix.transports.plain_frames.is_utf8",
        lambda _text: True,
    ),
    "a length too many is taken": (
        "txphoenix.transports.plain_frames.long_header",
        lambda data, at: (at + 4, int.from_bytes(data[at + 2 : at + 4], "big")),
    ),
    "a decoder raises": (f"{v2_frames.__name__}._decode_binary", raising),
    "a good message is dropped": (
        f"{v2_frames.__name__}.V2Frames.to_message",
        mock.Mock(side_effect=SerializerError("no")),
    ),
    "a ping is not answered": (
        "txphoenix.transports.frames.FastFrameProtocol.sendPong",
        lambda _self, _payload=None: None,
    ),
    "a close frame is not the end": (
        "txphoenix.transports.websocket.PhoenixClientProtocol._may_consume",
        FastFrameProtocol._may_consume,
    ),
    "no message is too large": (
        "txphoenix.transports.websocket.PhoenixClientProtocol.limit_messages",
        lambda _self, _size: None,
    ),
    "any error ends the connection": (
        "txphoenix.client.router.MessageRouter.frame_dropped",
        lambda self, _reason: self._connection.link.transport.close(3000),
    ),
}


class PlantedTests(LifeCase):
    """A check that cannot fail is none."""

    def test_faults(self) -> None:
        """Each fault that is planted in the library is found."""
        for name, (target, fault) in PLANTED.items():
            with self.subTest(name=name), mock.patch(target, fault):
                self.assertRaises(Wrong, self.live, False)
        # Some are logged, too, as errors of the library.
        self.flushLoggedErrors()

    def test_memory(self) -> None:
        """So is a reader that keeps what it has read."""
        with mock.patch.object(_Receiving, "receive", leak([])):
            self.assertRaises(self.failureException, self.assert_bounded, False)
