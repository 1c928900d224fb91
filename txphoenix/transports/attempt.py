"""What one attempt to connect needs, asked anew each time.

A token may have run out since the last attempt, and the server may have moved; so
``url``, ``params``, ``headers`` and ``auth_token`` may each be a callable, whose
result may come later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ..hooks import as_deferred
from ..options import (
    Options,
    check_auth_token,
    check_headers,
    check_params,
    check_url,
)

__all__ = ["Attempt", "prepare"]

_T = TypeVar("_T")


class Attempt(NamedTuple):
    """The answers, checked."""

    url: str
    """The socket's URL, without the transport's name and the parameters."""

    params: Mapping[str, Any]
    headers: Mapping[str, str]
    auth_token: str | None


async def prepare(options: Options) -> Attempt:
    """Ask for all that an attempt needs.

    :raises ConfigurationError: an answer is not what it must be.
    """
    return Attempt(
        await _ask(options.url, check_url),
        await _ask(options.params, check_params),
        await _ask(options.headers, check_headers),
        await _ask(options.auth_token, check_auth_token),
    )


async def _ask(supplied: Any, check: Callable[[object], _T]) -> _T:
    if not callable(supplied):
        return check(supplied)
    answer = supplied()
    later = as_deferred(answer)
    return check(answer if later is None else await later)
