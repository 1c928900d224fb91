"""The life of a channel, on one page.

A channel is in one of five states, has ten inputs, and each of the fifty cells
says what the next state is and which action follows.
``IGNORE`` is an answer as well: a cell is never missing.
That is :data:`LIFE`, the one life that all channels have.
In which state a channel is, and how it does what follows, is in
:mod:`txphoenix.channels.membership`; here is nothing that sends, waits or tells.

The state changes before the action is taken, and an action fires Deferreds and
calls the user's code only when all else is done; so that code may call anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["LIFE", "Action", "Input", "Life", "State"]


class State(StrEnum):
    """The states, which are Phoenix's own terms."""

    # Enum's is a function in Python, called for each look into the table.
    __hash__ = str.__hash__

    CLOSED = "closed"
    JOINING = "joining"
    JOINED = "joined"
    LEAVING = "leaving"
    ERRORED = "errored"


class Input(StrEnum):
    """What can happen to a channel."""

    __hash__ = str.__hash__

    JOIN = "join"
    """The user calls ``join()``."""
    OPEN = "open"
    """The join can be sent: the connection has opened, or a rejoin is due."""
    OK = "ok"
    """The server has taken the join."""
    REFUSED = "refused"
    """The first join has failed for good: refused, timed out, or crashed."""
    RETRY = "retry"
    """A rejoin has failed, or the channel crashed on the server: try again."""
    LOST = "lost"
    """The connection is lost."""
    CLOSE = "close"
    """The server has closed the channel in good order (``phx_close``)."""
    LEAVE = "leave"
    """The user calls ``leave()``."""
    LEFT = "left"
    """The leave has been answered, or its time is over."""
    STOP = "stop"
    """The channel ends at once: ``stop()``, or the client stops."""


class Action(StrEnum):
    """What follows an input."""

    __hash__ = str.__hash__

    IGNORE = "ignore"
    """Nothing."""
    BEGIN_JOIN = "begin join"
    """Take the topic, and have the join sent as soon as there is a connection."""
    REFUSE_SECOND_JOIN = "refuse second join"
    """Refuse a join: the topic is taken."""
    JOIN_AFTER_LEAVE = "join after leave"
    """Have a join wait until the leave is done."""
    SEND_JOIN = "send join"
    """Have the join sent, when its turn comes."""
    ENTER = "enter"
    """Be joined: send what was kept, and tell who waits."""
    PLAN_REJOIN = "plan rejoin"
    """Be interrupted, and join again after a delay."""
    WAIT_FOR_CONNECTION = "wait for connection"
    """Be interrupted, and join again with the next connection."""
    SEND_LEAVE = "send leave"
    """Tell the server, and wait for its answer."""
    LEAVE_NOTHING = "leave nothing"
    """There is nothing to leave: the leave is done."""
    LEAVE_AGAIN = "leave again"
    """Have another leave wait for the answer to the first."""
    FINISH_LEAVE = "finish leave"
    """End, as one that was left."""
    STOP_LEAVING = "stop leaving"
    """End without the answer, and without the join that waits for it."""
    WITHDRAW = "withdraw"
    """Wait no more for another object to leave the topic."""
    END = "end"
    """Be over: fail all that waits, and tell who asks for the end."""


_S = State
_I = Input
_A = Action

