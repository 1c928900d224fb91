"""Tests of :mod:`txphoenix.transports.masking`."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from txphoenix.transports import masking
from txphoenix.transports.masking import BINARY, TEXT, masked_frame

from .extra import why_skipped
from .properties import checked, given, st
from .test_fragments import peak_of


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

    @checked
    @given(st.binary(max_size=300))
    def test_short_payload(self, payload: bytes) -> None:
        """Any payload comes out as it went in."""
        self.assertEqual(parts_of(b"".join(masked_frame(BINARY, payload)))[2], payload)

    def test_every_size(self) -> None:
        """Every size does, by either way, on both sides of the change to the other."""
        for native_from in (0, 2**63):
            self.patch(masking, "_NATIVE_FROM", native_from)
            for apply_mask in {None, masking._apply_mask}:
                self.patch(masking, "_apply_mask", apply_mask)
                for size in [*range(20), *range(1495, 1505), 131_071, 400_003]:
                    payload = os.urandom(size)
                    data = b"".join(masked_frame(BINARY, payload))
                    self.assertEqual(parts_of(data)[2], payload)

    def test_memory(self) -> None:
        """A very long frame is there once while it is made, and in one part."""
        payload = b"x" * 4 * 1024 * 1024
        masked_frame(TEXT, payload)

        def make() -> None:
            self.assertEqual(masked_frame(TEXT, payload)[1], b"")

        for apply_mask in {None, masking._apply_mask}:
            self.patch(masking, "_apply_mask", apply_mask)
            self.assertLess(peak_of(make), 1.3 * len(payload))

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


class AcceleratorTests(SynchronousTestCase):
    """The function in C that the package ``websockets`` brings."""

    def found(self, *speedups: Any) -> Any:
        """What is found where this is the module, or none."""
        module: Any = None
        if speedups:
            module = ModuleType("websockets.speedups")
            module.__dict__.update(apply_mask=speedups[0])
        name = "websockets.speedups"
        before = sys.modules.get(name)
        # None has its import fail.
        sys.modules[name] = module
        try:
            return masking._accelerator()
        finally:
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before

    def test_used(self) -> None:
        """It masks all frames where it is there."""
        asked: list[int] = []

        def apply_mask(payload: bytes, key: bytes) -> bytes:
            asked.append(len(payload))
            return masking._exclusive_or(payload, key)

        self.assertIs(self.found(apply_mask), apply_mask)
        self.patch(masking, "_apply_mask", apply_mask)
        asked.clear()
        for size in (0, 5, 5000):
            data = b"".join(masked_frame(TEXT, b"x" * size))
            self.assertEqual(parts_of(data)[2], b"x" * size)
        self.assertEqual(asked, [0, 5, 5000])

    def test_installed(self) -> None:
        """The one that is installed is used."""
        try:
            from websockets.speedups import apply_mask
        except ImportError as error:
            reason = why_skipped("websockets") or "websockets was built without it"
            raise SkipTest(reason) from error
        self.assertIs(masking._apply_mask, apply_mask)

    def test_missing(self) -> None:
        """Without it there is none."""
        self.assertIsNone(self.found())

    def test_another(self) -> None:
        """One that does something else than it did is not used."""

        def raises(_payload: bytes, _key: bytes) -> bytes:
            raise RuntimeError("on purpose")

        for apply_mask in (
            None,
            raises,
            lambda payload: payload,
            lambda payload, key: payload,
            lambda payload, key: bytearray(masking._exclusive_or(payload, key)),
            lambda payload, key: masking._exclusive_or(payload, key[::-1]),
        ):
            self.assertIsNone(self.found(apply_mask))
