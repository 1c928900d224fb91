"""Every cell of the channel's table: what each input does in each state.

There is one class for each state and one test for each input, so that a missing cell
is a missing test.
Each says what the next state is, what the client sends, and who is told what, in
order.
The channel is driven by what happens to it in use: calls, frames of the server, the
connection, and time.
An input that is ignored is also given to the channel directly, since much of what
comes too late never reaches the channel at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.protocol.channel_states import Input, State

from .channel_cells import CellTestCase
from .support import TOPIC


class ClosedTests(CellTestCase):
    """There is nothing on the server."""

    def setUp(self) -> None:
        """Be closed."""
        super().setUp()
        self.closed()

    def test_join(self) -> None:
        """A join is sent, or waits for the connection."""
        self.assert_cell(
            "closed",
            lambda: self.tell("join", self.channel.join()),
            "joining",
            sends=["phx_join"],
        )
        self.channel.stop()
        self.lose_connection()
        self.assert_cell(
            "closed", lambda: self.tell("join", self.channel.join()), "joining"
        )

    def test_open(self) -> None:
        """It does not join by itself when the connection opens."""
        self.lose_connection()
        self.assert_ignored("closed", Input.OPEN, self.reconnect)

    def test_ok(self) -> None:
        """A late reply to a join opens nothing."""
        self.assert_ignored("closed", Input.OK, lambda: self.answer(["1", "1", TOPIC]))

    def test_refused(self) -> None:
        """A late refusal is nothing new."""
        self.assert_ignored(
            "closed", Input.REFUSED, lambda: self.answer(["1", "1", TOPIC], "error")
        )

    def test_retry(self) -> None:
        """A late crash on the server brings no rejoin."""
        self.assert_ignored("closed", Input.RETRY, lambda: self.phx("phx_error"))

    def test_lost(self) -> None:
        """The loss of the connection does not concern it."""
        self.assert_ignored("closed", Input.LOST, self.lose_connection)

    def test_close(self) -> None:
        """It is not closed twice."""
        self.assert_ignored("closed", Input.CLOSE, lambda: self.phx("phx_close"))

    def test_leave(self) -> None:
        """There is nothing to leave, so the leave is done at once."""
        self.assert_cell(
            "closed",
            lambda: self.tell("leave", self.channel.leave()),
            "closed",
            tells=["leave None"],
        )

    def test_left(self) -> None:
        """A late reply to a leave changes nothing."""
        self.assert_ignored(
            "closed", Input.LEFT, lambda: self.answer(["1", "2", TOPIC])
        )

    def test_stop(self) -> None:
        """It is not stopped again."""
        self.assert_ignored("closed", Input.STOP, self.channel.stop)


class JoiningTests(CellTestCase):
    """A join is sent, or will be."""

    def test_join(self) -> None:
        """A second join is refused."""
        self.joining()
        self.assert_second_join_refused("joining")

    def test_open(self) -> None:
        """A join that has waited for the connection is sent."""
        self.client = self.connecting_client()
        self.make_channel()
        self.tell("join", self.channel.join())
        self.assert_cell(
            "joining", self.memory.release_connections, "joining", sends=["phx_join"]
        )

    def test_ok(self) -> None:
        """What was kept is sent, and the join's Deferred fires."""
        self.joining()
        self.assert_cell(
            "joining",
            lambda: self.answer(self.last("phx_join")),
            "joined",
            sends=["kept"],
            tells=["join {}"],
        )

    def test_refused(self) -> None:
        """A refused first join is the end."""
        self.joining()
        self.assert_cell(
            "joining",
            lambda: self.answer(self.last("phx_join"), "error"),
            "closed",
            tells=["closed JoinError", "join JoinError", "push ChannelClosed"],
        )

    def test_retry(self) -> None:
        """A refused rejoin is tried again later."""
        self.rejoining()
        self.assert_cell(
            "joining",
            lambda: self.answer(self.last("phx_join"), "error"),
            "errored",
            tells=["error JoinError"],
        )

    def test_lost(self) -> None:
        """Join and push wait for the next connection."""
        self.joining()
        self.assert_cell(
            "joining",
            self.lose_connection,
            "errored",
            tells=["error ConnectionClosed"],
        )

    def test_close(self) -> None:
        """The server's close is the end."""
        self.joining()
        self.assert_cell(
            "joining",
            lambda: self.phx("phx_close"),
            "closed",
            tells=["closed closed", "join ChannelClosed", "push ChannelClosed"],
        )

    def test_leave(self) -> None:
        """The server may have joined us, so it is told."""
        self.joining()
        self.assert_cell(
            "joining",
            lambda: self.tell("leave", self.channel.leave()),
            "leaving",
            sends=["phx_leave"],
            tells=["join ChannelClosed", "push ChannelClosed"],
        )

    def test_left(self) -> None:
        """A reply to an earlier leave does not close it."""
        self.joining()
        self.assert_ignored(
            "joining", Input.LEFT, lambda: self.answer(["0", "0", TOPIC])
        )

    def test_stop(self) -> None:
        """It ends at once, and the server is told."""
        self.joining()
        self.assert_cell(
            "joining",
            self.channel.stop,
            "closed",
            sends=["phx_leave"],
            tells=["closed stopped", "join ChannelClosed", "push ChannelClosed"],
        )


