"""Decisions 4 and 6: stop means stop, and every Deferred fires, in whatever state.

Each test brings a client into one state, with all that can wait in it, and ends it by
``disconnect()`` or ``stopService()``.
The Deferred of that must fire, and before it every Deferred that waited; the clock must
hold nothing of the client's; and ``connect()`` must work again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, NotConnected
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase, Outcome

if TYPE_CHECKING:
    _Case = ClientTestCase
else:
    _Case = object


class EveryState(_Case):
    """A test for each state; subclasses say how the client is ended."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """End the client."""
        raise NotImplementedError

    def check(self, client: SocketClient, *waiting: Outcome[Any]) -> None:
        """End the client, and see that it has ended.

        :param waiting: what must have fired by then.
        """
        fired: list[list[Outcome[Any]]] = []
        ended = self.end(client)
        ended.addCallback(
            lambda _: fired.append([it for it in waiting if not it.fired])
        )
        self.memory.is_stalled = False
        self.memory.flush()
        self.memory.advance(client.options.close_timeout)
        self.assertEqual(fired, [[]])
        self.assertEqual(client.status, "disconnected")
        self.memory.stop(drain=False)
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.memory.pairs, [])
        self.memory.resume()
        self.memory.start()
        self.memory.release_connections()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(len(self.memory.pairs), 1)

    # -- Without a connection -----------------------------------------------------

    def test_never_started(self) -> None:
        """It was never started."""
        client = self.make_client()
        self.check(client, self.watch(client.when_connected()))

    def test_waiting_for_params(self) -> None:
        """One of the user's callables has not answered yet."""
        asked: list[Deferred[Any]] = []

        def ask() -> Any:
            asked.append(Deferred())
            return asked[0] if len(asked) == 1 else {}

        client = self.make_client(params=ask)
        client.startService()
        self.check(client, *self.everything(client))
        self.assertTrue(asked[0].called)

    def test_waiting_for_stubborn_params(self) -> None:
        """One of the user's callables does not even stop when it is cancelled."""
        asked: list[Deferred[Any]] = []

        async def ask() -> Any:
            asked.append(Deferred())
            if len(asked) > 1:
                return {}
            try:
                await asked[0]
            except CancelledError:
                await Deferred()
            return {}

        client = self.make_client(params=ask)
        client.startService()
        self.check(client, *self.everything(client))

    def test_tcp_connecting(self) -> None:
        """The endpoint has not answered yet."""
        client = self.connecting_client()
        self.check(client, *self.everything(client))

    def test_handshaking(self) -> None:
        """The server has not answered the handshake yet."""
        self.memory.pause()
        client = self.make_client()
        client.startService()
        self.memory.flush()
        self.assertEqual(len(self.memory.pairs), 1)
        self.check(client, *self.everything(client))

    def test_attempt_timed_out(self) -> None:
        """The time of the attempt is over, and its transport not quite gone."""
        self.memory.pause()
        client = self.make_client(connect_timeout=3)
        client.startService()
        self.memory.flush()
        self.memory.is_stalled = True
        self.clock.advance(3)
        self.check(client, *self.everything(client))

    def test_waiting_to_retry(self) -> None:
        """The next attempt is planned, and pushes are kept for it."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.lose_connection()
        kept = self.watch(channel.push("echo"))
        self.check(client, kept, *self.everything(client))

    # -- With one -----------------------------------------------------------------

    def test_connected(self) -> None:
        """It is connected, and a heartbeat is on its way."""
        client = self.connected_client()
        self.memory.pause()
        self.memory.advance(31)
        self.memory.resume()
        self.check(client)

    def test_pushes_pending(self) -> None:
        """Of everything that can wait, something does."""
        client = self.connected_client()
        joined = self.joined_channel(client=client)
        leaving = self.joined_channel("rooms:leaving", client=client)
        inbox = self.joined_channel("rooms:inbox", client=client)
        self.memory.pause()
        self.check(
            client,
            self.watch(joined.push("echo")),
            self.watch(leaving.leave()),
            self.watch(leaving.join()),
            self.watch(inbox.receive()),
            self.watch(client.ping()),
            *self.everything(client),
        )

    def test_rejoining(self) -> None:
        """A channel waits for its rejoin, another one for its params."""
        client = self.connected_client()
        crashed = self.joined_channel(client=client)
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(crashed.state, "errored")
        late: Deferred[Any] = Deferred()
        join = self.watch(client.join("rooms:late", lambda: late))
        self.check(client, self.watch(crashed.push("echo")), join)
        late.callback({})

    def test_paused(self) -> None:
        """Reading is paused, for nobody reads."""
        channel = self.joined_channel(receive_buffer=2)
        client = self._clients[0]
        self.watch(channel.receive())
        for number in range(10):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()
        self.assertFalse(self.memory.pairs[0].client.is_reading)
        push = self.watch(channel.push("echo"))
        self.memory.flush()
        self.check(client, push)

    def test_paused_and_silent(self) -> None:
        """Reading is paused, and the server does not answer either."""
        channel = self.joined_channel(receive_buffer=1)
        self.watch(channel.receive())
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.broadcast(TOPIC, "news", 2)
        self.memory.flush()
        self.memory.pause()
        self.check(self._clients[0])

    # -- In the middle of its end -------------------------------------------------

    def test_closed_by_us(self) -> None:
        """It is disconnecting already."""
        client = self.connected_client()
        self.memory.is_stalled = True
        self.check(client, self.watch(client.disconnect(4000, "bye")))

    def test_closed_by_us_in_vain(self) -> None:
        """It is disconnecting, and the server does not answer."""
        client = self.connected_client()
        self.memory.pause()
        first = self.watch(client.disconnect())
        self.memory.advance(1)
        self.check(client, first)

    def test_closed_by_the_server(self) -> None:
        """The server has begun to close."""
        channel = self.joined_channel()
        client = self._clients[0]
        push = self.watch(channel.push("silent"))
        self.memory.flush()
        self.memory.drain()
        self.memory.pairs[0].pump(None)
        self.memory.pairs[0].pump(None)
        self.assertFalse(client.connected)
        self.assertEqual(len(self.memory.pairs), 1)
        self.check(client, push)

    def test_dropped(self) -> None:
        """A heartbeat was not answered, and the transport is not quite gone."""
        client = self.connected_client()
        self.memory.pause()
        self.memory.advance(30)
        self.clock.advance(10)
        self.assertFalse(client.connected)
        self.check(client)

    def test_failed_by_us(self) -> None:
        """The server has broken the protocol, and its close is awaited."""
        client = self.connected_client(max_message_size=1000)
        self.memory.pairs[0].server.write(b"\x83\x00")
        self.memory.pairs[0].pump(None)
        self.assertFalse(client.connected)
        self.check(client)

    # -- In the middle of a reconfigure -------------------------------------------

    def test_reconfigured(self) -> None:
        """The old connection is closing, for a new one to be opened."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.memory.is_stalled = True
        done = self.watch(client.reconfigure(params={"a": 1}))
        kept = self.watch(channel.push("echo"))
        self.check(client, done, kept, *self.everything(client))

    def test_reconfigured_and_reconnecting(self) -> None:
        """The old connection is gone, and the new one being opened."""
        channel = self.joined_channel()
        client = self._clients[0]
        done = self.watch(client.reconfigure(params={"a": 1}))
        self.memory.holds_connections = True
        self.memory.flush()
        self.assertEqual(client.status, "connecting")
        self.check(client, done, self.watch(channel.push("echo")))

    def test_reconfigured_and_rejoining(self) -> None:
        """The new connection is open, and the channels are not joined again."""
        self.joined_channel()
        client = self._clients[0]
        self.memory.holds_joins = True
        done = self.watch(client.reconfigure(params={"a": 1}))
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_waits(done)
        self.memory.holds_joins = False
        self.check(client, done)

    # -- Inside -------------------------------------------------------------------

    def everything(self, client: SocketClient) -> list[Outcome[Any]]:
        """Have one of each wait that can be begun without a connection."""
        client.push(Message.push(TOPIC, "kept", {}, None, None))
        joining = client.channel("rooms:joining")
        return [
            self.watch(client.when_connected()),
            self.watch(client.when_connected(fail_after_failures=5)),
            self.watch(joining.join()),
            self.watch(joining.push("kept")),
            self.watch(joining.receive()),
        ]


