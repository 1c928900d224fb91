"""Whether a name is one of those there are, and which was meant by one that is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ..errors import ConfigurationError

__all__ = ["check_names", "did_you_mean"]

# The least likeness of two words of which one is the other misspelt.
_ALIKE: Final = 0.75
# Shorter words are in many names.
_SHORTEST_WORD: Final = 3


def check_names(
    given: Mapping[str, Any], names: Collection[str], *others: str
) -> dict[str, Any]:
    """The options that are given, if there is one of each name.

    :param names: the names of all options.
    :param others: names of what is no option, and can be meant all the same.
    :raises ConfigurationError: if there is no option of a name.
    """
    for name in given:
        if name not in names:
            hint = did_you_mean(name, [*names, *others])
            raise ConfigurationError(f"there is no option {name!r}{hint}")
    return dict(given)


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """The end of an error's text that names what was meant, if that can be told.

    A name is offered only where it is the given one misspelt, or has one of its words:
    a far-fetched one would lead astray.

    >>> did_you_mean("timeot", ["timeout", "tls"])
    "; did you mean 'timeout'?"
    >>> did_you_mean("reactr", ["exact_url", "tls"])
    ''
    """
    likely = [name for name in names if _is_likely(given, name)]
    if not likely:
        return ""
    best = max(likely, key=lambda name: _likeness(given, name))
    return f"; did you mean {best!r}?"


def _is_likely(given: str, name: str) -> bool:
    if _is_misspelt(given.replace("_", ""), name.replace("_", "")):
        return True
    return any(
        _is_misspelt(one, other)
        for one in given.split("_")
        for other in name.split("_")
        if min(len(one), len(other)) > _SHORTEST_WORD
    )


def _is_misspelt(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    if len(one) >= _SHORTEST_WORD and sorted(one) == sorted(other):
        return True
    return _likeness(one, other) >= _ALIKE


def _likeness(one: str, other: str) -> float:
    # Who spells all names right need not wait for it to load.
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()
