"""Tests of :mod:`txphoenix.transports.addresses`: another address after a mute one.

On the network the name has addresses out of 127.0.0.0/8, of which each may have a
server of its own at the same port.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectTimeout, HandshakeRefused, HeartbeatTimeout
from txphoenix.testing import PhoenixServer
from txphoenix.transports import longpoll_pace
from txphoenix.transports.addresses import AnsweringAddresses

from .local_names import find_names_at
from .network import TOPIC, NetworkTestCase, Room, Tunnel, reactor
from .raw_server import SWITCHING, RawServer

NAME = "phoenix.example"
MUTE = ConnectTimeout(1)


def address(number: int) -> IAddress:
    """One of the addresses."""
    return IPv4Address("TCP", f"127.0.0.{number}", 0)


class AnsweringAddressesTests(SynchronousTestCase):
    """What is left out of an attempt."""

    def setUp(self) -> None:
        """Know nothing."""
        self.addresses = AnsweringAddresses()

    def to_try(self, *numbers: int, name: str = NAME) -> list[int]:
        """Those of the addresses that are tried."""
        found = self.addresses.to_try(name, [address(number) for number in numbers])
        return [int(cast(Any, it).host.rpartition(".")[2]) for it in found]

    def attempt(
        self, connected: int | None, reason: Exception = MUTE, name: str = NAME
    ) -> None:
        """An attempt that fails."""
        self.addresses.attempt_begins()
        if connected is not None:
            self.addresses.connected(name, f"127.0.0.{connected}")
        self.addresses.attempt_failed(reason)

    def test_rotation(self) -> None:
        """One after the other is left out, and then none is."""
        self.assertEqual(self.to_try(1, 2, 3), [1, 2, 3])
        self.attempt(1)
        self.assertEqual(self.to_try(1, 2, 3), [2, 3])
        self.attempt(3)
        self.assertEqual(self.to_try(1, 2, 3), [2])
        self.attempt(2)
        self.assertEqual(self.to_try(1, 2, 3), [1, 2, 3])
        self.attempt(1)
        self.assertEqual(self.to_try(1, 2, 3), [2, 3])

    def test_only_one(self) -> None:
        """The only address of a name is always tried."""
        self.attempt(1)
        self.assertEqual(self.to_try(1), [1])
        self.assertEqual(self.to_try(), [])

    def test_not_connected(self) -> None:
        """If none of the others can be connected to, all are tried again."""
        self.attempt(1)
        self.assertEqual(self.to_try(1, 2), [2])
        self.attempt(None)
        self.assertEqual(self.to_try(1, 2), [1, 2])

    def test_answered(self) -> None:
        """An address that has refused has answered."""
        self.attempt(1, HandshakeRefused(503, {}, ""))
        self.assertEqual(self.to_try(1, 2), [1, 2])

    def test_never_began(self) -> None:
        """An attempt that has failed before it dialled says nothing."""
        self.attempt(1)
        self.attempt(2)
        self.assertEqual(self.to_try(1, 2), [1, 2])
        self.addresses.attempt_failed(MUTE)
        self.assertEqual(self.to_try(1, 2), [1, 2])

    def test_new_addresses(self) -> None:
        """What a name does not have any more is forgotten."""
        self.attempt(1)
        self.assertEqual(self.to_try(2, 3), [2, 3])
        self.assertEqual(self.to_try(1, 2), [1, 2])

    def test_names(self) -> None:
        """Each name has its own, and there is no end to the names."""
        self.attempt(1)
        self.assertEqual(self.to_try(1, 2, name="other.example"), [1, 2])
        for number in range(100):
            self.attempt(1, name=f"{number}.example")
        self.assertEqual(self.to_try(1, 2), [1, 2])
        self.assertEqual(self.to_try(1, 2, name="99.example"), [2])


class Mute(Protocol):
    """Takes a connection, and says nothing."""


class Resetting(Protocol):
    """Takes a connection, and resets it."""

    def dataReceived(self, data: bytes) -> None:
        """Reset it."""
        cast(Any, self.transport).abortConnection()


class NetworkTests(NetworkTestCase):
    """A name of which the first address is no good, over real TCP."""

    def setUp(self) -> None:
        """Have the name."""
        super().setUp()
        self.names = find_names_at(self, "127.0.0.1", "127.0.0.2")

    async def serve_second(self, **options: Any) -> PhoenixServer:
        """Serve at the second address."""
        options = {"interface": "127.0.0.2", "longpoll": True, **options}
        server = PhoenixServer({"rooms:*": Room}, **options)
        try:
            await server.start()
        except CannotListenError:
            self.skipTest("this machine has but one address for itself")
        self.addCleanup(server.stop, drain=False)
        return server

    async def occupy(self, port: int, factory: Any, number: int = 1) -> None:
        """Serve something else at another address and the same port."""
        endpoint = TCP4ServerEndpoint(reactor, port, interface=f"127.0.0.{number}")
        if not isinstance(factory, Factory):
            factory = Factory.forProtocol(factory)
        try:
            listening = await endpoint.listen(factory)
        except CannotListenError:
            self.skipTest("another program has that port")
        self.addCleanup(listening.stopListening)

    async def check(
        self, first: Any = Mute, failures: int = 1, scheme: str = "ws", **options: Any
    ) -> list[Exception]:
        """The second address is reached, after so many attempts in vain.

        :return: what the attempts have failed with.
        """
        server = await self.serve_second()
        await self.occupy(server.port, first)
        url = f"{scheme}://{NAME}:{server.port}/socket"
        client = self.client(url, **{"connect_timeout": 1, **options})
        errors: list[Exception] = []
        client.on_error(errors.append)
        _, room = await client.join(TOPIC, timeout=20)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        self.assertEqual(len(errors), failures, errors)
        await client.stopService()
        return errors

    async def test_websocket(self) -> None:
        """A WebSocket's second attempt goes to the second address."""
        (error,) = await self.check()
        self.assertIsInstance(error, ConnectTimeout)

    async def test_longpoll(self) -> None:
        """So does that of a session of long-poll."""
        (error,) = await self.check(transport="longpoll")
        self.assertIsInstance(error, ConnectTimeout)

    async def test_longpoll_request(self) -> None:
        """So it does where the request runs out of time first."""
        self.patch(longpoll_pace, "_WINDOW", 0.5)
        await self.check(
            transport="longpoll",
            heartbeat_interval=0.5,
            heartbeat_timeout=0.5,
            connect_timeout=60,
        )

    async def test_fallback(self) -> None:
        """Long-poll goes to the second address within the same attempt."""
        await self.check(failures=0, longpoll_fallback=0.5, connect_timeout=60)

    async def test_reset(self) -> None:
        """An address that ends each connection is no better than a mute one."""
        for transport in ("websocket", "longpoll"):
            await self.check(Resetting, transport=transport)

    async def test_refused(self) -> None:
        """An address that cannot be connected to costs no attempt: Happy Eyeballs."""
        server = await self.serve_second()
        client = self.client(f"ws://{NAME}:{server.port}/socket", reconnect=False)
        await client.when_connected()

    async def test_answered(self) -> None:
        """An address that refuses is asked again."""
        refusing = RawServer()
        refusing.answer = b"HTTP/1.1 503 No\r\n\r\n"
        server = await self.serve_second()
        await self.occupy(server.port, refusing)
        client = self.client(f"ws://{NAME}:{server.port}/socket")
        await self.until(lambda: len(refusing.connections) > 2)
        await client.stopService()
        self.assertEqual(server.connections, [])

    async def test_has_served(self) -> None:
        """An address that has served is not left out for what fails before dialling."""
        for transport in ("websocket", "longpoll"):
            answers: list[Any] = [{}, ValueError("no token"), {}]

            def params(answers: list[Any] = answers) -> Any:
                answer = answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer

            server = await self.serve(interface="127.0.0.1")
            other = RawServer()
            await self.occupy(server.port, other, 2)
            url = f"ws://{NAME}:{server.port}/socket"
            client = self.client(url, params=params, transport=transport)
            await client.when_connected()
            failed = self.next_call(client.on_error)
            server.drop()
            self.assertIn("params raised ValueError", str(await failed))
            await client.when_connected()
            self.assertEqual((answers, other.connections), ([], []))
            await client.stopService()

    async def test_given_up(self) -> None:
        """Who gives an attempt up says nothing about the address."""
        mute = RawServer()
        mute.answer = None
        server = await self.serve_second()
        await self.occupy(server.port, mute)
        client = self.client(f"ws://{NAME}:{server.port}/socket")
        for count in (1, 2, 3):
            client.connect()
            await self.until(partial(self.has, mute, count))
            await client.disconnect()
        self.assertEqual(server.connections, [])

    def has(self, server: RawServer, count: int) -> bool:
        """Whether a server has had so many connections."""
        return len(server.connections) == count

    async def test_tls(self) -> None:
        """A handshake of TLS that hangs is mute as well."""
        third = RawServer()
        third.answer = None
        server = await self.serve_second()
        await self.occupy(server.port, Mute)
        await self.occupy(server.port, third, 3)
        self.names.addresses = ("127.0.0.1", "127.0.0.3")
        client = self.client(f"wss://{NAME}:{server.port}/socket", connect_timeout=0.2)
        await self.until(lambda: third.connections)
        await client.stopService()

    async def test_another_port(self) -> None:
        """An address that was mute at one port may serve another."""
        server = await self.serve(interface="127.0.0.1")
        mute = await self.listen(Mute)
        client = self.client(f"ws://{NAME}:{mute}/socket", connect_timeout=1)
        errors: list[Exception] = []
        client.on_error(errors.append)
        self.assertIsInstance(await self.next_call(client.on_error), ConnectTimeout)
        await client.reconfigure(url=f"ws://{NAME}:{server.port}/socket")
        self.assertEqual(len(errors), 1, errors)
        await client.stopService()

    async def test_proxy(self) -> None:
        """A proxy's name may have several addresses, too."""
        server = await self.serve()
        proxy = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.2").listen(
            Factory.forProtocol(Tunnel)
        )
        self.addCleanup(proxy.stopListening)
        port = proxy.getHost().port
        await self.occupy(port, Mute)
        client = self.client(
            server.url, proxy=f"http://{NAME}:{port}", connect_timeout=1
        )
        await client.when_connected()
        await client.stopService()

    async def test_it_falls_mute(self) -> None:
        """An address that answers no heartbeat any more is left out as well."""
        deaf = RawServer()
        deaf.answer = SWITCHING + b"\r\n"
        server = await self.serve_second()
        await self.occupy(server.port, deaf)
        client = self.client(
            f"ws://{NAME}:{server.port}/socket",
            heartbeat_interval=0.1,
            heartbeat_timeout=0.5,
        )
        lost = self.next_call(client.on_close)
        self.assertIsInstance(await lost, HeartbeatTimeout)
        await client.when_connected()
        self.assertEqual(len(server.connections), 1)
        await client.stopService()

    async def test_all_again(self) -> None:
        """Once all have been mute, they are tried again."""
        servers = {number: RawServer() for number in (1, 2, 3)}
        port = 0
        for number, server in servers.items():
            server.answer = None
            listening = await TCP4ServerEndpoint(
                reactor, port, interface=f"127.0.0.{number}"
            ).listen(server)
            self.addCleanup(listening.stopListening)
            port = listening.getHost().port
        self.names.addresses = [f"127.0.0.{number}" for number in servers]
        client = self.client(f"ws://{NAME}:{port}/socket", connect_timeout=0.1)
        await self.until(
            lambda: all(len(server.connections) > 1 for server in servers.values())
        )
        await client.stopService()