class JoinedTests(CellTestCase):
    """Pushes go straight out."""

    def setUp(self) -> None:
        """Be joined."""
        super().setUp()
        self.joined()

    def test_join(self) -> None:
        """A second join is refused."""
        self.assert_second_join_refused("joined")

    def test_open(self) -> None:
        """It does not join twice; a connection never opens in this state."""
        self.assert_ignored("joined", Input.OPEN)

    def test_ok(self) -> None:
        """A second reply to the join finds nobody."""
        self.assert_ignored(
            "joined", Input.OK, lambda: self.answer(self.last("phx_join"))
        )

    def test_refused(self) -> None:
        """A refusal that comes after the reply finds nobody."""
        self.assert_ignored(
            "joined", Input.REFUSED, lambda: self.answer(self.last("phx_join"), "error")
        )

    def test_retry(self) -> None:
        """A crash on the server interrupts what was sent."""
        self.assert_cell(
            "joined",
            lambda: self.phx("phx_error"),
            "errored",
            tells=["push PushInterrupted", "error ChannelClosed"],
        )

    def test_lost(self) -> None:
        """So does the loss of the connection."""
        self.assert_cell(
            "joined",
            self.lose_connection,
            "errored",
            tells=["push PushInterrupted", "error ConnectionClosed"],
        )

    def test_close(self) -> None:
        """The server's close is the end."""
        self.assert_cell(
            "joined",
            lambda: self.phx("phx_close"),
            "closed",
            tells=["closed closed", "push ChannelClosed"],
        )

    def test_leave(self) -> None:
        """A leave is sent; what was not answered will not be any more."""
        self.assert_cell(
            "joined",
            lambda: self.tell("leave", self.channel.leave()),
            "leaving",
            sends=["phx_leave"],
            tells=["push ChannelClosed"],
        )

    def test_left(self) -> None:
        """A reply to an earlier leave does not close it."""
        self.assert_ignored(
            "joined", Input.LEFT, lambda: self.answer(["0", "0", TOPIC])
        )

    def test_stop(self) -> None:
        """It ends at once, and the server is told."""
        self.assert_cell(
            "joined",
            self.channel.stop,
            "closed",
            sends=["phx_leave"],
            tells=["closed stopped", "push ChannelClosed"],
        )


class LeavingTests(CellTestCase):
    """A leave is sent, and whatever happens now, the channel ends."""

    def setUp(self) -> None:
        """Be leaving."""
        super().setUp()
        self.leaving()

    def assert_ends(self, give: Callable[[], object]) -> None:
        """The leave is done."""
        self.assert_cell("leaving", give, "closed", tells=["closed left", "leave None"])

    def test_join(self) -> None:
        """A join waits for the leave, and is sent then."""
        self.assert_cell(
            "leaving", lambda: self.tell("join", self.channel.join()), "leaving"
        )
        self.assert_cell(
            "leaving",
            lambda: self.answer(self.last("phx_leave")),
            "joining",
            sends=["phx_join"],
            tells=["closed left", "leave None"],
        )

    def test_open(self) -> None:
        """It does not join; a connection never opens in this state."""
        self.assert_ignored("leaving", Input.OPEN)

    def test_ok(self) -> None:
        """A reply to the join comes too late."""
        self.assert_ignored(
            "leaving", Input.OK, lambda: self.answer(self.last("phx_join"))
        )

    def test_refused(self) -> None:
        """So does a refusal."""
        self.assert_ignored(
            "leaving",
            Input.REFUSED,
            lambda: self.answer(self.last("phx_join"), "error"),
        )

    def test_retry(self) -> None:
        """A crash on the server ends it just as well."""
        self.assert_ends(lambda: self.phx("phx_error"))

    def test_lost(self) -> None:
        """So does the loss of the connection."""
        self.assert_ends(self.lose_connection)

    def test_close(self) -> None:
        """So does the server's close."""
        self.assert_ends(lambda: self.phx("phx_close"))

    def test_leave(self) -> None:
        """A second leave waits with the first; nothing is sent."""
        self.assert_cell(
            "leaving",
            lambda: self.tell("second leave", self.channel.leave()),
            "leaving",
        )
        self.assert_cell(
            "leaving",
            lambda: self.answer(self.last("phx_leave")),
            "closed",
            tells=["closed left", "leave None", "second leave None"],
        )

    def test_left(self) -> None:
        """The reply to the leave ends it, and so does its absence."""
        self.assert_ends(lambda: self.answer(self.last("phx_leave")))
        self.leaving()
        self.assert_ends(lambda: self.memory.advance(5.0))

    def test_stop(self) -> None:
        """It does not wait for the answer; a join that waited does not begin."""
        self.tell("join", self.channel.join())
        self.assert_cell(
            "leaving",
            self.channel.stop,
            "closed",
            tells=["closed left", "leave None", "join ChannelClosed"],
        )


