"""A subscription: what users hold, over as many connections as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from txphoenix import ChannelClosed, Message, PhoenixError
from txphoenix.interfaces import Remover
from txphoenix.runtime.hooks import call_hook
from txphoenix.runtime.package_log import package_log
from txphoenix.runtime.reactor_thread import fails_its_deferred

from .errors import log_text
from .responses import result_in

__all__ = ["Queue", "Server", "Subscription"]

log = Logger("txphoenix.absinthe", observer=package_log)


class Queue(Protocol):
    """A bounded queue, as a channel's ``receive()`` has it."""

    dropped: int

    def put(self, message: Message) -> None:
        """Give a message to who waits longest, or keep it."""

    def get(self) -> Deferred[Message]:
        """Take the oldest message, or wait for the next."""

    def close(self, error: BaseException) -> None:
        """Fail all who wait, and all who would wait from now on."""

    def interrupt(self, error: BaseException) -> None:
        """Fail all who wait now."""


class Server(Protocol):
    """The server's side of a subscription."""

    @property
    def is_joined(self) -> bool:
        """Whether what it has been told of ids still counts."""

    def withdraw(
        self, subscription: Subscription, timeout: float | None
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
    :ivar error: what has ended it; None for nothing, or if it was ended in good order.
    """

    def __init__(
        self,
        name: str,
        payload: dict[str, Any],
        timeout: float | None,
        queue: Queue,
        server: Server,
    ) -> None:
        self.name = name
        # The latest that it was known by, until it is forgotten here.
        self.last_id: str | None = None
        self.error: BaseException | None = None
        self.payload = payload
        self.timeout = timeout
        # Whether it has ever had an id, and whether it has ended.
        self.was_subscribed = False
        self.is_ended = False
        self._queue = queue
        self._server = server
        self._is_read = False
        self._waiting: list[Deferred[Subscription]] = []
        self._hooks: dict[str, list[Callable[[Any], Any]]] = {}

    def __repr__(self) -> str:
        state = "ended" if self.is_ended else (self.id or "subscribing")
        return f"<Subscription {self.name} {state}>"

    # What users call.

    @property
    def id(self) -> str | None:
        """The ``subscriptionId`` that the server knows it by.

        None if it knows it not, or not yet, as while the connection is away.
        """
        return self.last_id if self._server.is_joined else None

    def when_subscribed(self) -> Deferred[Subscription]:
        """Wait until the server has taken the subscription.

        :return: a Deferred of this subscription, fired at once if it has an id.
            It fails with :exc:`GraphQLError` (the server has refused the document),
            :exc:`txphoenix.PushTimeout` (no id came in time),
            :exc:`txphoenix.JoinError` (the control channel was refused),
            :exc:`InvalidResponse`, or what else has ended the subscription.
        """
        if self.is_ended:
            return fail(self.error or ChannelClosed("unsubscribed", self.name))
        if self.id is not None:
            return succeed(self)

        def forget(cancelled: Deferred[Subscription]) -> None:
            self._waiting = [each for each in self._waiting if each is not cancelled]

        waiting: Deferred[Subscription] = Deferred(forget)
        self._waiting.append(waiting)
        return waiting

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
        self._is_read = True
        return self._queue.get().addCallback(lambda message: result_in(message.payload))

    def __aiter__(self) -> Subscription:
        """Iterate over the data of results, until the subscription ends.

        A result with errors is raised; to iterate again then goes on behind it.
        """
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except ChannelClosed as closed:
            if self.error is not None or not self.is_ended:
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
        if self.is_ended:
            return succeed(None)
        withdrawn = self._server.withdraw(self, timeout)
        self.end("unsubscribed")
        return withdrawn

    @property
    def dropped_results(self) -> int:
        """How many results were dropped because nobody read them."""
        return self._queue.dropped

    def on_result(self, function: Callable[[Any], Any]) -> Remover:
        """Add a hook, called with the data of each result.

        What it takes does not go to :meth:`receive`.

        :return: a function that removes the hook.
        """
        return self._add("on_result", function)

    def on_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook, called with what goes wrong and does not end the subscription.

        That is a result with errors (:exc:`GraphQLError`) or one that is none
        (:exc:`InvalidResponse`), where :meth:`on_result` has a hook, and a
        :exc:`txphoenix.PushTimeout` when it was to be subscribed again, which is tried
        once more.

        :return: a function that removes the hook.
        """
        return self._add("on_error", function)

    def on_subscribed(self, function: Callable[[str], Any]) -> Remover:
        """Add a hook, called with each new id: at first, and after each reconnect.

        :return: a function that removes the hook.
        """
        return self._add("on_subscribed", function)

    def on_close(self, function: Callable[[object], Any]) -> Remover:
        """Add a hook, called at the end with the reason.

        That is ``"unsubscribed"``, ``"left"``, ``"closed"`` (by the server),
        ``"stopped"``, or the error that ended it.

        :return: a function that removes the hook.
        """
        return self._add("on_close", function)

    # What the client calls.

    def begun(self, id: str) -> None:
        """The server has told the id.

        :meta private:
        """
        self.last_id = id
        self.was_subscribed = True
        waiting, self._waiting = self._waiting, []
        self._call("on_subscribed", id)
        for deferred in waiting:
            if not deferred.called:
                deferred.callback(self)

    def deliver(self, message: Message) -> None:
        """Take a result.

        :meta private:
        """
        if self.is_ended:
            return
        if not self._hooks.get("on_result"):
            self._queue.put(message)
            return
        try:
            data = result_in(message.payload)
        except PhoenixError as error:
            self.trouble(error)
        else:
            self._call("on_result", data)

    def trouble(self, error: BaseException) -> None:
        """Tell of an error that does not end it.

        :meta private:
        """
        if not self._call("on_error", error):
            log.warn("{name}: {error}", name=self.name, error=log_text(error))

    def interrupt(self, error: BaseException) -> None:
        """Fail who waits for a result that will not come for now.

        :meta private:
        """
        self._queue.interrupt(error)

    def end(self, reason: object) -> None:
        """End, once.

        :meta private:
        """
        if self.is_ended:
            return
        self.is_ended = True
        self.last_id = None
        if isinstance(reason, BaseException):
            self.error = reason
        error = self.error or ChannelClosed(reason, self.name)
        waiting, self._waiting = self._waiting, []
        is_told = bool(waiting or self._is_read or self._hooks.get("on_close"))
        if self.error is not None and not is_told:
            log.warn(
                "{name}: the subscription has ended: {error}",
                name=self.name,
                error=log_text(error),
            )
        self._queue.close(error)
        self._call("on_close", reason)
        for deferred in waiting:
            if not deferred.called:
                deferred.errback(error)

    # Inside.

    def _add(self, kind: str, function: Callable[[Any], Any]) -> Remover:
        if not callable(function):
            raise TypeError(f"{kind} takes a function, not {type(function).__name__}")
        entry = (function,)

        def call(argument: Any) -> Any:
            return entry[0](argument)

        def remove() -> None:
            # Another list each time: one may be gone through just now.
            self._hooks[kind] = [each for each in self._hooks[kind] if each is not call]

        self._hooks[kind] = [*self._hooks.get(kind, ()), call]
        return remove

    def _call(self, kind: str, argument: Any) -> bool:
        """Call the hooks of a kind; whether there are any."""
        hooks = self._hooks.get(kind, ())
        for function in hooks:
            call_hook(function, argument, called=(kind, self.name))
        return bool(hooks)
