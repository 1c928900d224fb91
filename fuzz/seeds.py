"""What the fuzzing begins with: the recordings of Phoenix servers, cut to size.

They are made anew at each run from ``txphoenix/test/wire``.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

from txphoenix.test.frame_wire import BINARY, CLOSE, PING, TEXT, frame
from txphoenix.test.recordings import (
    RECORDINGS,
    Closed,
    Exchange,
    Handshake,
    Pong,
    WireFrame,
    recording,
)

from .session import ACCEPT

__all__ = [
    "frame_seeds",
    "handshake_seeds",
    "http_seeds",
    "presence_seeds",
    "serializer_seeds",
    "url_seeds",
]

# A longer one teaches the fuzzer nothing, and makes it slow.
_LONGEST = 1024
_FRAMES_A_STREAM = 4
_ACCEPT_OF_RECORDINGS = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def _server_frames() -> Iterator[WireFrame]:
    for flavour in RECORDINGS:
        for section in recording(flavour).sections:
            for each in section.frames():
                if each.is_sent_by_server and not each.missing:
                    yield each


def _of_kind(kind: type) -> Iterator[object]:
    for flavour in RECORDINGS:
        for section in recording(flavour).sections:
            yield from (it for it in section.happenings if isinstance(it, kind))


def serializer_seeds() -> Iterator[bytes]:
    """Recorded frames, each for its own serializer."""
    for each in _server_frames():
        is_first = not each.is_binary and each.data.startswith(b"{")
        kind = int(each.is_binary) | 2 * int(is_first)
        if len(each.data) <= _LONGEST:
            yield bytes([kind]) + each.data


def deflated(payload: bytes) -> bytes:
    """A message as it is compressed by a context of its own."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def frame_seeds() -> Iterator[bytes]:
    """Recorded frames, pings and closes, a few in a row, plain and compressed."""
    units = []
    for each in _server_frames():
        if len(each.data) <= _LONGEST:
            opcode = BINARY if each.is_binary else TEXT
            half = len(each.data) // 2
            units += [
                frame(each.data, opcode),
                frame(deflated(each.data), opcode, rsv=4),
                frame(each.data[:half], opcode, fin=False) + frame(each.data[half:], 0),
            ]
    for pong in _of_kind(Pong):
        if isinstance(pong, Pong):
            units.append(frame(pong.payload, PING))
    for closed in _of_kind(Closed):
        if isinstance(closed, Closed) and closed.code not in (1005, 1006):
            units.append(frame(closed.code.to_bytes(2, "big"), CLOSE))
    units = list(dict.fromkeys(units))
    for start in range(0, len(units), _FRAMES_A_STREAM):
        stream = b"".join(units[start : start + _FRAMES_A_STREAM])
        # Compressed ones are good where compression was agreed on, and wrong elsewhere.
        yield bytes([start & 1, start % 7]) + stream


def handshake_seeds() -> Iterator[bytes]:
    """Recorded answers to handshakes, alone and behind an interim answer.

    Some have a status that only looks like the one that is asked for, or a blank line
    right behind it.
    """
    for each in _of_kind(Handshake):
        if isinstance(each, Handshake):
            lines = [each.status, *(f"{name}: {value}" for name, value in each.headers)]
            text = "\r\n".join([*lines, "", each.body])
            answer = text.encode().replace(_ACCEPT_OF_RECORDINGS.encode(), ACCEPT)
            for flags in (0, 3):
                yield bytes([flags, 0]) + answer
                yield bytes([flags, 9]) + b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer
            if b" 101 " in answer:
                yield bytes([0, 0]) + answer.replace(b" 101 ", b" +101 ", 1)
                yield bytes([0, 0]) + answer.replace(b"\r\n", b"\n\r\n", 1)


def http_seeds() -> Iterator[bytes]:
    """Recorded answers of long-poll: by length, in chunks, compressed; and bodies."""
    for number, each in enumerate(_of_kind(Exchange)):
        if not isinstance(each, Exchange) or len(each.answer) > _LONGEST:
            continue
        body = each.answer.encode()
        yield bytes([1, 0]) + body
        first = f"HTTP/1.1 {each.status} OK\r\nserver: x\r\n".encode()
        packed = gzip.compress(body, mtime=0)
        half = len(body) // 2
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:])
        )
        answers = [
            b"content-length: %d\r\n\r\n%b" % (len(body), body),
            b"transfer-encoding: chunked\r\n\r\n%b0\r\n\r\n" % chunks,
            b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b"
            % (len(packed), packed),
            b"\r\n" + body,
        ]
        yield bytes([0, number % 5]) + first + answers[number % len(answers)]


def url_seeds() -> Iterator[bytes]:
    """The URLs of the recordings, others of each kind, and recorded payloads."""
    for each in _of_kind(Exchange):
        if isinstance(each, Exchange):
            yield b"\x04http://127.0.0.1:4000" + each.url.encode()
    for text in (
        "ws://127.0.0.1:4000/socket?token=abcdefghijklm",
        "wss://[fe80::1%25eth0]:4443/socket/websocket?vsn=1.0.0",
        "https://exämple.org./a%20b/longpoll",
    ):
        yield b"\0" + text.encode()
        yield b"\x0c" + text.encode()
    for text in ("http://me:p%40ssword@proxy.example.org:3128", "https://[::1]/"):
        yield b"\x01" + text.encode()
    # Userinfo that should have been escaped, in URLs that are refused.
    for text in (
        "ws://proxy.example.org.17&o?@there",
        "http://me:1234?abcdefghijklm@proxy.example.org:3128",
        "http://me:1234/?abcdefghijklm@proxy.example.org:3128",
        "http://me:1234#abcdefghijklm@proxy.example.org:3128",
    ):
        yield b"\0" + text.encode()
        yield b"\x01" + text.encode()
    for text in ("example.org:8080", "[::1]:80"):
        yield b"\x02" + text.encode()
    yield b'\x03{"user":{"id":1,"tags":["a","b"]},"ok":true,"none":null,"x":1.5}'


def presence_seeds() -> Iterator[bytes]:
    """Recorded lists and diffs, in the order in which they came."""
    for flavour in RECORDINGS:
        for section in recording(flavour).sections:
            steps = []
            for each in section.frames():
                if each.is_binary or not each.is_sent_by_server or each.missing:
                    continue
                try:
                    value = json.loads(each.data)
                except ValueError:
                    continue
                if isinstance(value, list) and str(value[3]).startswith("presence_"):
                    steps.append(value[4])
            for state in (step for step in steps if "joins" not in step):
                # Somebody who comes and goes at once.
                yield json.dumps([{"joins": state, "leaves": state}]).encode()
            if steps:
                yield json.dumps(steps[:_FRAMES_A_STREAM]).encode()
                yield json.dumps(steps[::-1][:_FRAMES_A_STREAM]).encode()
