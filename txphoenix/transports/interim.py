"""Interim answers, which may come before the answer to a request::

    C: GET /socket/websocket HTTP/1.1 ...
    S: HTTP/1.1 103 Early Hints ...
    S: HTTP/1.1 101 Switching Protocols ...

RFC 9110 section 15.2: all of 1xx are interim, but for 101, after which HTTP is over,
and a client must be able to read them though it does not expect any.
"""

from __future__ import annotations

import re

__all__ = ["InterimAnswers", "is_interim"]

# No server has that much to say before it says anything.
_MOST_ANSWERS = 16

_END_OF_HEAD = b"\r\n\r\n"
_INTERIM = re.compile(rb"HTTP/[0-9.]+ +1(?!01)[0-9]{2}(?![^ \r])")


def is_interim(status: int | None) -> bool:
    """Whether another answer follows one of that status."""
    return status is not None and 100 <= status < 200 and status != 101


class InterimAnswers:
    """Takes the interim answers out of what arrives, as far as they are whole.

    :ivar size: their bytes so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._count = 0

    def skip(self, data: bytes) -> bytes:
        """What is left without them.

        :param data: what has come and was not taken out before.
        :raises ValueError: there are too many of them.
        """
        while _INTERIM.match(data):
            end = data.find(_END_OF_HEAD)
            if end < 0:
                break
            end += len(_END_OF_HEAD)
            self.size += end
            self._count += 1
            if self._count > _MOST_ANSWERS:
                raise ValueError(f"more than {_MOST_ANSWERS} interim answers")
            data = data[end:]
        return data
