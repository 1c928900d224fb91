"""The functions that are called with the payloads of a channel's events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..legible import legible
from ..runtime.hooks import call_hook
from ..runtime.remover import Remover

__all__ = ["EventHooks"]


class EventHooks(dict[str, tuple[tuple[Any, Callable[[Any], Any]], ...]]):
    """The hooks of a channel's events.

    A hook is a function of the payload, or an object with a method
    ``handle_in(event, payload)``.
    An event that has hooks has a tuple of pairs here, of what the user gave and of the
    function; the tuple is replaced, never changed.
    """

    __slots__ = ()

    def add(
        self,
        event: str,
        given: Any,
        wrap: Callable[[Callable[[Any], Any]], Callable[[Any], Any]] | None = None,
    ) -> Remover:
        """Add a hook for ``event``.

        :param wrap: makes what is called in place of the function.
        :return: a function that removes it.
        :raises TypeError: it is neither of the two.
        """
        function = _as_function(event, given)
        entry = (given, function if wrap is None else wrap(function))
        self[event] = (*self.get(event, ()), entry)
        return partial(self._keep, event, lambda each: each is not entry)

    def remove(self, event: str, given: Any = None) -> None:
        """Remove all hooks of ``event``, or those that were added as ``given``."""
        self._keep(event, lambda each: given is not None and each[0] != given)

    def call(self, event: str, payload: Any, topic: str) -> bool:
        """Call the hooks of ``event`` of a topic with ``payload``.

        :return: whether there was one.
        """
        found = self.get(event)
        if found is None:
            return False
        for _, function in found:
            call_hook(function, payload, called=(event, topic))
        return True

    def _keep(self, event: str, wanted: Callable[[Any], bool]) -> None:
        left = tuple(each for each in self.get(event, ()) if wanted(each))
        if left:
            self[event] = left
        else:
            self.pop(event, None)


def _as_function(event: str, given: Any) -> Callable[[Any], Any]:
    if callable(given):
        function: Callable[[Any], Any] = given
        return function
    method = getattr(given, "handle_in", None)
    if callable(method):
        return partial(method, event)
    raise TypeError(
        "a hook must be callable or have a method handle_in(event, payload),"
        f" not {legible(given)}"
    )
