"""How many records of TLS are complete with each read.

OpenSSL can be asked for what is in a record, but not whether there is another one, save
by an error.
The header of a record is in plain text and tells its length (RFC 8446 section 5.1).
"""

from __future__ import annotations

from typing import Final

__all__ = ["RecordCounter"]

# The kinds of records, and the first byte of the version, which never changed.
_FIRST_KIND: Final = 20
_LAST_KIND: Final = 24
_VERSION: Final = 3
_HEADER: Final = 5
# The most bytes behind a header; TLS 1.2 allows more than TLS 1.3.
_LONGEST: Final = 2**14 + 2048


class RecordCounter:
    """Counts the records of one connection, from its first byte on."""

    __slots__ = ("_begun", "_missing")

    def __init__(self) -> None:
        # How many bytes of the record that has begun are missing; -1 once what came was
        # no record.
        self._missing = 0
        # What has come of the header of the next one.
        self._begun = b""

    def count(self, data: bytes | memoryview) -> int:
        """Count the records that are complete with what was read.

        :return: -1 if they cannot be told, from now on: what came was no record.
        """
        at = self._missing
        if at < 0:
            return -1
        if self._begun:
            data = self._begun + bytes(data)
            self._begun = b""
        size = len(data)
        if at > size:
            self._missing = at - size
            return 0
        count = 1 if at else 0
        while at + _HEADER <= size:
            length = data[at + 3] << 8 | data[at + 4]
            if (
                not _FIRST_KIND <= data[at] <= _LAST_KIND
                or data[at + 1] != _VERSION
                or length > _LONGEST
            ):
                self._missing = -1
                return -1
            at += _HEADER + length
            count += 1
        if at > size:
            self._missing = at - size
            return count - 1
        self._missing = 0
        self._begun = bytes(data[at:])
        return count
