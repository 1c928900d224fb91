"""What RFC 6455 makes of a server's bytes, written from the RFC alone.

It takes the bytes behind the opening handshake, and says which messages and pings are
in them, and whether a client has to fail the connection, with which close code.
A client may fail it as soon as something cannot be mended any more (``may_fail``), and
must once the frame or the message is complete (``must_fail``).
RFC 7692 is for messages that are compressed.

Two rules are the library's own: the size of a message (1009), and the number of its
frames (1008).
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

__all__ = ["FrameRules", "is_valid_code"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PROTOCOL, DATA, POLICY, TOO_BIG = 1002, 1007, 1008, 1009

# RFC 3629 section 4, and the beginnings of what it allows.
_TAIL: Final = "[\x80-\xbf]"
_CHARACTERS: Final = re.compile(
    "(?:[\x00-\x7f]|[\xc2-\xdf]T|\xe0[\xa0-\xbf]T|[\xe1-\xec\xee\xef]TT|\xed[\x80-\x9f]T"
    "|\xf0[\x90-\xbf]TT|[\xf1-\xf3]TTT|\xf4[\x80-\x8f]TT)*+".replace("T", _TAIL)
)
_BEGINNING: Final = re.compile(
    "[\xc2-\xf4]|\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef]T|\xed[\x80-\x9f]"
    "|\xf0[\x90-\xbf]T?|[\xf1-\xf3]TT?|\xf4[\x80-\x8f]T?".replace("T", _TAIL)
)


def is_valid_code(code: int) -> bool | None:
    """Whether a close frame may have that code (RFC 6455 section 7.4).

    None for 1014, which is registered and younger than the RFC.
    """
    if code == 1014:
        return None
    return code in {*range(1000, 1004), *range(1007, 1014), *range(3000, 5000)}


class _Header(NamedTuple):
    """A frame's header; ``faults`` are the close codes that it asks for."""

    opcode: int
    is_final: bool
    is_compressed: bool
    length: int
    size: int
    faults: set[int]


class _Text:
    """Looks at text as it comes."""

    def __init__(self) -> None:
        self._rest = ""

    def takes(self, data: bytes) -> bool:
        """Whether it can be UTF-8 so far."""
        text = self._rest + data.decode("latin-1")
        found = _CHARACTERS.match(text)
        self._rest = text[found.end() :] if found else text
        return self.is_whole or bool(_BEGINNING.fullmatch(self._rest))

    @property
    def is_whole(self) -> bool:
        """Whether it ends with a character."""
        return not self._rest


