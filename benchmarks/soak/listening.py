"""One of a client's channels: joined, listened to, left and joined again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from txphoenix import Channel, ChannelClosed, PhoenixError, SocketClient

from .checks import Order
from .ledger import Ledger, Verdict
from .messages import TICK
from .seats import CHANNELS

__all__ = ["Gate", "Listener", "Owner"]

_AGAIN = 0.5
"""Seconds until a join that has failed is tried again."""

_READERS = 2
"""How many of a client's channels are read by ``receive()``; the others have hooks."""

_ONE_READ = 65536 // 100
"""How many messages of the shortest may be in one read."""


class Gate:
    """What a reader waits at."""

    def __init__(self) -> None:
        self._is_closed = False
        self._waiting: list[Deferred[None]] = []

    def set(self, closed: bool) -> None:
        """Close it, or open it."""
        self._is_closed = closed
        if not closed:
            waiting, self._waiting = self._waiting, []
            for deferred in waiting:
                deferred.callback(None)

    def pulse(self) -> None:
        """Let those pass who wait, and nobody else."""
        self.set(False)
        self.set(True)

    def passed(self) -> Deferred[None]:
        """A Deferred that fires once it is open."""
        if not self._is_closed:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._waiting.append(deferred)
        return deferred


class Owner(Protocol):
    """The client, as its channels see it."""

    heard: int
    losses: int
    openings: Gate

    @property
    def client(self) -> SocketClient:
        """The client itself."""

    @property
    def reactor(self) -> Any:
        """The reactor."""

    @property
    def ledger(self) -> Ledger:
        """What was handed out."""

    @property
    def verdict(self) -> Verdict:
        """What was broken."""

    @property
    def limits(self) -> dict[str, int]:
        """The limits of its buffers."""

    @property
    def may_change(self) -> bool:
        """Whether what comes on this connection may have been changed."""

    @property
    def is_stopping(self) -> bool:
        """Whether its end has come."""


class Listener:
    """A channel, and what it has heard.

    :param owner: its client.
    :param topic: its topic.
    :param number: its number among the client's channels.
    :ivar channel: the channel.
    :ivar gate: where its reader waits, if it has one.
    :ivar order: what has come to it.
    :ivar highest: the most messages that have waited for its reader.
    """

    def __init__(self, owner: Owner, topic: str, number: int) -> None:
        self.topic = topic
        self.gate = Gate()
        self.order = Order(owner.verdict, topic)
        self.highest = 0
        self.channel: Channel = owner.client.channel(topic, channel_class=Channel)
        self._owner = owner
        self._is_reader = number >= CHANNELS - _READERS
        self._is_asked = False
        self._dropped = 0
        self._losses = 0
        self._again: IDelayedCall | None = None
        self._joins = Gate()
        self.channel.on_close(self._closed)
        if not self._is_reader:
            self.channel.on(TICK, self._hook)

    # Joining and leaving.

    def start(self) -> None:
        """Join, and read."""
        self._joins.set(True)
        self._join()
        if self._is_reader:
            reading = Deferred.fromCoroutine(self._read())
            self._owner.ledger.watch("reader", self.topic, reading)

    def stop(self) -> None:
        """Try no more."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._joins.set(False)
        self.gate.set(False)

    def churn(self) -> None:
        """Leave, and join again."""
        if self._is_asked or not self.channel.is_joined:
            return
        self._is_asked = True
        left = self._owner.ledger.watch("leave", self.topic, self.channel.leave())
        left.addErrback(self._fails_as_it_may).addCallback(lambda _: self._join())

    def _join(self) -> None:
        self._again = None
        if self._owner.is_stopping:
            return
        self._is_asked = True
        joined = self._owner.ledger.watch("join", self.topic, self.channel.join())
        joined.addCallbacks(self._has_joined, self._has_not_joined)

    def _has_joined(self, _response: object) -> None:
        self._is_asked = False
        self._joins.pulse()

    def _has_not_joined(self, failure: Failure) -> None:
        failure.trap(PhoenixError)
        self._later()

    def _fails_as_it_may(self, failure: Failure) -> None:
        failure.trap(PhoenixError)

    def _later(self) -> None:
        if self._again is None and not self._owner.is_stopping:
            self._again = self._owner.reactor.callLater(_AGAIN, self._join)

    def _closed(self, reason: object) -> None:
        if self._is_asked or self._owner.is_stopping:
            return
        if not self._owner.may_change:
            what = f"{self.topic} was closed: {reason}"
            self._owner.verdict.broken("a channel is closed when it is left", what)
        self._later()

    # Listening.

    def _hook(self, payload: Any) -> None:
        self._owner.heard += 1
        self.order.take(payload, self._owner.may_change, self.channel.join_ref)

    async def _read(self) -> None:
        while not self._owner.is_stopping:
            await self.gate.passed()
            received = self.channel.receive()
            self._owner.ledger.watch("receive", self.topic, received)
            message, until = None, self._owner.openings
            try:
                message = await received
            except ChannelClosed:
                until = self._joins
            except PhoenixError:
                # There is no connection, and there will be none until it is asked for.
                pass
            if message is None:
                # Not in there, where the error and its frames would be kept meanwhile.
                await until.passed()
                continue
            dropped = self.channel.dropped_messages
            self.order.may_miss(dropped - self._dropped)
            self._dropped = dropped
            self._hook(message.payload)

    def over_limits(self) -> Iterator[str]:
        """What is more than its limit allows, in words."""
        membership = self.channel._membership
        limits = self._owner.limits
        inbox = membership.made_inbox
        unread = 0 if inbox is None else len(inbox)
        self.highest = max(self.highest, unread)
        # One that is ending counts already: its loss is told when it has ended.
        losses = self._owner.losses + (not self._owner.client.connected)
        most = limits["receive_buffer"]
        if unread <= most:
            self._losses = losses
        elif unread > most + _ONE_READ * (losses - self._losses):
            # Of a paused connection that ends, what had come is delivered first.
            yield f"{self.topic} has {unread} messages unread"
        pushes = membership.made_pushes
        kept = 0 if pushes is None else pushes.kept
        if kept > limits["push_buffer"]:
            yield f"{self.topic} keeps {kept} pushes"
