"""What the tests of ``presence.py`` share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from txphoenix.channels.presence import Presence

STATE = "presence_state"
DIFF = "presence_diff"


def entry(*refs: str, **fields: Any) -> dict[str, Any]:
    """Make a key's entry, with one meta for each ref."""
    return {**fields, "metas": [{"phx_ref": ref} for ref in refs]}


def diff(
    joins: dict[str, Any] | None = None, leaves: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Make the payload of a diff."""
    return {"joins": joins or {}, "leaves": leaves or {}}


def first_ref(key: str, presence: Any) -> tuple[str, str]:
    """Choose the key and the ref of its first meta."""
    return key, presence["metas"][0]["phx_ref"]


class FakeChannel:
    """The part of a channel that a presence uses."""

    def __init__(self, join_ref: str | None = "1") -> None:
        self.join_ref = join_ref
        self.handlers: dict[str, list[Callable[[Any], Any]]] = defaultdict(list)

    def on(self, event: str, handler: Callable[[Any], Any]) -> Callable[[], None]:
        """Add a handler."""
        self.handlers[event].append(handler)
        return lambda: self.handlers[event].remove(handler)

    def deliver(self, event: str, payload: Any) -> None:
        """Receive a message."""
        for handler in tuple(self.handlers[event]):
            handler(payload)


class Record:
    """The calls of a presence's hooks, in order."""

    def __init__(self, presence: Presence | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        if presence is not None:
            presence.on_join(self.on_join)
            presence.on_leave(self.on_leave)
            presence.on_sync(lambda: self.calls.append(("sync",)))

    def on_join(self, *arguments: Any) -> None:
        """Note a join."""
        self.calls.append(("join", *arguments))

    def on_leave(self, *arguments: Any) -> None:
        """Note a leave."""
        self.calls.append(("leave", *arguments))
