"""All subscriptions of a client: who has which id, and who is to get one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from txphoenix import (
    BufferFull,
    ConfigurationError,
    Message,
    NotConnected,
    PhoenixError,
    PushInterrupted,
    PushTimeout,
)
from txphoenix.interfaces import Remover
from txphoenix.runtime.package_log import package_log

from .control_channel import ControlChannel
from .early_data import EarlyData
from .errors import InvalidResponse
from .inside import Inside
from .responses import error_of, subscription_id_in
from .subscription import Subscription

__all__ = ["DATA_TOPICS", "Subscriptions"]

_Inside: TypeAlias = Inside[Subscription]

log = Logger("txphoenix.absinthe", observer=package_log)

DATA_TOPICS = "__absinthe__:doc:"
"""What the topics of data begin with (Absinthe's ``subscribe_self.ex``)."""

# Of how many ids, of one join, a server is told that nobody has them.
_MOST_UNKNOWN = 100
# How many ids that were given back are remembered.
_MOST_LEFT = 1000


class Subscriptions:
    """Subscribes, gives data to whom they are for, and subscribes again.

    :param control: the channel; is told to tell this.
    :param limit: how many messages are kept that came before the reply with their id.
    :param on_topic: takes messages of a topic.
    :param check_timeout: raises if a timeout is none.
    """

    def __init__(
        self,
        control: ControlChannel,
        limit: int,
        on_topic: Callable[[str, Callable[[Message], Any]], Remover],
        check_timeout: Callable[[float | None], object],
    ) -> None:
        self._control = control
        self._on_topic = on_topic
        self._check_timeout = check_timeout
        self._all: dict[_Inside, None] = {}
        # Absinthe gives one id to two, if their documents and contexts are the same.
        self._by_id: dict[str, list[_Inside]] = {}
        # Who has a document under way: the reply may still bring an id.
        self._asking: dict[_Inside, Deferred[None]] = {}
        self._early = EarlyData(limit)
        # How many documents were pushed, and at which each one was.
        self._pushes = 0
        self._pushed_at: dict[_Inside, int] = {}
        # The latest that were given back, whose last data need no word in the log, with
        # how many documents were pushed before, and those that nobody had.
        self._left: dict[str, int] = {}
        self._disowned: set[str] = set()
        # The hooks of ids that are of another form, and that of all others. They need
        # the connection (see disconnect_when_idle), so none outlives the channel.
        self._odd: dict[str, Remover] = {}
        self._unhook: Remover | None = None
        control.told = self

    @property
    def is_joined(self) -> bool:
        """Whether the control channel is joined: the ids are of this join."""
        return self._control.is_joined

    def begin(self, subscription: _Inside) -> None:
        """Subscribe for the first time."""
        self._all[subscription] = None
        self._ask(subscription, self._push(subscription))

    def withdraw(self, subscription: _Inside, timeout: float | None) -> Deferred[None]:
        """Have the server send a subscription nothing more."""
        self._check_timeout(timeout)
        self._all.pop(subscription, None)
        asking = self._asking.get(subscription)
        if asking is None:
            return self._release(subscription, timeout)
        if self._control.is_joined:
            # It was sent: what the reply brings has to be ended.
            done: Deferred[None] = Deferred()
            asking.addCallback(lambda _: self._chain(subscription, timeout, done))
            return done
        asking.cancel()
        return succeed(None)

    # What the channel tells.

    def joined(self) -> None:
        """Subscribe again: the server knows of none."""
        self._forget_ids()
        if self._unhook is None:
            self._unhook = self._on_topic(DATA_TOPICS + "*", self.take)
        for subscription in list(self._all):
            subscription.last_id = None
            if subscription not in self._asking:
                self._ask_again(subscription)

    def abandoned(self, error: BaseException) -> None:
        """Fail who waits for results: there is no connection until further notice."""
        for subscription in list(self._all):
            subscription.interrupt(error)

    def closed(self, reason: object) -> None:
        """End all."""
        self._forget_ids()
        unhook, self._unhook = self._unhook, None
        if unhook is not None:
            unhook()
        subscriptions, self._all = self._all, {}
        for subscription in subscriptions:
            subscription.end(reason)

    def take(self, message: Message) -> None:
        """Give data to whom they are for."""
        if message.event != "subscription:data":
            log.debug(
                "{topic}: nothing is known of {event}, which was dropped",
                topic=message.topic,
                event=message.event,
            )
            return
        id = message.topic
        if id not in self._by_id and isinstance(message.payload, dict):
            said = message.payload.get("subscriptionId")
            id = said if isinstance(said, str) else id
        found = self._by_id.get(id)
        if found is not None:
            for subscription in list(found):
                subscription.deliver(message)
        elif self._asking:
            self._early.keep(id, message)
        else:
            self._disown(id)

    # Subscribing.

    def _push(self, subscription: _Inside) -> Deferred[Any]:
        self._pushes += 1
        self._pushed_at[subscription] = self._pushes
        return self._control.request("doc", subscription.payload, subscription.timeout)

    def _ask(self, subscription: _Inside, pushed: Deferred[Any]) -> None:
        self._asking[subscription] = pushed
        # It may have failed already, and then is gone when this returns.
        pushed.addCallback(self._replied, subscription)
        pushed.addErrback(self._failed, subscription)

    def _ask_again(self, subscription: _Inside) -> None:
        # One after the other, as the server takes them: there may be thousands.
        def push(_: object) -> Deferred[Any]:
            if subscription.is_ended:
                raise CancelledError
            return self._push(subscription)

        self._ask(subscription, self._control.when_writable().addCallback(push))

    def _replied(self, response: Any, subscription: _Inside) -> None:
        id = subscription_id_in(response)
        self._asking.pop(subscription, None)
        pushed_at = self._pushed_at.pop(subscription, 0)
        if self._left.get(id, -1) >= pushed_at:
            # Given back for another behind this document, it has ended for both.
            if not subscription.is_ended:
                self._ask_again(subscription)
            self._settle()
            return
        subscription.last_id = id
        self._watch(id)
        self._by_id.setdefault(id, []).append(subscription)
        self._left.pop(id, None)
        early = self._early.take(id)
        if not subscription.is_ended:
            subscription.begun(id)
            for message in early:
                subscription.deliver(message)
        self._settle()

    def _failed(self, failure: Failure, subscription: _Inside) -> None:
        self._asking.pop(subscription, None)
        self._pushed_at.pop(subscription, None)
        self._settle()
        # One that is not there has been ended by its user, or with the channel.
        error = error_of(failure)
        if subscription not in self._all or self._goes_on(subscription, error):
            return
        self._all.pop(subscription, None)
        subscription.end(error)

    def _goes_on(self, subscription: _Inside, error: BaseException) -> bool:
        """Whether a subscription that could not be made is made at the next join."""
        if isinstance(error, PushInterrupted):
            return True
        if not subscription.was_subscribed:
            return False
        if isinstance(error, PushTimeout | BufferFull):
            subscription.trouble(error)
            if self._control.is_joined and not subscription.is_ended:
                self._ask_again(subscription)
            return True
        return isinstance(error, NotConnected)

    def _watch(self, id: str) -> None:
        if id.startswith(DATA_TOPICS) or id in self._odd:
            return
        try:
            # With a star at its end it would take the messages of other topics.
            if id.endswith("*"):
                raise ConfigurationError
            self._odd[id] = self._on_topic(id, self.take)
        except ConfigurationError:
            raise InvalidResponse("the subscriptionId can be no topic", id) from None

    # Ending.

    def _chain(
        self, subscription: _Inside, timeout: float | None, done: Deferred[None]
    ) -> None:
        self._release(subscription, timeout).addCallback(done.callback)

    def _release(self, subscription: _Inside, timeout: float | None) -> Deferred[None]:
        """Give an id back; to the server, if nobody else has it."""
        id, subscription.last_id = subscription.last_id, None
        holders = self._by_id.get(id) if id is not None else None
        if id is None or holders is None or subscription not in holders:
            return succeed(None)
        holders.remove(subscription)
        if holders:
            return succeed(None)
        del self._by_id[id]
        self._give_back(id)
        if id in self._odd:
            self._odd.pop(id)()
        if not self._control.is_joined:
            return succeed(None)
        pushed = self._control.push("unsubscribe", {"subscriptionId": id}, timeout)
        # Whatever becomes of it: here the subscription has ended.
        return pushed.addBoth(lambda _: None)

    def _give_back(self, id: str) -> None:
        self._left[id] = self._pushes
        if len(self._left) > _MOST_LEFT:
            del self._left[next(iter(self._left))]

    def _settle(self) -> None:
        """Nobody waits for an id: what has come for others is for nobody."""
        if not self._asking:
            for id in self._early.clear():
                self._disown(id)

    def _disown(self, id: str) -> None:
        """Tell the server, once, that nobody has an id: its reply came too late."""
        if id in self._left or id in self._disowned or not self._control.is_joined:
            return
        if len(self._disowned) >= _MOST_UNKNOWN:
            return
        self._disowned.add(id)
        log.warn(
            "{topic}: data came for a subscription that nobody has; the server is told"
            " to end it",
            topic=id,
        )
        self.refuse(id)

    def refuse(self, id: Any) -> None:
        """Tell the server that nobody wants a subscription, and wait for nothing."""
        if isinstance(id, str):
            if id in self._by_id:
                return
            self._give_back(id)
        try:
            self._control.push_async("unsubscribe", {"subscriptionId": id})
        except PhoenixError as error:
            log.debug("{topic}: {error}", topic=id, error=str(error))

    def _forget_ids(self) -> None:
        odd, self._odd = self._odd, {}
        for remove in odd.values():
            remove()
        self._by_id.clear()
        self._early.clear()
        self._left.clear()
        self._disowned.clear()
