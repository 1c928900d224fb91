"""Parameters in a URL's query, as Plug reads them and Phoenix's own client writes them.

Everything here is pure, and no error holds a value.
hyperlink has none of it: it knows no nesting, escapes what ``encodeURIComponent``
leaves alone, and normalises Unicode, which would send another text than was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

from ..errors import ConfigurationError

__all__ = ["encode_params", "merge_params"]

# What JavaScript's encodeURIComponent leaves alone, as Phoenix's own client uses it.
_PARAM_SAFE = "!~*'()"


def merge_params(query: str, params: Mapping[str, Any]) -> str:
    """The query without the pairs that the parameters replace, then the parameters.

    :param query: a query, percent-encoded; what is kept of it is kept as it is.
    :raises ConfigurationError: as :func:`encode_params`.
    """
    encoded = encode_params(params)
    replaced = {_root(name) for name in params}
    kept = [
        pair
        for pair in query.split("&")
        if pair and _root(unquote_plus(pair.partition("=")[0])) not in replaced
    ]
    return "&".join([*kept, encoded] if encoded else kept)


def _root(name: str) -> str:
    """The outermost name: ``user`` of ``user[id]``."""
    return name.partition("[")[0]


def encode_params(params: Mapping[str, Any]) -> str:
    """Parameters as a query, in their order, as Plug decodes it.

    A nested mapping is written ``user[id]=1``, a list ``ids[]=1&ids[]=2``, ``None`` as
    an empty value, a boolean as ``true`` or ``false``; names and values are
    percent-encoded UTF-8.
    An empty mapping or list writes nothing, as Plug has no notation for it.
    A mapping inside a list must have exactly one name: Plug cannot tell where one
    mapping ends and the next begins.

    Phoenix's own client writes a list as ``ids[0]=1``, which arrives as a map.

    :param params: names to ``str``, ``int``, ``float``, ``bool``, ``None``, mappings,
        lists and tuples.
    :raises ConfigurationError: if a name or a value is of another type, or an int of
        more than 4,300 digits.
    """
    if not isinstance(params, Mapping):
        raise ConfigurationError(
            f"params must be a mapping, not a {type(params).__name__}"
        )
    return "&".join(
        f"{_encode(name, name)}={_encode(name, value)}"
        for name, value in _flatten("", params)
    )


def _flatten(parent: str, value: object) -> Iterator[tuple[str, str]]:
    """The pairs of name and text that a value comes to under a parent's name."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(_child(parent, key), item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Mapping) and len(item) != 1:
                raise ConfigurationError(
                    f"params: a mapping in the list {parent!r} must have exactly one "
                    f"name, not {len(item)}; use a mapping of mappings instead"
                )
            yield from _flatten(f"{parent}[]", item)
    else:
        yield parent, _text(parent, value)


def _child(parent: str, key: object) -> str:
    """The name of a mapping's item under its parent's name."""
    where = f" in {parent!r}" if parent else ""
    if not isinstance(key, str):
        raise ConfigurationError(
            f"params: a name{where} must be a str, not a {type(key).__name__}"
        )
    if not key:
        raise ConfigurationError(f"params: a name{where} must not be empty")
    if not parent:
        return key
    if "[" in key or "]" in key:
        raise ConfigurationError(
            f"params: the name {key!r}{where} must not hold a bracket"
        )
    return f"{parent}[{key}]"


def _text(name: str, value: object) -> str:
    """A single value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    what = f"a {type(value).__name__}"
    if isinstance(value, int):
        try:
            return int.__repr__(value)
        except ValueError:
            # Python writes none of more than 4,300, unless it is told otherwise.
            what = "an int of so many digits"
    if isinstance(value, float):
        what = "an infinite float or NaN"
    raise ConfigurationError(
        f"params: {name!r} must be a str, int, float, bool, None, mapping or list, "
        f"not {what}"
    )


def _encode(name: str, text: str) -> str:
    try:
        return quote(text, safe=_PARAM_SAFE)
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"params: {name!r} holds a lone surrogate, which is not valid Unicode"
        ) from None
