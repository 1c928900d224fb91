"""Tests of :mod:`txphoenix.transports.opening`: endpoints that do not obey."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from zope.interface import implementer

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionFailed, ConnectTimeout

from .network import NetworkTestCase, reactor
from .support import ClientTestCase

_TRANSPORTS: tuple[dict[str, Any], ...] = (
    {},
    {"transport": "longpoll"},
    {"longpoll_fallback": 3600.0},
)


def refuse_to_cancel(_deferred: Deferred[Any]) -> None:
    """A canceller that raises."""
    raise ZeroDivisionError


def cancel_for_good(_deferred: Deferred[Any]) -> None:
    """A canceller that raises what is no Exception."""
    raise SystemExit


def never() -> Deferred[Any]:
    """What does not fire when it is cancelled, nor ever."""
    deferred: Deferred[Any] = Deferred()
    return deferred.addErrback(lambda _: Deferred())


def same(value: Any) -> Any:
    """What was given."""
    return value


def of_canceller(canceller: Any) -> Callable[[], Deferred[Any]]:
    """What makes a Deferred with that canceller."""
    return lambda: Deferred(canceller)


_STUBBORN: tuple[Callable[[], Deferred[Any]], ...] = (
    of_canceller(refuse_to_cancel),
    of_canceller(cancel_for_good),
    never,
)


@implementer(IStreamClientEndpoint)
class Stubborn:
    """An endpoint that returns what it is told to, and keeps the factories.

    :param make: makes what ``connect()`` returns.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.factories: list[IProtocolFactory] = []

    def connect(self, protocolFactory: Any) -> Any:
        """Keep the factory."""
        self.factories.append(protocolFactory)
        return self.make()


class StubbornTests(ClientTestCase):
    """An attempt ends, whatever its endpoint does."""

    def setUp(self) -> None:
        """Nothing has failed yet."""
        super().setUp()
        self.errors: list[Exception] = []

    def start(self, make: Callable[[], Any], options: Any) -> SocketClient:
        """A client of which an endpoint's ``connect()`` returns that."""
        self.endpoint = Stubborn(make)
        client = self.make_client(
            endpoint=lambda *_: self.endpoint, connect_timeout=7, **options
        )
        self.errors = []
        client.on_error(self.errors.append)
        client.startService()
        return client

    def assert_stopped(self, client: SocketClient) -> None:
        """Nothing is left of a client."""
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.memory.pairs, [])

    def test_disconnect(self) -> None:
        """A client that is told to end does so at once."""
        for options in _TRANSPORTS:
            for make in _STUBBORN:
                for end in (SocketClient.disconnect, SocketClient.stopService):
                    with self.subTest(options=options, make=make, end=end):
                        client = self.start(make, options)
                        waiting = self.watch(client.when_connected())
                        self.assert_fired(self.watch(end(client)), None)
                        self.assertEqual(len(waiting.fired), 1)
                        self.assert_stopped(client)
                        for factory in self.endpoint.factories:
                            self.memory.accept(factory)
                        self.memory.flush()
                        self.assert_stopped(client)
                        self.stop_client(client)
                        self.flushLoggedErrors(ZeroDivisionError, SystemExit)

    def test_connect_timeout(self) -> None:
        """An attempt has its time, and what connects later does not disturb."""
        for options in _TRANSPORTS:
            for make in _STUBBORN:
                with self.subTest(options=options, make=make):
                    client = self.start(make, options)
                    self.memory.advance(7)
                    if "longpoll_fallback" in options:
                        # Long-poll has its own time.
                        self.memory.advance(7)
                    self.assertEqual([type(it) for it in self.errors], [ConnectTimeout])
                    late = self.endpoint.factories
                    self.endpoint = self.memory.endpoint  # type: ignore[assignment]
                    self.memory.advance(0.5)
                    self.assertTrue(client.connected)
                    before = len(self.memory.pairs)
                    for factory in late:
                        self.memory.accept(factory)
                    self.memory.flush()
                    self.assertTrue(client.connected)
                    self.assertEqual(len(self.memory.pairs), before)
                    self.stop_client(client)
                    self.flushLoggedErrors(ZeroDivisionError, SystemExit)

    def test_reconfigure(self) -> None:
        """Another attempt takes the place of one that does not obey."""
        for options in _TRANSPORTS:
            for make in _STUBBORN:
                with self.subTest(options=options, make=make):
                    client = self.start(make, options)
                    done = self.watch(client.reconfigure(endpoint=self.memory.endpoint))
                    self.memory.flush()
                    self.assert_fired(done, None)
                    self.assertTrue(client.connected)
                    self.stop_client(client)
                    self.flushLoggedErrors(ZeroDivisionError, SystemExit)

    def test_raises(self) -> None:
        """An endpoint that raises has failed, and is asked again."""
        for options in _TRANSPORTS:
            for error in (ZeroDivisionError("oops"), SystemExit("oops")):

                def make(error: BaseException = error) -> Any:
                    raise error

                with self.subTest(options=options, error=error):
                    client = self.start(make, options)
                    (failed,) = self.errors
                    self.assertIs(type(failed), ConnectionFailed)
                    self.assertIn("oops", str(failed))
                    self.endpoint = self.memory.endpoint  # type: ignore[assignment]
                    self.memory.advance(0.5)
                    self.assertTrue(client.connected)
                    self.stop_client(client)

    def test_no_deferred(self) -> None:
        """One that returns something else is told so, and asked again."""
        for options in _TRANSPORTS:
            for answer in (None, "protocol", Protocol()):
                with self.subTest(options=options, answer=answer):
                    client = self.start(partial(same, answer), options)
                    (failed,) = self.errors
                    self.assertIs(type(failed), ConnectionFailed)
                    self.assertIn("must return a Deferred", str(failed))
                    self.assertIn(type(answer).__name__, str(failed))
                    self.endpoint = self.memory.endpoint  # type: ignore[assignment]
                    self.memory.advance(0.5)
                    self.assertTrue(client.connected)
                    self.stop_client(client)

    def test_no_connection(self) -> None:
        """One that fires with anything, and has made no protocol."""
        for options in _TRANSPORTS:
            made: Deferred[Any] = Deferred()
            made.callback(Protocol())
            client = self.start(partial(same, made), options)
            (failed,) = self.errors
            assert isinstance(failed, ConnectionFailed)
            self.assertEqual(failed.reason, "the endpoint made no connection")
            self.stop_client(client)

    def test_params(self) -> None:
        """A Deferred of the user's params that does not obey is no different."""
        for make in _STUBBORN:
            client = self.make_client(params=make, connect_timeout=7)
            client.startService()
            self.memory.advance(7)
            self.assertEqual(client.status, "disconnected")
            self.memory.advance(0.5)
            self.assert_fired(self.watch(client.disconnect()), None)
            self.assert_stopped(client)
            self.flushLoggedErrors(ZeroDivisionError, SystemExit)


