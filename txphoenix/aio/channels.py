"""The channels of one client, for asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, overload

import txphoenix

from .channel import Channel, ChannelFactory
from .factories import factory_of
from .futures import wait
from .inside import Maker

__all__ = ["Channels"]

_Made = TypeVar("_Made", bound=Channel)


class Channels:
    """Those that are not closed: ``client.channels``.

    It iterates over them.
    """

    __slots__ = ("_inner", "_maker")

    def __init__(self, inner: txphoenix.SocketClient, maker: Maker) -> None:
        self._inner = inner.channels
        self._maker = maker

    def __iter__(self) -> Iterator[Channel]:
        return iter([outer_of(channel) for channel in self._inner])

    def find(self, topic: str) -> Channel | None:
        """The channel that has the topic, or None if all are closed."""
        channel = self._inner.find(topic)
        return None if channel is None else outer_of(channel)

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
        """Make a channel: :meth:`txphoenix.aio.Client.channel`."""
        inward = self._inward(topic, params, channel_class)
        made: Channel = outer_of(self._inner.make(*inward))
        return made

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

        Nobody waits for this join; its ``on_error`` hooks have each failure.
        After ``disconnect()``, or without ``auto_connect``, it waits for ``connect()``.

        :raises NotConnected: the client has been left.
        """
        self._maker.calls.check_not_ended()
        inward = self._inward(topic, params, channel_class)
        started: Channel = outer_of(self._inner.start_channel(*inward))
        return started

    @property
    def failed(self) -> list[Channel]:
        """The closed channels that were asked for, and that an error has ended.

        See :attr:`txphoenix.channels.ChannelManager.failed`.
        """
        return [outer_of(channel) for channel in self._inner.failed]

    def terminate_channel(self, topic: str) -> bool:
        """End the channel of a topic at once.

        :return: whether there was one.
        """
        return self._inner.terminate_channel(topic)

    def terminate(self) -> None:
        """End all channels at once."""
        self._inner.terminate()

    async def when_settled(self) -> None:
        """Wait until each channel has joined, or tried to.

        One whose first ``join()`` has failed is closed, and in :attr:`failed`.

        :raises ConnectionFailed: there will be no connection.
        :raises NotConnected: the client was told to disconnect, or has been left.
        """
        await wait(self._inner.when_settled())

    def _inward(
        self, topic: str, params: Any, channel_class: object
    ) -> tuple[str, Any, Any]:
        factory: Any = None
        if channel_class is not None:
            factory = factory_of("channel_class", channel_class, self._maker)
        return topic, self._maker.calls.of(params), factory


def outer_of(channel: Any) -> Any:
    """The channel that users hold."""
    return channel.outer
