"""The errors of GraphQL, in the library's tree.

| :exc:`txphoenix.PhoenixError`
|     :exc:`GraphQLError`
|     :exc:`InvalidResponse`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from txphoenix import PhoenixError, SerializerError
from txphoenix.legible import cut, legible

__all__ = ["GraphQLError", "InvalidResponse", "log_text"]


class GraphQLError(PhoenixError):
    """The server has answered a document with errors.

    Its text is the first one's message; it never holds variables of the client's own,
    but what a server says of them.

    :param errors: the errors, as the server sent them; each is mostly a dict with a
        ``message``, and ``path``, ``locations`` and ``extensions`` where it has them
        (GraphQL, October 2021, section 7.1.2).
    :param data: the data beside the errors; None if there were none.
    :param extensions: the response's extensions; None if there were none.
    """

    def __init__(
        self, errors: Sequence[Any], data: Any = None, extensions: Any = None
    ) -> None:
        super().__init__(_text(errors))
        self.errors = list(errors)
        self.data = data
        self.extensions = extensions


class InvalidResponse(PhoenixError):
    """What the server has sent is no response as GraphQL and Absinthe have it.

    It costs that message only: the connection and all subscriptions go on.

    :param problem: what is wrong with it, for a person.
    :param response: what was sent.
    """

    def __init__(self, problem: str, response: Any) -> None:
        super().__init__(f"{problem}: {legible(response)}")
        self.problem = problem
        self.response = response


def log_text(error: BaseException) -> str:
    """What the log may say of an error.

    What a server says of a document may have the variables' values in it, and what
    cannot be sent is shown by its error: neither is for the log.
    """
    if isinstance(error, GraphQLError):
        count = len(error.errors)
        first = error.errors[0] if count else None
        path = first.get("path") if isinstance(first, Mapping) else None
        where = f", the first at {legible(path)}" if path else ""
        return f"the server has answered with {count} GraphQL error(s){where}"
    if isinstance(error, InvalidResponse):
        return error.problem
    if isinstance(error, SerializerError) or not isinstance(error, PhoenixError):
        return type(error).__name__
    return str(error)


def _text(errors: Sequence[Any]) -> str:
    first = errors[0] if errors else None
    message = first.get("message") if isinstance(first, Mapping) else first
    text = cut(message) if isinstance(message, str) else legible(message)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"GraphQL error: {text}{more}"
