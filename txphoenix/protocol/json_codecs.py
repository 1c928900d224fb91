"""The JSON codecs that txphoenix brings: orjson, and the standard library's json.

Elixir's integers have no limit, and JSON sets none.
orjson does: of an integer past 64 bits it makes a float, without a word, and it refuses
to write one.
So text in which such a number can be is read in another way, and a value that orjson
refuses is looked at for one.
Nothing is done for all other messages but to look for 20 digits in a row, which is
quick, and done once for all the messages that a transport has read at once.
"""

from __future__ import annotations

import dataclasses
import enum
import json as standard_json
import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NoReturn, Protocol, runtime_checkable

from ..errors import ConfigurationError
from .long_strings import LEAST_TEXT, long_strings

__all__ = [
    "JSONCodec",
    "Orjson",
    "StandardJSON",
    "as_bytes",
    "as_codec",
    "default_json",
    "may_have_long_number",
    "walk",
]

# The least integer that has 19 digits: all that need more than 64 bits have as many.
_LONG: Final = 10**18
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1

# Digits and signs become 0, and all other bytes 1.
_DIGITS: Final = bytes(48 if byte in b"-0123456789" else 1 for byte in range(256))
_OTHER: Final = b"\x01"
# An integer of more than 64 bits has 20 of them; nothing below has as many in common
# messages, where integers have up to 19 digits and floats up to 17.
_RUN: Final = b"0" * 20
# So of each tenth byte it has two neighbours, and of each fourth byte five.
_TENTH: Final = slice(None, None, 10)
_TWO: Final = b"0" * 2
_FOURTH: Final = slice(None, None, 4)
_FIVE: Final = b"0" * 5
_LONG_RUN: Final = re.compile(rb"-[0-9]{19}|[0-9]{20}")
# Strings are matched so that the numbers inside of them are not.
_STRING_OR_LONG: Final = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?|(?<![0-9.eE+-])-?[1-9][0-9]{18,}+(?![0-9.eE])', re.DOTALL
)

# The escape of half a character.
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@runtime_checkable
class JSONCodec(Protocol):
    """The pair of functions that the ``serializer`` option asks for.

    The modules :mod:`json` and ``orjson`` both qualify.
    """

    def loads(self, data: str | bytes, /) -> Any:
        """Parse JSON text.

        :raises ValueError: the text is not JSON.
        """

    def dumps(self, value: Any, /) -> str | bytes:
        """Make JSON text of a value.

        :raises TypeError: the value has a type that JSON does not know.
        """


def may_have_long_number(data: bytes) -> bool:
    """Whether 20 digits in a row are there, the sign counted, but not behind a point.

    Where they are not, no integer has more than 64 bits.
    The quickest looks come first, and nearly all messages have nothing for them.

    :param data: JSON, or whole frames with JSON in them.
    """
    if data[_TENTH].translate(_DIGITS).find(_TWO) < 0:
        return False
    if data[_FOURTH].translate(_DIGITS).find(_FIVE) < 0:
        return False
    digits = data.translate(_DIGITS)
    start = digits.find(_RUN)
    while start >= 0:
        end = digits.find(_OTHER, start)
        if end < 0:
            end = len(data)
        # Signs in between are those of a date or the like.
        if data[start - 1 : start] != b"." and _LONG_RUN.search(data, start, end):
            return True
        start = digits.find(_RUN, end)
    return False


