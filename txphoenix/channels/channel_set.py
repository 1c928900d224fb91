"""The channels of one client as services: topic -> channel.

A channel is one of these from the moment it joins to its end.
Here is what concerns all of them, or ends them; what one of them raises meanwhile does
not reach the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast
from weakref import WeakValueDictionary

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger

from ..protocol.channel_states import State
from ..protocol.message import Message
from ..runtime.deadlines import Deadlines
from ..runtime.hooks import Called, as_deferred, call_hook, log_hook_failure, watch_hook
from ..runtime.package_log import package_log
from .channel import Channel
from .interfaces import Member, ObservedChannel
from .manager import ChannelManager
from .membership import Membership
from .waiters import NextJoins, StopWaiters

__all__ = ["ChannelSet"]

log = Logger("txphoenix.channel_set", observer=package_log)


class ChannelSet(ChannelManager):
    """The channels of one client by topic, and what is done to all of them at once.

    Making and restarting them is :class:`txphoenix.channels.keeper.ChannelKeeper`'s.

    :param deadlines: runs the time of the channels.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        super().__init__()
        self.deadlines = deadlines
        self.setName("channels")
        self.routes: dict[str, Membership[Channel]] = {}
        """The channels that are not closed, by topic."""
        self.next_joins = NextJoins(self.routes, deadlines, self.give_up)
        # Made at their first use.
        self._stop_waiters: StopWaiters | None = None
        # Topic -> the channel that an error has ended.
        # None is kept for that: one that the program has dropped nobody asks for any
        # more, and there are never more than the program itself holds.
        self._failed: WeakValueDictionary[str, ObservedChannel] | None = None
        # Counts the starts and stops, so that a stop finds out that it is over.
        self._life = 0
        self.has_stopped = False
        """Whether the service has stopped, and not been started again."""
        self.is_ending = False
        """Whether a stop is about to end each channel."""

    # -- What the client calls ----------------------------------------------------

    def find(self, topic: str) -> Channel | None:
        """The channel that has the topic, or None if all are closed."""
        membership = self.routes.get(topic)
        return None if membership is None else membership.channel

    @property
    def failed(self) -> list[Channel]:
        """The channels that an error has ended, and that nobody has left."""
        failed = self._failed
        return [] if failed is None else cast(list[Channel], list(failed.values()))

    def terminate_channel(self, topic: str) -> bool:
        """End the channel of a topic at once."""
        self._withdraw("stopped", topic)
        membership = self.routes.get(topic)
        if membership is None:
            return False
        membership.channel.stop()
        return True

    def terminate(self) -> None:
        """End all channels at once."""
        self._withdraw("stopped")
        self._each(lambda membership: membership.channel.stop())

    def leave(self, topic: str, timeout: float | None = None) -> Deferred[None]:
        """Leave a topic."""
        # Other objects may wait for it, even where the first has just ended, and the
        # last word counts.
        self._withdraw("left", topic)
        channel = self.find(topic)
        return succeed(None) if channel is None else channel.leave(timeout)

    def is_join_waiting(self, topic: str) -> bool:
        """Whether there will be a join of a topic that has not been sent yet."""
        membership = self.routes.get(topic)
        return membership is not None and membership.joins.is_waiting

    def with_join_ref(self, message: Message) -> Message:
        """Give a message without a join_ref that of its topic's channel."""
        membership = self.routes.get(message.topic)
        if message.join_ref is not None or membership is None:
            return message
        return message._replace(join_ref=membership.joins.ref)

    # -- What channels call -------------------------------------------------------

    @property
    def stop_waiters(self) -> StopWaiters:
        """Who waits for the end of any channel."""
        if self._stop_waiters is None:
            self._stop_waiters = StopWaiters()
        return self._stop_waiters

    def register(self, membership: Membership[Channel]) -> None:
        """Give a topic to a channel."""
        self.routes[membership.topic] = membership
        if self._failed:
            self._failed.pop(membership.topic, None)
        channel = membership.channel
        # As setServiceParent() does it, but for a look at what it is given.
        channel.parent = self
        self.addService(channel)

    def unregister(self, membership: Membership[Channel]) -> None:
        """Take the topic away from a channel that has closed."""
        topic = membership.topic
        if self.routes.get(topic) is membership:
            del self.routes[topic]
            if isinstance(membership.ended_by, BaseException):
                self.given_up(membership, membership.ended_by)
            self.closed(topic)
            # As disownServiceParent() does it, which may have been called before.
            channel = membership.channel
            self.removeService(channel)
            channel.parent = None

    def given_up(self, member: Member, reason: object) -> None:
        """A channel that is closed was left or stopped, or its join has failed."""
        failed = self._failed
        if isinstance(reason, BaseException):
            holder = self.routes.get(member.topic)
            if holder is not None and holder.state is not State.LEAVING:
                # The topic has a channel, which joins again once it can.
                return
            if failed is None:
                failed = self._failed = WeakValueDictionary()
            failed[member.topic] = member.channel
        elif failed:
            failed.pop(member.topic, None)

    def give_up(self, membership: Membership[Channel], error: BaseException) -> None:
        """End a channel that has raised, which is no other's concern.

        What the user's code raises has been caught already.
        This is for all else, such as a class that overrides what is not its to
        override.
        """
        channel = membership.channel
        topic = membership.topic
        log.failure("{channel!r} raised, and is stopped", channel=channel, topic=topic)
        self.tell_crash(channel, error)
        try:
            membership.stop(error, crash=error)
        except BaseException:
            log.failure("{channel!r} cannot even be stopped", channel=channel)
            self.routes.pop(membership.topic, None)
            self.closed(membership.topic)

    def tell_crash(self, channel: Channel, error: BaseException) -> None:
        """Tell who observes of a channel that has raised."""

    def closed(self, topic: str) -> None:
        """Forget what was kept of the life of a channel that has closed."""

    # -- MultiService, for as many channels as there are --------------------------

    def stopService(self) -> Deferred[Any]:
        """End all channels, and tell all who wait for the end of one.

        :return: a Deferred that fires when the channels have stopped, for a class may
            take its time.
        """
        Service.stopService(self)
        # Whoever is told of an end may stop the client once more.
        was_ending, life = self.is_ending, self._life
        self.has_stopped = self.is_ending = True
        stopping: list[Deferred[Any]] = []

        def stop(membership: Membership[Channel]) -> None:
            # One that was told before may have started the client again, and all that
            # is here then is of its new life.
            if self._life != life:
                return
            ended: Callable[[], Any] = membership.channel.stopService
            later = as_deferred(ended())
            if later is not None:
                stopping.append(later)

        self._each(stop)
        if self._life == life:
            # A class may have its own stopService(), and no channel is left either way.
            self._end(list(self.routes.values()))
        if self._life == life:
            self.is_ending = was_ending
        return DeferredList(stopping, consumeErrors=True)

    def begin_anew(self, reason: BaseException) -> None:
        """End what a stop has not ended yet: the client is started again.

        :param reason: why what the channels have sent will not be answered.
        """
        self._life += 1
        is_done = self.has_stopped and not self.is_ending
        self.has_stopped = self.is_ending = False
        if is_done:
            # What is here was asked for since, and has waited for this start.
            return
        # Whoever is told may have others join.
        channels = list(self.routes.values())
        self.connection_lost(reason, was_asked=True)
        self._end(channels)

    def connection_lost(self, reason: BaseException, was_asked: bool) -> None:
        """Have each channel wait for the next connection."""
        self._each(lambda membership: membership.connection_lost(reason, was_asked))

    # The list that MultiService keeps is searched at each removal.

    def privilegedStartService(self) -> None:
        """Be started; channels are by :meth:`startService`."""
        Service.privilegedStartService(self)

    def startService(self) -> None:
        """Be started, with the channels that were asked for before."""
        Service.startService(self)
        for membership in list(self.routes.values()):
            channel = membership.channel
            # The start of one before may have ended it, or had it join anew.
            if self.routes.get(membership.topic) is membership and not channel.running:
                self.addService(channel)

    def addService(self, service: IService) -> None:
        """Take a channel in; :meth:`register` is what calls for it."""
        if not self.running:
            return
        for start in (service.privilegedStartService, service.startService):
            # As call_hook() does it, without the call.
            try:
                result = start()
                if result is not None:
                    watch_hook(result, start, _called(start, service))
            except BaseException:
                log_hook_failure(start, _called(start, service))

    def removeService(self, service: IService) -> Deferred[None] | None:
        """Let a channel go; :meth:`unregister` is what calls for it."""
        if service.running:
            stop = service.stopService
            call_hook(stop, called=_called(stop, service))
        return None

    def __iter__(self) -> Iterator[Channel]:
        return iter([membership.channel for membership in self.routes.values()])

    def getServiceNamed(self, name: str) -> Channel:
        """The channel of a topic."""
        return self.routes[name].channel

    # -- Inside -------------------------------------------------------------------

    def _each(self, tell: Callable[[Membership[Channel]], object]) -> None:
        """Tell each channel something; what one raises is no other's concern."""
        for membership in list(self.routes.values()):
            self._tell(membership, tell)

    def _tell(
        self,
        membership: Membership[Channel],
        tell: Callable[[Membership[Channel]], object],
    ) -> None:
        try:
            tell(membership)
        except BaseException as error:
            self.give_up(membership, error)

    def _end(self, memberships: list[Membership[Channel]]) -> None:
        life = self._life
        self._withdraw("stopped")
        for each in memberships:
            if self._life == life and self.routes.get(each.topic) is each:
                self._tell(each, lambda membership: membership.channel.stop())
        if self._life == life and self._stop_waiters is not None:
            self._stop_waiters.tell(self._stop_waiters.take_all())

    def _withdraw(self, reason: object, topic: str | None = None) -> None:
        failed = self._failed
        is_end = not isinstance(reason, BaseException)
        if failed and is_end:
            if topic is None:
                failed.clear()
            else:
                failed.pop(topic, None)
        # One that nobody waits for waits for the next connection, too.
        for membership in self.next_joins.channels(topic, with_patient=is_end):
            membership.withdraw(reason)


def _called(method: Any, service: IService) -> Called:
    """Which method of a channel's service is called, for the log."""
    return getattr(method, "__name__", "a service's method"), str(service.name)
