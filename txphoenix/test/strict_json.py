"""The JSON of RFC 8259, by the standard library, with nothing besides."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["depth_of", "strict_json"]


def strict_json(data: bytes) -> Any:
    """The value in a text.

    :raises ValueError: it is no JSON, or holds what UTF-8 or a float has no room for.
    :raises RecursionError: it is nested too deeply.
    """
    value = json.loads(
        data.decode("utf-8"),
        parse_constant=_no_constant,
        parse_float=_finite,
        object_pairs_hook=_object,
    )
    _encode(value)
    return value


def _encode(value: Any) -> None:
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two values for a key the first is gone, but was there.
    result = dict(pairs)
    if len(result) < len(pairs):
        _encode(pairs)
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is too large")
    return number


def depth_of(data: bytes) -> int:
    """How deep a text may be nested, at most."""
    deepest = depth = 0
    for byte in data:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
