"""The rows of the table: what is seen of each client, and what the table says of it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ROWS", "Cell", "Row"]


class Cell(NamedTuple):
    """One client in one situation.

    :ivar seen: what :class:`.situations.Stage` sees.
    :ivar says: what the table says of that.
    """

    seen: str
    says: str


class Row(NamedTuple):
    """One situation.

    :ivar situation: the method of :class:`.situations.Stage`.
    :ivar title: what the table calls it.
    :ivar gql: the one client.
    :ivar txphoenix: the other.
    """

    situation: str
    title: str
    gql: Cell
    txphoenix: Cell


ROWS = (
    Row(
        "wire",
        "Wire format",
        Cell("vsn 1.0.0, without join_ref", "1.0.0, without ``join_ref``"),
        Cell("vsn 2.0.0, with join_ref", "2.0.0, with ``join_ref``"),
    ),
    Row(
        "lost",
        "The connection is lost: a subscription",
        Cell("ends: TransportConnectionFailed", "ends (``TransportConnectionFailed``)"),
        Cell("goes on", "is subscribed again, and goes on"),
    ),
    Row(
        "query_after_loss",
        "The connection is lost: a query afterwards",
        Cell("answered", "is answered"),
        Cell("answered", "is answered"),
    ),
    Row(
        "query_lost",
        "The connection is lost: a query under way",
        Cell("is sent again", "is sent again"),
        Cell("fails: PushInterrupted", "fails (``PushInterrupted``)"),
    ),
    Row(
        "mutation_lost",
        "The connection is lost: a mutation under way",
        Cell("is sent again", "is sent again, though it may have been done"),
        Cell("fails: PushInterrupted", "fails (``PushInterrupted``), and is sent once"),
    ),
    Row(
        "token",
        "A token that is another at each attempt",
        Cell("tokens 1, 1", "no: the URL stays as it was given"),
        Cell("tokens 1, 2", "yes: ``params`` may be a callable"),
    ),
    Row(
        "silent",
        "A server that answers no heartbeat",
        Cell("is kept", "is kept: nobody waits for the answer"),
        Cell("is given up", "is given up, and connected to again"),
    ),
    Row(
        "control_crashes",
        "The control channel crashes: a subscription",
        Cell("ends: TransportServerError", "ends (``TransportServerError``)"),
        Cell("goes on", "is subscribed again, and goes on"),
    ),
    Row(
        "control_closed",
        "The server closes the control channel: a subscription",
        Cell("hears no more", "hears nothing more, and is not told"),
        Cell("ends: closed", "ends, and ``on_close`` is told why"),
    ),
    Row(
        "late_result",
        "A result comes for what has just been unsubscribed: another subscription",
        Cell(
            "ends: TransportProtocolError",
            "ends, and so does the connection (``TransportProtocolError``)",
        ),
        Cell("goes on", "goes on"),
    ),
    Row(
        "unknown_event",
        "The server sends an event of another kind: a subscription",
        Cell(
            "ends: TransportProtocolError",
            "ends, and so does the connection (``TransportProtocolError``)",
        ),
        Cell("goes on", "goes on"),
    ),
    Row(
        "wrong_subscription",
        "Absinthe refuses a document",
        Cell("ends: TransportQueryError", "``TransportQueryError``"),
        Cell("ends: GraphQLError", "``GraphQLError``"),
    ),
    Row(
        "partial",
        "An answer with errors and data",
        Cell("TransportQueryError with data", "``TransportQueryError``, with the data"),
        Cell("GraphQLError with data", "``GraphQLError``, with the data"),
    ),
    Row(
        "malformed",
        "A document that is no GraphQL",
        Cell(
            "GraphQLSyntaxError, not sent",
            "``GraphQLSyntaxError``: it is read before it is sent",
        ),
        Cell("GraphQLError, sent", "``GraphQLError``, by the server"),
    ),
    Row(
        "unsubscribed",
        "The program ends a subscription",
        Cell("is unsubscribed", "by cancelling what listens; it is unsubscribed"),
        Cell("is unsubscribed", "by ``unsubscribe()``; it is unsubscribed"),
    ),
)