class Orjson:
    """orjson as a codec, with integers that need more than 64 bits.

    They have as many digits as Python converts, 4,300 unless it is told otherwise
    (:func:`sys.set_int_max_str_digits`).

    :param module: the module ``orjson``.
    """

    def __init__(self, module: ModuleType) -> None:
        self.loads_short_numbers: Callable[[bytes], Any] = module.loads
        """Parse what is known to have no long number, see
        :func:`may_have_long_number`; otherwise as :meth:`loads`.
        """
        self.loads: Callable[[str | bytes], Any] = self._exact_loads(module.loads)
        """Parse JSON text; ``ValueError`` if it is none, or an integer is too long."""
        self._loads: Callable[[bytes | str], Any] = module.loads
        self._dumps: Callable[[Any], bytes] = module.dumps
        self._raw: Callable[[bytes], Any] = module.Fragment

    def _exact_loads(
        self, loads: Callable[[bytes], Any]
    ) -> Callable[[str | bytes], Any]:
        """Make :attr:`loads`; a function of its own costs less than a method."""

        def exact(data: str | bytes) -> Any:
            if type(data) is not bytes:
                data = data.encode("utf-8") if isinstance(data, str) else bytes(data)
            if len(data) >= LEAST_TEXT and (found := long_strings(data)):
                if not found.reads_apart:
                    may_have_long = may_have_long_number(found.rest)
                    return (self._loads_long_numbers if may_have_long else loads)(data)
                if (parsed := found.load(exact)) is not None:
                    return parsed
            # As may_have_long_number() begins.
            if data[_TENTH].translate(_DIGITS).find(_TWO) >= 0 and (
                may_have_long_number(data)
            ):
                return self._loads_long_numbers(data)
            return loads(data)

        return exact

    def dumps(self, value: Any, /) -> bytes:
        """Make JSON text, in UTF-8.

        :raises TypeError: if it holds something that orjson does not take.
        :raises ValueError: if an integer has too many digits.
        """
        try:
            return self._dumps(value)
        except TypeError:
            rewritten, has_long = self._with_long_numbers(value)
            if not has_long:
                raise
        return self._dumps(rewritten)

    def _loads_long_numbers(self, data: bytes) -> Any:
        """Parse, by way of a text in which no integer needs more than 64 bits.

        There each integer of 19 digits or more is a number of 19 digits that says which
        of them it is.
        So orjson decides over all the rest, as always.
        """
        found: list[bytes] = []

        def number(match: re.Match[bytes]) -> bytes:
            text = match[0]
            if text[:1] == b'"':
                return text
            found.append(text)
            return b"%d" % (_LONG + len(found) - 1)

        parsed = self._loads(_STRING_OR_LONG.sub(number, data))
        numbers = [int(text) for text in found]
        if type(parsed) is int:
            return numbers[parsed - _LONG] if parsed >= _LONG else parsed
        waiting = [parsed]
        while waiting:
            container = waiting.pop()
            for key, item in _items(container):
                kind = type(item)
                if kind is int:
                    if item >= _LONG:
                        container[key] = numbers[item - _LONG]
                elif kind is dict or kind is list:
                    waiting.append(item)
        return parsed

    def _with_long_numbers(self, value: Any) -> tuple[Any, bool]:
        """A copy of a value in which long integers are what orjson writes as it is.

        :return: the copy, and whether there was one.
        """
        has_long = False
        waiting: list[Any] = []
        # With each original, so that nothing else gets its id.
        copies: dict[int, tuple[object, Any]] = {}

        def copied(item: Any) -> Any:
            nonlocal has_long
            if isinstance(item, enum.Enum):
                item = item.value
            if isinstance(item, int):
                if _SMALLEST <= item <= _LARGEST:
                    return item
                has_long = True
                return self._raw(int.__repr__(item).encode("ascii"))
            if id(item) not in copies:
                copies[id(item)] = item, _container(item)
                waiting.append(copies[id(item)][1])
            return copies[id(item)][1]

        whole = copied(value)
        while waiting:
            container = waiting.pop()
            for key, item in list(_items(container)):
                container[key] = copied(item)
        return whole, has_long


def _container(item: Any) -> Any:
    """A shallow copy of what orjson makes a list or an object of; else the same."""
    if isinstance(item, dict):
        return dict(item)
    if isinstance(item, list) or type(item) is tuple:
        return list(item)
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {
            field.name: getattr(item, field.name)
            for field in dataclasses.fields(item)
            if not field.name.startswith("_")
        }
    return item


