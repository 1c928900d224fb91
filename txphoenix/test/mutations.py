"""Makes what recorded servers have sent worse, by a seed.

A mutation is bytes as a server sends them: a frame or a few, right or wrong.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from .frame_wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from .recordings import RECORDINGS, recording

__all__ = ["Mutations", "recorded_payloads"]

Payload = tuple[bytes, int]
"""What a recorded frame holds, and its opcode."""

_TOKENS = (
    *(b'"', b"[", b"]", b"{", b"}", b",", b":", b"\\", b"null", b"true", b"NaN"),
    *(b"1e999", b"-0", b"1.5e-7", b"123456789012345678901234567890", b"9" * 400),
    *(b'"\\ud800"', b'"\\u0000"', b"\\u0022", b'""', b'"phx_close"', b'"phx_error"'),
    *(b'"phx_reply"', b'{"status":"ok","response":{}}', b'{"joins":{},"leaves":{}}'),
    *(b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"),
    *(b"\xe2\x82", b"\0", b"\xf0\x9f\x92\xa9"),
)
_CODES = (
    *(0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1011, 1012),
    *(1013, 1014, 1015, 1016, 2999, 3000, 4000, 4999, 5000, 65535),
)
_GOOD_CODES = (1000, 1012)
_DEPTHS = (3, 50, 300, 1023, 1500, 6000)


@cache
def recorded_payloads(longest: int = 2000) -> tuple[Payload, ...]:
    """What the recorded servers have sent, each once."""
    found: dict[Payload, None] = {}
    frames = (
        each
        for flavour in RECORDINGS
        for section in recording(flavour).sections
        for each in section.frames()
    )
    for each in frames:
        if each.is_sent_by_server and not each.missing and len(each.data) <= longest:
            found[each.data, BINARY if each.is_binary else TEXT] = None
    return tuple(found)


class Mutations:
    """Mutations of payloads, one after the other.

    :param random: decides.
    :param payloads: what they are of.
    :param limit: the most bytes of a message: some are a little longer.
    :param is_deflated: whether messages may be compressed.
    """

    def __init__(
        self,
        random: Random,
        payloads: Sequence[Payload],
        limit: int,
        is_deflated: bool,
    ) -> None:
        self._random = random
        self._payloads = payloads
        self._limit = limit
        self._is_deflated = is_deflated
        self._ways = (
            *(self._plain,) * 12,
            *(self._payload,) * 20,
            *(self._fragments,) * 4,
            *(self._control,) * 3,
            *(self._broken_header,) * 3,
            *(self._length,) * 2,
            *(self._bytes,) * 4,
            *(self._close,) * 2,
            self._large,
            *((self._deflate,) * 6 if is_deflated else ()),
        )

    def next(self) -> bytes:
        """The next one."""
        way: Callable[[], bytes] = self._random.choice(self._ways)
        return way()

    # -- Payloads -----------------------------------------------------------------

    def _recorded(self) -> Payload:
        return self._random.choice(self._payloads)

    def _worse(self, data: bytes) -> bytes:
        """Data with a thing or two done to it."""
        random = self._random
        made = bytearray(data)
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            at = random.randrange(len(made) + 1)
            end = min(len(made), at + random.randrange(1, 30))
            way = random.randrange(7)
            if way == 0 and made:
                made[at % len(made)] ^= 1 << random.randrange(8)
            elif way == 1:
                del made[at:end]
            elif way == 2:
                made[at:at] = made[at:end]
            elif way == 3:
                made[at:at] = random.choice(_TOKENS)
            elif way == 4:
                other, _ = self._recorded()
                made[at:] = other[random.randrange(len(other) + 1) :]
            elif way == 5:
                made[at:end] = random.randbytes(random.randrange(6))
            else:
                depth = random.choice(_DEPTHS)
                opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
                is_whole = random.random() < 0.7
                made[at:at] = opening * depth + b"1" + closing * depth * is_whole
        return bytes(made)

    def _plain(self) -> bytes:
        payload, opcode = self._recorded()
        return frame(payload, opcode)

    def _payload(self) -> bytes:
        payload, opcode = self._recorded()
        if self._random.random() < 0.1:
            opcode = TEXT + BINARY - opcode
        return frame(self._worse(payload), opcode)

    # -- Frames -------------------------------------------------------------------

    def _fragments(self) -> bytes:
        """A message in fragments, with what may and may not come between."""
        random = self._random
        payload, opcode = self._recorded()
        if random.random() < 0.3:
            payload = self._worse(payload)
        count = random.choice((2, 2, 3, 5, 1200 if random.random() < 0.02 else 4))
        size = len(payload) // count + 1 if count < 100 else random.choice((0, 1))
        pieces = [payload[n * size : (n + 1) * size] for n in range(count)]
        made = []
        for number, piece in enumerate(pieces):
            is_last = number == count - 1
            made.append(frame(piece, CONTINUATION if number else opcode, fin=is_last))
            if random.random() < 0.2 and count < 100:
                made.append(random.choice((self._control, self._plain, self._ping))())
        if random.random() < 0.15:
            random.shuffle(made)
        if random.random() < 0.1:
            made.pop()
        return b"".join(made)

    def _ping(self) -> bytes:
        return frame(self._random.randbytes(self._random.randrange(9)), PING)

    def _control(self) -> bytes:
        random = self._random
        size = random.choice((0, 1, 5, 125, 125, 126, 300))
        rsv = random.choice((0, 0, 0, 4, 1))
        opcode = random.choice((PING, PING, PING, PONG, PONG, 11))
        is_final = random.random() < 0.9
        return frame(random.randbytes(size), opcode, is_final, rsv)

    def _close(self) -> bytes:
        random = self._random
        way = random.randrange(5)
        if way == 0:
            return frame(b"", CLOSE)
        if way == 1:
            return frame(b"\x03", CLOSE)
        reason = random.choice(
            (b"", b"bye", "è".encode(), b"\xff", b"\xe2\x82", b"x" * 123)
        )
        # What comes behind it counts for nothing, whatever it is.
        behind = self._bytes() if random.random() < 0.5 else b""
        codes = random.choice((_CODES, _GOOD_CODES))
        return frame(struct.pack("!H", random.choice(codes)) + reason, CLOSE) + behind

    def _broken_header(self) -> bytes:
        """Reserved bits and opcodes, masks."""
        random = self._random
        payload, opcode = self._recorded()
        way = random.randrange(4)
        if way == 0:
            return frame(payload, opcode, rsv=random.randrange(1, 8))
        if way == 1:
            return frame(payload, random.randrange(16))
        if way == 2:
            return frame(payload, opcode, key=random.randbytes(4))
        return frame(payload, opcode, random.random() < 0.5, random.choice((0, 0, 4)))

    def _length(self) -> bytes:
        """A length that takes too much, or is none."""
        random = self._random
        payload, opcode = self._recorded()
        if random.random() < 0.5:
            return frame(payload, opcode, form=random.choice((126, 127)))
        size = random.choice(
            (0, len(payload) + 1, self._limit, self._limit + 1, 1 << 32, 1 << 63)
        )
        form = 127 if size > 65535 or random.random() < 0.3 else 126
        packed = struct.pack("!Q" if form == 127 else "!H", size)
        return bytes([0x80 | opcode, form]) + packed + payload

    def _bytes(self) -> bytes:
        """Whole frames, and then any byte of them."""
        made = b"".join(self._plain() for _ in range(self._random.randrange(1, 4)))
        return self._worse(made)

    def _large(self) -> bytes:
        """What is as large as may be, or a little larger."""
        size = self._limit + self._random.choice((-20, -1, 0, 1, 50))
        head = b'[null,null,"rooms:lobby","news","'
        payload = head + b"x" * (size - len(head) - 2) + b'"]'
        return frame(payload, TEXT)

    # -- Compression --------------------------------------------------------------

    def _deflate(self) -> bytes:
        """A compressed message, by a context of its own: any other can follow."""
        random = self._random
        payload, opcode = self._recorded()
        way = random.randrange(9)
        if way == 0:
            payload = bytes(self._limit + random.choice((-1, 0, 1, 500_000)))
            opcode = BINARY
        elif way < 4:
            payload = self._worse(payload)
        packer = zlib.compressobj(random.randrange(10), wbits=-15)
        packed = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
        data = packed[:-4] if way != 4 else self._worse(packed[:-4])
        if way == 6:
            # RFC 7692 section 7.2.3.4.
            packer = zlib.compressobj(wbits=-15)
            data = packer.compress(payload) + packer.flush(zlib.Z_FINISH) + b"\0"
        if way < 7:
            return frame(data, opcode, rsv=4)
        cut = random.randrange(len(data) + 1)
        first = frame(data[:cut], opcode, fin=False, rsv=4)
        rsv = 4 if random.random() < 0.1 else 0
        return first + self._ping() + frame(data[cut:], CONTINUATION, rsv=rsv)
