"""Tests of long-poll over real TCP and TLS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS

from txphoenix import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    PushInterrupted,
    SocketClient,
)
from txphoenix.testing import PhoenixServer, ServerChannel, ok
from txphoenix.testing.tls import self_signed

from .http_ways import HTTPWay, by_treq_too
from .network import NO_IPV6, TOPIC, NetworkTestCase, Tunnel, reactor

# Short times, for tests that wait for the end of a window.
QUICK: dict[str, Any] = {"longpoll_window": 0.3, "longpoll_pubsub_timeout": 0.1}


class LongPollNetworkTestCase(HTTPWay, NetworkTestCase):
    """A test with clients that long-poll."""

    def client(self, url: Any, **options: Any) -> SocketClient:
        """A client of long-poll, started, and stopped after the test."""
        options = {"transport": "longpoll", "fast_http": self.fast_http, **options}
        return super().client(url, **options)

    def setUp(self) -> None:
        """Have no session end for a poll that is late."""
        super().setUp()
        self.keep_sessions()

    async def converse(self, server: PhoenixServer, client: SocketClient) -> None:
        """Join, push and leave, and stop without a trace."""
        response, channel = await client.join(TOPIC, {"a": 1})
        self.assertEqual(response, {"a": 1})
        self.assertEqual(server.connections[-1].socket.transport, "longpoll")
        self.assertEqual(await channel.push("echo", {"b": "ü"}), {"b": "ü"})
        pushes = [channel.push("echo", i) for i in range(250)]
        self.assertEqual([await push for push in pushes], list(range(250)))
        await channel.leave()
        await client.stopService()
        # The server's side of the sessions would wait for a poll.
        server.drop()
        await self.assert_nothing_held()


@by_treq_too
class ReachingTests(LongPollNetworkTestCase):
    """The ways to reach a server."""

    async def test_address(self) -> None:
        """By an address; a WebSocket's URL will do."""
        server = await self.serve()
        for url in (server.url, server.http_url, f"{server.url}/websocket"):
            await self.converse(server, self.client(url))

    async def test_host_name(self) -> None:
        """By a name."""
        server = await self.serve()
        url = server.url.replace("127.0.0.1", "localhost")
        await self.converse(server, self.client(url))

    async def test_ipv6(self) -> None:
        """By an address of IPv6."""
        server = await self.serve(interface="::1")
        for url in (server.url, server.http_url):
            await self.converse(server, self.client(url))

    test_ipv6.skip = NO_IPV6  # type: ignore[attr-defined]

    async def test_endpoint(self) -> None:
        """By an endpoint's description."""
        server = await self.serve()
        endpoint = f"tcp:127.0.0.1:{server.port}"
        client = self.client("ws://phoenix/socket", endpoint=endpoint)
        await self.converse(server, client)

    async def test_proxy(self) -> None:
        """Through an HTTP proxy, each connection a tunnel of its own."""
        Tunnel.heads.clear()
        server = await self.serve()
        port = await self.listen(Tunnel)
        client = self.client(server.url, proxy=f"http://127.0.0.1:{port}")
        await self.converse(server, client)
        self.assertGreaterEqual(len(Tunnel.heads), 2)

    async def test_persistent(self) -> None:
        """Two connections are enough, however much is said."""
        server = await self.serve()
        proxy = await self.stand_between(server)
        client = self.client(proxy.url(server.url))
        _, channel = await client.join(TOPIC)
        for i in range(30):
            await channel.push("echo", i)
        self.assertLessEqual(proxy.connections_made, 3)
        await client.stopService()


