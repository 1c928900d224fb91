"""The life of a channel, on one page.

A channel is in one of five states, has ten inputs, and each of the fifty cells
says what the next state is and which of :class:`txphoenix.channel.Channel`'s
actions is taken.
``IGNORE`` is an answer as well: a cell is never missing.

The state changes before the action is taken, and an action fires Deferreds and
calls the user's code only when all else is done; so that code may call anything.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["IGNORE", "TABLE", "Input", "State"]


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


IGNORE = ""

_S = State
_I = Input

# Read a row as: in this state, at this input, go to that state and do that.
TABLE: dict[tuple[State, Input], tuple[State, str]] = {
    # There is nothing on the server; it may wait for another object to leave.
    (_S.CLOSED, _I.JOIN): (_S.JOINING, "begin_join"),
    (_S.CLOSED, _I.OPEN): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.OK): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.REFUSED): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.RETRY): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.LOST): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.CLOSE): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.LEAVE): (_S.CLOSED, "leave_nothing"),
    (_S.CLOSED, _I.LEFT): (_S.CLOSED, IGNORE),
    (_S.CLOSED, _I.STOP): (_S.CLOSED, "withdraw"),
    # A join has been sent, or will be as soon as there is a connection.
    (_S.JOINING, _I.JOIN): (_S.JOINING, "refuse_second_join"),
    (_S.JOINING, _I.OPEN): (_S.JOINING, "send_join"),
    (_S.JOINING, _I.OK): (_S.JOINED, "enter"),
    (_S.JOINING, _I.REFUSED): (_S.CLOSED, "end"),
    (_S.JOINING, _I.RETRY): (_S.ERRORED, "plan_rejoin"),
    (_S.JOINING, _I.LOST): (_S.ERRORED, "wait_for_connection"),
    (_S.JOINING, _I.CLOSE): (_S.CLOSED, "end"),
    (_S.JOINING, _I.LEAVE): (_S.LEAVING, "send_leave"),
    (_S.JOINING, _I.LEFT): (_S.JOINING, IGNORE),
    (_S.JOINING, _I.STOP): (_S.CLOSED, "end"),
    # Pushes go straight out.
    (_S.JOINED, _I.JOIN): (_S.JOINED, "refuse_second_join"),
    (_S.JOINED, _I.OPEN): (_S.JOINED, IGNORE),
    (_S.JOINED, _I.OK): (_S.JOINED, IGNORE),
    (_S.JOINED, _I.REFUSED): (_S.JOINED, IGNORE),
    (_S.JOINED, _I.RETRY): (_S.ERRORED, "plan_rejoin"),
    (_S.JOINED, _I.LOST): (_S.ERRORED, "wait_for_connection"),
    (_S.JOINED, _I.CLOSE): (_S.CLOSED, "end"),
    (_S.JOINED, _I.LEAVE): (_S.LEAVING, "send_leave"),
    (_S.JOINED, _I.LEFT): (_S.JOINED, IGNORE),
    (_S.JOINED, _I.STOP): (_S.CLOSED, "end"),
    # A leave has been sent; whatever happens now, the channel ends.
    (_S.LEAVING, _I.JOIN): (_S.LEAVING, "join_after_leave"),
    (_S.LEAVING, _I.OPEN): (_S.LEAVING, IGNORE),
    (_S.LEAVING, _I.OK): (_S.LEAVING, IGNORE),
    (_S.LEAVING, _I.REFUSED): (_S.LEAVING, IGNORE),
    (_S.LEAVING, _I.RETRY): (_S.CLOSED, "finish_leave"),
    (_S.LEAVING, _I.LOST): (_S.CLOSED, "finish_leave"),
    (_S.LEAVING, _I.CLOSE): (_S.CLOSED, "finish_leave"),
    (_S.LEAVING, _I.LEAVE): (_S.LEAVING, "leave_again"),
    (_S.LEAVING, _I.LEFT): (_S.CLOSED, "finish_leave"),
    (_S.LEAVING, _I.STOP): (_S.CLOSED, "stop_leaving"),
    # Not on the server, and about to join again.
    (_S.ERRORED, _I.JOIN): (_S.ERRORED, "refuse_second_join"),
    (_S.ERRORED, _I.OPEN): (_S.JOINING, "send_join"),
    (_S.ERRORED, _I.OK): (_S.ERRORED, IGNORE),
    (_S.ERRORED, _I.REFUSED): (_S.CLOSED, "end"),
    (_S.ERRORED, _I.RETRY): (_S.ERRORED, "plan_rejoin"),
    (_S.ERRORED, _I.LOST): (_S.ERRORED, "wait_for_connection"),
    (_S.ERRORED, _I.CLOSE): (_S.CLOSED, "end"),
    (_S.ERRORED, _I.LEAVE): (_S.CLOSED, "finish_leave"),
    (_S.ERRORED, _I.LEFT): (_S.ERRORED, IGNORE),
    (_S.ERRORED, _I.STOP): (_S.CLOSED, "end"),
}
