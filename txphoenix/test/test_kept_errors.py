"""Tests of ``kept_errors.py``: errors that are handed out more than once."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import ChannelClosed, ConnectionFailed, NotConnected, SocketClient
from txphoenix.errors import AlreadyJoined, HandshakeRefused
from txphoenix.runtime.kept_errors import unraised

from .support import ClientTestCase


def _length(error: BaseException) -> int:
    entry, length = error.__traceback__, 0
    while entry is not None:
        entry, length = entry.tb_next, length + 1
    return length


class UnraisedTests(SynchronousTestCase):
    """The function."""

    def test_copy(self) -> None:
        """The copy says the same, has the same cause, and no traceback."""
        cause = ValueError("why")
        try:
            raise HandshakeRefused(403, {"a": "b"}, "no") from cause
        except HandshakeRefused as error:
            again = unraised(error)
            self.assertIsNot(again, error)
        self.assertIs(type(again), HandshakeRefused)
        self.assertEqual((again.status, again.headers), (403, {"a": "b"}))
        self.assertEqual(str(again), "handshake refused: HTTP 403 no")
        self.assertIs(again.__cause__, cause)
        self.assertIsNone(again.__traceback__)
        self.assertIsNone(again.__context__)

    def test_channel(self) -> None:
        """What an error has from its process it keeps."""

        class Holder:
            topic = "a"

        holder = Holder()
        self.assertIs(unraised(AlreadyJoined(holder)).channel, holder)

    def test_others(self) -> None:
        """An error of somebody else's is what it was."""
        error = KeyError("a")
        self.assertIs(unraised(error), error)


class HandedOutTests(ClientTestCase):
    """Who asks for an error again and again."""

    def assert_fresh(self, ask: Any) -> None:
        """Each time it is another error, whose traceback is no longer than before."""
        errors: list[BaseException] = []

        async def wait() -> None:
            try:
                await ask()
            except Exception as error:
                errors.append(error)

        for _ in range(5):
            self.successResultOf(Deferred.fromCoroutine(wait()))
        self.assertEqual(len({id(error) for error in errors}), 5)
        self.assertEqual(len({str(error) for error in errors}), 1)
        self.assertEqual({_length(error) for error in errors}, {_length(errors[0])})

    def refused(self) -> SocketClient:
        """A client that has been refused, with its secrets, and has given up."""
        client = self.make_client(reconnect=False, headers={"X-Secret": "s"})
        self.memory.refuse(403)
        client.startService()
        self.memory.flush()
        return client

    def test_when_connected(self) -> None:
        """when_connected() fails with an error of its own each time."""
        self.assert_fresh(self.refused().when_connected)
        client = self.make_client()
        self.successResultOf(client.disconnect())
        self.assert_fresh(client.when_connected)

    def test_when_writable(self) -> None:
        """So does when_writable() of a client."""
        self.assert_fresh(self.refused().when_writable)
        client = self.make_client()
        self.successResultOf(client.disconnect())
        self.assert_fresh(client.when_writable)

    def test_receive(self) -> None:
        """So does receive() of a closed channel."""
        client = self.make_client()
        client.startService()
        self.memory.flush()
        joined = client.join("rooms:lobby")
        self.memory.flush()
        _, channel = self.successResultOf(joined)
        waiting = channel.receive()
        channel.stop()
        error = self.failureResultOf(waiting, ChannelClosed).value
        inbox: Any = channel._membership.inbox
        self.assertIsNot(inbox._error, error)
        self.assert_fresh(channel.receive)

    def test_kept(self) -> None:
        """What the client keeps holds no frame, even if each raises what it is told."""
        client: Any = self.make_client(reconnect=False, headers={"X-Secret": "s"})
        raised: list[BaseException] = []

        def hook(reason: BaseException) -> None:
            raised.append(reason)
            raise reason

        async def wait() -> None:
            try:
                await client.when_connected()
            except ConnectionFailed as error:
                raised.append(error)
                raise ValueError from error

        client.on_error(hook)
        waiting = Deferred.fromCoroutine(wait())
        self.memory.refuse(403)
        client.startService()
        self.memory.flush()
        self.failureResultOf(waiting, ValueError)
        self.assertEqual(len(raised), 2)
        self.assertIsInstance(client._waiting._because, ConnectionFailed)
        self.assertIsNone(client._waiting._because.__traceback__)
        self.assertIsNone(client._waiting._because.__context__)

    def assert_latest(self, client: Any, told: BaseException) -> None:
        """What the next delay goes by says the same, and is another."""
        latest = client.connection.patience.error
        self.assertIsNot(latest, told)
        self.assertEqual(str(latest), str(told))
        self.assertIsNone(latest.__context__)

    def test_told_is_not_kept(self) -> None:
        """Whoever raises what the hook was told does not have the client hold it."""
        client: Any = self.make_client()
        told: list[BaseException] = []
        client.on_error(told.append)
        waiting = client.when_connected(fail_after_failures=1)
        self.memory.refuse(403)
        client.startService()
        self.memory.flush()
        error = self.failureResultOf(waiting).value
        kept = client.channels._offline_because
        self.assertIsNot(kept, error)
        self.assertIsNot(kept, told[0])
        self.assertEqual(str(kept), str(error))
        self.assert_latest(client, told[0])

    def test_loss_is_not_kept(self) -> None:
        """So it is with what a client has lost its connection for."""
        client: Any = self.connected_client()
        told: list[BaseException] = []
        client.on_close(told.append)
        self.memory.cut()
        self.memory.flush()
        kept = client.channels._offline_because
        self.assertIsNot(kept, told[0])
        self.assertEqual(str(kept), str(told[0]))
        self.assert_latest(client, told[0])

    def test_abandoned(self) -> None:
        """So it is for who waits at a disconnect()."""
        client: Any = self.make_client()
        waiting = client.when_connected()
        self.successResultOf(client.disconnect())
        error = self.failureResultOf(waiting, NotConnected).value
        self.assertIsNot(client._waiting._because, error)
