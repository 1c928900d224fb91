"""Which backoffs take the error that a retry follows, beside the number of failures.

A backoff of one argument came first, and some have a second one with a default that is
something else (``def steps(failures, base=2)``); so the rule looks at what a function
cannot do without, and at a name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter, Signature, signature
from typing import Any, Final

__all__ = ["BackoffCall", "with_error"]

BackoffCall = Callable[[int, BaseException | None], Any]
"""A backoff as it is asked: with the number of failures, and with the error."""

_NAME: Final = "error"
_BY_PLACE: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def with_error(backoff: Callable[..., Any]) -> BackoffCall:
    """A backoff that is called with both arguments, whichever its function takes.

    The function is given the error as well if its second positional parameter has no
    default, or if a parameter behind the first is named ``error`` and has not been
    bound by :func:`functools.partial`.
    Any other is given the number alone: one of ``*args``, one whose second parameter
    has a default, and one of which no signature is known.
    """
    place = _place_of_error(backoff)
    if place is None:
        return lambda failures, _error: backoff(failures)
    if place:
        return lambda failures, error: backoff(failures, **{_NAME: error})
    return backoff


def _place_of_error(backoff: Callable[..., Any]) -> str | None:
    """How it takes the error.

    :return: the parameter's name, ``""`` if it is given by its place, None if it is
        not taken.
    """
    try:
        place = _place_in(signature(backoff), _bound_names(backoff))
        called = _own_signature(backoff)
        if place:
            called.bind(0, **{place: None})
        elif place is not None:
            called.bind(0, None)
    except Exception:
        # Not all that is written in C can be looked at, and a __signature__ may be
        # anything.
        return None
    return place


def _own_signature(backoff: Callable[..., Any]) -> Signature:
    """What it takes itself, as what a decorator wraps may take more than that."""
    try:
        return signature(backoff, follow_wrapped=False)
    except ValueError:
        # functools.cache is written in C, and takes whatever it wraps.
        return signature(backoff)


def _place_in(called: Signature, bound: frozenset[str]) -> str | None:
    parameters = list(called.parameters.values())
    placed = [each for each in parameters if each.kind in _BY_PLACE]
    second = placed[1] if len(placed) > 1 else None
    if second is not None and (
        second.default is Parameter.empty or second.name == _NAME
    ):
        return ""
    others = parameters[1:] if placed else parameters
    by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    is_taken = any(
        each.name == _NAME and each.kind in by_name and _NAME not in bound
        for each in others
    )
    return _NAME if is_taken else None


def _bound_names(backoff: object) -> frozenset[str]:
    """The keyword arguments that a partial function has already."""
    return frozenset(backoff.keywords) if isinstance(backoff, partial) else frozenset()
