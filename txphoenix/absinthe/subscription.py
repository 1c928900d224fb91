"""A subscription: what users hold, over as many connections as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed

from txphoenix import ChannelClosed
from txphoenix.interfaces import MessageQueue, Remover
from txphoenix.runtime.reactor_thread import fails_its_deferred

from .inside import Inside
from .responses import result_in

__all__ = ["Server", "Subscription"]


class Server(Protocol):
    """The server's side of a subscription."""

    @property
    def is_joined(self) -> bool:
        """Whether what it has been told of ids still counts."""

    def begin(self, subscription: Inside[Subscription]) -> None:
        """Ask the server for it."""

    def withdraw(
        self, subscription: Inside[Subscription], timeout: float | None
    ) -> Deferred[None]:
        """Have the server send nothing more."""


class Subscription:
    """One subscription, from :meth:`AbsintheClient.subscribe` to its end.

    It is subscribed again by itself after each reconnect, with a new id.
    What was published in between is lost, as the server keeps nothing for those who are
    away: who needs it asks for it in a hook of :meth:`on_subscribed`.

    Results are taken by ``async for``, by :meth:`receive`, or by hooks of
    :meth:`on_result`.
    As with a channel, those that wait for :meth:`receive` are at most
    ``receive_buffer``: a reader that is slower than the server holds the connection
    back, and without a reader the oldest are dropped, which the log says.

    ``async with`` unsubscribes at the end of its block.

    :ivar name: names it in the log: the operation's name, and a number.
    """

    def __init__(
        self,
        name: str,
        payload: dict[str, Any],
        timeout: float | None,
        queue: MessageQueue,
        server: Server,
    ) -> None:
        self.name = name
        self._inside = Inside(self, name, payload, timeout, queue)
        self._server = server
        server.begin(self._inside)

    def __repr__(self) -> str:
        state = "ended" if self._inside.is_ended else (self.id or "subscribing")
        return f"<Subscription {self.name} {state}>"

    @property
    def id(self) -> str | None:
        """The ``subscriptionId`` that the server knows it by.

        None if it knows it not, or not yet, as while the connection is away.
        """
        return self._inside.last_id if self._server.is_joined else None

    @property
    def is_ended(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._inside.is_ended

    @property
    def error(self) -> BaseException | None:
        """What has ended it; None for nothing, or if it was ended in good order."""
        return self._inside.error

    def when_subscribed(self) -> Deferred[Subscription]:
        """Wait until the server has taken the subscription.

        :return: a Deferred of this subscription, fired at once if it has an id.
            It fails with :exc:`GraphQLError` (the server has refused the document),
            :exc:`txphoenix.PushTimeout` (no id came in time),
            :exc:`txphoenix.JoinError` (the control channel was refused),
            :exc:`InvalidResponse`, or what else has ended the subscription.
        """
        return self._inside.when_subscribed(self.id is not None)

    def receive(self) -> Deferred[Any]:
        """Take the oldest result that no hook took, or wait for the next.

        :return: a Deferred of its data.
            It fails with :exc:`GraphQLError` for a result with errors, partial data in
            its ``data``, and with :exc:`InvalidResponse` for what is none; the
            subscription goes on after either.
            Once all results are taken, it fails with what has ended the subscription,
            :exc:`txphoenix.ChannelClosed` for an end in good order, and it fails with
            :exc:`txphoenix.NotConnected` after ``disconnect()``.
        """
        self._inside.is_read = True
        received = self._inside.queue.get()
        return received.addCallback(lambda message: result_in(message.payload))

    def __aiter__(self) -> Subscription:
        """Iterate over the data of results, until the subscription ends.

        A result with errors is raised; to iterate again then goes on behind it.
        """
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except ChannelClosed as closed:
            if self.error is not None or not self._inside.is_ended:
                raise
            raise StopAsyncIteration from closed

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.unsubscribe()

    @fails_its_deferred
    def unsubscribe(self, timeout: float | None = None) -> Deferred[None]:
        """End the subscription.

        Results that have come can still be taken; iterating ends behind them.

        :param timeout: seconds for the server's answer; by default the client's
            ``timeout``.
        :return: a Deferred of None that fires when the server has answered; one that
            does not, or a lost connection, ends the subscription just as well.
            It fails with :exc:`txphoenix.ConfigurationError` for a timeout that is
            none, and then nothing has ended.
        """
        if self._inside.is_ended:
            return succeed(None)
        withdrawn = self._server.withdraw(self._inside, timeout)
        self._inside.end("unsubscribed")
        return withdrawn

    @property
    def dropped_results(self) -> int:
        """How many results were dropped because nobody read them."""
        return self._inside.queue.dropped

    def on_result(self, function: Callable[[Any], Any]) -> Remover:
        """Add a hook, called with the data of each result.

        What it takes does not go to :meth:`receive`.

        :return: a function that removes the hook.
        """
        return self._inside.add_hook("on_result", function)

    def on_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook, called with what goes wrong and does not end the subscription.

        That is a result with errors (:exc:`GraphQLError`) or one that is none
        (:exc:`InvalidResponse`), where :meth:`on_result` has a hook, and a
        :exc:`txphoenix.PushTimeout` when it was to be subscribed again, which is tried
        once more.

        :return: a function that removes the hook.
        """
        return self._inside.add_hook("on_error", function)

    def on_subscribed(self, function: Callable[[str], Any]) -> Remover:
        """Add a hook, called with each new id: at first, and after each reconnect.

        :return: a function that removes the hook.
        """
        return self._inside.add_hook("on_subscribed", function)

    def on_close(self, function: Callable[[object], Any]) -> Remover:
        """Add a hook, called at the end with the reason.

        That is ``"unsubscribed"``, ``"left"``, ``"closed"`` (by the server),
        ``"stopped"``, or the error that ended it.

        :return: a function that removes the hook.
        """
        return self._inside.add_hook("on_close", function)
