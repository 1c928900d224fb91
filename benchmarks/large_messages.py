"""The server's large messages: each has its number, a checksum, and a large body.

In JSON that is ``{"n": 0, "crc": 1234, "body": "..."}``, where the body is letters and
digits as of a file in base64; in binary ``n`` and ``crc``, four bytes each, and bytes.
A message to the client carries the body's checksum, and one to the server as well.
"""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from random import Random

from .frames import BINARY, frame

__all__ = ["HEAD", "body", "large_frames", "number_of"]

HEAD = struct.Struct(">II")
"""The start of a binary payload: number and checksum."""

_START = re.compile(rb'\{"n": ?(\d+), ?"crc": ?(\d+), ?"body": ?"')
_PUSH = 0


def body(size: int, is_binary: bool) -> bytes:
    """A body of so many bytes."""
    data = Random(size).randbytes(size)
    return data if is_binary else b64encode(data)[:size]


def large_frames(
    count: int, size: int, is_binary: bool, join_ref: bytes
) -> list[bytes]:
    """The frames of the server's pushes on the topic ``bench:0``."""
    data = body(size, is_binary)
    crc = zlib.crc32(data)
    if is_binary:
        ref = join_ref.strip(b'"')
        start = b"%c%c%c%c%bbench:0msg" % (_PUSH, len(ref), 7, 3, ref)
        return [frame(start + HEAD.pack(n, crc) + data, BINARY) for n in range(count)]
    start = b'[%b,null,"bench:0","msg",{"n":' % join_ref
    return [
        frame(b'%b%d,"crc":%d,"body":"%b"}]' % (start, n, crc, data))
        for n in range(count)
    ]


def number_of(payload: bytes, is_binary: bool, is_checked: bool) -> int | None:
    """The number of a client's message; None if its body is not what it was.

    :param payload: at least its start, and if ``is_checked`` all of it.
    """
    if is_binary:
        number, crc = HEAD.unpack_from(payload)
        data = payload[HEAD.size :]
    else:
        start = _START.match(payload)
        if start is None:
            return None
        number, crc = int(start[1]), int(start[2])
        data = payload[start.end() :].removesuffix(b'"}')
    return None if is_checked and zlib.crc32(data) != crc else number
