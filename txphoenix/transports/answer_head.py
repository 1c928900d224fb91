"""The head of the answer to a request, behind which another protocol begins.

Interim answers may come before it::

    C: GET /socket/websocket HTTP/1.1 ...
    S: HTTP/1.1 103 Early Hints ...
    S: HTTP/1.1 101 Switching Protocols ...

RFC 9110 section 15.2: all of 1xx are interim, but for 101, after which HTTP is over,
and a client must be able to read them though it does not expect any.
RFC 9112 section 2.2: lines end in CR and LF, or in LF alone.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Container
from hashlib import sha1
from typing import Final

from .upgrade import GUID

__all__ = [
    "AnswerHead",
    "accepted_head",
    "is_interim",
    "is_refusal",
    "plain_head",
    "read_head",
]

# No server has that much to say before it says anything.
_MOST_ANSWERS = 16

_END = re.compile(rb"\r?\n\r?\n")
# How much of an end may have come with the data before.
_LONGEST_PART = 3

# The headers that an acceptance is about; each counts only if it comes once.
_DECISIVE: Final = frozenset(
    {
        b"connection",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-protocol",
        b"upgrade",
    }
)
_FIRST: Final = re.compile(rb"HTTP/1\.1 101(?: [\t -~]*)?")
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~]*)")
# These three are compiled at their first use: few answers need them.
_INTERIM: Final = rb"HTTP/[0-9.]+ +1(?!01)[0-9]{2}(?![^ \r\n])"
# What Python takes for the number 101, and is no status (RFC 9112 section 4).
_ODD_101: Final = rb"\s*HTTP/1\.1\s+(?!101(?:\s|\Z))\+?[0_]*1_?0_?1(?:\s|\Z)"

_BARE_CR: Final = rb"\r(?!\n)"
_TO_PLAIN = bytes(
    code if 32 <= code < 127 or code in b"\t\r\n" else ord("?") for code in range(256)
)


def is_interim(status: int | None) -> bool:
    """Whether another answer follows one of that status."""
    return status is not None and 100 <= status < 200 and status != 101


def is_refusal(status: int | None) -> bool:
    """Whether a status says that there is no WebSocket."""
    return status is not None and status != 101 and not is_interim(status)


class AnswerHead:
    """Finds the head of the final answer in what arrives.

    In however many pieces that is, each byte is looked at a few times at most.

    :param longest: the most bytes that all may have before the final answer's end.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._data = bytearray()
        self._searched = 0
        self._interim_answers = 0
        self._interim_size = 0

    @property
    def begun(self) -> bytes:
        """What has come of a head that is not whole yet."""
        return bytes(self._data)

    def read(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take what has arrived.

        :return: the head, without the empty line that ends it, and what follows it;
            None as long as it is not whole.
            Nothing is kept of it.
        :raises ValueError: it is too long, or too many interim answers come before it,
            or its status is not written as one.
        """
        self._data += data
        while True:
            end = _END.search(self._data, max(0, self._searched - _LONGEST_PART))
            size = len(self._data) if end is None else end.start()
            if self._interim_size + size > self._longest:
                raise ValueError(f"more than {self._longest} bytes of headers")
            if end is None:
                self._searched = size
                return None
            head = bytes(self._data[:size])
            if not re.match(_INTERIM, head):
                if re.match(_ODD_101, head):
                    raise ValueError("a status that is not three digits")
                rest = bytes(self._data[end.end() :])
                self._data.clear()
                return head, rest
            self._skip(end.end())

    def _skip(self, size: int) -> None:
        """Leave out an interim answer."""
        self._interim_answers += 1
        if self._interim_answers > _MOST_ANSWERS:
            raise ValueError(f"more than {_MOST_ANSWERS} interim answers")
        self._interim_size += size
        del self._data[:size]
        self._searched = 0


def plain_head(head: bytes) -> bytes:
    """A head without what only Python takes for white space or the end of a line.

    No answer to a handshake needs any of it, nor what is not ASCII, which Autobahn
    takes for UTF-8; a CR without its LF ends no line (RFC 9112 section 2.2).
    """
    return re.sub(_BARE_CR, b"?", head.translate(_TO_PLAIN))


def read_head(head: str) -> tuple[int | None, str, dict[str, str]]:
    """Take the answer to a handshake apart, as far as it is HTTP.

    :return: the status, the reason phrase, and the headers by lower-case names.
        A header that comes several times has its values joined, as RFC 9110 section
        5.2 has it.
    """
    first, *lines = re.split("\r?\n", head)
    version, status, phrase = [*first.split(" ", 2), "", ""][:3]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    is_http = version.startswith("HTTP/") and re.fullmatch("[0-9]{3}", status)
    return int(status) if is_http else None, phrase.strip(), headers


def accepted_head(
    data: bytes, key: bytes, offered: Container[str], longest: int
) -> tuple[bytes, str | None] | None:
    """See whether a server plainly accepts what it was asked for.

    That is so if all that came is one answer in ASCII to its end or beyond, which is
    what RFC 6455 section 4.1 asks for without anything to weigh: HTTP/1.1, the status
    101, each of its headers once, the right ``Sec-WebSocket-Accept``, no extension,
    and no subprotocol but one that was offered.
    Any other answer is for a thorough reader, who may find that good as well.

    :param data: what has come since the request.
    :param key: the value of ``Sec-WebSocket-Key``.
    :param offered: the subprotocols.
    :param longest: the most bytes of the head.
    :return: the head, without the empty line that ends it, and the subprotocol.
    """
    size = data.find(b"\r\n\r\n")
    if not 0 < size <= longest:
        return None
    head = data[:size]
    first, *lines = head.split(b"\r\n")
    # Behind an LF of its own the head might have ended.
    if not _FIRST.fullmatch(first):
        return None
    said: dict[bytes, bytes] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        name = match[1].lower()
        if name in _DECISIVE:
            if name in said:
                return None
            said[name] = match[2].strip(b" \t")
    protocol = said.get(b"sec-websocket-protocol")
    if (
        said.get(b"upgrade", b"").lower() != b"websocket"
        or said.get(b"connection", b"").lower() != b"upgrade"
        or said.get(b"sec-websocket-accept") != b64encode(sha1(key + GUID).digest())
        or b"sec-websocket-extensions" in said
        or not (protocol is None or protocol.decode("ascii") in offered)
    ):
        return None
    return head, None if protocol is None else protocol.decode("ascii")
