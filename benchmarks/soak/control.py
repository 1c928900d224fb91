"""The process of the servers, as the process of the clients has it."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ..processes import environment

__all__ = ["WorldGone", "WorldProcess"]


class WorldGone(Exception):
    """The servers' process has ended, or could not do what it was asked."""


class WorldProcess(ProcessProtocol):
    """Starts the process, asks it, and ends it.

    :param reactor: starts it.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._numbers = itertools.count()
        self._asked: dict[int, Deferred[Any]] = {}
        self._unread = b""
        self._ended: Deferred[None] = Deferred()
        self._is_gone = False

    def start(self) -> None:
        """Start it."""
        self._reactor.spawnProcess(
            self,
            sys.executable,
            [sys.executable, "-m", "benchmarks.soak.world"],
            env={**environment(), "PYTHONUNBUFFERED": "1"},
            childFDs={0: "w", 1: "r", 2: 2},
        )

    def ask(self, do: str, **arguments: Any) -> Deferred[Any]:
        """Have it do something.

        :return: a Deferred of what it answers; it fails with :exc:`WorldGone`.
        """
        answered: Deferred[Any] = Deferred()
        if self._is_gone:
            answered.errback(WorldGone("the servers' process is gone"))
            return answered
        number = next(self._numbers)
        self._asked[number] = answered
        line = json.dumps({"number": number, "do": do, **arguments})
        transport: Any = self.transport
        transport.write(line.encode("utf-8") + b"\n")
        return answered

    def stop(self) -> Deferred[None]:
        """End it.

        :return: a Deferred that fires once it is gone.
        """
        transport: Any = self.transport
        if not self._is_gone:
            transport.closeStdin()
        return self._ended

    def outReceived(self, data: bytes) -> None:
        """Take its answers."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            answered = self._asked.pop(answer["number"])
            if "error" in answer:
                answered.errback(WorldGone(answer["error"]))
            else:
                answered.callback(answer["value"])

    def processEnded(self, reason: Failure) -> None:
        """Tell all who wait."""
        self._is_gone = True
        asked, self._asked = self._asked, {}
        for answered in asked.values():
            answered.errback(
                WorldGone(f"the servers' process has ended: {reason.value}")
            )
        self._ended.callback(None)
