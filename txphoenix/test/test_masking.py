"""Tests of :mod:`txphoenix.transports.masking`."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import masking
from txphoenix.transports.masking import BINARY, TEXT, masked_frame


def parts_of(data: bytes) -> tuple[bytes, bytes, bytes]:
    """A masked frame's header, its key, and its payload without the mask."""
    length = data[1] & 0x7F
    size = 2 + {126: 2, 127: 8}.get(length, 0)
    key = data[size : size + 4]
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[size + 4 :]))
    return data[:size], key, payload


class MaskedFrameTests(SynchronousTestCase):
    """:func:`txphoenix.transports.masking.masked_frame`."""

    def test_header(self) -> None:
        """The header has the first byte, the mask bit and the shortest length."""
        for size, rest in [
            (0, b"\x80"),
            (125, b"\xfd"),
            (126, b"\xfe\x00\x7e"),
            (65535, b"\xfe\xff\xff"),
            (65536, b"\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
        ]:
            for first in (TEXT, BINARY):
                header, _, payload = parts_of(
                    b"".join(masked_frame(first, b"x" * size))
                )
                self.assertEqual(header, bytes([first]) + rest)
                self.assertEqual(payload, b"x" * size)

    @given(st.binary(max_size=300))
    def test_short_payload(self, payload: bytes) -> None:
        """Any payload comes out as it went in."""
        self.assertEqual(parts_of(b"".join(masked_frame(BINARY, payload)))[2], payload)

    def test_every_size(self) -> None:
        """Every size does, on both sides of the change to native masking."""
        for native_from in (0, 2**63):
            self.patch(masking, "_NATIVE_FROM", native_from)
            for size in [*range(20), *range(1495, 1505), 5000]:
                payload = os.urandom(size)
                data = b"".join(masked_frame(BINARY, payload))
                self.assertEqual(parts_of(data)[2], payload)

    def test_keys(self) -> None:
        """Each frame has a key of its own, made by the operating system."""
        asked: list[int] = []

        def urandom(size: int) -> bytes:
            asked.append(size)
            return random(size)

        random = os.urandom
        self.patch(os, "urandom", urandom)
        keys = {parts_of(b"".join(masked_frame(TEXT, b"")))[1] for _ in range(5000)}
        # Four bytes are alike by chance once in some hundred runs of this test.
        self.assertGreater(len(keys), 4990)
        self.assertGreaterEqual(sum(asked), 4 * 4000)
