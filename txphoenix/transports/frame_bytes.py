"""What the bytes of a server's frame say (RFC 6455 section 5.2)."""

from __future__ import annotations

__all__ = ["has_whole_frame", "is_utf8", "long_header"]


def long_header(data: bytes, offset: int) -> tuple[int, int]:
    """Where the payload of the frame at ``offset`` begins, and its length.

    The length is negative if the frame is masked or its length takes more bytes than
    it needs, and 0 as long as the header is incomplete.
    """
    second = data[offset + 1]
    if second > 127:
        return offset, -1
    start = offset + (4 if second == 126 else 10)
    if start > len(data):
        return start, 0
    length = int.from_bytes(data[offset + 2 : start], "big")
    shortest = 126 if second == 126 else 0x10000
    return start, length if length >= shortest else -1


def has_whole_frame(data: bytes) -> bool:
    """Whether a whole frame is there that ``data`` begins with, and is not masked."""
    if len(data) < 2:
        return False
    start, length = (2, data[1]) if data[1] < 126 else long_header(data, 0)
    return 0 <= length <= len(data) - start


def is_utf8(text: bytes) -> bool:
    """Whether the whole text is valid UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
