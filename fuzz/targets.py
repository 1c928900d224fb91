"""The targets by their names.

A target is a plain function of bytes, which raises where something is wrong; it knows
nothing of what makes the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .frames import frames
from .handshake import handshake
from .http_answers import http_answers
from .presence import presence
from .seeds import (
    frame_seeds,
    handshake_seeds,
    http_seeds,
    presence_seeds,
    serializer_seeds,
    url_seeds,
)
from .serializers import serializers
from .urls import urls

__all__ = ["TARGETS", "Target"]


class Target(NamedTuple):
    """One target.

    :ivar run: takes an input, and raises for a fault.
    :ivar seeds: what to begin with.
    :ivar words: what is worth putting into an input.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: Iterable[bytes]


_JSON = (
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b"true",
    b"NaN",
    b"1e999",
    b"-0",
    b"1.5",
    b"18446744073709551616",
    b"123456789012345678901234567890",
    b'"\\ud800"',
    b'"\\u0000"',
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
)
_HTTP = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\x0b",
    b"\0",
    b" ",
    b"\t",
    b",",
    b";",
    b"HTTP/1.1 ",
    b"HTTP/1.1 100 Continue\r\n\r\n",
)

TARGETS = {
    "serializers": Target(
        serializers,
        serializer_seeds,
        (*_JSON, b'"topic":', b'"event":', b'"phx_reply"', b'"join_ref":'),
    ),
    "frames": Target(
        frames,
        frame_seeds,
        (
            b"\x81\x00",
            b"\x82\x7e\x00\x7e",
            b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
            b"\x01\x00",
            b"\x00\x00",
            b"\x80\x00",
            b"\x88\x02\x03\xe8",
            b"\x89\x00",
            b"\x8a\x7d",
            b"\xc1\x00",
            b"\xf0\x9f\x92\xa9",
            b"\xed\xa0\x80",
        ),
    ),
    "handshake": Target(
        handshake,
        handshake_seeds,
        (
            *_HTTP,
            b"ACCEPT",
            b"101",
            b" +101",
            b" 1_01",
            b"Upgrade: websocket\r\n",
            b"Connection: keep-alive, Upgrade\r\n",
            b"Sec-WebSocket-Accept: ",
            b"Sec-WebSocket-Protocol: phoenix\r\n",
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
            b"; server_no_context_takeover",
            b"; client_max_window_bits=9",
        ),
    ),
    "http": Target(
        http_answers,
        http_seeds,
        (
            *_HTTP,
            *_JSON,
            b"Content-Length: 0\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"0\r\n\r\n",
            b'"status":200',
            b'"messages":[]',
        ),
    ),
    "urls": Target(
        urls,
        url_seeds,
        (
            *_JSON[:9],
            b"ws://",
            b"https://",
            b"%25",
            b"%2",
            b"@",
            b"?",
            b"#",
            b"&vsn=",
            b"127.1",
            b"0x7f",
            b"[::1]",
            b"xn--",
            b".",
            b"\xe3\x80\x82",
            b"\xc3\x9f",
            b"\xe2\x80\x8d",
            b"65536",
            b"\xff",
        ),
    ),
    "presence": Target(
        presence,
        presence_seeds,
        (
            *_JSON,
            b'"phx_ref":"a"',
            b'"metas":[]',
            b'"metas":[{"phx_ref":"a"}]',
            b'{"joins":{},"leaves":{}}',
        ),
    ),
}
"""The targets, by the names that the command line has for them."""
