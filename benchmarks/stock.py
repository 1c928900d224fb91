"""Autobahn's own client protocol with orjson: the least that a program would write.

There is no channel, no table of what waits, and no deadline: one function takes each
decoded message.
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
from collections.abc import Callable
from typing import Any

import orjson
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred

from .address import Address
from .server import HOST

__all__ = ["StockClient", "connect_stock"]


def pushed(data: bytes) -> list[Any]:
    """The message in a server's binary push."""
    join_ref, topic, event = data[1:4]
    topic_at = 4 + join_ref
    event_at = topic_at + topic
    return [
        data[4:topic_at].decode(),
        None,
        data[topic_at:event_at].decode(),
        data[event_at : event_at + event].decode(),
        data[event_at + event :],
    ]


def binary_push(ref: int, topic: str, event: str, payload: bytearray) -> bytes:
    """The content of a client's binary push."""
    fields = [field.encode() for field in ("1", str(ref), topic, event)]
    return b"".join((bytes((0, *map(len, fields))), *fields, payload))


class StockClient(WebSocketClientProtocol):
    """One connection; it is given to those who wait when it is open."""

    on_message: Callable[[list[Any]], Any] = staticmethod(lambda message: None)
    opened: Deferred[StockClient]
    lost: Deferred[None]

    def onOpen(self) -> None:
        """Tell that it is open."""
        self.lost = Deferred()
        self.opened.callback(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Decode, and hand on."""
        self.on_message(pushed(payload) if isBinary else orjson.loads(payload))

    def onClose(self, wasClean: bool, code: Any, reason: Any) -> None:
        """Tell that it is lost."""
        if self.opened.called:
            self.lost.callback(None)
        else:
            self.opened.errback(ConnectionError(str(reason)))

    def push(self, ref: int, topic: str, event: str, payload: Any) -> None:
        """Send one message."""
        if isinstance(payload, bytearray):
            self.sendMessage(binary_push(ref, topic, event, payload), isBinary=True)
            return
        self.sendMessage(orjson.dumps(("1", str(ref), topic, event, payload)))

    def join(self, channels: int) -> Deferred[None]:
        """Join as many channels at once; fires when the last reply is there."""
        for number in range(channels):
            ref = str(number)
            fields: tuple[Any, ...] = (ref, ref, f"bench:{number}", "phx_join", {})
            self.sendMessage(orjson.dumps(fields))
        return self.messages(channels)

    def messages(self, count: int) -> Deferred[None]:
        """Wait for as many messages, whatever they are."""
        done: Deferred[None] = Deferred()
        left = count

        def take(message: list[Any]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                done.callback(None)

        self.on_message = take
        return done


def connect_stock(
    reactor: Any, where: Address, path: str = "/socket", **options: Any
) -> Deferred[StockClient]:
    """Open a connection.

    :param options: for Autobahn's ``setProtocolOptions``.
    """
    url = where.url(f"{path}/websocket?vsn=2.0.0")
    factory = WebSocketClientFactory(url, reactor=reactor)
    factory.noisy = False
    factory.setProtocolOptions(**options)
    opened: Deferred[StockClient] = Deferred()

    def make() -> StockClient:
        protocol = StockClient()
        protocol.opened = opened
        return protocol

    factory.protocol = make  # type: ignore[assignment]
    if where.tls is None:
        reactor.connectTCP(HOST, where.port, factory)
    else:
        reactor.connectSSL(HOST, where.port, factory, where.tls)
    return opened
