"""What RFC 9112 makes of an answer to a GET, read all at once.

Where the RFC leaves a choice it has the library's, as docs/decisions/transports.rst
tells it: no pipelining, one compression at most, limits.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

__all__ = ["Ruled", "rule"]

_FIRST: Final = re.compile(rb"HTTP/[0-9]\.[0-9] +([1-9][0-9][0-9])(?: .*)?", re.DOTALL)
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_END: Final = re.compile(rb"\r?\n\r?\n")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[\t ]*(?:;[\t \x21-\x7e\x80-\xff]*)?")
_MOST_IGNORED: Final = 64 * 1024
_LONGEST_LINE: Final = 1024


class Ruled(NamedTuple):
    """What has become of an answer.

    :ivar kind: ``whole``; ``cut`` for one that ends too soon; ``wrong``; ``large``.
    """

    kind: str
    status: int = 0
    body: bytes = b""


_WRONG: Final = Ruled("wrong")
_CUT: Final = Ruled("cut")


def rule(data: bytes, limit: int) -> Ruled:
    """What becomes of an answer behind which the server ends the connection.

    :param limit: the most bytes of its body.
    """
    while True:
        end = _END.search(data)
        if end is None:
            return _WRONG if _is_no_beginning(data) else _CUT
        read = _read_head(data[: end.start()])
        data = data[end.end() :]
        if read is None:
            return _WRONG
        status, fields = read
        if not 100 <= status < 200 or status == 101:
            break
    if status in (101, 204, 304):
        return Ruled("whole", status)
    found = _framed(fields, data, limit)
    if isinstance(found, Ruled):
        return found
    body, is_whole = found
    has_length = b"content-length" in fields and b"transfer-encoding" not in fields
    if has_length and is_whole and not body:
        # Where there is nothing, there is nothing to decode, whatever it is called.
        return Ruled("whole", status)
    ruled = _decoded(body, fields.get(b"content-encoding"), status, limit, is_whole)
    return ruled if is_whole or ruled.kind != "whole" else _CUT


def _is_no_beginning(data: bytes) -> bool:
    """Whether the first line is there, and is none."""
    line, end, _ = data.partition(b"\n")
    return bool(end) and _read_head(line.removesuffix(b"\r")) is None


def _read_head(head: bytes) -> tuple[int, dict[bytes, bytes]] | None:
    head = head.replace(b"\r\n", b"\n")
    first, _, rest = head.partition(b"\n")
    found = _FIRST.fullmatch(first)
    if b"\r" in head or found is None or b"\n" in found[0]:
        return None
    fields: dict[bytes, list[bytes]] = {}
    last: list[bytes] = []
    for line in rest.split(b"\n") if rest else []:
        if line[:1] in (b" ", b"\t") and last:
            # An old way to go on (RFC 9112 section 5.2).
            last[-1] += b" " + line.lstrip(b" \t")
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            return None
        last = fields.setdefault(name.lower(), [])
        last.append(value)
    joined = {
        name: b", ".join(each.replace(b"\0", b" ").strip(b" \t") for each in values)
        for name, values in fields.items()
    }
    return int(found[1]), joined


_Body = tuple[bytes, bool]


def _framed(fields: dict[bytes, bytes], data: bytes, limit: int) -> _Body | Ruled:
    """The body as it came, and whether it is whole (RFC 9112 section 6.3)."""
    coding, length = (
        fields.get(name) for name in (b"transfer-encoding", b"content-length")
    )
    if coding is not None:
        if coding.lower() != b"chunked":
            return _WRONG
        return _chunked(data, limit)
    if length is None:
        return (data, True) if len(data) <= limit else Ruled("large")
    lengths = {each.strip(b" \t") for each in length.split(b",")}
    value = lengths.pop()
    if lengths or not re.fullmatch(rb"[0-9]{1,18}", value):
        return _WRONG
    size = int(value)
    if len(data[:size]) > limit:
        return Ruled("large")
    return data[:size], len(data) >= size


def _chunked(data: bytes, limit: int) -> _Body | Ruled:
    """A body in chunks (RFC 9112 section 7.1)."""
    body = b""
    ignored = 0
    while True:
        line, end, rest = data.partition(b"\r\n")
        if len(line) >= _LONGEST_LINE - 1:
            return _WRONG
        found = _SIZE.fullmatch(line)
        if not end:
            return body, False
        if found is None:
            return _WRONG
        ignored += len(line) - found.end(1)
        size = int(found[1], 16)
        if size == 0:
            return _behind_chunks(rest, ignored, body)
        body += rest[:size]
        if len(body) > limit:
            return Ruled("large")
        behind = rest[size : size + 2]
        if not b"\r\n".startswith(behind):
            return _WRONG
        if len(behind) < 2:
            return body, False
        data = rest[size + 2 :]


def _behind_chunks(data: bytes, ignored: int, body: bytes) -> _Body | Ruled:
    """The trailers, of which nothing is kept."""
    while True:
        line, end, data = data.partition(b"\r\n")
        if len(line) >= _LONGEST_LINE - 1:
            return _WRONG
        if not end:
            return body, False
        ignored += len(line) + 2
        if ignored > _MOST_IGNORED:
            return _WRONG
        if not line:
            return body, True


def _decoded(
    body: bytes, encoding: bytes | None, status: int, limit: int, is_whole: bool
) -> Ruled:
    """The body without its compression (RFC 9110 section 8.4)."""
    encoding = (encoding or b"").lower()
    if encoding in (b"", b"identity"):
        return Ruled("whole", status, body)
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        return _WRONG
    if not body:
        return Ruled("whole", status)
    inflate = zlib.decompressobj(47)
    try:
        content = inflate.decompress(body, limit + 1)
        while len(content) <= limit and inflate.unconsumed_tail:
            content += inflate.decompress(inflate.unconsumed_tail, limit + 1)
    except zlib.error:
        return _WRONG
    if len(content) > limit:
        return Ruled("large")
    if inflate.unused_data or (is_whole and not inflate.eof):
        return _WRONG
    return Ruled("whole", status, content)
