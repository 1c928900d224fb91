"""The channels of one client, as users know them: ``client.channels``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, overload

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from ..options.channel_kinds import ChannelFactory
from .channel import Channel
from .interfaces import MessageQueue

__all__ = ["ChannelManager"]

_Made = TypeVar("_Made", bound=Channel)


class ChannelManager(MultiService):
    """Topic -> :class:`txphoenix.Channel`: ``client.channels``.

    A channel is one of its services from the moment it joins to its end.
    It iterates over those that are not closed.
    """

    def find(self, topic: str) -> Channel | None:
        """The channel that has the topic, or None if all are closed."""
        raise NotImplementedError

    @property
    def failed(self) -> list[Channel]:
        """The closed channels that were asked for, and that an error has ended.

        That is a first ``join()`` that has failed, which is not tried again, or a crash
        after which the channel was not restarted.
        One is here until its topic is joined, left or terminated, the client stops, or
        the program drops the channel: it is not kept for this.
        """
        raise NotImplementedError

    def getServiceNamed(self, name: str) -> Channel:
        """The channel of a topic.

        :raises KeyError: there is none.
        """
        raise NotImplementedError

    def __iter__(self) -> Iterator[Channel]:
        raise NotImplementedError

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def make(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_Made] = ...
    ) -> _Made: ...

    def make(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make the channel of a topic, which is closed until it joins.

        :param topic: any but ``"phoenix"``, which is the heartbeats'.
        :param params: what its joins send, over the client's
            ``default_channel_params``; they are merged if both are mappings.
        :param channel_class: the channel's class, or a callable that takes topic,
            params and this manager and makes it, such as
            ``functools.partial(Room, db=db)``; by default what ``topic_channel_map``
            has for the topic, or else ``default_channel_class``.
        :raises ConfigurationError: the topic is none, or what is called makes no
            channel of it.
            What it raises by itself is passed on.
        """
        raise NotImplementedError

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: None = None
    ) -> Channel: ...

    @overload
    def start_channel(
        self, topic: str, params: Any = None, channel_class: ChannelFactory[_Made] = ...
    ) -> _Made: ...

    def start_channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
    ) -> Channel:
        """Make a channel and have it join, and join again whatever happens.

        Nobody waits for this join: a server that refuses it is asked again, with the
        delays of ``rejoin_backoff``.
        The log has the first failure, the channel's ``on_error`` hooks have each.
        """
        raise NotImplementedError

    def when_settled(self) -> Deferred[None]:
        """Wait until each channel has joined, or tried to.

        Nobody who has failed is waited for.
        A channel of :meth:`start_channel`, and one that was joined before, is tried
        again; one whose first ``join()`` has failed is closed, and in :attr:`failed`.

        :return: a Deferred of None.
            It fails, with the reason, if there will be no connection.
        """
        raise NotImplementedError

    def leave(self, topic: str, timeout: float | None = None) -> Deferred[None]:
        """Leave a topic; see :meth:`txphoenix.SocketClient.leave`."""
        raise NotImplementedError

    def terminate_channel(self, topic: str) -> bool:
        """End the channel of a topic at once.

        :return: whether there was one.
        """
        raise NotImplementedError

    def terminate(self) -> None:
        """End all channels at once."""
        raise NotImplementedError

    def check_timeout(self, timeout: float | None) -> float:
        """Check a timeout.

        :return: seconds; the client's ``timeout`` for None.
        :raises ConfigurationError: it is not a positive number.
        """
        raise NotImplementedError

    def make_inbox(self, name: str) -> MessageQueue:
        """Make a queue of messages, as that of :meth:`txphoenix.Channel.receive`.

        It keeps ``receive_buffer`` messages.
        Beyond that it holds the connection back for a reader, and without one it drops
        the oldest.

        :param name: names it in the log, in the place of a topic.
        """
        raise NotImplementedError
