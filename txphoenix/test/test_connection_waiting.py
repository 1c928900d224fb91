"""Tests of :mod:`txphoenix.client.connection`: who waits for it, and who is told."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from txphoenix import telemetry
from txphoenix.channels.leaves import tell_leave
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import HandshakeRefused, NotConnected
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message
from txphoenix.testing import Refused

from .support import TOPIC
from .test_connection import RetryTestCase


class ReentrancyTests(RetryTestCase):
    """Decision 5: whoever is told may call anything."""

    def attempts_planned(self) -> int:
        """How many calls the clock has."""
        return len(self.clock.getDelayedCalls())

    def test_disconnect_when_an_attempt_fails(self) -> None:
        """There is no other attempt."""
        client = self.start()
        self.lose_connection()
        self.memory.is_listening = False
        done: list[Any] = []
        client.on_error(lambda error: done.append(self.watch(client.disconnect())))
        self.memory.advance(1)
        self.assertEqual(len(done), 1)
        self.assert_fired(done[0], None)
        self.assertEqual(self.attempts_planned(), 0)

    def test_connect_when_a_ping_fails(self) -> None:
        """It stands, as it does in a hook, where there would be no other attempt."""
        client = self.connected_client(reconnect=False)
        client.ping().addErrback(lambda _: client.connect())
        self.lose_connection()
        self.reconnect()

    def test_codec_disconnects(self) -> None:
        """What the codec closes the connection on is kept for the next."""
        acts: list[Any] = []

        class Codec:
            loads = staticmethod(json.loads)

            @staticmethod
            def dumps(value: Any) -> str:
                if value[3] in ("kept", "phx_join") and acts:
                    acts.pop()()
                return json.dumps(value)

        client = self.make_client(serializer=Codec)
        client.connection.is_wanted = True
        client.push(Message(None, None, "other", "kept", {}))
        client.connection.is_wanted = False

        def reopen() -> None:
            self.watch(client.reconfigure(params={"a": "1"}))

        acts.append(reopen)
        client.startService()
        self.memory.flush()
        self.assertEqual(acts, [])
        self.assertEqual(self.events_sent(), ["kept"])
        acts.append(reopen)
        params: Any = lambda: deferLater(self.clock, 0)  # noqa: E731
        joined = self.watch(client.channel(TOPIC, params).join())
        self.memory.flush()
        self.assertEqual(acts, [])
        self.assertEqual(len(joined.fired), 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_codec_disconnects_in_a_heartbeat(self) -> None:
        """Nothing is raised, whatever the transport."""
        for options in ({}, {"longpoll_fallback": 5.0}):
            acts: list[Any] = []

            class Codec:
                loads = staticmethod(json.loads)

                @staticmethod
                def dumps(value: Any, acts: list[Any] = acts) -> str:
                    if value[3] in ("heartbeat", "phx_leave") and acts:
                        acts.pop()()
                    return json.dumps(value)

            client = self.make_client(serializer=Codec, **options)
            acts.append(client.disconnect)
            client.startService()
            self.memory.advance(31)
            self.assertEqual(acts, [])
            self.assertFalse(client.connection.is_wanted)
            self.assertEqual(self.memory.pairs, [])
            client.connect()
            self.memory.flush()
            channel = self.joined_channel(client=client)
            acts.append(client.disconnect)
            tell_leave(channel._membership)
            self.memory.flush()
            self.assertEqual(acts, [])
            self.assertEqual(self.flushLoggedErrors(), [])

    def test_disconnect_when_the_connection_is_lost(self) -> None:
        """There is no other attempt."""
        client = self.start()
        done: list[Any] = []
        client.on_close(lambda error: done.append(self.watch(client.disconnect())))
        self.lose_connection()
        self.assert_fired(done[0], None)
        self.assertEqual(self.attempts_planned(), 0)

    def test_connect_anew_when_an_attempt_fails(self) -> None:
        """A hook that begins anew has one attempt planned, after the usual delay."""
        self.memory.is_listening = False
        client = self.make_client(backoff=self.backoff)
        calls: list[int] = []

        def begin_anew(error: Exception) -> None:
            calls.append(len(calls))
            self.watch(client.disconnect())
            client.connect()

        client.on_error(begin_anew)
        client.startService()
        for _ in range(3):
            self.assertEqual(self.attempts_planned(), 1)
            self.memory.advance(self.retries[-1][1])
        self.assertEqual((len(calls), self.asked), (4, [0, 1, 2, 3]))
        self.memory.is_listening = True
        self.memory.advance(4)
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 1)

    def test_connect_after_the_last_attempt(self) -> None:
        """A hook may connect where there would be no other attempt, after a delay."""
        self.memory.is_listening = False
        client = self.make_client(reconnect=False)
        waiting: list[Any] = []

        def once(error: Exception) -> None:
            if not waiting:
                self.memory.is_listening = True
                client.connect()
                waiting.append(self.watch(client.when_connected()))
                waiting.append(self.watch(client.join("rooms:lobby")))

        client.on_error(once)
        client.startService()
        self.assert_waits(waiting[0])
        self.memory.advance(0.5)
        self.assert_fired(waiting[0], client)
        self.assertEqual(waiting[1].fired[0][0], {})

    def test_reconfigure_when_the_connection_is_lost(self) -> None:
        """The hook's options count for the next attempt, which has its delay."""
        client = self.start()
        done: list[Any] = []
        client.on_close(
            lambda error: done.append(self.watch(client.reconfigure(params={"a": 1})))
        )
        self.lose_connection()
        self.assertEqual((client.status, self.retries), ("disconnected", [(1, 1.0)]))
        self.memory.advance(1)
        self.assert_fired(done[0], None)
        self.assertEqual(self.memory.sessions[-1].socket.params["a"], "1")

    def test_connect_when_the_connection_has_been_closed(self) -> None:
        """Who waits for the end of a disconnect may connect."""
        client = self.start()
        client.disconnect().addCallback(lambda _: client.connect())
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 2)

    def test_connect_when_told_to_be_disconnected(self) -> None:
        """Who opens another connection does not keep a disconnect waiting."""
        client = self.connecting_client()

        def handle(_name: Any, _measured: Any, data: Any, _config: Any) -> None:
            if data["new_status"] == "disconnected":
                telemetry.detach("again")
                client.connect()

        telemetry.attach("again", telemetry.STATE_CHANGE, handle)
        done = self.watch(client.disconnect())
        self.assert_fired(done, None)
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)

    def test_told_by_telemetry(self) -> None:
        """A telemetry handler that disconnects at each step leaves nothing behind."""
        for action in (
            "connecting",
            "connected",
            "connection_duration",
            "disconnected",
            "connection_error",
            "reconnecting",
        ):
            with self.subTest(action=action):
                client = self.make_client(join_channels=["rooms:lobby"])

                def handle(
                    _name: Any,
                    _measured: Any,
                    data: Any,
                    config: Any,
                    client: SocketClient = client,
                ) -> None:
                    if data["action"] == config and data["client"] is client:
                        self.watch(client.disconnect())

                telemetry.attach(action, telemetry.SOCKET, handle, action)
                client.startService()
                self.memory.flush()
                self.lose_connection()
                self.memory.is_listening = False
                self.memory.advance(5)
                self.memory.is_listening = True
                telemetry.detach(action)
                self.assertFalse(client.connected)
                self.assertEqual(self.attempts_planned(), 0)
                client.connect()
                self.memory.flush()
                self.assertTrue(client.connected)
                self.assertEqual(client.channels.routes["rooms:lobby"].state, "joined")
                self.stop_client(client)


