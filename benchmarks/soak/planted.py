"""Faults to plant into the library, so that the soak can be seen to notice them.

Each is done to a class of the library, in this process, before there is a client.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import SocketClient
from txphoenix.channels.inbox import Inbox
from txphoenix.channels.pending import PendingPush, PendingReply
from txphoenix.client import receiving
from txphoenix.client.connection import Connection
from txphoenix.client.link import Link

from .messages import ECHO, TICK

__all__ = ["FAULTS", "plant"]

_OFTEN = 100
"""A fault of messages or pushes befalls one of so many."""

_EVENT = f'"{TICK}"'.encode("ascii")
_kept: list[Any] = []


def _around(owner: Any, name: str, wrapped: Callable[..., Any]) -> None:
    """Have a method of a class call ``wrapped(original, self, *args)`` instead."""
    original = getattr(owner, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapped(original, self, *args, **kwargs)

    setattr(owner, name, method)


def _of_messages(change: Callable[[Any, bytes], list[bytes]]) -> None:
    """Have what the server says by itself changed on its way to the hooks."""

    def receive(original: Any, self: Any, data: bytes, is_binary: bool) -> None:
        frames = change(self, data) if _EVENT in data else [data]
        for frame in frames:
            original(self, frame, is_binary)

    _around(receiving._Receiving, "receive_fast", receive)


def _message_twice(_reactor: Any) -> None:
    numbers = itertools.count(1)
    _of_messages(
        lambda _, data: [data, data] if next(numbers) % _OFTEN == 0 else [data]
    )


def _message_lost(_reactor: Any) -> None:
    numbers = itertools.count(1)
    _of_messages(lambda _, data: [] if next(numbers) % _OFTEN == 0 else [data])


def _message_late(_reactor: Any) -> None:
    numbers = itertools.count(1)
    late: dict[Any, bytes] = {}

    def change(receiver: Any, data: bytes) -> list[bytes]:
        topic = data.split(b",")[2]
        if topic in late:
            return [data, late.pop(topic)]
        if next(numbers) % _OFTEN == 0:
            late[topic] = data
            return []
        return [data]

    _of_messages(change)


def _message_kept(_reactor: Any) -> None:
    def change(_: Any, data: bytes) -> list[bytes]:
        _kept.append([data])
        return [data]

    _of_messages(change)


def _reply_astray(_reactor: Any) -> None:
    replies: list[Any] = []

    def answered(original: Any, self: Any, payload: Any, join_ref: Any) -> None:
        replies.append(payload)
        if len(replies) == _OFTEN:
            payload = replies[0]
            replies.clear()
        original(self, payload, join_ref)

    _around(PendingPush, "answered", answered)


def _deferred_lost(_reactor: Any) -> None:
    numbers = itertools.count(1)

    def succeed(original: Any, self: Any, result: Any) -> None:
        if next(numbers) % _OFTEN == 0:
            self.deferred = None
        original(self, result)

    _around(PendingReply, "succeed", succeed)


def _deferred_twice(_reactor: Any) -> None:
    numbers = itertools.count(1)

    def succeed(original: Any, self: Any, result: Any) -> None:
        deferred = self.deferred
        original(self, result)
        if deferred is not None and next(numbers) % _OFTEN == 0:
            deferred.callback(result)

    _around(PendingReply, "succeed", succeed)


def _sent_twice(_reactor: Any) -> None:
    numbers = itertools.count(1)

    def send(original: Any, self: Any, message: Any, *frame: Any) -> Any:
        if message.event == ECHO and next(numbers) % _OFTEN == 0:
            original(self, message, *frame)
        return original(self, message, *frame)

    for name in ("send", "write"):
        _around(Link, name, send)


def _after_each_loss(leave: Callable[[], object]) -> None:
    def lost(original: Any, self: Any) -> Any:
        leave()
        return original(self)

    _around(Link, "lost", lost)


def _call_left(reactor: Any) -> None:
    _after_each_loss(lambda: reactor.callLater(3600, lambda: None))


def _file_left(_reactor: Any) -> None:
    _after_each_loss(lambda: os.open(os.devnull, os.O_RDONLY))


def _stays_away(_reactor: Any) -> None:
    numbers = itertools.count(1)

    def lost(original: Any, self: Any, reason: Any) -> Any:
        return original(self, reason) and next(numbers) % 20 != 0

    _around(Connection, "transport_lost", lost)


def _queue_without_limit(_reactor: Any) -> None:
    def init(original: Any, self: Any, topic: str, limit: int, *rest: Any) -> None:
        original(self, topic, 10**9, *rest)

    _around(Inbox, "__init__", init)


def _call_after_stop(reactor: Any) -> None:
    def stop(original: Any, self: Any) -> Any:
        reactor.callLater(3600, lambda: None)
        return original(self)

    _around(SocketClient, "stopService", stop)


def _stop_without_end(_reactor: Any) -> None:
    def stop(original: Any, self: Any) -> Any:
        original(self)
        return Deferred()

    _around(SocketClient, "stopService", stop)


def _client_kept(_reactor: Any) -> None:
    def start(original: Any, self: Any) -> None:
        _kept.append(self)
        original(self)

    _around(SocketClient, "startService", start)


FAULTS: Mapping[str, Callable[[Any], None]] = {
    "message-twice": _message_twice,
    "message-lost": _message_lost,
    "message-late": _message_late,
    "message-kept": _message_kept,
    "reply-astray": _reply_astray,
    "deferred-lost": _deferred_lost,
    "deferred-twice": _deferred_twice,
    "sent-twice": _sent_twice,
    "call-left": _call_left,
    "file-left": _file_left,
    "stays-away": _stays_away,
    "queue-without-limit": _queue_without_limit,
    "call-after-stop": _call_after_stop,
    "stop-without-end": _stop_without_end,
    "client-kept": _client_kept,
}
"""The names of the faults, and what plants each."""


def plant(name: str, reactor: Any) -> None:
    """Have the library go wrong in that way."""
    FAULTS[name](reactor)
