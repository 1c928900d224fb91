"""Tests of :mod:`txphoenix.transports.incomplete_frames`."""

from __future__ import annotations

from autobahn.websocket.utf8validator import Utf8Validator
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.incomplete_frames import IncompleteFrame, begun_frame

from .frame_wire import BINARY, TEXT, Fast, frame, opened
from .properties import checked, given, st
from .test_fragments import peak_of

KB = 1024


def begun(payload: bytes, opcode: int = TEXT) -> IncompleteFrame:
    """A frame of which the header has come."""
    data = frame(payload, opcode)
    made = begun_frame(data[: len(data) - len(payload)], Utf8Validator())
    if made is None:
        raise AssertionError("the header is whole")
    return made


def add_all(incomplete: IncompleteFrame, payload: bytes, size: int) -> list[bool]:
    """Add a payload in pieces of a size; returns what each addition has."""
    return [
        incomplete.add(payload[start : start + size])
        for start in range(0, len(payload), size)
    ]


class IncompleteFrameTests(SynchronousTestCase):
    """:class:`txphoenix.transports.incomplete_frames.IncompleteFrame`."""

    def test_header(self) -> None:
        """It begins as soon as its header is whole, and not before."""
        for payload, size in [(b"x", 2), (b"x" * 200, 4), (b"x" * 70 * KB, 10)]:
            data = frame(payload, BINARY)
            for end in range(size):
                self.assertIsNone(begun_frame(data[:end], Utf8Validator()))
            incomplete = begun_frame(data[:size], Utf8Validator())
            self.assertIsNotNone(incomplete)
            self.assertEqual(incomplete and incomplete.missing, len(payload))
            self.assertEqual(incomplete and incomplete.first, data[0])

    def test_any_pieces(self) -> None:
        """It is put together from pieces of any size."""
        payload = bytes(range(256)) * KB
        for size in (1000, 8 * KB, 8 * KB + 1, 64 * KB, 300 * KB):
            incomplete = begun(payload, BINARY)
            self.assertNotIn(False, add_all(incomplete, payload, size))
            self.assertEqual(incomplete.missing, 0)
            whole = incomplete.payload()
            self.assertIs(type(whole), bytes)
            self.assertEqual(whole, payload)

    def test_memory(self) -> None:
        """What it has taken is there once, but for the first few pieces."""
        payload = b"x" * 400 * KB
        for size in (1, 1460, 32 * KB):

            def take(size: int = size) -> None:
                incomplete = begun(payload)
                for start in range(0, len(payload), size):
                    incomplete.add(payload[start : start + size])
                incomplete.payload()

            self.assertLess(peak_of(take), 1.1 * len(payload) + 9 * size)

    def test_taken(self) -> None:
        """What has come can be given back, with the header."""
        payload = "grüße".encode() * 100
        data = frame(payload)
        incomplete = begun(payload)
        add_all(incomplete, payload[:333], 50)
        self.assertEqual(incomplete.taken(), data[: 4 + 333])

    @checked
    @given(st.text(), st.integers(1, 9))
    def test_text(self, text: str, size: int) -> None:
        """Valid UTF-8 is taken, wherever it is cut."""
        payload = text.encode()
        self.assertNotIn(False, add_all(begun(payload), payload, size))

    def test_not_text(self) -> None:
        """What is no UTF-8 is refused by the read that brings the byte; bytes are not.

        At the end a character must be whole.
        """
        for good, bad in [
            (b"abc", b"\xff"),
            (b"abc\xc3", b"a"),
            (b"\xed", b"\xa0"),
            (b"\xf4", b"\x90"),
            (b"\xf0", b"\x80"),
            ("€".encode(), b"\x80"),
            (b"x" * 10 * KB + b"\xe2\x82", b"\xff"),
        ]:
            payload = good + bad + b"x" * 100
            incomplete = begun(payload)
            self.assertTrue(incomplete.add(good), good)
            self.assertFalse(incomplete.add(bad), bad)
            self.assertTrue(begun(payload, BINARY).add(good + bad))
        self.assertFalse(begun(b"ab\xe2\x82").add(b"ab\xe2\x82"))

    @checked
    @given(st.binary(max_size=12), st.integers(1, 5))
    def test_as_autobahn(self, payload: bytes, size: int) -> None:
        """Each piece is judged as Autobahn's validator does it."""
        incomplete, validator = begun(payload), Utf8Validator()
        for start in range(0, len(payload), size):
            piece = payload[start : start + size]
            is_good, is_whole = validator.validate(piece)[:2]
            is_last = start + size >= len(payload)
            expected = is_good and (is_whole or not is_last)
            self.assertEqual(incomplete.add(piece), expected)
            if not expected:
                return

    def test_limit_in_the_middle(self) -> None:
        """A limit that is set while a frame comes holds for that frame as well."""
        for opcode in (TEXT, BINARY):
            protocol, data = opened(Fast), frame(b"x" * 500, opcode)
            protocol.dataReceived(data[:100])
            protocol.limit_messages(300)
            protocol.dataReceived(data[100:])
            self.assertEqual(protocol.messages, [])
            self.assertEqual(protocol.localCloseCode, 1009)
