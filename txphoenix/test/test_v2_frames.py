"""Tests of :mod:`txphoenix.protocol.v2_frames`."""

from __future__ import annotations

from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.field_checks import Fields
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.protocol.v2_frames import V2Frames


class Five(NamedTuple):
    """Five fields that are no :class:`Message`."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: object


SAMPLES: list[Fields] = [
    ("1", "2", "rooms:lobby", "new_msg", {"body": "hi"}),
    (None, None, "rooms:lobby", "new_msg", [None]),
    ("1", "2", "rooms:lobby", "new_msg", b"hi"),
    (None, "2", "rooms:lobby", "new_msg", b""),
]

# A push in JSON, one whose refs are integers, and the kinds of binary frames.
FRAMES = [
    (b'["1","2","t","e",{}]', False),
    (b'[1,2,"t","e",{},6]', False),
    (b"\x00\x01\x01\x011tehi", True),
    (b"\x01\x01\x01\x01\x0212tokhi", True),
    (b"\x02\x01\x01tehi", True),
]


class KindTests(SynchronousTestCase):
    """What messages are made as."""

    def test_decoded(self) -> None:
        """A frame is read as what was asked for, whatever kind of frame it is."""
        for kind in (Message, Five):
            frames: V2Frames[Message | Five] = V2Frames(kind)
            for data, is_binary in FRAMES:
                message = frames.decode(data, is_binary)
                self.assertIs(type(message), kind)
                self.assertEqual(message, V2Serializer().decode(data, is_binary))

    def test_encoded(self) -> None:
        """A tuple of five has the frame that a Message of them has."""
        frames: V2Frames[Fields] = V2Frames(Five)
        for fields in SAMPLES:
            expected = V2Serializer().encode(Message(*fields))
            self.assertEqual(frames.encode(fields), expected)
            self.assertEqual(Message(*fields).encode(), expected)
