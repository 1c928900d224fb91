"""The server of the runs: a schema that is the same for all of them."""

from __future__ import annotations

from typing import Any

from txphoenix.absinthe.testing import (
    AbsintheServer,
    Document,
    DocumentError,
    Schema,
    ServerSubscription,
)

from ..controls import usual_controls
from ..node import Calls
from ..watched import Watched

__all__ = ["AbsintheInteropServer", "controls"]


class AbsintheInteropServer(Watched, AbsintheServer):
    """The server of the kit, with a schema.

    ``echo`` answers queries and mutations with their variables, ``partial`` with an
    error beside the data, and ``hang`` not at all; ``news``, ``chat`` and ``weather``
    can be subscribed to.
    There is no ``wrong``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(_schema(), **options)


def _schema() -> Schema:
    schema = Schema()
    schema.query("echo", lambda variables: variables)
    schema.mutation("echo", lambda variables: variables)
    schema.query("partial", _only_a_part)
    for field in ("news", "chat", "weather"):
        schema.subscription(field)
    schema.answer = _hang
    return schema


def _only_a_part(_variables: Any) -> None:
    raise DocumentError("only a part")


def _hang(document: Document) -> bool | None:
    """No answer to who asks for ``hang``, and all else as usual."""
    return False if document.fields[0].name == "hang" else None


def controls(server: AbsintheInteropServer) -> Calls:
    """The words that a script may say, each with its function.

    What sends returns how many subscriptions were sent something.
    """
    schema = server.schema

    def publish(field: str, value: Any, variables: Any = None) -> int:
        if variables is None:
            return schema.publish(field, value)
        return schema.publish(field, value, lambda it: it == variables)

    def publish_many(field: str, first: int, count: int) -> int:
        return sum(publish(field, first + number) for number in range(count))

    def publish_errors(field: str, message: str) -> int:
        result = {"data": {field: None}, "errors": [{"message": message}]}
        found = [it for it in schema.subscriptions.values() if _is_of(it, field)]
        for subscription in found:
            subscription.send(result)
        return len(found)

    return {
        **usual_controls(server),
        "publish": publish,
        "publish_many": publish_many,
        "publish_errors": publish_errors,
        "subscriptions": lambda: len(schema.subscriptions),
        "ids": lambda: sorted(schema.subscriptions),
    }


def _is_of(subscription: ServerSubscription, field: str) -> bool:
    return subscription.document.fields[0].name == field
