"""What our clients have in common that do a scenario's actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.task import deferLater

__all__ = ["PENDING", "ActingClient"]

PENDING = "pending"
"""How what has not ended yet has ended."""

PATIENCE = 8.0
_LOOK = 0.003


class ActingClient:
    """Does actions by methods of their names, ``_connect`` and so on.

    :param reactor: the reactor.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def waits(self) -> Mapping[str, Callable[..., bool]]:
        """What can be waited for, by name: whether it has come to it."""
        raise NotImplementedError

    def act(self, *actions: tuple[Any, ...]) -> None:
        """Do actions, in one turn."""
        for name, *args in actions:
            getattr(self, f"_{name}")(*args)

    async def wait(self, name: str, *args: Any) -> None:
        """Wait until it has come to this.

        :raises AssertionError: it has not.
        """
        has_come = self.waits()[name]
        deadline = self._reactor.seconds() + PATIENCE
        while not has_come(*args):
            if self._reactor.seconds() > deadline:
                words = " ".join(map(str, args))
                raise AssertionError(f"waited in vain for {name} {words}")
            await deferLater(self._reactor, _LOOK)