class DeafTransport:
    """A TCP transport that does not end when it is told to.

    :param inner: the transport.
    :param raises: whether it raises then.
    """

    def __init__(self, inner: Any, raises: bool) -> None:
        self.inner = inner
        self.raises = raises

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def abortConnection(self) -> None:
        """Do not end."""
        if self.raises:
            raise ZeroDivisionError

    loseConnection = abortConnection


@implementer(IStreamClientEndpoint)
class Deaf:
    """An endpoint whose transports do not end.

    :ivar transports: the true ones.
    """

    def __init__(self, endpoint: Any, raises: bool) -> None:
        self.endpoint = endpoint
        self.raises = raises
        self.transports: list[Any] = []

    def connect(self, protocolFactory: Any) -> Any:
        """Connect, and put the deaf one between."""
        deaf = self

        @implementer(IProtocolFactory)
        class Between:
            noisy = False

            def doStart(self) -> None:
                """Nothing."""

            doStop = doStart

            def buildProtocol(self, addr: Any) -> Any:
                protocol = protocolFactory.buildProtocol(addr)
                make = protocol.makeConnection

                def make_connection(transport: Any) -> None:
                    deaf.transports.append(transport)
                    make(DeafTransport(transport, deaf.raises))

                protocol.makeConnection = make_connection
                return protocol

        return self.endpoint.connect(Between())


class DeafTransportTests(ClientTestCase):
    """Every end that was asked for comes, whatever the transport does."""

    def assert_ends(self, raises: bool, options: Any, is_open: bool) -> None:
        """A client ends whose transport does not."""
        endpoint = Deaf(self.memory.endpoint, raises)
        client = self.make_client(endpoint=endpoint, **options)
        if not is_open:
            self.memory.is_stalled = True
        client.startService()
        self.memory.flush()
        self.assertIs(client.connected, is_open)
        done = self.watch(client.stopService())
        self.memory.is_stalled = False
        self.memory.advance(client.options.close_timeout + 1)
        self.assert_fired(done, None)
        self.assertEqual(client.status, "disconnected")
        client.reconfigure(endpoint=self.memory.endpoint)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        for transport in endpoint.transports:
            transport.abortConnection()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.stop_client(client)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_stop(self) -> None:
        """At the stop of the service, whether it was open or not."""
        for options in _TRANSPORTS:
            for raises in (False, True):
                for is_open in (False, True):
                    with self.subTest(options=options, raises=raises, is_open=is_open):
                        self.assert_ends(raises, options, is_open)

    def test_drop(self) -> None:
        """A connection that is given up is replaced, and its frames are not taken."""
        for raises in (False, True):
            endpoint: Any = Deaf(self.memory.endpoint, raises)
            client = self.make_client(endpoint=lambda *_, it=endpoint: it)
            client.startService()
            self.memory.flush()
            heard: list[Any] = []
            client.on_message(heard.append)
            self.memory.is_stalled = True
            self.memory.advance(45)
            self.assertFalse(client.connected)
            old = self.memory.sessions[-1]
            self.memory.is_stalled = False
            endpoint.connect = self.memory.endpoint.connect
            self.memory.advance(2)
            self.assertTrue(client.connected)
            heard.clear()
            old.close(1000)
            self.memory.flush()
            self.assertTrue(client.connected)
            self.assertEqual(heard, [])
            self.stop_client(client)
            self.flushLoggedErrors(ZeroDivisionError)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_late(self) -> None:
        """A connection that opens after the attempt was given up is closed."""
        server = await self.serve()
        for options in _TRANSPORTS:
            held: list[Any] = []
            ended: list[Deferred[Any]] = []

            @implementer(IStreamClientEndpoint)
            class Late:
                def connect(self, protocolFactory: Any, held: Any = held) -> Any:
                    held.append(protocolFactory)
                    return Deferred(refuse_to_cancel)

            client = self.client(server.url, endpoint=Late(), **options)
            await client.stopService()
            await self.assert_nothing_held()
            for factory in held:
                there = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
                protocol: Any = await there.connect(factory)
                lost: Deferred[Any] = Deferred()
                ended.append(lost)
                protocol.connectionLost = lambda _, lost=lost: lost.callback(None)
            for lost in ended:
                await lost
            await self.assert_nothing_held()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), len(held))
