"""Values of the database's columns: from text, where they come as text, to Python's.

====================================  ==================================================
type of the column                    what a text becomes
====================================  ==================================================
``bool``                              ``t`` and ``f``: a bool
``int2``, ``int4``, ``int8``, ``oid``  an int, however long
``float4``, ``float8``, ``numeric``   a float
``json``, ``jsonb``                   what the JSON says
``timestamp``                         text with a ``T`` between date and time
``_int4`` and other arrays            a list of these, ``NULL`` being None
all others                            the text: dates, times with a zone, ranges, money
====================================  ==================================================

Values that come as JSON already are left, and so is text that is no such value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["converted", "converted_row"]

# One more than a database has of them.
_MOST_DIMENSIONS = 7


def converted_row(
    columns: Sequence[Mapping[str, Any]], row: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A row with the values of its columns.

    :param columns: each with its ``name`` and ``type``, as the server tells them.
    :param row: None for no row, which is ``{}`` then.
    """
    if not row:
        return {}
    types = {column.get("name"): column.get("type") for column in columns}
    return {name: converted(types.get(name), value) for name, value in row.items()}


def converted(type: object, value: Any) -> Any:
    """The value of a column of that type.

    :param type: as the server tells it: ``"int8"``, or ``"_int8"`` for an array.
    """
    if not isinstance(value, str) or not isinstance(type, str):
        return value
    try:
        if type.startswith("_"):
            return _Array(value, type[1:]).read()
        convert = _CONVERSIONS.get(type)
        return value if convert is None else convert(value)
    except (ValueError, RecursionError):
        return value


def _bool(text: str) -> Any:
    return {"t": True, "true": True, "f": False, "false": False}.get(text, text)


_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "bool": _bool,
    **dict.fromkeys(("int2", "int4", "int8", "oid"), int),
    **dict.fromkeys(("float4", "float8", "numeric"), float),
    **dict.fromkeys(("json", "jsonb"), json.loads),
    "timestamp": lambda text: text.replace(" ", "T", 1),
}


class _Array:
    """Reads the text of an array: ``{1,NULL,"a, b",{...}}``.

    :param text: the text.
    :param type: the type of its elements.
    """

    def __init__(self, text: str, type: str) -> None:
        self._text = text
        self._type = type
        self._at = 0

    def read(self) -> list[Any]:
        """The elements.

        :raises ValueError: it is no array.
        """
        made = self._list(1)
        if self._at != len(self._text):
            raise ValueError("there is more after the array")
        return made

    def _list(self, depth: int) -> list[Any]:
        if depth > _MOST_DIMENSIONS or self._next() != "{":
            raise ValueError("no array")
        made: list[Any] = []
        if self._peek() == "}":
            self._at += 1
            return made
        while True:
            made.append(self._element(depth))
            end = self._next()
            if end == "}":
                return made
            if end != ",":
                raise ValueError("no array")

    def _element(self, depth: int) -> Any:
        start = self._peek()
        if start == "{":
            return self._list(depth + 1)
        if start == '"':
            return converted(self._type, self._quoted())
        begin = self._at
        while self._peek() not in ",}":
            self._at += 1
        text = self._text[begin : self._at]
        return None if text.upper() == "NULL" else converted(self._type, text)

    def _quoted(self) -> str:
        self._at += 1
        made = []
        while (char := self._next()) != '"':
            made.append(self._next() if char == "\\" else char)
        return "".join(made)

    def _peek(self) -> str:
        if self._at >= len(self._text):
            raise ValueError("the array ends too early")
        return self._text[self._at]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char