class ConnectNowTests(RetryTestCase):
    """``connect()`` while the client waits: the network is back."""

    def test_at_once(self) -> None:
        """The planned attempt begins at once, and what is kept stays kept."""
        client = self.start(backoff=steps([60.0]))
        channel = self.joined_channel(client=client)
        self.memory.is_listening = False
        self.lose_connection()
        push = self.watch(channel.push("echo", {"a": 1}))
        waiting = self.watch(client.when_connected())
        client.push(Message(None, None, "rooms:lobby", "echo", {}))
        self.memory.is_listening = True
        client.connect()
        self.assertEqual(client.status, "connecting")
        self.memory.flush()
        self.assert_fired(waiting, client)
        self.assert_fired(push, {"a": 1})
        self.assertEqual(self.events_sent(), ["phx_join", "echo", "echo"])
        self.assertEqual(self.memory.connections_made, 2)
        self.memory.advance(61)
        self.assertEqual(self.memory.connections_made, 2)

    def test_counted(self) -> None:
        """It is one more attempt, and the delays go on from there."""
        self.memory.is_listening = False
        client = self.start()
        self.memory.advance(0.5)
        client.connect()
        self.assertEqual((self.asked, len(self.errors)), ([0, 1], 2))
        self.assertEqual(self.attempts_planned(), 1)
        self.memory.advance(1.9)
        self.assertEqual(len(self.errors), 2)
        self.memory.advance(0.1)
        self.assertEqual(len(self.errors), 3)

    def attempts_planned(self) -> int:
        """How many calls the clock has, but for the reminder of the outage."""
        return len(self.clock.getDelayedCalls()) - 1

    def test_connected(self) -> None:
        """It does nothing to a client that is connected, or about to be."""
        client = self.connecting_client()
        client.connect()
        self.memory.release_connections()
        self.memory.flush()
        client.connect()
        self.memory.advance(1)
        self.assertEqual(self.memory.connections_made, 1)
        self.assertTrue(client.connected)

    def test_often(self) -> None:
        """Who calls it all the time has five at once, and then one a minute."""
        self.memory.is_listening = False
        client = self.start(backoff=steps([1000.0]))
        for _ in range(600):
            client.connect()
            self.memory.advance(1)
        self.assertEqual(client.connection.attempts, 1 + 5 + 9)


