"""The channels of one client as services: topic -> channel.

A channel is one of these from the moment it joins to its end.
Here is what concerns all of them, or ends them; what one of them raises meanwhile does
not reach the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger

from .channel import Channel
from .channel_machine import ChannelMachine
from .channel_waiters import NextJoins, StopWaiters
from .hooks import as_deferred, call_hook
from .package_log import package_log

__all__ = ["ChannelSet"]

log = Logger(observer=package_log)


class ChannelSet(MultiService):
    """A :class:`txphoenix.channels.ChannelManager`, but for what it does for one."""

    def __init__(self) -> None:
        super().__init__()
        self.setName("channels")
        self.routes: dict[str, ChannelMachine] = {}
        """The channels that are not closed, by topic."""
        self.next_joins = NextJoins()
        self.stop_waiters = StopWaiters()

    # -- What the client calls ----------------------------------------------------

    def find(self, topic: str) -> Channel | None:
        """The channel that has the topic, or None if all are closed."""
        # Only make() makes channels.
        return cast("Channel | None", self.routes.get(topic))

    def terminate_channel(self, topic: str) -> bool:
        """End the channel of a topic at once.

        :return: whether there was one.
        """
        channel = self.routes.get(topic)
        if channel is None:
            return False
        self._withdraw("stopped", topic)
        channel.stop()
        return True

    def terminate(self) -> None:
        """End all channels at once."""
        self._withdraw("stopped")
        self._each(lambda channel: channel.stop())

    def leave(self, topic: str, timeout: float | None = None) -> Deferred[None]:
        """Leave a topic; see :meth:`txphoenix.SocketClient.leave`."""
        channel = cast("Channel | None", self.routes.get(topic))
        if channel is None:
            return succeed(None)
        # Other objects may wait for it, and the last word counts.
        self._withdraw("left", topic)
        return channel.leave(timeout)

    # -- What channels call -------------------------------------------------------

    def register(self, channel: ChannelMachine) -> None:
        """Give a topic to a channel."""
        self.routes[channel.topic] = channel
        # As setServiceParent() does it, but for a look at what it is given.
        channel.parent = self
        self.addService(channel)

    def unregister(self, channel: ChannelMachine) -> None:
        """Take the topic away from a channel that has closed."""
        topic = channel.topic
        if self.routes.get(topic) is channel:
            del self.routes[topic]
            self.closed(channel)
            channel.disownServiceParent()

    def closed(self, channel: ChannelMachine) -> None:
        """Forget what was kept of the life of a channel that has closed."""

    # -- MultiService, for as many channels as there are --------------------------

    def stopService(self) -> Deferred[Any]:
        """End all channels, and tell all who wait for the end of one.

        :return: a Deferred that fires when the channels have stopped, for a class may
            take its time.
        """
        Service.stopService(self)
        stopping: list[Deferred[Any]] = []

        def stop(channel: ChannelMachine) -> None:
            ended: Callable[[], Any] = channel.stopService
            later = as_deferred(ended())
            if later is not None:
                stopping.append(later)

        self._each(stop)
        # A class may have its own stopService(), and no channel is left all the same.
        self.terminate()
        self.stop_waiters.tell(self.stop_waiters.take_all())
        return DeferredList(stopping, consumeErrors=True)

    # The list that MultiService keeps is searched at each removal.

    def addService(self, service: IService) -> None:
        """Take a channel in; :meth:`register` is what calls for it."""
        if self.running:
            call_hook(service.privilegedStartService)
            call_hook(service.startService)

    def removeService(self, service: IService) -> Deferred[None] | None:
        """Let a channel go; :meth:`unregister` is what calls for it."""
        if service.running:
            call_hook(service.stopService)
        return None

    def __iter__(self) -> Iterator[Channel]:
        return iter(cast("list[Channel]", list(self.routes.values())))

    def getServiceNamed(self, name: str) -> Channel:
        """The channel of a topic.

        :raises KeyError: there is none.
        """
        return cast(Channel, self.routes[name])

    # -- Inside -------------------------------------------------------------------

    def _each(self, tell: Callable[[ChannelMachine], object]) -> None:
        """Tell each channel something; what one raises is no other's concern.

        What the user's code raises has been caught already.
        This is for all else, such as a class that overrides what is not its to
        override: its channel ends with the error.
        """
        for channel in list(self.routes.values()):
            try:
                tell(channel)
            except BaseException as error:
                log.failure("{channel!r} raised, and is stopped", channel=channel)
                self._give_up(channel, error)

    def _withdraw(self, reason: object, topic: str | None = None) -> None:
        for channel in self.next_joins.channels(topic):
            channel.withdraw(reason)

    def _give_up(self, channel: ChannelMachine, error: BaseException) -> None:
        try:
            channel.stop_after(error)
        except BaseException:
            log.failure("{channel!r} cannot even be stopped", channel=channel)
            self.routes.pop(channel.topic, None)
            self.closed(channel)
