"""The inside of a subscription: what its client does with it.

What users hold of it is :class:`txphoenix.absinthe.Subscription`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from txphoenix import ChannelClosed, Message, PhoenixError
from txphoenix.interfaces import MessageQueue, Remover
from txphoenix.runtime.hooks import call_hook
from txphoenix.runtime.package_log import package_log

from .errors import log_text
from .responses import result_in

__all__ = ["Inside"]

log = Logger("txphoenix.absinthe", observer=package_log)

_Held = TypeVar("_Held")


class Inside(Generic[_Held]):
    """One subscription, as its client knows it.

    :param held: what users hold of it.
    :param name: names it in the log.
    :param payload: the document, as it is sent.
    :param timeout: seconds that the server has for the id.
    :param queue: keeps the results that no hook takes.
    :ivar last_id: the latest id that it was known by, until it is forgotten here.
    :ivar error: what has ended it; None for nothing, or an end in good order.
    :ivar was_subscribed: whether it has ever had an id.
    :ivar is_ended: whether it has ended.
    :ivar is_read: whether somebody has asked for a result.
    """

    def __init__(
        self,
        held: _Held,
        name: str,
        payload: dict[str, Any],
        timeout: float | None,
        queue: MessageQueue,
    ) -> None:
        self.name = name
        self.payload = payload
        self.timeout = timeout
        self.queue = queue
        self.last_id: str | None = None
        self.error: BaseException | None = None
        self.was_subscribed = False
        self.is_ended = False
        self.is_read = False
        self._held = held
        self._waiting: list[Deferred[_Held]] = []
        self._hooks: dict[str, list[Callable[[Any], Any]]] = {}

    def __repr__(self) -> str:
        return f"<Inside of {self._held!r}>"

    # What users have asked for.

    def when_subscribed(self, has_id: bool) -> Deferred[_Held]:
        """Wait until it has an id.

        :param has_id: whether it has one now.
        """
        if self.is_ended:
            return fail(self.error or ChannelClosed("unsubscribed", self.name))
        if has_id:
            return succeed(self._held)

        def forget(cancelled: Deferred[_Held]) -> None:
            self._waiting = [each for each in self._waiting if each is not cancelled]

        waiting: Deferred[_Held] = Deferred(forget)
        self._waiting.append(waiting)
        return waiting

    def add_hook(self, kind: str, function: Callable[[Any], Any]) -> Remover:
        """Add a hook of a kind; returns what removes it."""
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

    # What the client tells.

    def begun(self, id: str) -> None:
        """The server has told the id."""
        self.last_id = id
        self.was_subscribed = True
        waiting, self._waiting = self._waiting, []
        self._call("on_subscribed", id)
        for deferred in waiting:
            if not deferred.called:
                deferred.callback(self._held)

    def deliver(self, message: Message) -> None:
        """Take a result."""
        if self.is_ended:
            return
        if not self._hooks.get("on_result"):
            self.queue.put(message)
            return
        try:
            data = result_in(message.payload)
        except PhoenixError as error:
            self.trouble(error)
        else:
            self._call("on_result", data)

    def trouble(self, error: BaseException) -> None:
        """Tell of an error that does not end it."""
        if not self._call("on_error", error):
            log.warn("{name}: {error}", name=self.name, error=log_text(error))

    def interrupt(self, error: BaseException) -> None:
        """Fail who waits for a result that will not come for now."""
        self.queue.interrupt(error)

    def end(self, reason: object) -> None:
        """End, once."""
        if self.is_ended:
            return
        self.is_ended = True
        self.last_id = None
        if isinstance(reason, BaseException):
            self.error = reason
        error = self.error or ChannelClosed(reason, self.name)
        waiting, self._waiting = self._waiting, []
        is_told = bool(waiting or self.is_read or self._hooks.get("on_close"))
        if self.error is not None and not is_told:
            log.warn(
                "{name}: the subscription has ended: {error}",
                name=self.name,
                error=log_text(error),
            )
        self.queue.close(error)
        self._call("on_close", reason)
        for deferred in waiting:
            if not deferred.called:
                deferred.errback(error)

    # Inside.

    def _call(self, kind: str, argument: Any) -> bool:
        """Call the hooks of a kind; whether there are any."""
        hooks = self._hooks.get(kind, ())
        for function in hooks:
            call_hook(function, argument, called=(kind, self.name))
        return bool(hooks)