class WhenConnectedTests(RetryTestCase):
    """``when_connected()``: see also :mod:`.test_waiters`."""

    def test_connected(self) -> None:
        """It fires at once if the client is connected."""
        client = self.start()
        self.assert_fired(self.watch(client.when_connected()), client)

    def test_before_the_start(self) -> None:
        """It may be called before there is anything to wait for."""
        client = self.make_client()
        waiting = self.watch(client.when_connected())
        client.startService()
        self.memory.flush()
        self.assert_fired(waiting, client)

    def test_fail_after_failures(self) -> None:
        """It fails with the attempt that is one too many; the client goes on."""
        self.memory.refuse(503)
        client = self.start(backoff=steps([1.0]))
        waiting = self.watch(client.when_connected(fail_after_failures=2))
        self.memory.advance(1)
        self.assert_waits(waiting)
        self.memory.advance(1)
        self.assertEqual(self.assert_failed(waiting, HandshakeRefused).status, 503)
        self.memory.refuse(None)
        self.memory.advance(1)
        self.assertTrue(client.connected)

    def test_disconnected(self) -> None:
        """It fails if the user disconnects."""
        client = self.connecting_client()
        waiting = self.watch(client.when_connected())
        self.watch(client.disconnect())
        error = self.assert_failed(waiting, NotConnected)
        self.assertEqual(str(error), "the client was told to disconnect")

    def test_too_late(self) -> None:
        """Decision 6: after disconnect() or a stop it fails at once, until connect."""
        for end in (SocketClient.disconnect, SocketClient.stopService):
            with self.subTest(end=end):
                client = self.start()
                self.watch(end(client))
                error = self.assert_failed(
                    self.watch(client.when_connected()), NotConnected
                )
                self.assertEqual(str(error), "the client was told to disconnect")
                self.memory.flush()
                self.assert_failed(
                    self.watch(client.when_connected(fail_after_failures=1)),
                    NotConnected,
                )
                client.connect()
                waiting = self.watch(client.when_connected())
                self.memory.flush()
                self.assert_fired(waiting, client)

    def test_cancelled(self) -> None:
        """A cancelled one is forgotten, and the connection goes on."""
        client = self.connecting_client()
        waiting = client.when_connected()
        cancelled = self.watch(waiting)
        waiting.cancel()
        self.assert_failed(cancelled, CancelledError)
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)

    def test_reconfigure_is_no_failure(self) -> None:
        """An attempt that we give up for a new one is not told as a failure."""
        client = self.connecting_client()
        client.on_error(self.errors.append)
        waiting = self.watch(client.when_connected(fail_after_failures=1))
        done = self.watch(client.reconfigure(params={"a": 1}))
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(waiting, client)
        self.assert_fired(done, None)
        self.assertEqual(self.errors, [])


class RefusedTests(RetryTestCase):
    """A client whose token runs out."""

    def setUp(self) -> None:
        """Have the server take each token once."""
        self.used: list[str] = []
        self.server_options = {"connect": self.take}
        super().setUp()

    def take(self, params: dict[str, Any], socket: Any) -> None:
        """Take a token that was not used before."""
        if params["token"] in self.used:
            raise Refused()
        self.used.append(params["token"])

    def test_fresh_token(self) -> None:
        """Decision 1: a token that has run out is asked for anew, and joins go on."""
        tokens = iter(["a", "a", "b"])
        later: list[Deferred[dict[str, Any]]] = []

        def params() -> Deferred[dict[str, Any]]:
            later.append(Deferred())
            self.clock.callLater(0.1, later[-1].callback, {"token": next(tokens)})
            return later[-1]

        client = self.start(params=params, backoff=steps([0.5]))
        self.memory.advance(0.1)
        channel = self.joined_channel(client=client)
        self.lose_connection()
        self.memory.advance(0.7)
        self.assertEqual([it.status for it in self.errors], [403])
        self.memory.advance(0.7)
        self.assertEqual(self.used, ["a", "b"])
        self.assertEqual(channel.state, "joined")
