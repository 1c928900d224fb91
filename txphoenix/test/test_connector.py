"""Tests of :mod:`txphoenix.transports.connector`: one attempt, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError, NotConnectingError
from twisted.internet.interfaces import (
    IConnector,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.testing import StringTransportWithDisconnection
from zope.interface import implementer, verify

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    NotConnected,
)
from txphoenix.testing import Socket

from .raw_server import RawTestCase
from .support import ClientTestCase


def identity(value: Any) -> Any:
    """The value itself."""
    return value


class SuppliedTestCase(ClientTestCase):
    """A server that takes note of what clients come with."""

    def setUp(self) -> None:
        """Take every client, and note what it has sent."""
        self.seen: list[dict[str, Any]] = []
        self.sockets: list[Socket] = []
        self.server_options = {"connect": self.note, "auth_token": True}
        super().setUp()
        self.errors: list[Exception] = []

    def note(self, params: dict[str, Any], socket: Socket) -> None:
        """Note what a client has sent."""
        self.seen.append({name: params[name] for name in params if name != "vsn"})
        self.sockets.append(socket)

    def start(self, **options: Any) -> SocketClient:
        """Start a client whose errors are noted."""
        client = self.make_client(**options)
        client.on_error(self.errors.append)
        client.startService()
        self.memory.flush()
        return client

    def attempts(self, count: int) -> None:
        """Lose the connection, and be connected again, so many times."""
        for _ in range(count):
            self.lose_connection()
            self.memory.advance(0.5)


class SuppliedTests(SuppliedTestCase):
    """Decision 1: url, params, headers and token are asked anew before each attempt."""

    def test_plain(self) -> None:
        """What is no callable is used each time."""
        self.start(params={"a": "1"}, headers={"X-A": "2"}, auth_token="three")
        self.attempts(1)
        self.assertEqual(self.seen, [{"a": "1"}] * 2)
        self.assertEqual([it.headers["x-a"] for it in self.sockets], ["2", "2"])
        self.assertEqual([it.auth_token for it in self.sockets], ["three", "three"])

    def test_callables(self) -> None:
        """Each is called once an attempt, in this order, and its answer is used."""
        calls: list[str] = []

        def counted(name: str, make: Callable[[int], Any]) -> Callable[[], Any]:
            def ask() -> Any:
                calls.append(name)
                return make(calls.count(name))

            return ask

        self.start(
            url=counted("url", lambda n: self.memory.url),
            params=counted("params", lambda n: {"n": n}),
            headers=counted("headers", lambda n: {"X-N": str(n)}),
            auth_token=counted("auth_token", lambda n: f"token{n}"),
        )
        self.attempts(2)
        self.assertEqual(calls, ["url", "params", "headers", "auth_token"] * 3)
        self.assertEqual(self.seen, [{"n": "1"}, {"n": "2"}, {"n": "3"}])
        self.assertEqual([it.headers["x-n"] for it in self.sockets], ["1", "2", "3"])
        tokens = [it.auth_token for it in self.sockets]
        self.assertEqual(tokens, ["token1", "token2", "token3"])

    def test_deferreds(self) -> None:
        """A callable may return a Deferred; the attempt waits for it."""
        asked: list[Deferred[Any]] = []

        def ask() -> Deferred[Any]:
            asked.append(Deferred())
            return asked[-1]

        client = self.start(params=ask)
        self.assertEqual(client.status, "connecting")
        self.assertEqual(self.memory.connections_made, 0)
        asked[0].callback({"a": "1"})
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.seen, [{"a": "1"}])

    def test_awaitables(self) -> None:
        """A callable may be an ``async def``, or return any other awaitable."""

        class Token:
            def __await__(self) -> Any:
                yield from succeed(None).__await__()
                return "awaited"

        async def params() -> dict[str, Any]:
            await succeed(None)
            return {"a": "1"}

        self.start(params=params, auth_token=Token)
        self.assertEqual(self.seen, [{"a": "1"}])
        self.assertEqual(self.sockets[0].auth_token, "awaited")

    def test_same_deferred(self) -> None:
        """The same Deferred may be returned for each attempt, as a cache would."""
        token: Deferred[str] = Deferred()
        self.start(auth_token=lambda: token)
        token.callback("cached")
        self.memory.flush()
        self.attempts(2)
        self.assertEqual([it.auth_token for it in self.sockets], ["cached"] * 3)

    def test_none(self) -> None:
        """A callable may answer None for no params, no headers and no token."""
        self.start(
            params=lambda: None, headers=lambda: None, auth_token=lambda: succeed(None)
        )
        self.assertEqual(self.seen, [{}])
        self.assertIsNone(self.sockets[0].auth_token)

    def test_moved(self) -> None:
        """The URL may be another one each time."""
        self.memory.add_socket("/other")
        urls = iter([self.memory.url, self.memory.url_of("/other")])
        self.start(url=lambda: next(urls))
        self.attempts(1)
        self.assertEqual(
            [it.path for it in self.sockets], ["/socket/websocket", "/other/websocket"]
        )


class SuppliedInVainTests(SuppliedTestCase):
    """A callable that raises or answers nonsense is a failed attempt, and no more."""

    def assert_retried(self, name: str, bad: Callable[[], Any], good: Any) -> Exception:
        """The first answer fails the attempt, and the second one connects.

        :return: the error that the user is told.
        """
        self.errors.clear()
        answers = iter([bad])

        def ask() -> Any:
            answer = next(answers, None)
            return good if answer is None else answer()

        client = self.start(**{name: ask})
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(len(self.errors), 1)
        self.memory.advance(0.5)
        self.assertTrue(client.connected)
        self.stop_client(client)
        return self.errors[0]

    def test_raises(self) -> None:
        """The user is told which one raised what; the text may hold a secret."""
        cause = KeyError("s3cret")

        def raises() -> Any:
            raise cause

        async def coroutine() -> Any:
            raise cause

        for bad in (raises, coroutine, lambda: fail(cause)):
            for name, good in (
                ("url", self.memory.url),
                ("params", {}),
                ("headers", {}),
                ("auth_token", None),
            ):
                with self.subTest(name=name, bad=bad):
                    error = self.assert_retried(name, bad, good)
                    self.assertIs(type(error), ConnectionFailed)
                    self.assertIn(
                        f"{name} raised KeyError (this error's __cause__", str(error)
                    )
                    self.assertIs(error.__cause__, cause)

    def test_nonsense(self) -> None:
        """The user is told what was expected, and what came without its value."""
        for name, nonsense, said in (
            ("url", 4000, "url must be a str, not a value of type int"),
            ("params", ["s3cret"], "params must be a mapping of names to values, not"),
            ("headers", {"X-A": 1}, "the value of 'X-A' in headers must be a str, not"),
            ("headers", {"X-A": "s3cret\r\n"}, "the value of 'X-A' must not hold line"),
            ("auth_token", b"s3cret", "auth_token must be a str, not a value of type"),
            ("auth_token", "s3cret ", "auth_token must be one or more characters"),
        ):
            goods: dict[str, Any] = {"url": self.memory.url, "auth_token": None}
            with self.subTest(name=name, nonsense=nonsense):
                answer = partial(identity, nonsense)
                error = self.assert_retried(name, answer, goods.get(name, {}))
                self.assertIsInstance(error, ConfigurationError)
                self.assertIn(said, str(error))
                self.assertNotIn("s3cret", str(error))

    def test_not_connected_of_another(self) -> None:
        """An error of another client's is this one's failure all the same."""

        def ask() -> Any:
            raise NotConnected()

        error = self.assert_retried("params", ask, {})
        self.assertIs(type(error), ConnectionFailed)

    def test_same_failed_deferred(self) -> None:
        """A Deferred that has failed once fails each attempt; it is not forgotten."""
        token: Deferred[str] = Deferred()
        self.start(auth_token=lambda: token)
        token.errback(KeyError("s3cret"))
        self.memory.advance(5)
        self.assertEqual(self.sockets, [])
        self.assertGreater(len(self.errors), 3)
        for error in self.errors:
            self.assertIn("auth_token raised KeyError", str(error))
            self.assertIsInstance(error.__cause__, KeyError)
        self.assertEqual(self.flushLoggedErrors(), [])


class ConnectTimeoutTests(SuppliedTestCase):
    """Decision 12: one attempt has ``connect_timeout`` seconds, whatever takes them."""

    def assert_times_out(self, client: SocketClient) -> None:
        """The attempt is given up after three seconds, and told."""
        before = len(self.errors)
        self.memory.advance(2.9)
        self.assertEqual(client.status, "connecting")
        self.memory.advance(0.1)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(len(self.errors), before + 1)
        error = self.errors[-1]
        assert isinstance(error, ConnectTimeout)
        self.assertIsInstance(error, TimeoutError)
        self.assertIn("no connection within 3 s: still waiting for ", str(error))
        self.memory.advance(0.5)
        self.assertEqual(client.status, "connecting")

    def test_deferred_that_never_fires(self) -> None:
        """A Deferred of the user's is cancelled when the time is over."""
        asked: list[Deferred[Any]] = []
        cancelled: list[Deferred[Any]] = []

        def ask() -> Deferred[Any]:
            asked.append(Deferred(cancelled.append))
            return asked[-1]

        client = self.start(params=ask, connect_timeout=3)
        self.assert_times_out(client)
        self.assert_times_out(client)
        self.assertEqual(cancelled, asked[:2])

    def test_late_answer(self) -> None:
        """An answer that comes after all is nobody's."""
        asked: list[Deferred[Any]] = []

        async def stubborn() -> dict[str, Any]:
            waiting: Deferred[Any] = Deferred()
            asked.append(waiting)
            try:
                return await waiting  # type: ignore[no-any-return]
            except CancelledError:
                asked[-1] = Deferred()
                return await asked[-1]  # type: ignore[no-any-return]

        client = self.start(params=stubborn, connect_timeout=3)
        self.assert_times_out(client)
        asked[0].callback({"late": "yes"})
        asked[1].callback({"late": "no"})
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.seen, [{"late": "no"}])

    def test_tcp_that_hangs(self) -> None:
        """An endpoint that does not answer is cancelled."""
        self.memory.holds_connections = True
        client = self.start(connect_timeout=3)
        self.assert_times_out(client)
        self.assert_times_out(client)
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 1)

    def test_handshake_that_hangs(self) -> None:
        """A server that takes the connection and says nothing is left."""
        self.memory.pause()
        client = self.start(connect_timeout=3)
        self.assert_times_out(client)
        self.assert_times_out(client)
        self.memory.resume()
        self.memory.flush()
        self.assertTrue(client.connected)

    def test_all_together(self) -> None:
        """The time is for all of it, not for each part."""
        self.memory.pause()
        asked: list[Deferred[Any]] = []

        def ask() -> Deferred[Any]:
            asked.append(Deferred())
            return asked[-1]

        client = self.start(params=ask, connect_timeout=3)
        self.memory.advance(2)
        asked[0].callback({})
        self.memory.advance(0.9)
        self.assertEqual(self.errors, [])
        self.memory.advance(0.1)
        self.assertEqual(len(self.errors), 1)
        self.assertFalse(client.connected)
        self.memory.resume()