# Read a row as: in this state, at this input, go to that state and do that.
_TABLE: dict[tuple[State, Input], tuple[State, Action]] = {
    # There is nothing on the server; it may wait for another object to leave.
    (_S.CLOSED, _I.JOIN): (_S.JOINING, _A.BEGIN_JOIN),
    (_S.CLOSED, _I.OPEN): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.OK): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.REFUSED): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.RETRY): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.LOST): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.CLOSE): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.LEAVE): (_S.CLOSED, _A.LEAVE_NOTHING),
    (_S.CLOSED, _I.LEFT): (_S.CLOSED, _A.IGNORE),
    (_S.CLOSED, _I.STOP): (_S.CLOSED, _A.WITHDRAW),
    # A join has been sent, or will be as soon as there is a connection.
    (_S.JOINING, _I.JOIN): (_S.JOINING, _A.REFUSE_SECOND_JOIN),
    (_S.JOINING, _I.OPEN): (_S.JOINING, _A.SEND_JOIN),
    (_S.JOINING, _I.OK): (_S.JOINED, _A.ENTER),
    (_S.JOINING, _I.REFUSED): (_S.CLOSED, _A.END),
    (_S.JOINING, _I.RETRY): (_S.ERRORED, _A.PLAN_REJOIN),
    (_S.JOINING, _I.LOST): (_S.ERRORED, _A.WAIT_FOR_CONNECTION),
    (_S.JOINING, _I.CLOSE): (_S.CLOSED, _A.END),
    (_S.JOINING, _I.LEAVE): (_S.LEAVING, _A.SEND_LEAVE),
    (_S.JOINING, _I.LEFT): (_S.JOINING, _A.IGNORE),
    (_S.JOINING, _I.STOP): (_S.CLOSED, _A.END),
    # Pushes go straight out.
    (_S.JOINED, _I.JOIN): (_S.JOINED, _A.REFUSE_SECOND_JOIN),
    (_S.JOINED, _I.OPEN): (_S.JOINED, _A.IGNORE),
    (_S.JOINED, _I.OK): (_S.JOINED, _A.IGNORE),
    (_S.JOINED, _I.REFUSED): (_S.JOINED, _A.IGNORE),
    (_S.JOINED, _I.RETRY): (_S.ERRORED, _A.PLAN_REJOIN),
    (_S.JOINED, _I.LOST): (_S.ERRORED, _A.WAIT_FOR_CONNECTION),
    (_S.JOINED, _I.CLOSE): (_S.CLOSED, _A.END),
    (_S.JOINED, _I.LEAVE): (_S.LEAVING, _A.SEND_LEAVE),
    (_S.JOINED, _I.LEFT): (_S.JOINED, _A.IGNORE),
    (_S.JOINED, _I.STOP): (_S.CLOSED, _A.END),
    # A leave has been sent; whatever happens now, the channel ends.
    (_S.LEAVING, _I.JOIN): (_S.LEAVING, _A.JOIN_AFTER_LEAVE),
    (_S.LEAVING, _I.OPEN): (_S.LEAVING, _A.IGNORE),
    (_S.LEAVING, _I.OK): (_S.LEAVING, _A.IGNORE),
    (_S.LEAVING, _I.REFUSED): (_S.LEAVING, _A.IGNORE),
    (_S.LEAVING, _I.RETRY): (_S.CLOSED, _A.FINISH_LEAVE),
    (_S.LEAVING, _I.LOST): (_S.CLOSED, _A.FINISH_LEAVE),
    (_S.LEAVING, _I.CLOSE): (_S.CLOSED, _A.FINISH_LEAVE),
    (_S.LEAVING, _I.LEAVE): (_S.LEAVING, _A.LEAVE_AGAIN),
    (_S.LEAVING, _I.LEFT): (_S.CLOSED, _A.FINISH_LEAVE),
    (_S.LEAVING, _I.STOP): (_S.CLOSED, _A.STOP_LEAVING),
    # Not on the server, and about to join again.
    (_S.ERRORED, _I.JOIN): (_S.ERRORED, _A.REFUSE_SECOND_JOIN),
    (_S.ERRORED, _I.OPEN): (_S.JOINING, _A.SEND_JOIN),
    (_S.ERRORED, _I.OK): (_S.ERRORED, _A.IGNORE),
    (_S.ERRORED, _I.REFUSED): (_S.CLOSED, _A.END),
    (_S.ERRORED, _I.RETRY): (_S.ERRORED, _A.PLAN_REJOIN),
    (_S.ERRORED, _I.LOST): (_S.ERRORED, _A.WAIT_FOR_CONNECTION),
    (_S.ERRORED, _I.CLOSE): (_S.CLOSED, _A.END),
    (_S.ERRORED, _I.LEAVE): (_S.CLOSED, _A.FINISH_LEAVE),
    (_S.ERRORED, _I.LEFT): (_S.ERRORED, _A.IGNORE),
    (_S.ERRORED, _I.STOP): (_S.CLOSED, _A.END),
}


@dataclass(frozen=True, slots=True)
class Life:
    """The life that all channels have: where an input leads from a state.

    It is one for all of them, does not change, and knows of nothing but its table.

    :param table: a cell for each state and each input.
    """

    table: Mapping[tuple[State, Input], tuple[State, Action]]

    def after(self, state: State, given: Input) -> tuple[State, Action]:
        """What an input leads to.

        :return: the next state, and what follows.
        """
        return self.table[state, given]


LIFE: Final = Life(MappingProxyType(_TABLE))
