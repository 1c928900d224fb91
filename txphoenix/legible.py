"""Make what comes from outside fit for a line that a person reads.

A server's words, a topic, a payload or the text of somebody's exception may be of any
length, nested to any depth, and hold characters that move the cursor, colour the
terminal or turn the direction of the text.
Here it is cut, and what cannot be seen is shown as Python escapes it.
Nothing here raises, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

__all__ = ["LONGEST", "cut", "error_text", "escaped", "legible"]

LONGEST: Final = 200
"""How many characters of one thing a line shows, unless it is told otherwise."""

# Deeper than that nobody looks, and Python's own recursion has an end as well.
_DEEPEST: Final = 20


def escaped(text: str) -> str:
    r"""The text with all that is not printable escaped, line breaks included.

    >>> print(escaped("a\x1b[2J\n\u202eb"))
    a\x1b[2J\n\u202eb
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def cut(text: str, limit: int = LONGEST) -> str:
    """The text escaped, and the beginning of it if it is long.

    >>> cut("x" * 1000, limit=5)
    'xxxxx... (1000 characters)'
    """
    shown = escaped(text[: limit + 1])
    if len(shown) <= limit:
        return shown
    return f"{shown[:limit]}... ({len(text)} characters)"


def error_text(error: BaseException, limit: int = LONGEST) -> str:
    """What an error says, cut; where it says nothing, its class."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    return cut(text, limit) or type(error).__name__


def legible(value: object, limit: int = LONGEST) -> str:
    """The beginning of the ``repr`` of a value; no more of it is made than is shown.

    >>> legible({"body": "x" * 1000}, limit=20)
    "{'body': 'xxxxxxxxxx... (1000 characters)"
    >>> legible([[[]]] * 100, limit=20)
    '[[[]], [[]], [[]], [... (100 items)'
    """
    line = _Line(limit)
    try:
        line.write(value, 0)
    except _Full as full:
        size = str(full) or f"{len(value)} items"  # type: ignore[arg-type]
        return f"{line.text[:limit]}... ({size})"
    except BaseException:
        # Such as a RecursionError, where there is little room left on the stack.
        return _nameless(value)
    return line.text


class _Full(Exception):
    """There is no room for more; the text may say how much there was."""


class _Line:
    """What is made of a value, up to a limit.

    :param limit: the most characters.
    :ivar text: what there is; it may be longer, and is then to be cut.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.text = ""

    def write(self, value: Any, depth: int) -> None:
        """Add a value.

        :raises _Full: the limit is passed.
        """
        kind = type(value)
        if kind is str:
            self._add_long(repr(self._begin(value)), len(value), "characters", depth)
        elif kind is bytes:
            self._add_long(repr(self._begin(value)), len(value), "bytes", depth)
        elif kind is dict:
            self._add_all("{", value.items(), "}", depth)
        elif kind is list:
            self._add_all("[", value, "]", depth)
        elif kind is tuple:
            self._add_all("(", value, ",)" if len(value) == 1 else ")", depth)
        elif kind is int and value.bit_length() > 4 * self._limit:
            # Python refuses to write some of them.
            bits = value.bit_length()
            self._add_long(f"<an integer of {bits} bits>", bits, "bits", depth)
        else:
            text = _own_repr(value)
            self._add_long(escaped(self._begin(text)), len(text), "characters", depth)

    def _begin(self, text: Any) -> Any:
        return text[: self._limit + 1]

    def _add_long(self, text: str, size: int, unit: str, depth: int) -> None:
        # Of many short things, it does not matter how long the last is.
        is_long = depth == 0 or size > self._limit
        self._add(text, f"{size} {unit}" if is_long else "")

    def _add_all(
        self, start: str, items: Collection[Any], end: str, depth: int
    ) -> None:
        if items and depth == _DEEPEST:
            self._add(f"{start}...{end[-1]}")
            return
        self._add(start)
        for number, item in enumerate(items):
            if number:
                self._add(", ")
            if start == "{":
                self.write(item[0], depth + 1)
                self._add(": ")
                self.write(item[1], depth + 1)
            else:
                self.write(item, depth + 1)
        self._add(end)

    def _add(self, text: str, size: str = "") -> None:
        self.text += text
        if len(self.text) > self._limit:
            raise _Full(size)


def _own_repr(value: object) -> str:
    """The ``repr``, or what stands for one that raises."""
    try:
        return repr(value)
    except BaseException:
        return _nameless(value)


def _nameless(value: object) -> str:
    return f"<{cut(type(value).__name__)} object>"
