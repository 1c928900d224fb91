"""What a server answers, and whom it sends data: the test's side of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed

from txphoenix import Message
from txphoenix.testing import Reply, ServerChannel, ServerSession, error, ok

from .control import ControlChannel
from .documents import Document

__all__ = ["DATA_EVENT", "DocumentError", "Schema", "ServerSubscription"]

DATA_EVENT = "subscription:data"
"""The event of what a subscription gets."""

Resolve = Callable[[dict[str, Any]], Any]
_ROOT_TYPES = {
    "query": "RootQueryType",
    "mutation": "RootMutationType",
    "subscription": "RootSubscriptionType",
}


class DocumentError(Exception):
    """Raised by a function of the test: its field has failed.

    :param message: what the client is told.
    :param more: other items of the error, such as ``extensions``.
    """

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error = {"message": message, **more}


class ServerSubscription:
    """One subscription of one client.

    :ivar id: the ``subscriptionId``, which is the topic of its data.
    :ivar document: what was subscribed to.
    :ivar session: the client's session.
    """

    def __init__(self, id: str, document: Document, session: ServerSession) -> None:
        self.id = id
        self.document = document
        self.session = session

    def send(self, result: Any) -> None:
        """Send a result: mostly a dict of ``data``, ``errors`` or both."""
        self.send_payload({"result": result, "subscriptionId": self.id})

    def send_payload(self, payload: Any) -> None:
        """Send any payload as this subscription's data."""
        self.session.send(Message(None, None, self.id, DATA_EVENT, payload))


