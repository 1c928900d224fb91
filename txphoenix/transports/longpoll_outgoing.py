"""What a session of long-poll has to send, in order, and what of it has left."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from typing import Final

__all__ = ["Outgoing"]

# As Phoenix's own client has it: the server handles a batch in one go.
_MOST_LINES: Final = 100
# A batch is cut before it is longer than a proxy (nginx: 1 MiB) takes of a body.
_LONGEST_BATCH: Final = 1_000_000

# So many marks of frames that were taken back are of no account.
_FEW_MARKS: Final = 64

_NDJSON: Final = "application/x-ndjson"
_TEXT: Final = "text/plain"


class Outgoing:
    """The frames of one session, from :meth:`add` to the server's answer.

    A frame is named by its mark; marks grow.

    :ivar size: how many bytes wait, those of the batch under way among them.
    :ivar had_binary: whether there ever was a binary frame.
    """

    def __init__(self) -> None:
        self.size = 0
        self.had_binary = False
        # How many frames were in no batch when all were dropped.
        self._dropped = 0
        # Mark -> the frame, and whether it can be a line of a batch.
        self._frames: dict[int, tuple[bytes, bool]] = {}
        # In order; those of frames that were taken back are still among them.
        self._marks: deque[int] = deque()
        self._batch_size = self._batch_lines = 0
        # The latest mark there ever was, that was in a batch, and that has left.
        self._added = self._batched = self._left = 0

    def __bool__(self) -> bool:
        """Whether there is another batch."""
        return bool(self._frames)

    def add(self, data: bytes, is_binary: bool) -> int:
        """Add a frame.

        :return: its mark.
        """
        if is_binary:
            self.had_binary = True
            frame = (b64encode(data), True)
        else:
            if self._frames or self._batch_size:
                # It has to wait, so it is copied: orjson's bytes keep the room that
                # might have been needed, which is 4 KiB at least, and ten times a
                # string.
                data = b"%b" % data
            # The server takes any line of a batch that does not begin so for base64.
            frame = (data, data.startswith(b"[") and b"\n" not in data)
        self._added += 1
        self._frames[self._added] = frame
        self._marks.append(self._added)
        self.size += len(frame[0])
        return self._added

    def withdraw(self, mark: int) -> bool:
        """Take a frame back.

        :return: whether it was in no batch yet.
        """
        frame = self._frames.pop(mark, None)
        if frame is None:
            return False
        self.size -= len(frame[0])
        if len(self._marks) > 2 * len(self._frames) + _FEW_MARKS:
            # A batch may be under way for long, while others are taken back.
            self._marks = deque(self._frames)
        return True

    def next_batch(self) -> tuple[bytes, str]:
        """Take as many frames as go together; there must be one.

        :return: the body of a request, and its content type.
        """
        lines: list[bytes] = []
        size, are_lines = -1, True
        while self._marks and are_lines and len(lines) < _MOST_LINES:
            frame = self._frames.get(self._marks[0])
            if frame is not None:
                line, is_line = frame
                size += 1 + len(line)
                if lines and (size > _LONGEST_BATCH or not is_line):
                    break
                are_lines = is_line
                lines.append(line)
                self._batched = self._marks[0]
                del self._frames[self._batched]
            self._marks.popleft()
        self._batch_size, self._batch_lines = sum(map(len, lines)), len(lines)
        return b"\n".join(lines), _NDJSON if are_lines else _TEXT

    def batch_left(self) -> None:
        """Take note that the system has been given all of the batch."""
        self._left = self._batched

    def batch_taken(self) -> None:
        """Take note that the server has the batch."""
        self.batch_left()
        self.size -= self._batch_size
        self._batch_size = 0

    def has_left(self, mark: int) -> bool:
        """Whether a frame that was not withdrawn has left."""
        return mark <= self._left

    @property
    def unsent(self) -> int:
        """How many frames had not left when all were dropped."""
        # A batch may turn out to have left when its request ends.
        under_way = self._batch_lines if self._left < self._batched else 0
        return self._dropped + under_way

    def clear(self) -> None:
        """Drop what has not been sent."""
        self._dropped += len(self._frames)
        self._frames.clear()
        self._marks.clear()
        self.size = self._batch_size = 0
