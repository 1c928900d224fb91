"""What the tests of the client share: a server in memory, and a client to drive.

::

    class RoomTests(ClientTestCase):
        def test_push(self):
            channel = self.joined_channel()
            outcome = self.watch(channel.push("echo", {"a": 1}))
            self.memory.flush()
            self.assert_fired(outcome, {"a": 1})

After each test every client is stopped, and must leave nothing on the clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.event_names import HEARTBEAT, PHOENIX_TOPIC, PHX_REPLY
from txphoenix.protocol.message import Message
from txphoenix.runtime.deadlines import Deadlines
from txphoenix.testing import MemoryServer, Refused, ServerChannel, error, ok, reply
from txphoenix.testing.frame import Frame
from txphoenix.testing.session import ServerSession

__all__ = ["TOPIC", "ClientTestCase", "Outcome", "Room", "ScriptedServer"]

TOPIC = "rooms:lobby"

_T = TypeVar("_T")
_E = TypeVar("_E", bound=BaseException)


class Room(ServerChannel):
    """A channel of the server that does what the pushed event says."""

    endpoint: ScriptedServer

    def join(self, params: Any) -> Any:
        """Answer with the params, unless the server refuses or holds its joins."""
        if self.endpoint.refusal is not None:
            raise Refused(self.endpoint.refusal)
        if self.endpoint.holds_joins:
            held: Deferred[Any] = Deferred()
            return held
        return params

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do what the event says."""
        if event == "echo":
            return ok(payload)
        if event == "refuse":
            return error(payload)
        if event == "other":
            return reply("other", payload)
        if event == "shout":
            self.broadcast("shouted", payload)
            return ok()
        if event == "whisper":
            self.push("whispered", payload)
            return ok()
        if event == "stop":
            self.stop()
            return ok()
        if event == "crash":
            raise ValueError("crash")
        # "silent", or anything else.
        return None


class ScriptedServer(MemoryServer):
    """A server in memory that remembers its sessions.

    :ivar sessions: all there ever were, the oldest first.
    :ivar refusal: what each join is refused with; None to take it.
    :ivar holds_joins: whether joins are never answered.
        As with Phoenix, nothing else is answered on that connection any more.
    :ivar answers: unset it, and what clients send is kept in ``frames``, and nothing
        else is done with it; heartbeats are still answered.
        The test then answers itself.
    """

    def __init__(self, channels: Mapping[str, type[ServerChannel]], **options: Any):
        super().__init__(channels, keep_frames=True, **options)
        self.sessions: list[ServerSession] = []
        self.refusal: Any = None
        self.holds_joins = False
        self.answers = True

    def session_opened(self, session: ServerSession) -> None:
        """Remember it, and come between it and what arrives."""
        take = session.receive

        def is_own(data: bytes, is_binary: bool) -> bool:
            return session.codec.decode(data, is_binary).topic == PHOENIX_TOPIC

        def receive(data: bytes, is_binary: bool) -> None:
            if self.answers or is_own(data, is_binary):
                take(data, is_binary)
            else:
                session.frames.append(Frame(False, data, is_binary))

        session.receive = receive  # type: ignore[method-assign]
        self.sessions.append(session)
        super().session_opened(session)


class Outcome(Generic[_T]):
    """What has become of a Deferred.

    :ivar fired: the results so far, which are one at most; a failure as its error.
    """

    def __init__(self, deferred: Deferred[_T]) -> None:
        self.deferred = deferred
        self.fired: list[Any] = []
        deferred.addBoth(self._fired)

    def __repr__(self) -> str:
        return f"<Outcome {self.fired}>"

    def _fired(self, result: Any) -> None:
        self.fired.append(result.value if isinstance(result, Failure) else result)