class FrameRules:
    """The reference: give it bytes, and compare.

    :param limit: the most bytes of a message.
    :param is_deflated: whether permessage-deflate was agreed on, both contexts kept.
    :ivar messages: the payloads that are to be delivered, and whether they are binary.
    :ivar pings: the payloads that are to be answered.
    :ivar closed: the code of the server's close frame, 1005 if it has none.
    :ivar may_fail: the close codes with which the connection may be failed by now.
    :ivar must_fail: the same, once it has to be.
    :ivar is_at_frame: whether no frame has begun.
    """

    def __init__(self, limit: int, is_deflated: bool = False) -> None:
        self._limit = limit
        self._inflate = zlib.decompressobj(-15) if is_deflated else None
        self._data = bytearray()
        self._header: _Header | None = None
        self._opcode: int | None = None
        self._is_compressed = False
        self._text = _Text()
        self._payload = bytearray()
        self._compressed = bytearray()
        self._announced = 0
        self._frames = 0
        # How much of the frame under way was looked at.
        self._seen = 0
        self.messages: list[tuple[bytes, bool]] = []
        self.pings: list[bytes] = []
        self.closed: int | None = None
        self.may_fail: set[int] = set()
        self.must_fail: set[int] = set()

    @property
    def is_over(self) -> bool:
        """Whether nothing that follows counts."""
        return self.closed is not None or bool(self.must_fail)

    @property
    def is_at_frame(self) -> bool:
        """Whether no frame has begun."""
        return self._header is None and not self._data

    @property
    def missing(self) -> int:
        """How many bytes the frame under way needs; at most, of its header."""
        if self._header is None:
            return 0 if not self._data else 14 - len(self._data)
        return self._header.length - len(self._data)

    def take(self, data: bytes) -> None:
        """Take what comes next."""
        self._data += data
        while not self.is_over and self._step():
            pass

    def _fail(self, *codes: int) -> None:
        self.must_fail |= self.may_fail | set(codes)
        self.may_fail |= self.must_fail

    def _step(self) -> bool:
        """Go on by a header or a payload; return whether more may follow."""
        if self._header is None:
            header = self._next_header()
            if header is None:
                return False
            del self._data[: header.size]
            if header.faults:
                self._fail(*header.faults)
                return False
            self._header = header
            self._seen = 0
            if header.opcode < CLOSE:
                self._frame_begins(header)
        if self.is_over or self._header is None:
            return False
        header = self._header
        if len(self._data) < header.length:
            self._look_at(header, bytes(self._data[self._seen :]))
            self._seen = len(self._data)
            return False
        payload = bytes(self._data[: header.length])
        fresh = payload[self._seen :]
        del self._data[: header.length]
        self._header = None
        if header.opcode >= CLOSE:
            self._control(header.opcode, payload)
        else:
            self._frame_ends(header, payload, fresh)
        return True

    # -- Headers ------------------------------------------------------------------

    def _next_header(self) -> _Header | None:
        """The header that has come, whole (RFC 6455 section 5.2)."""
        data = self._data
        if len(data) < 2:
            return None
        form = data[1] & 0x7F
        size = {126: 4, 127: 10}.get(form, 2)
        faults = self._faults_of(data[0], data[1])
        self.may_fail |= faults
        if len(data) < size:
            return None
        length = form if size == 2 else int.from_bytes(data[2:size], "big")
        if (size == 4 and length < 126) or (size == 10 and length < 65536):
            # "The minimal number of bytes MUST be used".
            faults.add(PROTOCOL)
        if length >> 63:
            faults.add(PROTOCOL)
        opcode = data[0] & 0x0F
        if opcode < CLOSE:
            before = self._announced if opcode == CONTINUATION else 0
            if before + length > self._limit:
                faults.add(TOO_BIG)
        return _Header(
            opcode, bool(data[0] & 0x80), bool(data[0] & 0x40), length, size, faults
        )

    def _faults_of(self, first: int, second: int) -> set[int]:
        """What is wrong by a header's first two bytes."""
        opcode, rsv, is_final = first & 0x0F, first & 0x70, first & 0x80
        may_compress = self._inflate is not None and opcode in (TEXT, BINARY)
        is_control = opcode >= CLOSE
        is_wrong = (
            (rsv and not (rsv == 0x40 and may_compress))
            or second & 0x80
            or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
            or (is_control and (not is_final or second > 125))
            or (opcode == CLOSE and second == 1)
            or (opcode == CONTINUATION and self._opcode is None)
            or (opcode in (TEXT, BINARY) and self._opcode is not None)
        )
        return {PROTOCOL} if is_wrong else set()

    # -- Messages -----------------------------------------------------------------

    def _frame_begins(self, header: _Header) -> None:
        if header.opcode != CONTINUATION:
            self._opcode = header.opcode
            self._is_compressed = header.is_compressed
            self._text = _Text()
            self._payload.clear()
            self._compressed.clear()
            self._announced = self._frames = 0
        self._announced += header.length
        self._frames += 1
        if self._frames > 1024 + self._announced // 32:
            self._fail(POLICY)

    def _look_at(self, header: _Header, data: bytes) -> None:
        """Look at what has come of a frame."""
        if header.opcode >= CLOSE:
            return
        if self._is_compressed:
            # What is in it shows at its end, and may show before.
            self._compressed += data
            self._inflate_some(bytes(data))
        else:
            self._add(data)

    def _add(self, data: bytes) -> None:
        self._payload += data
        if self._opcode == TEXT and not self._text.takes(data):
            self.may_fail.add(DATA)

    def _inflate_some(self, data: bytes) -> None:
        if self._inflate is None:
            return
        room = self._limit + 1 - len(self._payload)
        try:
            inflated = self._inflate.decompress(data, max(1, room))
        except zlib.error:
            # RFC 7692 does not say with which code.
            self.may_fail |= {PROTOCOL, DATA}
            return
        self._add(inflated)
        if len(self._payload) > self._limit:
            self.may_fail.add(TOO_BIG)

    def _end_block(self) -> None:
        """Give back what the sender has left out (RFC 7692 section 7.2.2).

        What still comes of it is of a block that was cut off, and which part of that
        is the message is nowhere said.
        """
        if self._inflate is not None:
            try:
                self._inflate.decompress(b"\0\0\xff\xff")
            except zlib.error:
                self.may_fail |= {PROTOCOL, DATA}
            if self._inflate.eof:
                # Section 7.2.3.4; the library takes no message that refers beyond it.
                self._inflate = zlib.decompressobj(-15)

    def _frame_ends(self, header: _Header, payload: bytes, fresh: bytes) -> None:
        self._look_at(header, fresh)
        if not header.is_final:
            if self.may_fail - {DATA}:
                self._fail()
            return
        if self._is_compressed and not self.may_fail:
            self._end_block()
        is_binary = self._opcode == BINARY
        self._opcode = None
        if not is_binary and not self._text.is_whole:
            self.may_fail.add(DATA)
        if self.may_fail:
            self._fail()
            return
        self.messages.append((bytes(self._payload), is_binary))

    # -- Control frames -----------------------------------------------------------

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.pings.append(payload)
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            text = _Text()
            if not text.takes(payload[2:]) or not text.is_whole:
                self._fail(DATA)
            if payload and is_valid_code(code) is not True:
                if is_valid_code(code) is None:
                    self.closed = code
                    self.may_fail.add(PROTOCOL)
                else:
                    self._fail(PROTOCOL)
            if not self.must_fail:
                self.closed = code
