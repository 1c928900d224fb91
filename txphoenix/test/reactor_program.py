"""A program with two clients and another service, under a reactor of its choice.

::

    python -m txphoenix.test.reactor_program REACTOR URL

It prints what happened as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import react
from twisted.protocols.wire import Echo

from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.backoff import steps

TOPIC = "rooms:lobby"


def install(name: str) -> None:
    """Install a reactor: one of Twisted's, or asyncio's with the loop of uvloop."""
    if name == "uvloop":
        from twisted.internet import asyncioreactor

        asyncioreactor.install(import_module("uvloop").new_event_loop())
    else:
        import_module(f"twisted.internet.{name}reactor").install()


class EchoService(Service):
    """The other service: it says what it is told."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def startService(self) -> None:
        """Listen."""
        super().startService()
        factory = Factory.forProtocol(Echo)
        self._listening = self._reactor.listenTCP(0, factory, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listening.getHost().port
        return port

    def stopService(self) -> Any:
        """Listen no more."""
        super().stopService()
        return self._listening.stopListening()


class Caller(Protocol):
    """Sends a line to the other service, and waits for the echo."""

    def __init__(self) -> None:
        self.heard: Deferred[bytes] = Deferred()
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Send."""
        self.transport.write(b"hello")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Take the echo, which is small enough to come at once."""
        self.transport.loseConnection()  # type: ignore[union-attr]
        self.heard.callback(data)

    def connectionLost(self, reason: Any = None) -> None:
        """Be done."""
        self.lost.callback(None)


def fire_once(deferred: Deferred[None], _reason: Exception) -> None:
    """Fire a Deferred, unless that is done."""
    if not deferred.called:
        deferred.callback(None)


async def run(reactor: Any, url: str) -> None:
    """Talk from one client to the other, before and after a lost connection."""
    parent = MultiService()
    echo = EchoService(reactor)
    echo.setServiceParent(parent)
    clients = [SocketClient(url, name=name, backoff=steps([0.01])) for name in "ab"]
    for client in clients:
        client.setServiceParent(parent)
    parent.privilegedStartService()
    parent.startService()

    heard: list[list[Any]] = [[], []]
    channels = [client.channel(TOPIC) for client in clients]
    for channel, payloads in zip(channels, heard, strict=True):
        channel.on("new_msg", payloads.append)
    await gatherResults([channel.join() for channel in channels])

    caller = Caller()
    factory = Factory.forProtocol(lambda: caller)
    await TCP4ClientEndpoint(reactor, "127.0.0.1", echo.port).connect(factory)
    await channels[0].push("new_msg", {"body": 1})
    # What has come before the answer has been read as well.
    await clients[1].ping()
    echoed = await caller.heard
    await caller.lost

    lost = [Deferred[None](), Deferred[None]()]
    for client, deferred in zip(clients, lost, strict=True):
        client.on_close(partial(fire_once, deferred))
    channels[0].push_async("drop")
    await gatherResults(lost)
    # These are kept for the rejoin, and each client hears at least its own.
    await gatherResults([each.push("new_msg", {"body": 2}) for each in channels])
    answers = await gatherResults([client.ping() for client in clients])

    await parent.stopService()
    result = {
        "reactor": type(reactor).__name__,
        "loop": type(getattr(reactor, "_asyncioEventloop", None)).__module__,
        "echoed": echoed.decode(),
        "heard": [[payload["body"] for payload in each] for each in heard],
        "pinged": all(0 <= seconds < 10 for seconds in answers),
        "calls": [str(call) for call in reactor.getDelayedCalls()],
        "sockets": len(
            [each for each in reactor.getReaders() if hasattr(each, "getHost")]
        ),
    }
    sys.stdout.write(f"{json.dumps(result)}\n")


if __name__ == "__main__":
    install(sys.argv[1])
    react(lambda reactor, url: Deferred.fromCoroutine(run(reactor, url)), sys.argv[2:])
