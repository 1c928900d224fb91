"""JSON with strings of very many characters in it, as of a file in base64.

Such strings are found by their quotes alone, which is much faster than any look at each
character of them.
Then only the rest can have numbers, and need be searched for long ones.
It pays from 8 KiB on, for strings of 4 KiB or more.

From 512 KiB on the codec is given the rest alone, and each string in pieces of 64 KiB:
so it decides whether the text is JSON at all, and the strings are made of the text as
they stand.
That takes two thirds of the memory, for a codec has a copy of the text while it reads.

It is done for strings that stand for themselves: nothing in them is escaped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["LEAST_TEXT", "LongStrings", "long_strings"]

LEAST_TEXT: Final = 8 * 1024
"""How many bytes a text must have, so that it pays to look for long strings."""

# With so many bytes, or more, its parts are read by themselves.
_LEAST_APART: Final = 512 * 1024
# So many bytes a long string has, and so many others there may be.
_LEAST_STRING: Final = 4 * 1024
_MOST_OTHER: Final = 16 * 1024
_QUOTE: Final = b'"'
_ESCAPE: Final = b"\\"
# What is read in pieces of that size stays in the processor's cache.
_PIECE: Final = 64 * 1024
# Stands for a string. No other can be this one, for without an escape there is no NUL.
_MARK: Final = "\0txphoenix:"
_MARK_TEXT: Final = b'"\\u0000txphoenix:%d"'

_Loads = Callable[[bytes], Any]


class LongStrings:
    """A text that is nearly all long strings.

    :param data: the text.
    :param rest: the same, with marks in place of the long strings.
    :param places: where each of them begins and ends.
    """

    __slots__ = ("_data", "_places", "reads_apart", "rest")

    def __init__(self, data: bytes, rest: bytes, places: list[tuple[int, int]]) -> None:
        self._data = data
        self._places = places
        self.rest = rest
        """What has all the numbers of the text."""
        self.reads_apart = len(data) >= _LEAST_APART
        """Whether it pays to have the rest read alone."""

    def load(self, loads: _Loads) -> Any:
        """Read the rest alone, and put the strings in.

        :param loads: the codec's.
        :return: None if the text has to be read as a whole: it is no JSON, or a long
            string is a key.
        """
        data = self._data
        try:
            parsed = loads(self.rest)
            for start, end in self._places:
                _check_characters(data, start, end, loads)
            # A slice of it would be a copy.
            view = memoryview(data)
            texts = [str(view[start:end], "utf-8") for start, end in self._places]
        except ValueError:
            return None
        return parsed if _put_in(parsed, texts) else None


def long_strings(data: bytes) -> LongStrings | None:
    """The long strings of a text; None if it is not nearly all of such."""
    found = _cut_out(data)
    return None if found is None else LongStrings(data, *found)


def _cut_out(data: bytes) -> tuple[bytes, list[tuple[int, int]]] | None:
    """The text with a mark in place of each long string, and where these stand."""
    middle = len(data) // 2
    if data.find(_QUOTE, middle) - data.rfind(_QUOTE, 0, middle) <= _LEAST_STRING:
        # Most texts end here: with long strings, one is likely to be there.
        return None
    most = min(_MOST_OTHER, len(data) // 8)
    others: list[bytes] = []
    strings: list[tuple[int, int]] = []
    start = size = 0
    while (begin := data.find(_QUOTE, start)) >= 0:
        end = data.find(_QUOTE, begin + 1)
        if end - begin > _LEAST_STRING:
            others += data[start:begin], _MARK_TEXT % len(strings)
            strings.append((begin + 1, end))
            size += begin - start
        else:
            others.append(data[start : end + 1])
            size += end + 1 - start
        if end < 0 or size > most:
            return None
        start = end + 1
    if len(data) - start > most:
        return None
    rest = b"".join((*others, data[start:]))
    # Without an escape, but in the marks, each quote begins a string or ends one.
    if rest.count(_ESCAPE) != len(strings):
        return None
    if any(data.find(_ESCAPE, begin, end) >= 0 for begin, end in strings):
        return None
    return rest, strings


def _check_characters(data: bytes, start: int, end: int, loads: _Loads) -> None:
    """Have the codec look at a string.

    :raises ValueError: it has a character that JSON does not have.
    """
    while start < end:
        stop = min(start + _PIECE, end)
        # Not in the middle of a character.
        while stop < end and data[stop] & 0xC0 == 0x80 and stop > start + 1:
            stop -= 1
        loads(b'"%b"' % data[start:stop])
        start = stop


def _put_in(parsed: Any, texts: list[str]) -> bool:
    """Put the strings in the places of their marks.

    :return: whether each was a value; else it was a key, or there is none.
    """
    left = len(texts)
    waiting = [parsed]
    while waiting:
        container = waiting.pop()
        items = container.items() if type(container) is dict else enumerate(container)
        for key, item in items:
            kind = type(item)
            if kind is str:
                if item.startswith(_MARK):
                    container[key] = texts[int(item[len(_MARK) :])]
                    left -= 1
            elif kind is dict or kind is list:
                waiting.append(item)
    return left == 0
