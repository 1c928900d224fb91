"""How text gets to a stream: at once, and held up as long as its reader is.

Twisted's transports keep what is not taken, without end.
A command rather waits, as usual for a program in a pipe, so that what a server sends
waits as well.
"""

from __future__ import annotations

import os
import select
import time
from typing import TextIO

__all__ = ["Writer"]

# Once that much fits, as poll() tells, so much is taken without waiting for more room.
_PIECE = getattr(select, "PIPE_BUF", 512)

# How often one looks whether to give up, in milliseconds.
_LOOK_EACH = 200

# How long one waits where poll() does not, in seconds.
_PAUSE = 0.01


class Writer:
    """Writes text to a stream, whether that blocks or not.

    Another program that shares a terminal or a pipe may have made it non-blocking, and
    Twisted does so with that of the console.

    :param stream: the stream; what it has no characters for is escaped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._written = self._descriptor
        if self._descriptor is not None and stream.isatty():
            self._written = _own_terminal(self._descriptor)
        self._is_hurried = False
        self._has_given_up = False

    def hurry(self) -> None:
        """Throw away what the reader does not take now; a signal may call it."""
        self._is_hurried = True

    def write(self, text: str) -> None:
        """Write, and wait until all of it is taken.

        :raises OSError: it cannot be written.
        """
        if self._has_given_up:
            return
        if self._written is None:
            self._stream.write(text)
            self._stream.flush()
            return
        # What argparse has written goes first.
        self._stream.flush()
        encoding = self._stream.encoding or "utf-8"
        left = memoryview(text.encode(encoding, "backslashreplace"))
        poll = select.poll()
        poll.register(self._written, select.POLLOUT)
        while left:
            if poll.poll(_LOOK_EACH):
                try:
                    left = left[os.write(self._written, left[:_PIECE]) :]
                    continue
                except BlockingIOError:
                    # Somebody else has taken the room, or a terminal has too little of
                    # it for the end of a line, and poll() waits for no more.
                    time.sleep(_PAUSE)
            if self._is_hurried:
                self._has_given_up = True
                return

    def finish(self) -> None:
        """Write what the stream itself has kept; what cannot be written is gone.

        Python would otherwise try once more at its end, and complain.

        :raises OSError: it could not be written.
        """
        try:
            self._stream.flush()
        except OSError:
            if self._descriptor is not None:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._descriptor)
                os.close(nowhere)
            raise


def _own_terminal(descriptor: int) -> int:
    """The terminal opened once more, for us alone, so that a write takes what fits.

    poll() tells of room for one character there, and a write of more would wait until
    somebody presses Ctrl-Q.
    """
    try:
        name = os.ttyname(descriptor)
        return os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        # Such as one of another user, or of outside of a container.
        return descriptor


def _descriptor(stream: TextIO) -> int | None:
    """That of the file, where there is one, and a system on which it can be asked."""
    if not hasattr(select, "poll"):
        return None
    try:
        return stream.fileno()
    except OSError:
        return None
