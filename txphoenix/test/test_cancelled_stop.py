"""Who waits for a stop or a close may give up waiting; it goes on all the same."""

from __future__ import annotations

import gc
from typing import Any

from twisted.application.service import MultiService
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, NotConnected
from txphoenix.runtime.waiters import wait_for

from .network import NetworkTestCase
from .support import TOPIC, ClientTestCase


class WaitForTests(SynchronousTestCase):
    """Waiting for what goes on."""

    def test_result(self) -> None:
        """The result is that of what is waited for."""
        done: Deferred[None] = Deferred()
        waiting = wait_for(done)
        self.assertNoResult(waiting)
        done.callback(None)
        self.assertIsNone(self.successResultOf(waiting))
        failed: Deferred[None] = Deferred()
        waiting = wait_for(failed)
        failed.errback(ZeroDivisionError())
        self.failureResultOf(waiting, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """A cancel ends the waiting alone, and a failure is left for the log."""
        done: Deferred[None] = Deferred(lambda _: self.fail("it is cancelled"))
        waiting = wait_for(done)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        done.errback(ZeroDivisionError())
        self.failureResultOf(done, ZeroDivisionError)


class CancelledStopTests(ClientTestCase):
    """Decision 4: stop means stop, whether anybody waits for it or not."""

    def give_up(self, waiting: Deferred[None]) -> None:
        """Wait no longer."""
        outcome = self.watch(waiting)
        waiting.cancel()
        self.assert_failed(outcome, CancelledError)

    def assert_stopped(self, client: SocketClient) -> None:
        """After the time that a close may take the client has stopped."""
        self.memory.is_stalled = False
        self.memory.advance(client.options.close_timeout)
        self.assertEqual((client.status, client.running), ("disconnected", 0))
        self.assertEqual(client.channels.routes, {})
        self.assertEqual(self.memory.pairs, [])
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)

    def test_connected(self) -> None:
        """Its channels stop, and ``when_stopped()`` fires."""
        channel = self.joined_channel()
        stopped = self.watch(channel.when_stopped())
        self.give_up(self._clients[0].stopService())
        self.assert_waits(stopped)
        self.memory.flush()
        self.assert_fired(stopped, None)
        self.assertEqual(channel.state, "closed")
        self.assert_stopped(self._clients[0])

    def test_mute_server(self) -> None:
        """A server that does not answer the close is waited for no longer than that."""
        channel = self.joined_channel()
        stopped = self.watch(channel.when_stopped())
        self.memory.is_stalled = True
        self.give_up(self._clients[0].stopService())
        self.memory.flush()
        self.assert_waits(stopped)
        self.assert_stopped(self._clients[0])
        self.assert_fired(stopped, None)

    def test_by_a_timeout(self) -> None:
        """A timeout is a cancel."""
        client = self.connected_client()
        self.memory.is_stalled = True
        stopping = self.watch(client.stopService().addTimeout(0.5, self.clock))
        self.memory.advance(0.5)
        self.assert_failed(stopping, TimeoutError)
        self.assertTrue(client.running)
        self.assert_stopped(client)

    def test_connecting(self) -> None:
        """An attempt that is under way is given up."""
        client = self.connecting_client()
        outcome = self.watch(client.stopService())
        outcome.deferred.cancel()
        self.memory.holds_connections = False
        self.assert_stopped(client)

    def test_disconnect(self) -> None:
        """A disconnect ends the connection, and another waits for it as well."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.memory.is_stalled = True
        self.give_up(client.disconnect())
        other = self.watch(client.disconnect())
        self.memory.advance(client.options.close_timeout)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assert_fired(other, None)
        self.assertEqual((client.status, client.running), ("disconnected", 1))
        self.assertEqual(channel.state, "errored")
        self.assert_failed(self.watch(client.when_connected()), NotConnected)

    def test_started_meanwhile(self) -> None:
        """A start in between counts, and the client comes back."""
        client = self.connected_client(join_channels=[TOPIC])
        self.memory.is_stalled = True
        self.give_up(client.stopService())
        client.startService()
        self.memory.is_stalled = False
        self.memory.advance(client.options.close_timeout)
        self.assertTrue(client.connected)
        self.assertTrue(client.running)
        self.assertEqual(client.channels.routes[TOPIC].state, "joined")

    def test_parent(self) -> None:
        """So it is where a parent stops it."""
        parent = MultiService()
        client = self.make_client()
        client.setServiceParent(parent)
        parent.startService()
        self.memory.flush()
        stopping: Any = parent.stopService()
        stopping.addErrback(lambda _: None)
        stopping.cancel()
        self.memory.flush()
        # Twisted's list of Deferreds has nobody for the errors of its members.
        del stopping
        gc.collect()
        self.flushLoggedErrors(CancelledError)
        self.assertEqual((client.status, client.running), ("disconnected", 0))


class Mute(Protocol):
    """A server that takes connections and says nothing."""


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_mute_handshake(self) -> None:
        """An attempt that nobody waits for leaves nothing behind."""
        port = await self.listen(Mute)
        client = self.client(f"ws://127.0.0.1:{port}/socket")
        await self.until(lambda: client.status == "connecting")
        stopping = client.stopService()
        stopping.addErrback(lambda _: None)
        stopping.cancel()
        await self.until(lambda: not client.running)
        await self.assert_nothing_held()

    async def test_frozen_server(self) -> None:
        """A session whose server has frozen ends in time, and its channels with it."""
        server = await self.serve()
        proxy = await self.stand_between(server)
        client = self.client(
            f"ws://127.0.0.1:{proxy.port}/socket", close_timeout=0.1, timeout=20
        )
        _, channel = await client.join("rooms:lobby")
        lost = self.next_call(client.on_close)
        proxy.to_client.hold()
        stopped = channel.when_stopped()
        stopping = client.stopService().addTimeout(0.02, reactor)
        self.assertIsInstance(await self.failure_of(stopping), TimeoutError)
        await stopped
        self.assertIsInstance(await lost, ConnectionClosed)
        await self.until(lambda: not client.running)
