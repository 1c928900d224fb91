"""Which name was meant by one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

__all__ = ["did_you_mean"]

# The least likeness of two words of which one is the other misspelt.
_ALIKE: Final = 0.75
# Shorter words are in many names.
_SHORTEST_WORD: Final = 3


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
    best = max(likely, key=lambda name: SequenceMatcher(None, given, name).ratio())
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
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE
