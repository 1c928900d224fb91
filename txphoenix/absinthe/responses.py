"""What the server's answers mean: plain functions of what it sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.python.failure import Failure

from txphoenix import ChannelClosed, JoinError, PushError

from .errors import GraphQLError, InvalidResponse

__all__ = ["data_in", "error_of", "make_payload", "result_in", "subscription_id_in"]


def make_payload(
    document: str, variables: Mapping[str, Any] | None, operation_name: str | None
) -> dict[str, Any]:
    """What is pushed for a document."""
    payload: dict[str, Any] = {"query": document, "variables": dict(variables or {})}
    if operation_name is not None:
        payload["operationName"] = operation_name
    return payload


def data_in(result: Any) -> Any:
    """The data of a GraphQL response.

    :raises GraphQLError: it has errors; the data beside them are in the error.
    :raises InvalidResponse: it has neither.
    """
    if isinstance(result, Mapping):
        errors = result.get("errors")
        if isinstance(errors, list) and errors:
            raise GraphQLError(errors, result.get("data"), result.get("extensions"))
        # An empty list is none, by the letter; some servers send it all the same.
        if "data" in result and errors in (None, []):
            return result["data"]
    raise InvalidResponse("neither data nor errors in what the server sent", result)


def result_in(payload: Any) -> Any:
    """The data in what a subscription has got; raises as :func:`data_in` does."""
    if not isinstance(payload, Mapping) or "result" not in payload:
        raise InvalidResponse("no result in what a subscription has got", payload)
    return data_in(payload["result"])


def subscription_id_in(response: Any) -> str:
    """The id in the reply to a subscription.

    :raises GraphQLError: the server has answered with errors.
    :raises InvalidResponse: there is none.
    """
    if isinstance(response, Mapping):
        id = response.get("subscriptionId")
        if isinstance(id, str) and id:
            return id
        if id is None and ("errors" in response or "data" in response):
            data_in(response)
            raise InvalidResponse(
                "the document is no subscription, call query() for it; the reply has",
                sorted(response),
            )
    raise InvalidResponse("no subscriptionId in the reply to a subscription", response)


def error_of(failure: Failure) -> Any:
    """The exception that says best why a document was not answered with data."""
    error: Any = failure.value
    if isinstance(error, ChannelClosed) and isinstance(error.reason, JoinError):
        return error.reason
    if isinstance(error, PushError) and isinstance(error.response, Mapping):
        response = error.response
        errors = response.get("errors")
        if isinstance(errors, list) and errors:
            return GraphQLError(
                errors, response.get("data"), response.get("extensions")
            )
    return error
