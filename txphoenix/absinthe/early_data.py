"""Data that come before the reply with their id.

Absinthe begins to send before it replies (``run_doc`` of absinthe_phoenix subscribes
first), so the first data may overtake the reply.
"""

from __future__ import annotations

from collections import deque

from twisted.logger import Logger

from txphoenix import Message
from txphoenix.runtime.package_log import package_log

__all__ = ["EarlyData"]

log = Logger("txphoenix.absinthe", observer=package_log)


class EarlyData:
    """A bounded store of messages by id; the oldest are dropped, and the log says so.

    :param limit: how many messages are kept at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: deque[tuple[str, Message]] = deque()
        self._is_loss_told = False

    def keep(self, id: str, message: Message) -> None:
        """Keep a message until its id is known."""
        self._messages.append((id, message))
        if len(self._messages) <= self._limit:
            return
        self._messages.popleft()
        if not self._is_loss_told:
            self._is_loss_told = True
            log.warn(
                "{topic}: more than {limit} messages came before the reply with their"
                " subscriptionId; the oldest are dropped",
                topic=id,
                limit=self._limit,
            )

    def take(self, id: str) -> list[Message]:
        """Take the messages of an id, the oldest first."""
        if not self._messages:
            return []
        taken = [message for each, message in self._messages if each == id]
        self._messages = deque(kept for kept in self._messages if kept[0] != id)
        return taken

    def clear(self) -> set[str]:
        """Keep nothing; the ids of what was kept."""
        ids = {id for id, _ in self._messages}
        self._messages.clear()
        self._is_loss_told = False
        return ids
