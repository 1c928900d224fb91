"""The server of the runs with phoenix.js: its joins go as they were planned."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, cast

from twisted.internet.defer import Deferred

from txphoenix.testing import PhoenixServer, ServerChannel
from txphoenix.testing.process import ChannelProcess

from .application import CHANNELS, SOCKETS, connect
from .watched import Watched

__all__ = ["InteropServer"]


class InteropServer(Watched, PhoenixServer):
    """The application over TCP."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CHANNELS, connect=connect, **options)
        for path, changes in SOCKETS.items():
            self.add_socket(path, **changes)
        self._plans: defaultdict[str, deque[str]] = defaultdict(deque)
        self._held: list[Deferred[Any]] = []

    def next_joins(self, topic: str, *plans: str) -> None:
        """Say what is to be done with the next joins of a ``gate:*`` topic.

        :param plans: ``"take"``, ``"refuse"``, ``"crash"``, or ``"hold"`` for one that
            is answered after :meth:`let_go`.
        """
        self._plans[topic].extend(plans)

    def plan_of(self, topic: str) -> str | Deferred[Any]:
        """What is to be done with a join."""
        plan = self._plans[topic].popleft() if self._plans[topic] else "take"
        if plan != "hold":
            return plan
        held: Deferred[Any] = Deferred()
        self._held.append(held)
        return held

    def let_go(self) -> int:
        """Take the joins that are held.

        :return: how many there were.
        """
        held, self._held = self._held, []
        for each in held:
            if not each.called:
                each.callback({})
        return len(held)

    def forget(self, topic: str) -> int:
        """Hold a topic joined no more, and tell nobody.

        :return: how many channels there were.
        """
        found = self.channels(topic)
        for channel in found:
            process = cast(ChannelProcess[ServerChannel], channel._process)
            process.end(None, {}, "forgotten")
        return len(found)