class ErroredTests(CellTestCase):
    """Not on the server, and about to join again."""

    def test_join(self) -> None:
        """A second join is refused: the first is still on its way."""
        self.errored()
        self.assert_second_join_refused("errored")

    def test_open(self) -> None:
        """The rejoin is sent when it is due."""
        self.errored()
        self.assert_cell(
            "errored",
            partial(self.memory.advance, 1.0),
            "joining",
            sends=["phx_join"],
        )

    def test_ok(self) -> None:
        """A second reply to the join before finds nobody."""
        self.errored()
        self.assert_ignored(
            "errored", Input.OK, lambda: self.answer(self.last("phx_join"))
        )

    def test_refused(self) -> None:
        """A first join's time runs while there is no connection, and is the end."""
        self.errored_before_joined()
        self.assert_cell(
            "errored",
            partial(self.memory.advance, 5.0),
            "closed",
            tells=["closed JoinTimeout", "join JoinTimeout", "push ChannelClosed"],
        )

    def test_retry(self) -> None:
        """Whoever waits for a join that will be tried again hears of its failure."""

        class Crashing(Channel):
            def handle_join(self, response: Any) -> None:
                raise ValueError("crash")

        self.client = self.connected_client()
        self.make_channel(Crashing)
        self.tell("join", self.channel.join())
        self.memory.flush()
        self.answer(self.last("phx_join"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.memory.is_listening = False
        self.lose_connection()
        self.assert_cell(
            "errored",
            partial(self.memory.advance, 5.0),
            "errored",
            tells=["error JoinTimeout", "join JoinTimeout"],
        )

    def test_lost(self) -> None:
        """The rejoin waits for the connection instead of its delay."""
        self.errored()
        self.memory.is_listening = False
        self.assert_cell(
            "errored", self.lose_connection, "errored", tells=["error ConnectionClosed"]
        )
        self.assert_cell("errored", partial(self.memory.advance, 2.0), "errored")

    def test_close(self) -> None:
        """The server's close is the end; it does not say of which join."""
        self.errored()
        self.assert_cell(
            "errored",
            lambda: self.server_sends(None, None, TOPIC, "phx_close", {}),
            "closed",
            tells=["closed closed", "push ChannelClosed"],
        )

    def test_leave(self) -> None:
        """There is nothing on the server to wait for."""
        self.errored()
        self.assert_cell(
            "errored",
            lambda: self.tell("leave", self.channel.leave()),
            "closed",
            tells=["closed left", "push ChannelClosed", "leave None"],
        )

    def test_left(self) -> None:
        """A reply to an earlier leave does not close it."""
        self.errored()
        self.assert_ignored(
            "errored", Input.LEFT, lambda: self.answer(["0", "0", TOPIC])
        )

    def test_stop(self) -> None:
        """It ends at once; the server has nothing to be told."""
        self.errored()
        self.assert_cell(
            "errored",
            self.channel.stop,
            "closed",
            tells=["closed stopped", "push ChannelClosed"],
        )


class CellTests(SynchronousTestCase):
    """The tests above."""

    def test_tested(self) -> None:
        """Each cell has a test of its own in this module."""
        for state, given in product(State, Input):
            tests = globals()[f"{state.capitalize()}Tests"]
            self.assertIn(f"test_{given}", vars(tests))
