"""A body in chunks, taken apart as it comes (RFC 9112 section 7.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .http_head import LONGEST_HEAD, ParseError

__all__ = ["Chunks"]

# The most bytes of what comes before a chunk, and of a trailer behind the last.
_LONGEST_LINE: Final = 1024
_LINE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class Chunks:
    """A body in chunks.

    :param collect: takes what is in them.
    """

    def __init__(self, collect: Callable[[bytes], None]) -> None:
        self._collect = collect
        # What has come of a line that is not whole.
        self._begun = b""
        # How much of the chunk is to come, its end of a line included.
        self._left = 0
        self._is_last = False
        # How many bytes came beside the content, of what is ignored.
        self._ignored = 0

    def take(self, data: bytes) -> bytes | None:
        """Take what has come.

        :return: what follows the last chunk and the trailers; None until then.
        :raises ParseError: it is no body in chunks.
        """
        if self._begun:
            data, self._begun = self._begun + data, b""
        start = 0
        while start < len(data):
            if self._left > 2:
                piece = data[start : start + self._left - 2]
                self._collect(piece)
                self._left -= len(piece)
                start += len(piece)
            elif self._left:
                # The end of a line, behind a chunk.
                end = data[start : start + self._left]
                if not b"\r\n"[-self._left :].startswith(end):
                    raise ParseError("a chunk without its end")
                self._left -= len(end)
                start += len(end)
            else:
                end_of_line = data.find(b"\r\n", start, start + _LONGEST_LINE)
                if end_of_line < 0:
                    if len(data) - start >= _LONGEST_LINE:
                        raise ParseError("a line that is too long")
                    self._begun = data[start:]
                    return None
                line = data[start:end_of_line]
                start = end_of_line + 2
                if self._take_line(line):
                    return data[start:]
        return None

    def _take_line(self, line: bytes) -> bool:
        """Whether that was the last line of all."""
        if self._is_last:
            self._ignore(len(line) + 2)
            return not line
        found = _LINE.fullmatch(line)
        if found is None:
            raise ParseError("a chunk without its size")
        self._ignore(len(line) - found.end(1))
        size = int(found[1], 16)
        self._is_last = size == 0
        self._left = size + 2 if size else 0
        return False

    def _ignore(self, size: int) -> None:
        """Trailers and extensions, of which there may be as much as of headers."""
        self._ignored += size
        if self._ignored > LONGEST_HEAD:
            raise ParseError("trailers or extensions that are too long")
