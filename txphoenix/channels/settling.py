"""Who waits until each channel has joined, or tried to, on a connection."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ..protocol.channel_states import State
from ..runtime.package_log import package_log
from .channel_observer import ChannelObserver
from .interfaces import Member, ObservedChannel

__all__ = ["Settling"]

log = Logger("txphoenix.channels", observer=package_log)

_UNSETTLED = frozenset({State.JOINING, State.ERRORED})


class Settling(ChannelObserver):
    """The channels whose first join on a connection has not been answered.

    :param routes: the channels that are not closed, by topic.
    """

    __slots__ = ("_routes", "_topics", "waiting")

    def __init__(self, routes: Mapping[str, Member]) -> None:
        self._routes = routes
        self._topics: dict[str, None] = {}
        # Made at its first use, for each client has one of these.
        self.waiting: list[Deferred[None]] | None = None

    def wait(self) -> Deferred[None]:
        """Wait until there is none; see :meth:`check`."""
        if not self._topics:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(waiting)
        return waiting

    def check(self) -> None:
        """Tell those who wait, if there is none."""
        if self.waiting and not self._topics:
            waiting, self.waiting = self.waiting, None
            for deferred in waiting:
                deferred.callback(None)

    def connection_lost(self) -> None:
        """Wait for all that are not joined, whatever has become of their joins."""
        self._topics.update(
            (topic, None)
            for topic, membership in self._routes.items()
            if membership.state in _UNSETTLED
        )

    def abandon(self, error: BaseException) -> None:
        """Fail those who wait: there will be no connection."""
        waiting, self.waiting = self.waiting, None
        for deferred in waiting or ():
            deferred.errback(error)

    def forget(self, topic: str) -> bool:
        """Wait for a channel's first join no more.

        :return: whether it was waited for.
        """
        if topic not in self._topics:
            return False
        del self._topics[topic]
        if not self._topics:
            # A dict that was filled once keeps its size.
            self._topics = {}
        return True

    # -- What is told of the channels ---------------------------------------------

    def channel_changed(self, channel: ObservedChannel, old: State, new: State) -> None:
        """Wait for a channel that joins, or wait no more."""
        if new not in _UNSETTLED:
            self.forget(channel.topic)
        elif old not in _UNSETTLED:
            self._topics[channel.topic] = None

    def join_failed(
        self, channel: ObservedChannel, error: BaseException, is_awaited: bool
    ) -> None:
        """Wait no more: the first join of a connection is all that is waited for."""
        # The first of a connection is enough for the log.
        if self.forget(channel.topic) and not is_awaited:
            log.warn(
                "{channel!r} could not be joined again, and is tried again: {reason}",
                channel=channel,
                reason=error,
            )
