"""Tests of what the ends of open connections leave behind, over TCP."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from txphoenix import SocketClient
from txphoenix.protocol.message import Message
from txphoenix.testing.proxy import FaultProxy
from txphoenix.transports import longpoll_pace

from .endings import EndingsTestCase
from .network import reactor

# Short times, for the ends that are those of a wait.
QUICK: dict[str, Any] = {"longpoll_window": 0.1, "longpoll_pubsub_timeout": 0.02}


class WebSocketEndingTests(EndingsTestCase):
    """The ends of a WebSocket."""

    options: dict[str, Any] = {}
    has_websocket = True

    async def end_each(self, end: Callable[[FaultProxy], Any], **options: Any) -> None:
        """Connect, and have the connections end in one way."""
        self.patch(longpoll_pace, "_WINDOW", 0.2)
        self.patch(longpoll_pace, "_LONGEST_WINDOW", 0.2)
        # What is the end of a window here is at once elsewhere.
        self.patch(longpoll_pace, "_AT_ONCE", 0.01)
        server = await self.serve(**QUICK)
        if not self.has_websocket:
            server.refuse(502, "websocket")
        proxy = await self.stand_between(server)
        self.server = server
        self.make_clients(proxy.url(server.url), **self.options, **options)

        async def end_once() -> None:
            left = set(self.clients)
            removers = [
                client.on_close(partial(_forget, left, client))
                for client in self.clients
            ]
            while left:
                for client in tuple(left):
                    client.connect()
                    await client.when_connected()
                # The first polls are under way.
                await self.sleep(0.002)
                undo = end(proxy)
                await self.until_or_late(lambda: not left, 1.0)
                if callable(undo):
                    undo()
            for remove in removers:
                remove()
            # What the server has left of it is the server's.
            server.drop()

        await self.end_often(end_once)

    async def until_or_late(self, condition: Callable[[], object], time: float) -> None:
        """Wait until a condition holds, but not for ever.

        A client may have been lost, and have come back, before it was looked at.
        """
        end = reactor.seconds() + time
        await self.until(lambda: condition() or reactor.seconds() > end)

    def each(self, action: Callable[[SocketClient], Any]) -> None:
        """Do something with each client."""
        for client in self.clients:
            action(client)

    async def test_cut(self) -> None:
        """The network ends the connection in good order."""
        await self.end_each(lambda proxy: proxy.cut())

    async def test_reset(self) -> None:
        """The network resets the connection."""
        await self.end_each(lambda proxy: proxy.cut(reset=True))

    async def test_cut_while_sending(self) -> None:
        """The network ends the connection while something is sent."""

        def end(proxy: FaultProxy) -> None:
            self.each(lambda client: client.push(Message(None, None, "a", "b", {})))
            proxy.cut()

        await self.end_each(end)

    async def test_closed_by_the_server(self) -> None:
        """The server closes."""
        await self.end_each(lambda _: self.server.drain())

    async def test_dropped_by_the_server(self) -> None:
        """The server drops the connection."""
        await self.end_each(lambda _: self.server.drop())

    async def test_aborted(self) -> None:
        """The client gives the connection up."""

        def abort(client: Any) -> None:
            # One may have been lost meanwhile.
            if client.connected:
                client.connection.link.transport.abort()

        await self.end_each(lambda _: self.each(abort))

    async def test_disconnected(self) -> None:
        """The user disconnects."""
        await self.end_each(lambda _: self.each(SocketClient.disconnect))

    async def test_stopped(self) -> None:
        """The user stops the service."""
        await self.end_each(lambda _: self.each(SocketClient.stopService))

    async def test_silent(self) -> None:
        """The server says nothing any more."""

        def end(_: FaultProxy) -> Callable[[], None]:
            self.server.pause()
            return self.server.resume

        await self.end_each(end, heartbeat_interval=0.05, heartbeat_timeout=0.05)

    async def test_too_large(self) -> None:
        """The server sends a message that is over the limit."""

        def end(_: FaultProxy) -> None:
            for session in self.server.connections:
                session.send_frame(b'["%s"]' % (b"x" * 200), False)

        await self.end_each(end, max_message_size=100)

    async def test_garbage(self) -> None:
        """The server sends what is neither a frame nor an answer."""

        def end(proxy: FaultProxy) -> None:
            proxy.to_client.inject(b"\xff\xff\xff\xff 1 2 3 \r\n\r\n")

        await self.end_each(end)


def _forget(clients: set[SocketClient], client: SocketClient, _reason: Any) -> None:
    clients.discard(client)


class LongPollEndingTests(WebSocketEndingTests):
    """The ends of a session of long-poll."""

    options = {"transport": "longpoll"}


class LongPollByTreqEndingTests(WebSocketEndingTests):
    """The same where the requests are treq's."""

    options: dict[str, Any] = {"transport": "longpoll", "fast_http": False}


class FallbackEndingTests(WebSocketEndingTests):
    """The ends of a WebSocket that long-poll would have stood in for."""

    options = {"longpoll_fallback": 2.5}


class FallenBackEndingTests(WebSocketEndingTests):
    """The ends of a session of long-poll that stands in for a WebSocket."""

    options = {"longpoll_fallback": 2.5}
    has_websocket = False