class DisconnectTests(EveryState, ClientTestCase):
    """``disconnect()`` in each state."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """Disconnect."""
        return client.disconnect()


class DisconnectTwiceTests(EveryState, ClientTestCase):
    """``disconnect()``, and again before that is done."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """Disconnect twice; both must fire."""
        first = client.disconnect()
        return client.disconnect(4000).addCallback(lambda _: first)


class StopServiceTests(EveryState, ClientTestCase):
    """``stopService()`` in each state."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """Stop."""
        return client.stopService()


class StopAfterDisconnectTests(EveryState, ClientTestCase):
    """``stopService()`` before a ``disconnect()`` is done."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """Disconnect and stop; both must fire."""
        first = client.disconnect()
        return client.stopService().addCallback(lambda _: first)


class SecondThoughtsTests(EveryState, ClientTestCase):
    """``connect()`` in each state after ``disconnect()``, and then the end."""

    def end(self, client: SocketClient) -> Deferred[None]:
        """Disconnect, think better of it, and stop after all."""
        first = client.disconnect()
        client.connect()
        return client.stopService().addCallback(lambda _: first)


class SilenceTests(ClientTestCase):
    """An end that was asked for is no error to any channel."""

    def setUp(self) -> None:
        """Join a channel, and listen to its hooks."""
        super().setUp()
        self.channel = self.joined_channel(close_timeout=3.0)
        self.told: list[object] = []
        self.channel.on_error(self.told.append)
        self.channel.on_close(self.told.append)
        [self.client] = self._clients

    def test_disconnect(self) -> None:
        """After disconnect() it is errored and has been told of nothing.

        It is told of a loss that comes after the next connect().
        """
        self.watch(self.client.disconnect())
        self.memory.flush()
        self.assertEqual((self.channel.state, self.told), ("errored", []))
        self.client.connect()
        self.memory.flush()
        self.assertEqual((self.channel.state, self.told), ("joined", []))
        self.lose_connection()
        self.assertEqual([type(it) for it in self.told], [ConnectionClosed])

    def test_connect_at_once(self) -> None:
        """So it is where connect() does not wait for the end."""
        self.watch(self.client.disconnect())
        self.client.connect()
        self.memory.flush()
        self.assertEqual((self.channel.state, self.told), ("joined", []))

    def test_close_without_an_answer(self) -> None:
        """So it is where the server does not answer the close, or has closed first."""
        for is_first in (False, True):
            self.memory.pause()
            if is_first:
                self.memory.sessions[-1].close(1001)
            self.watch(self.client.disconnect())
            self.memory.advance(3.0)
            self.assertEqual((self.client.status, self.told), ("disconnected", []))
            self.memory.resume()
            self.client.connect()
            self.memory.flush()
            self.assertEqual((self.channel.state, self.told), ("joined", []))

    def test_stop_service(self) -> None:
        """After stopService() it has been told of its own end alone."""
        self.watch(self.client.stopService())
        self.memory.flush()
        self.assertEqual((self.channel.state, self.told), ("closed", ["stopped"]))

    def test_no_reconnect(self) -> None:
        """A loss that nobody asked for is one, though nobody reconnects."""
        self.client.reconfigure(reconnect=False)
        self.lose_connection()
        self.assertEqual([type(it) for it in self.told], [ConnectionClosed])


class RestartTests(ClientTestCase):
    """A client that is started again before it has stopped."""

    def test_start_while_stopping(self) -> None:
        """It stops, closes its channels, and is then started: as asked."""
        for start in (SocketClient.startService, SocketClient.connect):
            with self.subTest(start=start):
                client = self.connected_client(join_channels=["rooms:always"])
                channel = self.joined_channel(client=client)
                stopped = self.watch(client.stopService())
                start(client)
                self.memory.flush()
                self.assert_fired(stopped, None)
                self.assertTrue(client.running and client.connected)
                self.assertEqual(channel.state, "closed")
                self.assertEqual(list(client.channels.routes), ["rooms:always"])
                self.assertEqual(
                    [child.running for child in client], [1, 1, 1], list(client)
                )
                self.stop_client(client)

    def test_start_without_connecting(self) -> None:
        """With ``auto_connect=False`` it is then started, and not connected."""
        client = self.make_client(auto_connect=False)
        client.connect()
        self.memory.flush()
        self.watch(client.stopService())
        client.startService()
        self.memory.advance(10)
        self.assertTrue(client.running)
        self.assertFalse(client.connected)

    def test_connect_after_disconnect(self) -> None:
        """Channels that were joined join again; see decision 7."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.watch(client.disconnect())
        self.memory.advance(100)
        self.assertEqual(channel.state, "errored")
        self.assert_failed(self.watch(channel.push("echo")), NotConnected)
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_start_after_stop(self) -> None:
        """Channels that were closed stay so, but for those of ``join_channels``."""
        client = self.connected_client(join_channels=["rooms:always"])
        channel = self.joined_channel(client=client)
        self.watch(client.stopService())
        self.memory.flush()
        client.startService()
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(list(client.channels.routes), ["rooms:always"])
