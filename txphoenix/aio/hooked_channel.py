"""The hooks of a channel, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from txphoenix.channel import HandlesIn
from txphoenix.interfaces import Remover

from .calls import Calls
from .inside import Inside

__all__ = ["HookedChannel"]

_F = TypeVar("_F", bound=Callable[..., Any])
_P = TypeVar("_P")
_T = TypeVar("_T")


class HookedChannel:
    """A :class:`txphoenix.aio.Channel`, as far as it has hooks."""

    _calls: Calls
    _inner: Inside

    @overload
    def on(self, event: str) -> Callable[[_F], _F]: ...

    @overload
    def on(
        self, event: str, *, decode: Callable[[Any], _P]
    ) -> Callable[[Callable[[_P], _T]], Callable[[_P], _T]]: ...

    @overload
    def on(self, event: str, handler: Any) -> Remover: ...

    @overload
    def on(
        self,
        event: str,
        handler: Callable[[_P], Any] | HandlesIn[_P],
        *,
        decode: Callable[[Any], _P],
    ) -> Remover: ...

    def on(self, event: str, handler: Any = None, *, decode: Any = None) -> Any:
        """Add a hook for an event.

        What a hook takes goes neither to :meth:`handle_in` nor to :meth:`receive`.
        One that raises is logged, and the others are called all the same.

        :param handler: called with the payload: a function, or a coroutine function,
            which begins at the next turn of the loop.
            An object with a method ``handle_in(event, payload)`` will do as well.
            Without it, ``on`` is a decorator.
        :param decode: makes a typed value of the payload for this hook; a plain
            function, see :meth:`txphoenix.Channel.on`.
        :return: a function that removes the hook, or the decorator.
        :raises TypeError: the handler is neither of these.
        :raises ConfigurationError: the event is no string, or the protocol's own.
        """
        if handler is None:
            # The event is checked now, and not when something is decorated.
            self._inner.on(event)
            return partial(self._decorate, event, decode)
        return self._add(event, self._hook(event, handler), decode)

    def off(self, event: str, handler: Any = None) -> None:
        """Remove the hooks of an event: all, or those of one handler.

        :raises ConfigurationError: the event is not a string.
        """
        given = None if handler is None else self._hook(event, handler)
        self._inner.off(event, given)

    def on_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook for what interrupts the channel, called with the error.

        See :meth:`txphoenix.Channel.on_error`.
        """
        return self._inner.on_error(self._calls.of(function))

    def on_close(self, function: Callable[[object], Any]) -> Remover:
        """Add a hook for the end of the channel.

        It is called with the reason: ``"left"``, ``"closed"`` (by the server),
        ``"stopped"``, or the error that ended it.
        """
        return self._inner.on_close(self._calls.of(function))

    def _decorate(self, event: str, decode: Any, function: _F) -> _F:
        self._add(event, self._hook(event, function), decode)
        return function

    def _add(self, event: str, hook: Any, decode: Any) -> Remover:
        if decode is None:
            return self._inner.on(event, hook)
        return self._inner.on(event, hook, decode=decode)

    def _hook(self, event: str, handler: Any) -> Any:
        if callable(handler):
            return self._calls.of(handler)
        method = getattr(handler, "handle_in", None)
        if callable(method):
            return self._calls.of(handler, partial(method, event))
        return handler
