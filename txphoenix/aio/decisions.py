"""Whether to connect again, where a coroutine function says so.

The client inside asks ``should_reconnect`` in the moment of a failure, and has to be
told at once.
So it is told yes, and the coroutine function has the delay before the next attempt to
decide; that attempt waits for the answer with its question for the token.
A no has the client disconnect.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from twisted.internet.defer import Deferred

from .calls import Asked, Calls

__all__ = ["Decisions"]


class Decisions:
    """The ``should_reconnect`` of one client.

    :param calls: calls it.
    :param disconnect: called where it has said no.
    """

    def __init__(self, calls: Calls, disconnect: Callable[[], object]) -> None:
        self._calls = calls
        self._disconnect = disconnect
        self.refused: Exception | None = None
        """The error after which it has said no, until the client connects again."""
        self._decide: Any = None
        self._is_late = False
        self._token: Any = None
        # What is being decided, and after which error.
        self._deciding: tuple[Deferred[Any], Exception] | None = None

    def inward(self, options: dict[str, Any]) -> None:
        """Put what the client inside takes into options of the user's."""
        if "auth_token" in options:
            self._token = self._calls.of(options["auth_token"])
            options["auth_token"] = Asked(self._give) if self._is_late else self._token
        if "should_reconnect" not in options:
            return
        given = options["should_reconnect"]
        self._decide = self._calls.of(given)
        was_late, self._is_late = self._is_late, _is_late(given)
        options["should_reconnect"] = self._ask if self._is_late else self._decide
        if self._is_late != was_late:
            options["auth_token"] = Asked(self._give) if self._is_late else self._token

    def _ask(self, reason: Exception) -> bool:
        self._deciding = self._decide(reason), reason
        return True

    async def _give(self) -> Any:
        deciding, self._deciding = self._deciding, None
        if deciding is not None and not await self._answer(deciding[0]):
            self.refused = deciding[1]
            self._disconnect()
            return None
        token = self._token() if callable(self._token) else self._token
        return await token if isinstance(token, Deferred) else token

    async def _answer(self, deciding: Deferred[Any]) -> bool:
        try:
            return bool(await deciding)
        except Exception as error:
            self._calls.report("should_reconnect raised; trying again", error)
            return True


def _is_late(function: Any) -> bool:
    """Whether a function is a coroutine function, or an object that is called so."""
    return iscoroutinefunction(function) or iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 (it is looked at)
    )
