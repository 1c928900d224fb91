"""The client: documents go out by it, and what comes back is data or an error."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from txphoenix import ConfigurationError, SocketClient

from .control_channel import ControlChannel
from .errors import InvalidResponse
from .responses import data_in, error_of, make_payload
from .subscription import Subscription
from .subscriptions import Subscriptions

__all__ = ["AbsintheClient"]

CONTROL_TOPIC = "__absinthe__:control"


class AbsintheClient:
    """Speaks GraphQL with Absinthe by a client of its Phoenix socket.

    The client is the user's: it is started and stopped as ever, and may have any other
    channels.
    Absinthe's control channel is joined when the first document is sent.
    There is one of these for a :class:`txphoenix.SocketClient`; of a second one the
    documents fail with :exc:`txphoenix.AlreadyJoined`.

    :param client: the client of the socket that has ``use Absinthe.Phoenix.Socket``.
    :param params: what the join of the control channel sends; Absinthe does not look at
        it, but a channel of one's own may.
    :param topic: the control channel's topic.
    :ivar client: the client given.
    """

    def __init__(
        self, client: SocketClient, params: Any = None, topic: str = CONTROL_TOPIC
    ) -> None:
        self.client = client
        self._control = client.channel(topic, params, ControlChannel)
        limit = client.get_state("receive_buffer")
        self._subscriptions = Subscriptions(
            self._control, limit, client.on_topic, client.channels.check_timeout
        )
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<AbsintheClient of {self.client!r}>"

    def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        timeout: float | None = None,
    ) -> Deferred[Any]:
        """Run a query.

        Until the control channel is joined it is kept, as any push is.

        :param document: the GraphQL text.
        :param variables: the variables, of JSON values.
        :param operation_name: which of the document's operations is meant.
            absinthe_phoenix does not look at it, so a document has one operation best.
        :param timeout: seconds; by default the client's ``timeout``.
        :return: a Deferred of the data.
            It fails with :exc:`GraphQLError` if there are errors, also beside data,
            :exc:`InvalidResponse`, :exc:`txphoenix.JoinError` (the control channel
            was refused), or as :meth:`txphoenix.Channel.push` does:
            :exc:`txphoenix.PushTimeout`, :exc:`txphoenix.PushInterrupted`,
            :exc:`txphoenix.NotConnected`, :exc:`txphoenix.SerializerError` and others.
            Cancelling it forgets the answer.
        """
        try:
            payload = _checked_payload(document, variables, operation_name)
        except ConfigurationError:
            return fail()
        pushed = self._control.request("doc", payload, timeout)
        return pushed.addCallbacks(self._answered, _raise_error)

    def mutate(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        timeout: float | None = None,
    ) -> Deferred[Any]:
        """Run a mutation; see :meth:`query`.

        It is sent once at most: after a :exc:`txphoenix.PushInterrupted` or
        :exc:`txphoenix.PushTimeout`, whose ``was_sent`` tells whether the server may
        have run it, it is for the user to repeat it.
        """
        return self.query(document, variables, operation_name, timeout)

    def subscribe(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        timeout: float | None = None,
    ) -> Subscription:
        """Subscribe.

        ::

            async with absinthe.subscribe(document) as subscription:
                async for data in subscription:
                    ...

        :param document: the GraphQL text; see :meth:`query` for it, the variables and
            the operation's name.
        :param timeout: seconds that the server has for the id; by default the client's
            ``timeout``.
            Without one, the subscription ends with :exc:`txphoenix.PushTimeout`, but
            where it is subscribed again, which is tried as long as it takes.
            A connection that is lost meanwhile has it begin anew, with all of its time.
        :return: the subscription, at once; :meth:`Subscription.when_subscribed` tells
            whether the server has taken it.
        :raises ConfigurationError: an argument is not what it must be.
        """
        # It is sent again after each rejoin, as it was given.
        payload = deepcopy(_checked_payload(document, variables, operation_name))
        self.client.channels.check_timeout(timeout)
        name = f"{operation_name or 'subscription'} {next(self._numbers)}"
        queue = self.client.channels.make_inbox(name)
        return Subscription(name, payload, timeout, queue, self._subscriptions)

    def close(self, timeout: float | None = None) -> Deferred[None]:
        """End all subscriptions, and leave the control channel.

        The next document joins it again, once it is left; until then documents fail
        with :exc:`txphoenix.ChannelClosed`.

        :param timeout: seconds for the answer; by default the client's ``timeout``.
        :return: a Deferred of None, as that of :meth:`txphoenix.Channel.leave`.
        """
        return self._control.leave(timeout)

    def _answered(self, response: Any) -> Any:
        if isinstance(response, Mapping) and "subscriptionId" in response:
            id = response["subscriptionId"]
            self._subscriptions.refuse(id)
            raise InvalidResponse(
                "the document is a subscription, call subscribe() for it; the reply is",
                response,
            )
        return data_in(response)


def _raise_error(failure: Failure) -> Any:
    raise error_of(failure)


def _checked_payload(
    document: str, variables: Mapping[str, Any] | None, operation_name: str | None
) -> dict[str, Any]:
    if not isinstance(document, str):
        raise ConfigurationError(
            f"document must be a string of GraphQL, not {type(document).__name__}"
        )
    if not isinstance(variables, Mapping | None):
        # Not shown: they may be secrets.
        raise ConfigurationError(
            "variables must be a mapping of names to values or None, not"
            f" {type(variables).__name__}"
        )
    if not isinstance(operation_name, str | None):
        raise ConfigurationError(
            f"operation_name must be a string or None, not"
            f" {type(operation_name).__name__}"
        )
    return make_payload(document, variables, operation_name)
