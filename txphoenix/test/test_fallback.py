"""Tests of ``transports/fallback.py``: a WebSocket if it works, long-poll if not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import NotConnectingError
from twisted.python.failure import Failure

from txphoenix import (
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    HandshakeRefused,
    NotConnected,
    telemetry,
)
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message
from txphoenix.testing.session import ServerSession
from txphoenix.transports.fallback import FallbackConnector

from .fallback_case import FallbackTestCase, HeldEndpoint
from .http_ways import by_treq_too


class WebSocketTests(FallbackTestCase):
    """A WebSocket that works."""

    def test_opened_by_a_heartbeat(self) -> None:
        """It is open when the server has answered a heartbeat, and not before."""
        client = self.begin()
        self.assertTrue(client.connected)
        self.assertEqual(self.transports(), ["websocket"])
        self.assertEqual(self.events_sent(), ["heartbeat"])
        self.assertEqual(self.memory.connections_made, 1)
        channel = self.joined_channel(client=client)
        self.assert_fired(self.watch(self.pushed(channel, {"a": 1})), {"a": 1})
        self.memory.advance(60.0)
        self.assertTrue(client.connected)

    def pushed(self, channel: Any, payload: Any) -> Deferred[Any]:
        """Push, and have it answered."""
        push: Deferred[Any] = channel.push("echo", payload)
        self.memory.flush()
        return push

    def test_more_in_the_first_read(self) -> None:
        """What comes in the same read as the first answer is taken as well, once."""
        opened = self.memory.session_opened

        def session_opened(session: ServerSession) -> None:
            opened(session)
            take = session.receive

            def receive(data: bytes, is_binary: bool) -> None:
                for number in range(3):
                    session.send(Message(None, None, "rooms:a", "news", number))
                take(data, is_binary)

            session.receive = receive  # type: ignore[method-assign]

        self.memory.session_opened = session_opened  # type: ignore[method-assign]
        client = self.make_client(longpoll_fallback=2.5)
        heard: list[Message] = []
        client.on_message(heard.append)
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual([each.payload for each in heard[:3]], [0, 1, 2])
        self.assertEqual([each.event for each in heard[3:]], ["phx_reply"])
        self.assertEqual(self.memory.connections_made, 1)

    def test_told_once(self) -> None:
        """One attempt and one connection are told."""
        opened: list[int] = []
        client = self.make_client(longpoll_fallback=2.5)
        client.on_open(lambda: opened.append(self.memory.connections_made))
        client.startService()
        self.assertEqual(client.status, "connecting")
        self.memory.flush()
        self.assertEqual(opened, [1])

    def test_lost(self) -> None:
        """When it is lost it is tried again, and first."""
        client = self.begin()
        channel = self.joined_channel(client=client)
        self.lose()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.transports(), ["websocket"] * 2)
        [reason] = self.losses
        self.assertEqual(reason.code, 1006)

    def test_not_stable(self) -> None:
        """The heartbeat that opens it does not prove it stable."""
        delays: list[int] = []

        def backoff(attempt: int) -> float:
            delays.append(attempt)
            return 0.5

        self.begin(backoff=backoff)
        for _ in range(3):
            self.lose()
        self.memory.advance(30)
        self.lose()
        self.assertEqual(delays, [0, 1, 2, 0])

    def test_hook_disconnects(self) -> None:
        """A hook that disconnects as it opens is the last to hear of it."""
        client = self.make_client(longpoll_fallback=2.5)
        heard: list[Any] = []
        client.on_message(heard.append)
        client.on_open(client.disconnect)
        client.startService()
        self.memory.flush()
        self.assertEqual(heard, [])
        self.assertEqual(client.status, "disconnected")

    def test_limits_change(self) -> None:
        """reconfigure() reaches the open WebSocket."""
        client = self.begin()
        channel = self.joined_channel(client=client)
        client.reconfigure(max_message_size=200)
        channel.push_async("whisper", "x" * 100)
        self.memory.flush()
        self.memory.broadcast(channel.topic, "shouted", "x" * 300)
        self.memory.flush()
        [reason] = self.losses
        self.assertEqual(reason.code, 1009)


@by_treq_too
class FallingBackTests(FallbackTestCase):
    """A WebSocket that does not work."""

    def test_refused(self) -> None:
        """If it is refused, long-poll follows at once, in the same attempt."""
        self.memory.refuse(503, "websocket")
        client = self.begin()
        self.assertTrue(client.connected)
        self.assertEqual(self.transports(), ["longpoll"])
        self.assertEqual((self.errors, self.losses), ([], []))
        self.joined_channel(client=client)

    def test_never_connects(self) -> None:
        """If it takes too long to connect, it is given up."""
        endpoint = HeldEndpoint(self.memory.endpoint)
        client = self.begin(endpoint=endpoint)
        self.memory.advance(2.4)
        self.assertEqual((client.status, endpoint.cancelled), ("connecting", 0))
        self.memory.advance(0.1)
        self.assertEqual(endpoint.cancelled, 1)
        self.assertEqual(self.transports(), ["longpoll"])
        self.assertTrue(client.connected)

    def test_no_frame_passes(self) -> None:
        """If no frame comes through, it is given up too, and nobody hears of it."""
        self.memory.is_deaf = True
        client = self.begin()
        opened: list[Any] = []
        client.on_open(lambda: opened.append(1))
        joining = self.watch(client.join("rooms:lobby"))
        self.memory.advance(2.4)
        self.assertEqual((client.status, len(self.memory.pairs)), ("connecting", 1))
        self.memory.advance(0.1)
        self.assertEqual(self.transports(), ["websocket", "longpoll"])
        self.assertEqual(len(self.memory.connections), 1)
        self.assertEqual(opened, [1])
        self.assertEqual((self.errors, self.losses), ([], []))
        self.assertEqual(joining.fired[0][0], {})
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_lost_before_it_is_proved(self) -> None:
        """If it is lost meanwhile, with or without a close frame, so it is."""
        for end in (self.memory.drop, self.memory.drain):
            self.memory.is_deaf = True
            client = self.begin()
            end()
            self.memory.flush()
            self.assertTrue(client.connected)
            self.assertEqual(self.transports()[-2:], ["websocket", "longpoll"])
            self.stop_client(client)
        self.assertEqual(self.errors, [])

    def test_remembered(self) -> None:
        """Once long-poll has worked where the WebSocket never did, it comes first."""
        self.memory.refuse(503, "websocket")
        self.begin()
        self.memory.refuse(None, "websocket")
        for _ in range(2):
            self.lose()
        self.assertEqual(self.transports(), ["longpoll"] * 3)
        self.assertEqual([reason.code for reason in self.losses], [1006, 1006])

    def test_websocket_has_worked(self) -> None:
        """A WebSocket that has once worked is tried first for ever."""
        client = self.begin()
        self.memory.refuse(503, "websocket")
        self.lose()
        self.memory.refuse(None, "websocket")
        self.lose()
        self.assertEqual(self.transports(), ["websocket", "longpoll", "websocket"])
        self.assertTrue(client.connected)

    def test_neither_works(self) -> None:
        """If neither works the attempt fails, and the next one begins anew."""
        self.memory.is_listening = False
        client = self.begin()
        [error] = self.errors
        self.assertIs(type(error), ConnectionFailed)
        self.assertEqual(client.status, "disconnected")
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assertEqual(self.transports(), ["websocket"])

    def test_forgotten(self) -> None:
        """What was learnt is forgotten when long-poll fails: it may be another net."""
        self.memory.refuse(503, "websocket")
        self.begin()
        self.memory.refuse(503)
        self.lose()
        self.memory.refuse(None)
        self.memory.refuse(None, "websocket")
        self.memory.advance(0.5)
        self.assertEqual(self.transports(), ["longpoll", "websocket"])

    def test_which_error(self) -> None:
        """What long-poll says is told, unless the server has no long-poll at all."""
        for status, told in ((403, 403), (404, 401)):
            self.errors.clear()
            self.memory.refuse(401, "websocket")
            self.memory.refuse(status, "longpoll")
            self.begin(reconnect=False)
            [error] = self.errors
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual(error.status, told)
        # The one that was remembered belongs to that attempt alone.
        self.errors.clear()
        self.memory.refuse(None, "longpoll")
        self.begin()
        self.memory.refuse(404, "longpoll")
        self.lose()
        [error] = self.errors
        self.assertEqual(error.status, 404)

    def test_bad_answer_of_the_user(self) -> None:
        """Params that are none are not mended by another transport."""
        self.begin(params=lambda: 7)
        [error] = self.errors
        self.assertIsInstance(error, ConfigurationError)
        self.assertEqual(self.memory.connections_made, 0)

    def test_asked_anew(self) -> None:
        """Long-poll has params of its own, as any attempt."""
        asked: list[int] = []

        def params() -> dict[str, int]:
            asked.append(1)
            return {"n": len(asked)}

        self.memory.refuse(503, "websocket")
        self.begin(params=params)
        self.assertEqual(self.memory.sessions[0].socket.params["n"], "2")

    def test_connect_timeout(self) -> None:
        """Long-poll has the whole connect_timeout, whatever the WebSocket took."""
        client = self.begin(connect_timeout=4.0)
        self.stop_client(client)
        self.memory.pause()
        client = self.begin(connect_timeout=4.0)
        self.memory.advance(6.4)
        self.assertEqual(self.errors, [])
        self.memory.advance(0.1)
        self.assertEqual(len(self.errors), 1)
        self.memory.resume()

    def test_no_hook_grows(self) -> None:
        """Nothing is left of one connection when the next one has opened."""
        client = self.begin()
        self.memory.refuse(503, "websocket")
        self.lose()
        calls = len(self.clock.getDelayedCalls())
        for _ in range(3):
            self.lose()
        self.assertTrue(client.connected)
        self.assertEqual(len(self.clock.getDelayedCalls()), calls)

    def test_told_of_loss(self) -> None:
        """A session of long-poll that is lost is told as any loss."""
        self.memory.refuse(503, "websocket")
        client = self.begin()
        channel = self.joined_channel(client=client)
        self.lose()
        self.assertIsInstance(self.losses[0], ConnectionClosed)
        self.assertEqual(channel.state, "joined")


@by_treq_too
class GivenUpTests(FallbackTestCase):
    """disconnect() at any moment."""

    def test_while_connecting(self) -> None:
        """While the WebSocket is not connected."""
        endpoint = HeldEndpoint(self.memory.endpoint)
        client = self.begin(endpoint=endpoint)
        self.assert_nothing_left(client)
        self.assertEqual(endpoint.cancelled, 1)

    def test_while_unproved(self) -> None:
        """While the server has not answered the heartbeat."""
        self.memory.is_deaf = True
        self.assert_nothing_left(self.begin())

    def test_while_given_up(self) -> None:
        """While the WebSocket that takes too long is being ended."""
        self.memory.is_deaf = True
        client = self.begin()
        self.memory.is_stalled = True
        self.memory.advance(2.5)
        done = client.disconnect()
        self.memory.is_stalled = False
        self.memory.flush()
        self.successResultOf(done)
        self.assert_nothing_left(client)
        self.assertEqual(self.transports(), ["websocket"])

    def test_while_long_poll_opens(self) -> None:
        """While the session of long-poll is not open."""
        self.memory.refuse(503, "websocket")
        client = self.make_client(longpoll_fallback=2.5)
        client.on_error(self.errors.append)
        self.memory.segment_size = 50
        client.startService()
        while self.memory.connections_made < 2:
            self.clock.advance(0)
            for pair in self.memory.pairs:
                pair.pump(50)
        self.assertEqual(client.status, "connecting")
        self.assert_nothing_left(client)

    def test_by_whom_it_is_told(self) -> None:
        """By whoever is told that the attempt begins."""
        client = self.make_client(longpoll_fallback=2.5)
        client.on_error(self.errors.append)
        waiting = self.watch(client.when_connected())

        def handle(name: Any, measured: Any, metadata: Any, config: Any) -> None:
            if metadata["action"] == "connecting":
                client.disconnect()

        telemetry.attach("test", telemetry.SOCKET, handle)
        client.startService()
        telemetry.detach("test")
        self.memory.flush()
        self.assert_failed(waiting, NotConnected)
        self.assert_nothing_left(client)
        self.assertEqual(self.memory.connections_made, 0)

    def test_while_connected(self) -> None:
        """While it is connected, over either transport."""
        for status in (None, 503):
            self.memory.refuse(status, "websocket")
            self.assert_nothing_left(self.begin())

    def test_nothing_to_give_up(self) -> None:
        """A connector with no attempt says so, as Twisted's do."""
        client = self.begin()
        connection: Any = client.connection
        connector: FallbackConnector = connection._factory.connector
        self.assertIsInstance(connector, FallbackConnector)
        with self.assertRaises(NotConnectingError):
            connector.stopConnecting()


