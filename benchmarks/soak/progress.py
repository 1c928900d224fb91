"""How far the soak is, on a terminal or into a pipe."""

from __future__ import annotations

from typing import TextIO

__all__ = ["Progress"]

_EACH = 5.0


class Progress:
    """Shows one line that changes on a terminal, and a line each few seconds elsewhere.

    :param stream: where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = float("-inf")
        self._width = 0

    def status(self, now: float, text: str) -> None:
        """Show how far it is; as often as one likes."""
        if self._is_terminal:
            self._stream.write(f"\r{text:{self._width}}")
            self._width = len(text)
            self._stream.flush()
        elif now - self._last >= _EACH:
            self._last = now
            print(text, file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """Show a line that stays."""
        if self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._width = 0
        print(text, file=self._stream, flush=True)
