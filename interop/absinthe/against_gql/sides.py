"""What a situation asks of a client, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["PATIENCE", "Heard", "Side", "until"]

PATIENCE = 5.0
"""The seconds after which something is no longer waited for."""


class Heard:
    """What a subscription is told.

    :ivar results: the data, in order.
    :ivar end: the name of the error's class with which it has ended, or ``"end"``.
    """

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.end: str | None = None


class Side(Protocol):
    """One of the two clients."""

    async def connect(self, url: str, **options: Any) -> None:
        """Connect, as a program does that wants to stay connected.

        :param options: ``heartbeat`` (seconds), ``token`` (a callable).
        """

    def subscribe(self, document: str, variables: Any = None) -> Heard:
        """Subscribe, and go on listening."""

    async def unsubscribe(self, heard: Heard) -> None:
        """End a subscription."""

    async def execute(self, document: str, variables: Any = None) -> Any:
        """Send a query or a mutation.

        :return: the data, or the name of the error's class, with what data it has.
        """

    async def close(self) -> None:
        """End all of it."""


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait for something.

    :return: whether it has come.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.003)
    return True