class HandshakeTimeoutTests(RawTestCase):
    """A handshake that comes drop by drop."""

    def test_slow_headers(self) -> None:
        """Bytes that keep coming are no excuse."""
        self.raw.answer = b"HTTP/1.1 101 Switching Protocols\r\n"
        client = self.make_client(connect_timeout=3, reconnect=False)
        waiting = self.watch(client.when_connected())
        client.startService()
        self.memory.flush()
        for _ in range(3):
            self.assert_waits(waiting)
            self.peer.send(b"X: x\r\n")
            self.memory.advance(1)
        self.assert_failed(waiting, ConnectTimeout)
        self.assertTrue(self.peer.is_lost)


@implementer(IStreamClientEndpoint)
class StubbornEndpoint:
    """An endpoint that connects whenever it likes, cancelled or not."""

    def __init__(self) -> None:
        self.waiting: list[tuple[IProtocolFactory, Deferred[IProtocol]]] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Wait."""
        deferred: Deferred[IProtocol] = Deferred()
        self.waiting.append((protocolFactory, deferred))
        return deferred


class EndpointTests(SuppliedTestCase):
    """What the connector makes of an endpoint's ways."""

    def test_refused(self) -> None:
        """A refused connection is a failed attempt that has its cause."""
        self.memory.is_listening = False
        self.start()
        (error,) = self.errors
        self.assertIs(type(error), ConnectionFailed)
        self.assertIn("ConnectionRefusedError", str(error))
        self.assertIsInstance(error.__cause__, ConnectionRefusedError)
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assertEqual(len(self.seen), 1)

    def test_connects_after_its_time(self) -> None:
        """An endpoint that connects after it was cancelled does not disturb another."""
        endpoint = StubbornEndpoint()
        client = self.start(endpoint=endpoint, connect_timeout=3)
        self.memory.advance(3.5)
        (late, _), (factory, deferred) = endpoint.waiting
        self.assert_ends(late)
        self.memory.accept(factory).chainDeferred(deferred)
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_ends(late)
        self.assert_ends(factory)
        self.assertTrue(client.connected)

    def assert_ends(self, factory: IProtocolFactory) -> None:
        """What an endpoint connects now is ended at once."""
        transport = StringTransportWithDisconnection()
        protocol: Any = factory.buildProtocol(None)  # type: ignore[arg-type]
        transport.protocol = protocol
        protocol.makeConnection(transport)
        self.assertFalse(transport.connected)

    def test_fails_after_it_has_connected(self) -> None:
        """An endpoint that connects and fails all the same loses the connection."""
        endpoint = StubbornEndpoint()
        client = self.start(endpoint=endpoint)
        closed: list[Exception] = []
        client.on_close(closed.append)
        factory, deferred = endpoint.waiting[0]
        self.memory.accept(factory)
        self.memory.flush()
        self.assertTrue(client.connected)
        deferred.errback(RuntimeError("oops"))
        self.memory.flush()
        self.assertFalse(client.connected)
        self.assertEqual(len(closed), 1)
        self.assertEqual(self.errors, [])

    def test_fails_in_the_handshake(self) -> None:
        """The same, before the handshake is done, is one failed attempt."""
        endpoint = StubbornEndpoint()
        client = self.start(endpoint=endpoint)
        factory, deferred = endpoint.waiting[0]
        self.memory.pause()
        self.memory.accept(factory)
        deferred.errback(RuntimeError("oops"))
        self.memory.flush()
        self.assertEqual(len(self.errors), 1)
        self.assertEqual(client.status, "disconnected")
        self.memory.advance(0.5)
        self.assertEqual(len(endpoint.waiting), 2)

    def test_raises(self) -> None:
        """An endpoint that raises has failed."""

        @implementer(IStreamClientEndpoint)
        class Raising:
            def connect(self, protocolFactory: IProtocolFactory) -> Any:
                raise OSError("no network")

        self.start(endpoint=Raising(), reconnect=False)
        self.assertTrue(str(self.errors[0]).startswith("OSError: no network (ws://"))


class ConnectorTests(ClientTestCase):
    """The connector as an :class:`IConnector`, which its factory takes it for."""

    def test_interface(self) -> None:
        """It has all that the interface asks for."""
        client = self.connected_client(url="ws://example.org:4001/socket")
        connector: Any = client.connection._factory.connector
        verify.verifyObject(IConnector, connector)
        destination = connector.getDestination()
        self.assertEqual(
            (destination.hostname, destination.port), (b"example.org", 4001)
        )

    def test_stop_connecting(self) -> None:
        """Without an attempt there is none to stop."""
        connector = self.connected_client().connection._factory.connector
        self.assertRaises(NotConnectingError, connector.stopConnecting)

    def test_disconnect(self) -> None:
        """It ends an attempt, or a connection; without either it does nothing."""
        client = self.connecting_client(reconnect=False)
        connector: Any = client.connection._factory.connector
        waiting = self.watch(client.when_connected())
        connector.disconnect()
        self.assertEqual(client.status, "disconnected")
        self.assert_failed(waiting, NotConnected)
        connector.disconnect()
        self.memory.release_connections()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        connector.disconnect()
        self.memory.flush()
        self.assertFalse(client.connected)
