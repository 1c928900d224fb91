"""A channel in each of its states, and what one input does to it.

The states are reached as they are in use: by calls, frames of the server, the
connection, and time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.channel_states import Input

from .support import TOPIC, ClientTestCase

__all__ = ["CellTestCase"]


def told_as(result: Any) -> str:
    """A result in one word: an error is its class."""
    if isinstance(result, Failure):
        result = result.value
    return type(result).__name__ if isinstance(result, Exception) else str(result)


class CellTestCase(ClientTestCase):
    """The server answers nothing by itself, and all that the channel tells is kept."""

    client: SocketClient
    channel: Channel
    told: list[str]

    def setUp(self) -> None:
        """Keep what is told."""
        super().setUp()
        self.memory.answers = False
        self.told = []

    # -- Into the states ----------------------------------------------------------

    def closed(self) -> None:
        """A channel that was never joined."""
        self.client = self.connected_client()
        self.make_channel()

    def joining(self) -> None:
        """The first join is sent; a push waits for it."""
        self.closed()
        self.tell("join", self.channel.join())
        self.tell("push", self.channel.push("kept"))
        self.memory.flush()

    def joined(self) -> None:
        """A push is sent and not answered."""
        self.closed()
        self.tell("join", self.channel.join())
        self.memory.flush()
        self.answer(self.all_sent()[-1])
        self.tell("push", self.channel.push("written"))
        self.memory.flush()

    def rejoining(self) -> None:
        """It was joined before the connection was lost; the rejoin is sent."""
        self.joined()
        self.lose_connection()
        self.reconnect()

    def leaving(self) -> None:
        """A leave is sent."""
        self.joined()
        self.tell("leave", self.channel.leave())
        self.memory.flush()

    def errored(self) -> None:
        """It has crashed on the server; a push waits for the rejoin in a second."""
        self.joined()
        self.phx("phx_error")
        self.tell("push", self.channel.push("kept"))

    def errored_before_joined(self) -> None:
        """The connection was lost before the first join was answered."""
        self.joining()
        self.memory.is_listening = False
        self.lose_connection()

    def make_channel(self, channel_class: type[Channel] | None = None) -> None:
        """A channel whose hooks tell."""
        self.channel = self.client.channel(TOPIC, None, channel_class)
        self.channel.on_error(lambda error: self.told.append(f"error {told_as(error)}"))
        self.channel.on_close(lambda why: self.told.append(f"closed {told_as(why)}"))

    def tell(self, name: str, deferred: Deferred[Any]) -> None:
        """Have a Deferred tell."""
        self.watch(deferred.addBoth(self.tell_result, name))

    def tell_result(self, result: Any, name: str) -> None:
        """A Deferred has fired."""
        self.told.append(f"{name} {told_as(result)}")

    # -- The inputs that the server gives -----------------------------------------

    def phx(self, event: str) -> None:
        """The server ends the channel, by the join_ref that it has."""
        ref = self.channel.join_ref
        self.server_sends(ref, ref, TOPIC, event, {})

    def last(self, event: str) -> list[Any]:
        """The last of that event that was sent."""
        return next(each for each in reversed(self.all_sent()) if each[3] == event)

    # -- What must hold -----------------------------------------------------------

    def assert_cell(
        self,
        old: str,
        give: Callable[[], object],
        new: str,
        sends: Sequence[str] = (),
        tells: Sequence[str] = (),
    ) -> None:
        """An input does what its cell says.

        :param old: the state before.
        :param give: gives the input.
        :param new: the state afterwards.
        :param sends: the events that the client sends because of it.
        :param tells: who is told what.
        """
        self.assertEqual(self.channel.state, old)
        before = len(self.all_sent())
        self.told.clear()
        give()
        self.memory.flush()
        sent = [message[3] for message in self.all_sent()[before:]]
        self.assertEqual(
            (self.channel.state, sent, self.told), (new, list(sends), list(tells))
        )
        holds_topic = self.client.channels.find(TOPIC) is self.channel
        self.assertEqual(holds_topic, new != "closed")

    def assert_ignored(
        self, old: str, given: Input, give: Callable[[], object] | None = None
    ) -> None:
        """An input changes nothing, sends nothing and tells nobody.

        :param give: what it comes from in use, if anything can give it in this state.
        """
        if give is not None:
            self.assert_cell(old, give, old)
        self.assert_cell(old, lambda: self.channel._membership.give(given), old)

    def assert_second_join_refused(self, state: str) -> None:
        """Another join fails, and the first has not noticed."""
        self.assert_cell(
            state,
            lambda: self.tell("second join", self.channel.join()),
            state,
            tells=["second join AlreadyJoined"],
        )