class ClientTestCase(SynchronousTestCase):
    """A test of a client against a server, both in memory and on one clock.

    :cvar server_channels: the channels of the server.
    :cvar server_options: its other options.
    :ivar memory: the server.
    :ivar clock: the clock of both.
    """

    server_channels: Mapping[str, type[ServerChannel]] = {"rooms:*": Room}
    server_options: Mapping[str, Any] = {}

    def setUp(self) -> None:
        """Make the server."""
        self.memory = ScriptedServer(self.server_channels, **self.server_options)
        self.clock = self.memory.clock
        self._clients: list[SocketClient] = []
        self._outcomes: list[Outcome[Any]] = []
        self.addCleanup(self._stop_all)

    # -- Clients and channels -----------------------------------------------------

    def make_client(self, **options: Any) -> SocketClient:
        """A client that is not started.

        It reconnects after half a second, and rejoins after 1, 2, 5 and 10 seconds.
        """
        client = SocketClient(
            options.pop("url", self.memory.url),
            reactor=self.clock,
            **{
                "endpoint": self.memory.endpoint,
                "backoff": steps([0.5]),
                "rejoin_backoff": steps([1.0, 2.0, 5.0, 10.0]),
                **options,
            },
        )
        self._clients.append(client)
        return client

    def connecting_client(self, **options: Any) -> SocketClient:
        """A client whose connection is held back by the server.

        ``self.memory.release_connections()`` lets it connect.
        """
        self.memory.holds_connections = True
        client = self.make_client(**options)
        client.startService()
        self.memory.flush()
        self.assertEqual(client.status, "connecting")
        return client

    def connected_client(self, **options: Any) -> SocketClient:
        """A client that is connected."""
        client = self.make_client(**options)
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)
        return client

    def joined_channel(
        self,
        topic: str = TOPIC,
        params: Any = None,
        channel_class: type[Channel] | None = None,
        client: SocketClient | None = None,
        **options: Any,
    ) -> Channel:
        """A channel that is joined.

        :param client: its client; a new one that is made with ``options`` if not given.
        """
        if client is None:
            client = self.connected_client(**options)
        channel = client.channel(topic, params, channel_class)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "joined", outcome)
        return channel

    def lose_connection(self) -> None:
        """End the connection without a word."""
        self.memory.cut()
        self.memory.flush()

    def reconnect(self) -> None:
        """Let the time pass until the client is connected again."""
        self.memory.advance(0.5)
        self.assertTrue(all(client.connected for client in self._clients))

    # -- The wire -----------------------------------------------------------------

    def frames(self, connection: int = -1) -> list[str]:
        """What the server saw on a connection, as the recordings show it.

        :param connection: which; by default the latest.
        """
        return [str(frame) for frame in self.memory.sessions[connection].frames]

    def sent(self, connection: int = -1) -> list[list[Any]]:
        """What the client sent on a connection: each frame's array of five."""
        return [
            json.loads(frame.data)
            for frame in self.memory.sessions[connection].frames
            if not frame.is_sent and not frame.is_binary
        ]

    def events_sent(self, connection: int = -1) -> list[str]:
        """The events of what the client sent on a connection."""
        return [message[3] for message in self.sent(connection)]

    def server_sends(
        self, join_ref: Any, ref: Any, topic: str, event: str, payload: Any
    ) -> None:
        """Have the server send a message, right or wrong, on the latest connection."""
        self.memory.sessions[-1].send(Message(join_ref, ref, topic, event, payload))
        self.memory.flush()

    def all_sent(self) -> list[list[Any]]:
        """What the client sent on all connections, the heartbeats left out."""
        return [
            message
            for connection in range(len(self.memory.sessions))
            for message in self.sent(connection)
            if message[3] != HEARTBEAT
        ]

    def answer(
        self, message: list[Any], status: str = "ok", response: Any = None
    ) -> None:
        """Have the server answer one of :meth:`sent`, on the latest connection.

        :param response: ``{}`` if not given.
        """
        join_ref, ref, topic, *_ = message
        payload = {"status": status, "response": {} if response is None else response}
        self.server_sends(join_ref, ref, topic, PHX_REPLY, payload)

    # -- Deferreds ----------------------------------------------------------------

    def watch(self, deferred: Deferred[_T]) -> Outcome[_T]:
        """Watch a Deferred; at the latest when the client has stopped it must fire."""
        outcome = Outcome(deferred)
        self._outcomes.append(outcome)
        return outcome

    def assert_waits(self, outcome: Outcome[Any]) -> None:
        """The Deferred has not fired."""
        self.assertEqual(outcome.fired, [])

    def assert_fired(self, outcome: Outcome[Any], result: Any) -> None:
        """The Deferred has fired once, with that result."""
        self.assertEqual(outcome.fired, [result])

    def assert_failed(self, outcome: Outcome[Any], kind: type[_E]) -> _E:
        """The Deferred has failed once, with an error of exactly that class.

        :return: the error.
        """
        self.assertEqual([type(result) for result in outcome.fired], [kind])
        found: _E = outcome.fired[0]
        return found

    # -- The end ------------------------------------------------------------------

    def stop_client(self, client: SocketClient) -> None:
        """Stop a client, whatever state it and the server are in."""
        stopped = Outcome(client.stopService())
        self.memory.is_stalled = False
        self.memory.flush()
        # A server that does not answer the close is waited for, but not for long.
        self.memory.advance(client.options.close_timeout)
        self.assert_fired(stopped, None)

    def _stop_all(self) -> None:
        for client in self._clients:
            self.stop_client(client)
            self.assertEqual(client.channels.routes, {})
        self.assertEqual(len(Deadlines.of(self.clock)), 0)
        # What is left on the clock is not the server's.
        self.memory.stop(drain=False)
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        for outcome in self._outcomes:
            self.assertEqual(len(outcome.fired), 1, outcome)
