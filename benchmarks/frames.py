"""Frames as the server sends them, and what a frame of a client holds."""

from __future__ import annotations

__all__ = ["BINARY", "DEFLATED", "TEXT", "frame", "unmasked"]

TEXT = 0x81
BINARY = 0x82
DEFLATED = 0xC1


def frame(data: bytes, kind: int = TEXT) -> bytes:
    """An unmasked frame.

    :param kind: its first byte.
    """
    size = len(data)
    if size < 126:
        return b"%c%c%b" % (kind, size, data)
    if size < 65536:
        return b"%c\x7e%b%b" % (kind, size.to_bytes(2, "big"), data)
    return b"%c\x7f%b%b" % (kind, size.to_bytes(8, "big"), data)


def unmasked(data: bytes, mask: bytes) -> bytes:
    """What was masked."""
    size = len(data)
    masks = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(data, "little") ^ masks).to_bytes(size, "little")