def _items(container: Any) -> Any:
    """The pairs of a dict or of a list; of anything else, none."""
    if isinstance(container, dict):
        return container.items()
    return enumerate(container) if isinstance(container, list) else ()


class StandardJSON:
    """The standard library's :mod:`json` as a codec: compact, UTF-8 and strict.

    NaN, the infinities and lone surrogates, which JSON or UTF-8 does not have, are
    refused in both directions, and so are numbers that are an infinity as a float, and
    keys that are not strings, which :mod:`json` would turn into strings.
    Integers have as many digits as Python converts, 4,300 unless it is told otherwise
    (``sys.set_int_max_str_digits()``).
    """

    def __init__(self) -> None:
        self._decode = standard_json.JSONDecoder(
            parse_constant=_no_constant, parse_float=_finite
        ).decode
        self._encode = standard_json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode

    def loads(self, data: str | bytes, /) -> Any:
        """Parse JSON text; bytes are read as UTF-8.

        :raises ValueError: if it is not JSON.
        :raises RecursionError: if it is nested too deeply.
        """
        # The standard loads would guess at UTF-16 and UTF-32.
        text = data if isinstance(data, str) else str(data, "utf-8")
        value = self._decode(text)
        if _SURROGATE.search(text):
            # Two make a character; writing it finds out whether one is alone.
            self._encode(value).encode("utf-8")
        return value

    def dumps(self, value: Any, /) -> bytes:
        """Make JSON text, in UTF-8.

        :raises TypeError: if it holds something that JSON does not have.
        :raises ValueError: if it holds NaN, an infinity, a lone surrogate or itself.
        :raises RecursionError: if it is nested too deeply.
        """
        text = self._encode(value)
        for item in walk(value):
            if isinstance(item, dict):
                for key in item:
                    if not isinstance(key, str):
                        raise TypeError(
                            f"Dict key must be str, not {type(key).__name__}"
                        )
        return text.encode("utf-8")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"a number is too large for a float: {text:.40}")
    return number


def walk(value: object) -> Any:
    """A value and every value inside of it, at any depth, each container once."""
    waiting = [value]
    seen = set()
    while waiting:
        item = waiting.pop()
        yield item
        if item is None or isinstance(item, (str, int, float)) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
        elif dataclasses.is_dataclass(item):
            # Some codecs take these.
            waiting.extend(
                getattr(item, field.name, None) for field in dataclasses.fields(item)
            )


def default_json() -> JSONCodec:
    """The JSON codec used where none is given: orjson if it is installed, else json.

    Both take dicts with string keys, lists, tuples, strings, integers of up to 4,300
    digits, floats, booleans and None.
    orjson takes dataclasses, enums, UUIDs and datetimes besides; a payload made of
    JSON's own types works with either.
    """
    try:
        import orjson
    except ImportError:
        return StandardJSON()
    return Orjson(orjson)


def as_codec(json: JSONCodec | None) -> JSONCodec:
    """The codec meant by the option ``serializer``.

    By themselves the modules that can be meant are not strict, or not exact.

    :param json: the modules :mod:`json` and ``orjson`` stand for
        :class:`StandardJSON` and :class:`Orjson`, None for :func:`default_json`.
    :raises ConfigurationError: it has no ``loads`` or no ``dumps``.
    """
    if json is None:
        return default_json()
    if json is standard_json:
        return StandardJSON()
    if isinstance(json, ModuleType) and json.__name__ == "orjson":
        return Orjson(json)
    if callable(getattr(json, "loads", None)) and callable(
        getattr(json, "dumps", None)
    ):
        return json
    raise ConfigurationError(
        f"the JSON codec must have loads and dumps, which {type(json).__name__} has not"
    )


def as_bytes(data: object) -> bytes:
    """What a codec's dumps returned, as the bytes of a frame.

    :raises TypeError: it is neither bytes nor a string.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode("utf-8")
    raise TypeError(f"dumps of the JSON codec returned {type(data).__name__}")
