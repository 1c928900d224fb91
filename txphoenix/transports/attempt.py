"""What one attempt to connect needs, asked anew each time.

A token may have run out since the last attempt, and the server may have moved; so
``url``, ``params``, ``headers`` and ``auth_token`` may each be a callable, whose
result may come later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ..errors import ConnectionFailed
from ..options import (
    Options,
    check_auth_token,
    check_headers,
    check_params,
    check_url,
)
from ..runtime.hooks import as_deferred
from ..runtime.waiters import until_cancelled

__all__ = ["Attempt", "given", "prepare"]

_T = TypeVar("_T")


class Attempt(NamedTuple):
    """The answers, checked."""

    url: str
    """The socket's URL, without the transport's name and the parameters."""

    params: Mapping[str, Any]
    headers: Mapping[str, str]
    auth_token: str | None

    def __repr__(self) -> str:
        return "<Attempt>"


def given(options: Options) -> Attempt | None:
    """What an attempt needs, if no callable need be asked for any of it.

    :raises ConfigurationError: the headers, which the options hold, are good no more.
    """
    url, params, headers = options.url, options.params, options.headers
    token = options.auth_token
    if callable(url) or callable(params) or callable(headers) or callable(token):
        return None
    # What the options hold has been checked; but these could be changed in place.
    return Attempt(url, params or {}, check_headers(headers) if headers else {}, token)


async def prepare(
    options: Options, check_wanted: Callable[[], None] = lambda: None
) -> Attempt:
    """Ask for all that an attempt needs.

    :param check_wanted: called after each answer, since whoever is asked may have ended
        the attempt; it then raises.
    :raises ConfigurationError: an answer is not what it must be.
    :raises ConnectionFailed: a callable has raised, or what it returned has failed.
    """

    async def ask(name: str, supplied: Any, check: Callable[[object], _T]) -> _T:
        answer = await _ask(name, supplied)
        check_wanted()
        return check(answer)

    return Attempt(
        await ask("url", options.url, check_url),
        await ask("params", options.params, check_params),
        await ask("headers", options.headers, check_headers),
        await ask("auth_token", options.auth_token, check_auth_token),
    )


async def _ask(name: str, supplied: Any) -> Any:
    if not callable(supplied):
        return supplied
    try:
        answer = supplied()
        later = as_deferred(answer)
        if later is not None:
            answer = await until_cancelled(later)
    except BaseException as error:
        answer = error
    # A Deferred that has failed before, and is given out again, has it as its result.
    if isinstance(answer, BaseException):
        # Who has no trouble need not wait for it to load.
        from .raised import classes_of

        # What it says may hold the secret itself; whoever wants it has the cause.
        raise ConnectionFailed(
            f"{name} raised {classes_of(answer)} (this error's __cause__, whose text"
            " may hold a secret and is not shown)"
        ) from answer
    return answer