class ChoiceTests(FallbackTestCase):
    """Which connector the options ask for."""

    def test_longpoll(self) -> None:
        """transport="longpoll" is long-poll from the start, fallback or not."""
        self.begin(transport="longpoll")
        self.assertEqual(self.transports(), ["longpoll"])

    def test_reconfigured(self) -> None:
        """The options of a running client decide from the next attempt on."""
        client = self.begin(longpoll_fallback=None)
        self.memory.refuse(503, "websocket")
        self.lose()
        self.assertEqual(len(self.errors), 1)
        client.reconfigure(longpoll_fallback=1.0)
        self.memory.advance(0.5)
        self.assertEqual(len(self.errors), 1)
        self.assertEqual(self.transports(), ["websocket", "longpoll"])
        client.reconfigure(transport="longpoll", params={"a": "1"})
        self.memory.flush()
        self.assertEqual(self.transports()[-1], "longpoll")
        self.assertEqual(self.memory.sessions[-1].socket.params["a"], "1")

    def test_switched_while_waiting(self) -> None:
        """What is changed while the next attempt is waited for counts for that one."""
        client = self.begin(backoff=steps([5.0]))
        self.memory.refuse(503, "websocket")
        self.memory.drop()
        self.memory.flush()
        client.reconfigure(longpoll_fallback=None)
        self.memory.advance(5)
        self.assertEqual([error.status for error in self.errors], [503])
        self.assertEqual(self.transports(), ["websocket"])
        client.reconfigure(longpoll_fallback=1.0)
        self.memory.advance(5)
        self.assertEqual(self.transports(), ["websocket", "longpoll"])

    def test_transport_while_waiting(self) -> None:
        """So is another transport, which is tried at once."""
        client = self.begin(backoff=steps([60.0]))
        self.memory.refuse(503, "websocket")
        self.memory.drop()
        self.memory.flush()
        client.reconfigure(transport="longpoll")
        self.memory.flush()
        self.assertEqual(self.transports(), ["websocket", "longpoll"])

    def test_reconfigured_while_falling_back(self) -> None:
        """A connection's option, changed while an attempt is under way, begins anew."""
        endpoint = HeldEndpoint(self.memory.endpoint)
        client = self.begin(endpoint=endpoint)
        done = client.reconfigure(params={"a": "1"})
        self.memory.flush()
        self.successResultOf(done)
        self.assertEqual(endpoint.cancelled, 1)
        self.assertEqual(self.memory.sessions[-1].socket.params["a"], "1")
        self.assertEqual(self.errors, [])

    def test_callable(self) -> None:
        """A callable makes a connector, of reactor, factory and options."""
        made: list[Any] = []

        class Connector:
            def __init__(self, *args: Any) -> None:
                made.append(args)
                self.factory = args[1]

            def connect(self) -> None:
                self.factory.connection.attempt_started()

            def stopConnecting(self) -> None:
                failure = _failure(NotConnected)
                self.factory.clientConnectionFailed(self, failure)

            def reset_options(self, options: Any) -> None:
                made.append(options)

        client = self.make_client(transport=Connector)
        client.startService()
        self.assertEqual(client.status, "connecting")
        [(reactor, factory, _), options] = made
        self.assertIs(reactor, self.clock)
        self.assertIs(options.transport, Connector)
        self.assertIs(factory.connector.factory, factory)


def _failure(kind: Callable[[], Exception]) -> Any:
    return Failure(kind())