@by_treq_too
class TLSTests(LongPollNetworkTestCase):
    """HTTPS is verified, as a WebSocket's TLS is."""

    async def test_trusted(self) -> None:
        """A certificate that is trusted, and is for the host, is taken."""
        credentials = self_signed()
        server = await self.serve(tls=credentials.server)
        trust = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        await self.converse(server, self.client(server.url, tls=trust))
        await self.converse(server, self.client(server.http_url, tls=trust))

    async def test_not_trusted(self) -> None:
        """One that is not trusted is refused, by default and before any request."""
        server = await self.serve(tls=self_signed().server)
        client = self.client(server.url, reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIs(type(error), ConnectionFailed)
        self.assertIn("certificate", str(error))
        self.assertEqual(server.connections, [])

    async def test_other_host(self) -> None:
        """So is one that is for another host."""
        credentials = self_signed("elsewhere.example")
        server = await self.serve(tls=credentials.server)
        trust = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        client = self.client(server.url, tls=trust, reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIs(type(error), ConnectionFailed)
        self.assertEqual(server.connections, [])


class Silent(Protocol):
    """A server that takes connections and says nothing."""


@by_treq_too
class FaultTests(LongPollNetworkTestCase):
    """What goes wrong on the way."""

    async def test_nobody_listens(self) -> None:
        """A port that is closed is a failed attempt."""
        server = await self.serve()
        url = server.url
        await server.stop()
        client = self.client(url, reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIs(type(error), ConnectionFailed)

    async def test_silent_server(self) -> None:
        """A server that says nothing has connect_timeout, and no longer."""
        port = await self.listen(Silent)
        client = self.client(
            f"ws://127.0.0.1:{port}/socket", connect_timeout=0.1, reconnect=False
        )
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, ConnectTimeout)
        await self.assert_nothing_held()

    async def test_no_long_poll(self) -> None:
        """A server without long-poll is a 404."""
        server = await self.serve(longpoll=False)
        client = self.client(server.url, reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual(getattr(error, "status", None), 404)

    async def test_stopped_at_any_moment(self) -> None:
        """stopService() leaves nothing, whatever is under way."""
        server = await self.serve()
        for turns in range(12):
            client = self.client(server.url)
            joining = client.join(TOPIC)
            joining.addErrback(lambda _: None)
            for _ in range(turns):
                await self.sleep(0)
            await client.stopService()
            server.drop()
            await self.assert_nothing_held()

    async def test_network_dies(self) -> None:
        """A network that swallows everything is noticed, and comes back."""
        server = await self.serve(**QUICK)
        proxy = await self.stand_between(server)
        client = self.client(
            proxy.url(server.url), heartbeat_interval=0.4, heartbeat_timeout=0.2
        )
        _, channel = await client.join(TOPIC)
        # Until the server has shown its window, Phoenix's 10 seconds are waited for.
        transport: Any = client.connection.link.transport
        await self.until(lambda: transport._pace._shown)
        lost = self.next_call(client.on_close)
        proxy.to_client.hold()
        reason = await lost
        # A busy machine has the window seem longer than it is.
        limit = transport._pace.longest(0.4, 0.2)
        self.assertLess(limit, 10)
        text = f"no answer within {limit:g} s"
        self.assertEqual((reason.code, reason.reason), (1006, text))
        proxy.cut()
        proxy.to_client.release()
        await self.until(lambda: channel.state == "joined")

    async def test_cut_within_an_answer(self) -> None:
        """A connection that ends within an answer ends the session."""
        server = await self.serve(**QUICK)
        proxy = await self.stand_between(server)
        client = self.client(proxy.url(server.url))
        _, channel = await client.join(TOPIC)
        lost = self.next_call(client.on_close)
        # No other answer is so long, and none of this kind can be compressed away.
        proxy.to_client.cut_after = 20_000
        push = channel.push("echo", os.urandom(50_000).hex())
        self.assertIsInstance(await self.failure_of(push), PushInterrupted)
        self.assertEqual((await lost).code, 1006)
        proxy.to_client.cut_after = None
        await self.until(lambda: channel.state == "joined")

    async def test_restart(self) -> None:
        """A server that restarts is found again, and all is joined again."""
        server = await self.serve(**QUICK)
        client = self.client(server.url)
        _, channel = await client.join(TOPIC)
        lost = self.next_call(client.on_close)
        await server.restart()
        self.assertIsInstance(await lost, ConnectionClosed)
        await self.until(lambda: channel.state == "joined")
        self.assertEqual(await channel.push("echo", 1), 1)

    async def test_fallback(self) -> None:
        """A client whose WebSocket is swallowed goes over to long-poll."""
        server = await self.serve(**QUICK)
        server.refuse(502, "websocket")
        client = self.client(server.url, transport="websocket", longpoll_fallback=2.5)
        await self.converse(server, client)


TOTAL = 100_000


class Ledger(ServerChannel):
    """Pushes the numbers from where its client is, and writes down the client's own.

    :cvar joins: how often it was joined.
    :cvar pushed: how many numbers were pushed, over all joins.
    :cvar noted: the client's numbers, each once and in order.
    """

    pushed = 0
    noted = 0
    joins = 0

    def join(self, params: Any) -> Any:
        """Take everybody."""
        type(self).joins += 1
        return {}

    def after_join(self) -> None:
        """Begin to push, once the reply is out."""
        self.call_later(0, self.begin)

    def begin(self) -> None:
        """Begin to push."""
        Deferred.fromCoroutine(self.push_all())

    async def push_all(self) -> None:
        """Push as fast as the client takes it."""
        for i in range(self.params["from"], TOTAL):
            await self.ready()
            if self.session.closed:
                return
            type(self).pushed += 1
            self.push("number", i)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Note a number, if it is the next one, and say how far we are."""
        if payload == type(self).noted:
            type(self).noted += 1
        return ok(type(self).noted)


@by_treq_too
class EnduranceTests(LongPollNetworkTestCase):
    """A hundred thousand messages, and three cuts on the way."""

    timeout = 600

    async def test_none_lost(self) -> None:
        """Each number comes once and in order, both ways, over four sessions.

        What a session had not handed out when it was cut is lost with it.
        So each join says what has come so far, and each push is repeated until it is
        answered; nothing else makes up for a message that is lost, that comes twice or
        that overtakes another.
        """
        Ledger.joins = Ledger.pushed = Ledger.noted = 0
        server = PhoenixServer(
            {"ledger": Ledger}, connect=lambda params, socket: "me", **QUICK
        )
        await server.start()
        self.addCleanup(server.stop, drain=False)
        proxy = await self.stand_between(server)
        cuts: Iterator[Callable[[], object]] = iter(
            [server.drop, lambda: proxy.cut(reset=True), lambda: server.kick("me")]
        )
        client = self.client(proxy.url(server.url))
        losses: list[Any] = []
        client.on_close(losses.append)
        received: list[int] = []

        def take(number: int) -> None:
            received.append(number)
            if len(received) % (TOTAL // 4) == 0 and len(received) < TOTAL:
                # When the next poll is under way.
                reactor.callLater(0, next(cuts))

        channel = client.channel("ledger", lambda: {"from": len(received)})
        channel.on("number", take)
        await channel.join()
        noted = 0
        while len(received) < TOTAL:
            # A window of pushes; those that fail are made again.
            pushes = [channel.push("note", noted + i) for i in range(200)]
            answers = await DeferredList(pushes, consumeErrors=True)
            for is_answered, answer in answers:
                if is_answered:
                    noted = answer
                else:
                    self.assertIsInstance(answer.value, PushInterrupted)
        self.assertEqual(received, list(range(TOTAL)))
        self.assertEqual(Ledger.noted, noted)
        self.assertGreater(noted, TOTAL // 50)
        self.assertEqual([loss.code for loss in losses], [3410, 1006, 3410])
        self.assertEqual(Ledger.joins, 4)
        # The cuts have cost messages that were under way.
        self.assertGreater(Ledger.pushed, TOTAL)
        await client.stopService()
