"""What the counterparts share: a server whose answers a test can give itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txphoenix import Channel, SocketClient
from txphoenix.protocol.event_names import (
    HEARTBEAT,
    PHX_ERROR,
    PHX_JOIN,
    PHX_LEAVE,
    PHX_REPLY,
)
from txphoenix.runtime.remover import Remover

from ..support import TOPIC, ClientTestCase, Outcome

__all__ = ["TOPIC", "Outcome", "PhoenixJSTestCase"]


class PhoenixJSTestCase(ClientTestCase):
    """A test whose server answers by itself, or leaves that to the test.

    :ivar memory: the server.
    """

    # -- What the client has sent -------------------------------------------------

    def all_sent(self, event: str | None = None) -> list[list[Any]]:
        """What the client has sent on all connections, the heartbeats left out.

        :param event: only the messages of that event.
        """
        return [
            message
            for connection in range(len(self.memory.sessions))
            for message in self.sent(connection)
            if (message[3] == event if event else message[3] != HEARTBEAT)
        ]

    def joins(self) -> list[list[Any]]:
        """The joins that the client has sent on all connections."""
        return self.all_sent(PHX_JOIN)

    def leaves(self) -> list[list[Any]]:
        """The leaves that the client has sent on all connections."""
        return self.all_sent(PHX_LEAVE)

    # -- What the test answers for the server -------------------------------------

    def reply(self, to: list[Any], status: str = "ok", response: Any = None) -> None:
        """Answer a message that the client has sent, on the latest connection."""
        join_ref, ref, topic, *_ = to
        payload = {"status": status, "response": {} if response is None else response}
        self.server_sends(join_ref, ref, topic, PHX_REPLY, payload)

    def crash(self, join: list[Any], payload: Any = None) -> None:
        """Have the channel of a join crash on the server."""
        join_ref, _, topic, *_ = join
        self.server_sends(
            join_ref, join_ref, topic, PHX_ERROR, {} if payload is None else payload
        )

    # -- Channels and connections -------------------------------------------------

    def errors_of(self, channel: Channel) -> list[BaseException]:
        """The errors that the channel tells from now on."""
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        return errors

    def connect_anew(self, client: SocketClient) -> None:
        """Disconnect and connect."""
        self.watch(client.disconnect())
        client.connect()

    def connect_anew_once(
        self, client: SocketClient, add_hook: Callable[[Any], Remover]
    ) -> None:
        """Have a hook disconnect and connect when it is first called.

        :param add_hook: what adds it, such as ``channel.on_error``.
        """

        def anew(_reason: object) -> None:
            remove()
            self.connect_anew(client)

        remove = add_hook(anew)

    def disconnect_slowly(self, client: SocketClient) -> Outcome[None]:
        """Disconnect from a server that answers nothing until :meth:`resume`."""
        self.memory.pause()
        outcome = self.watch(client.disconnect())
        self.memory.flush()
        self.assert_waits(outcome)
        return outcome

    def resume(self) -> None:
        """Let the server answer again."""
        self.memory.resume()
        self.memory.flush()

    def assert_one_open(self, made: int) -> None:
        """There is one connection, the latest of so many, and it stays."""
        self.assertEqual(self.memory.connections_made, made)
        self.wait_long()
        self.assertEqual(self.memory.connections_made, made)
        self.assertEqual(self.memory.connections, self.memory.sessions[-1:])

    # -- Time ---------------------------------------------------------------------

    def wait_long(self) -> None:
        """Let so much time pass that whatever was planned has happened."""
        self.memory.advance(120.0)