class Schema:
    """The functions that answer documents, and the subscriptions there are.

    :ivar subscriptions: id -> subscription, the oldest first.
    :ivar documents: each document that came, the oldest first.
    :ivar refusal: set it, and clients may not join; it is the response then.
    :ivar answer: set it to a function of a :class:`Document`, and what it returns (or
        what a Deferred or a coroutine of it gives) is the answer, if it is a
        :class:`txphoenix.testing.Reply`.
        ``False`` is no answer at all, ever, and None what there would be without it.
    :ivar before_reply: set it to a function of a :class:`ServerSubscription`, and it is
        called when that has begun and before the client knows its id.
    :ivar after_reply: the same, right behind the reply.
    """

    def __init__(self) -> None:
        self.subscriptions: dict[str, ServerSubscription] = {}
        self.documents: list[Document] = []
        self.refusal: Any = None
        self.answer: Callable[[Document], Any] | None = None
        self.before_reply: Callable[[ServerSubscription], object] | None = None
        self.after_reply: Callable[[ServerSubscription], object] | None = None
        self._fields: dict[tuple[str, str], Resolve] = {}
        self._numbers = count(1)
        self._waiting: list[tuple[int, Deferred[None]]] = []

    # What there is.

    def query(self, field: str, resolve: Resolve) -> None:
        """Answer a field of queries.

        :param resolve: called with the variables; what it returns, at once, by Deferred
            or as a coroutine, is the field's value.
            :exc:`DocumentError` makes it null, with an error beside it.
        """
        self._fields["query", field] = resolve

    def mutation(self, field: str, resolve: Resolve) -> None:
        """Answer a field of mutations, as :meth:`query` does."""
        self._fields["mutation", field] = resolve

    def subscription(self, field: str, config: Resolve | None = None) -> None:
        """Let clients subscribe to a field.

        :param config: called with the variables when a client subscribes, as the
            ``config`` of Absinthe's fields is; :exc:`DocumentError` refuses it.
        """
        self._fields["subscription", field] = config or (lambda variables: None)

    def channels(self) -> dict[str, type[ServerChannel]]:
        """The channels of it, for a server's."""
        bound = type("ControlChannel", (ControlChannel,), {"schema": self})
        return {"__absinthe__:*": bound}

    # What is sent.

    def publish(
        self,
        field: str,
        value: Any,
        where: Callable[[dict[str, Any]], object] | None = None,
    ) -> int:
        """Send a field's value to each subscription to it.

        :param where: called with a subscription's variables; decides whether it gets
            the value.
        :return: how many it was sent to.
        """
        sent = 0
        for subscription in list(self.subscriptions.values()):
            document = subscription.document
            keys = [each.key for each in document.fields if each.name == field]
            if keys and (where is None or where(document.variables)):
                subscription.send({"data": dict.fromkeys(keys, value)})
                sent += 1
        return sent

    def when_subscribed(self, at_least: int = 1) -> Deferred[None]:
        """A Deferred that fires once there are so many subscriptions."""
        if len(self.subscriptions) >= at_least:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append((at_least, waiting))
        return waiting

    # What the channels call.

    async def run(self, document: Document, session: ServerSession) -> Reply | None:
        """Answer a document; None for no answer.

        :return: what ``run_doc`` of absinthe_phoenix replies: ``ok`` with data, also if
            errors are beside them, and ``error`` with errors alone.
        """
        self.documents.append(document)
        if self.answer is not None:
            given = await maybeDeferred(self.answer, document)
            if given is not None:
                return given if isinstance(given, Reply) else None
        if document.operations > 1:
            # The channel hands no operation's name on to Absinthe.
            return _errors(
                "Must provide a valid operation name if query contains multiple"
                " operations."
            )
        unknown = [
            each.name
            for each in document.fields
            if (document.operation, each.name) not in self._fields
        ]
        if unknown:
            root = _ROOT_TYPES[document.operation]
            return _errors(
                *(f'Cannot query field "{name}" on type "{root}".' for name in unknown)
            )
        if document.operation == "subscription":
            return await self._subscribe(document, session)
        return await self._resolve(document)

    def forget(self, session: ServerSession, id: str | None = None) -> None:
        """End a subscription of a session, or all of them."""
        for subscription in list(self.subscriptions.values()):
            if subscription.session is session and id in (None, subscription.id):
                del self.subscriptions[subscription.id]

    async def _resolve(self, document: Document) -> Reply:
        data: dict[str, Any] = {}
        errors: list[Mapping[str, Any]] = []
        for name, key in document.fields:
            resolve = self._fields[document.operation, name]
            try:
                data[key] = await maybeDeferred(resolve, document.variables)
            except DocumentError as failed:
                data[key] = None
                errors.append({"path": [key], "locations": _LOCATIONS, **failed.error})
        return ok({"data": data, "errors": errors} if errors else {"data": data})

    async def _subscribe(self, document: Document, session: ServerSession) -> Reply:
        for name, _ in document.fields:
            config = self._fields["subscription", name]
            try:
                await maybeDeferred(config, document.variables)
            except DocumentError as failed:
                return error({"errors": [{"locations": _LOCATIONS, **failed.error}]})
        return ok({"subscriptionId": self._begin(document, session).id})

    def _begin(self, document: Document, session: ServerSession) -> ServerSubscription:
        text = f"{document.query} {document.variables}".encode()
        digest = sha256(text).hexdigest().upper()
        id = f"__absinthe__:doc:-{next(self._numbers)}:{digest}"
        subscription = ServerSubscription(id, document, session)
        if not session.closed:
            self.subscriptions[id] = subscription
        if self.before_reply is not None:
            self.before_reply(subscription)
        return subscription

    def replied(self, id: Any) -> None:
        """The client has been told a subscription's id."""
        # A test may have answered with anything.
        subscription = self.subscriptions.get(id) if isinstance(id, str) else None
        if subscription is not None and self.after_reply is not None:
            self.after_reply(subscription)
        due = [each for each in self._waiting if each[0] <= len(self.subscriptions)]
        self._waiting = [each for each in self._waiting if each not in due]
        for _, waiting in due:
            waiting.callback(None)


_LOCATIONS = [{"line": 1, "column": 1}]


def _errors(*messages: str) -> Reply:
    return error(
        {"errors": [{"message": each, "locations": _LOCATIONS} for each in messages]}
    )
