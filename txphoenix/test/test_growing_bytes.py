"""Tests of :mod:`txphoenix.transports.growing_bytes`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.growing_bytes import GrowingBytes

from .properties import checked, given, st
from .test_fragments import peak_of

KB = 1024


def grown(length: int, pieces: list[bytes]) -> bytes:
    """What is made of pieces."""
    growing = GrowingBytes(length)
    for piece in pieces:
        growing.add(piece)
    return growing.value()


class GrowingBytesTests(SynchronousTestCase):
    """:class:`txphoenix.transports.growing_bytes.GrowingBytes`."""

    @checked
    @given(st.integers(0, 300), st.lists(st.binary(max_size=40), max_size=12))
    def test_value(self, length: int, pieces: list[bytes]) -> None:
        """It is what has come, be it less or more than was announced."""
        self.assertEqual(grown(length, pieces), b"".join(pieces))

    def test_sizes(self) -> None:
        """It is, too, where room had to be made more than once."""
        for size in (1000, 64 * KB, 64 * KB + 1, 300 * KB):
            pieces = [bytes([number]) * size for number in range(9)]
            for length in (9 * size, 5 * size, 90 * size):
                self.assertEqual(grown(length, pieces), b"".join(pieces))

    def test_more_than_announced(self) -> None:
        """What comes is taken, and what comes behind it."""
        growing = GrowingBytes(3)
        growing.add(b"abcd")
        self.assertEqual(growing.value(), b"abcd")
        growing.add(b"e")
        self.assertEqual(growing.value(), b"abcde")

    def test_memory(self) -> None:
        """All of it is there once, and an announcement alone takes no memory."""
        pieces = [b"x" * 64 * KB for _ in range(32)]
        whole = 32 * 64 * KB
        self.assertLess(peak_of(lambda: grown(whole, pieces)), 1.1 * whole)
        self.assertLess(peak_of(lambda: grown(2**40, pieces[:1])), 5 * 64 * KB)
