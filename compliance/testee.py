"""The clients under test: they send back each message, case by case."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from txphoenix.transports.frames import FastFrameProtocol

__all__ = ["AGENTS", "FastEcho", "StockEcho", "case_count", "run_cases"]

MAX_MESSAGE_SIZE = 16 * 1024 * 1024
"""The library's default; the largest message of the suite is just as long."""

PATIENCE = 600.0
"""How many seconds a case may take; the longest gives itself 480."""


class FastEcho(FastFrameProtocol):
    """The protocol under test."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send the message back; some cases send more after a close."""
        if self.state == self.STATE_OPEN:
            self.send_frame(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell that the case has ended."""
        self.factory.closed.callback(None)


class StockEcho(WebSocketClientProtocol):
    """Autobahn's own protocol, to compare with."""

    factory: Any

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send the message back; some cases send more after a close."""
        if self.state == self.STATE_OPEN:
            self.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell that the case has ended."""
        self.factory.closed.callback(None)


AGENTS: dict[str, type[WebSocketClientProtocol]] = {
    "fast": FastEcho,
    "stock": StockEcho,
}


class _Listener(StockEcho):
    """Keeps what the server has to say, and sends nothing."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Keep the message."""
        self.factory.said.append(payload)


class _Factory(WebSocketClientFactory):
    """One connection to the fuzzing server."""

    noisy = False

    def __init__(self, reactor: Any, url: str, protocol: Any) -> None:
        super().__init__(url, reactor=reactor)
        self.protocol = protocol
        self.closed: Deferred[None] = Deferred()
        self.said: list[bytes] = []
        self.setProtocolOptions(
            failByDrop=False,
            maxFramePayloadSize=MAX_MESSAGE_SIZE,
            maxMessagePayloadSize=MAX_MESSAGE_SIZE,
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=_accept,
        )


def _accept(response: object) -> PerMessageDeflateResponseAccept | None:
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)
    return None


async def _visit(reactor: Any, url: str, protocol: Any) -> list[bytes]:
    """Connect, and wait until the connection has ended."""
    factory = _Factory(reactor, url, protocol)
    endpoint = TCP4ClientEndpoint(reactor, factory.host, factory.port)
    connected: Any = await endpoint.connect(factory)
    timer = reactor.callLater(PATIENCE, connected.transport.abortConnection)
    try:
        await factory.closed
    finally:
        if timer.active():
            timer.cancel()
    return factory.said


async def case_count(reactor: Any, url: str) -> int:
    """How many cases the server holds ready."""
    [said] = await _visit(reactor, f"{url}/getCaseCount", _Listener)
    return int(json.loads(said))


async def run_cases(reactor: Any, url: str, agent: str) -> AsyncIterator[int]:
    """Run all cases with one agent, and have the server write its reports.

    :return: the number of each case, when it has ended.
    """
    for number in range(1, await case_count(reactor, url) + 1):
        case = f"{url}/runCase?case={number}&agent={agent}"
        await _visit(reactor, case, AGENTS[agent])
        yield number
    await _visit(reactor, f"{url}/updateReports?agent={agent}", _Listener)
