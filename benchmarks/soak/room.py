"""The server's channels: they number what they say, and answer what they are asked."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from txphoenix import Message
from txphoenix.testing import ServerChannel, error, ok

from .messages import ECHO, TICK, is_whole, sealed

__all__ = ["Notes", "Room"]

_LATE = 0.5
"""Seconds that a late reply is late."""

# Counts the joins of all channels, so that no two are taken for one.
_JOINS = itertools.count(1)


class Notes:
    """What the server has seen that should not be, and how much it has done.

    :ivar counts: what happened how often.
    :ivar wrong: what must never happen, in words.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._seen: dict[str, set[str]] = {}

    def take(self, topic: str, payload: Any) -> bool:
        """Take note of a push; false if it was changed on its way, or went astray."""
        if not is_whole(payload, "id", "topic", "body") or payload["topic"] != topic:
            self.counts["changed pushes"] += 1
            return False
        seen = self._seen.setdefault(topic, set())
        if payload["id"] in seen:
            self.wrong.append(f"push {payload['id']} came to {topic} twice")
        seen.add(payload["id"])
        self.counts["pushes"] += 1
        return True


class Room(ServerChannel):
    """One client's channel.

    :cvar notes: where all of them note what happens.
    """

    notes: Notes
    _number = 0
    _writable: Any = None

    def join(self, params: Any) -> Any:
        """Take everybody, and say which join of all this is."""
        self._join = next(_JOINS)
        self.notes.counts["joins"] += 1
        return {"join": self._join}

    def tick(self, body: str = "", by_broadcast: bool = False) -> None:
        """Say the next number, unless the client reads nothing just now.

        :param by_broadcast: whether it has no join_ref, as a broadcast has none.
        """
        if self._writable is not None and not self._writable.called:
            return
        self._writable = self.ready()
        if not self._writable.called:
            return
        payload = sealed(
            topic=self.topic,
            join_ref=self.join_ref,
            join=self._join,
            n=self._number,
            body=body,
        )
        self._number += 1
        self.notes.counts["messages"] += 1
        if by_broadcast:
            # A real one would go to the client's earlier sessions as well.
            self.session.send(Message(None, None, self.topic, TICK, payload))
        else:
            self.push(TICK, payload)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer as the event says; nothing at all if the payload was changed."""
        if not self.notes.take(self.topic, payload):
            return error({"reason": "changed"})
        if event == "silent":
            return None
        if event == "late":
            ref = self.ref
            self.call_later(_LATE, self.reply, ref, "ok", payload)
            return None
        if event == "refused":
            return error(payload)
        if event == "crash":
            raise RuntimeError("the channel was told to crash")
        if event == "burst":
            for _ in range(50):
                self.tick(payload["body"])
        return ok(payload) if event in {ECHO, "burst"} else None
