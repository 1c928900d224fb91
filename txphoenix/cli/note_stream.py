"""Standard error, which can be diverted while something else draws on the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from .writing import Writer

__all__ = ["NoteStream"]


class NoteStream(io.TextIOBase):
    """A stream that writes to another, or gives its lines to a function.

    :param stream: the other.
    :ivar writer: what writes to it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self.writer = Writer(stream)
        self._take: Callable[[str], object] | None = None
        self._rest = ""

    def write(self, text: str) -> int:
        """Write text."""
        if self._take is None:
            self.writer.write(text)
            return len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    @contextmanager
    def diverted(self, take: Callable[[str], object]) -> Iterator[None]:
        """Give each line to ``take`` for a while, without its end."""
        self._take = take
        try:
            yield
        finally:
            self._take = None
            rest, self._rest = self._rest, ""
            if rest:
                self.write(rest)
