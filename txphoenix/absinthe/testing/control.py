"""The channel by which clients send documents, as absinthe_phoenix has it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from twisted.internet.defer import Deferred

from txphoenix.testing import (
    Refused,
    Reply,
    ServerChannel,
    ServerSession,
    UnhandledEvent,
    error,
    ok,
)

from .documents import Document, DocumentSyntaxError, read_document

__all__ = ["Answers", "ControlChannel"]

_TOPIC = "__absinthe__:control"


class Answers(Protocol):
    """What answers for a channel: a :class:`txphoenix.absinthe.testing.Schema`."""

    refusal: Any

    async def run(self, document: Document, session: ServerSession) -> Reply | None:
        """Answer a document; None for no answer."""

    def replied(self, id: Any) -> None:
        """The client has been told a subscription's id."""

    def forget(self, session: ServerSession, id: str | None = None) -> None:
        """End a subscription of a session, or all of them."""


class ControlChannel(ServerChannel):
    """Takes ``doc`` and ``unsubscribe``; all else is a crash, as in absinthe_phoenix.

    :ivar schema: what answers; ``Schema.channels`` makes a class with it.
    """

    schema: ClassVar[Answers]

    def join(self, params: Any) -> Any:
        """Take everybody in the one topic there is."""
        if self.topic != _TOPIC:
            raise UnhandledEvent(self.topic)
        if self.schema.refusal is not None:
            raise Refused(self.schema.refusal)
        return {}

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer a document, or end a subscription."""
        if event == "doc" and isinstance(payload, dict):
            return Deferred.fromCoroutine(self._doc(payload, self.ref))
        if event == "unsubscribe" and "subscriptionId" in payload:
            id = payload["subscriptionId"]
            self.schema.forget(self.session, id)
            return ok({"subscriptionId": id})
        raise UnhandledEvent(event)

    def terminate(self, reason: str) -> None:
        """End the subscriptions with the channel."""
        self.schema.forget(self.session)

    async def _doc(self, payload: dict[str, Any], ref: Any) -> Reply | None:
        variables = payload.get("variables")
        if variables is None:
            variables = {}
        if not isinstance(variables, dict):
            return error({"error": "Could not parse variables as map"})
        try:
            document = read_document(str(payload.get("query", "")), variables)
        except DocumentSyntaxError as wrong:
            where = [{"line": 1, "column": 1}]
            return error({"errors": [{"message": str(wrong), "locations": where}]})
        reply = await self.schema.run(document, self.session)
        if reply is None or not (
            isinstance(reply.response, dict) and "subscriptionId" in reply.response
        ):
            return reply
        # Sent here, for whoever wants to send data right behind it.
        self.reply(ref, reply.status, reply.response)
        self.schema.replied(reply.response["subscriptionId"])
        return None
