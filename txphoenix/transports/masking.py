"""A client's data frames, masked as RFC 6455 section 5.3 wants them.

The package ``websockets`` brings a function in C for it, which is used where that is
installed (``pip install 'txphoenix[accelerated]'``).
Without it, up to about 1.5 kB one exclusive or of two long integers is the fastest way;
from there on it is Autobahn's native masking, where that was built.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final

from autobahn.websocket import USES_NVX, xormasker

__all__ = ["BINARY", "PONG", "TEXT", "masked_frame"]

TEXT: Final = 0x81
"""The first byte of a text message in one frame (RFC 6455 section 5.2)."""

BINARY: Final = 0x82
"""The first byte of a binary message in one frame."""

PONG: Final = 0x8A
"""The first byte of a pong."""

_NATIVE_FROM: Final = 1500 if USES_NVX else 2**63

# A payload of so many bytes is masked in pieces of that size, which stay in the
# processor's cache; a multiple of four, so that each has the mask from its beginning.
_VERY_LONG: Final = 128 * 1024

_Mask = Callable[[bytes, bytes], bytes]

_pack_16 = struct.Struct("!BBH").pack
_pack_64 = struct.Struct("!BBQ").pack


def _keys() -> Iterator[bytes]:
    """Masking keys without end, as unpredictable as RFC 6455 section 10.3 asks.

    A call to the operating system costs several times what a key costs here.
    """
    while True:
        block = os.urandom(4096)
        for start in range(0, len(block), 4):
            yield block[start : start + 4]


_next_key = _keys().__next__


def _exclusive_or(payload: bytes, key: bytes) -> bytes:
    """What a mask is: a fraction of a microsecond, and a few for a thousand bytes."""
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")
    return masked.to_bytes(size, "big")


def _accelerator() -> _Mask | None:
    """The function of ``websockets``, if it is there, and does what it did."""
    try:
        from websockets.speedups import apply_mask

        for size in (0, 1, 7, 16, 77, 1021):
            payload, key = os.urandom(size), os.urandom(4)
            masked = apply_mask(payload, key)
            if type(masked) is not bytes or masked != _exclusive_or(payload, key):
                return None
    except Exception:
        # It is not said to be for others, and so may be gone or be another one.
        return None
    return apply_mask


_apply_mask: _Mask | None = _accelerator()


def masked_frame(first: int, payload: bytes) -> tuple[bytes, bytes]:
    """A message in one frame.

    It comes in two parts, so that a long payload need not be copied once more; the
    second is empty where it is so long that it is masked piece by piece.

    :param first: :data:`TEXT`, :data:`BINARY` or :data:`PONG`.
    """
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 0x10000:
        head = _pack_16(first, 0x80 | 126, size)
    else:
        head = _pack_64(first, 0x80 | 127, size)
    key = _next_key()
    if size >= _VERY_LONG:
        return _long_frame(head + key, payload, key), b""
    if _apply_mask is not None:
        return head + key, _apply_mask(payload, key)
    if size >= _NATIVE_FROM:
        return head + key, _native(payload, key)
    # The payload's number is four bytes shorter than the other.
    # So the key comes out unchanged in front of the masked payload.
    keys = (key * (size // 4 + 2))[: size + 4]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")
    return head, masked.to_bytes(size + 4, "big")


def _native(payload: bytes, key: bytes) -> bytes:
    """Mask as Autobahn does it."""
    masker: Any = xormasker.create_xor_masker(key, len(payload))  # type: ignore[attr-defined]
    masked: bytes = masker.process(payload)
    return masked


def _long_frame(head: bytes, payload: bytes, key: bytes) -> bytes:
    """A frame in one part, which is there once and no more."""
    mask = _apply_mask or (_native if _NATIVE_FROM <= _VERY_LONG else _exclusive_or)
    frame = BytesIO()
    frame.write(head)
    for start in range(0, len(payload), _VERY_LONG):
        frame.write(mask(payload[start : start + _VERY_LONG], key))
    # It gives its bytes away without a copy.
    return frame.getvalue()
