"""Who waits until each channel has joined, or tried to, on a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger, LogLevel

from ..legible import error_text
from ..protocol.channel_states import State
from ..runtime.deadlines import Deadlines
from ..runtime.kept_errors import unraised
from ..runtime.package_log import package_log
from ..runtime.repeats import Repeats
from .channel_observer import ChannelObserver
from .interfaces import Member, ObservedChannel
from .rejoining import Rejoining

__all__ = ["Settling"]

log = Logger("txphoenix.channels", observer=package_log)

_UNSETTLED = frozenset({State.JOINING, State.ERRORED})


class Settling(ChannelObserver):
    """The channels whose first join on a connection has not been answered.

    :param routes: the channels that are not closed, by topic.
    :param deadlines: tell the time.
    """

    __slots__ = (
        "_deadlines",
        "_repeats",
        "_routes",
        "_topics",
        "rejoining",
        "waiting",
    )

    def __init__(self, routes: Mapping[str, Member], deadlines: Deadlines) -> None:
        self._routes = routes
        self._deadlines = deadlines
        self._repeats: Repeats | None = None
        self._topics: dict[str, None] = {}
        # Made at its first use, for each client has one of these.
        self.waiting: list[Deferred[None]] | None = None
        self.rejoining: Rejoining | None = None
        """The channels that join again on the connection, until each has an answer."""

    @property
    def repeats(self) -> Repeats:
        """Has the log tell of so many channels in few lines."""
        if self._repeats is None:
            self._repeats = Repeats(self._deadlines.elapsed)
        return self._repeats

    def wait(self, why_in_vain: BaseException | None = None) -> Deferred[None]:
        """Wait until there is none; see :meth:`check`.

        :param why_in_vain: why there will be no connection, if there will be none.
        """
        if not self._topics:
            return succeed(None)
        if why_in_vain is not None:
            return fail(unraised(why_in_vain))
        waiting: Deferred[None] = Deferred()
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(waiting)
        return waiting

    def expect_rejoins(self, tell: Callable[[Rejoining], object]) -> int:
        """Tell somebody when each channel that was interrupted has had an answer.

        Called when a connection has opened, before channels know.

        :return: how many there are; if there is none, nobody is told.
        """
        errored = [
            topic
            for topic, membership in self._routes.items()
            if membership.state is State.ERRORED
        ]
        elapsed = self._deadlines.elapsed
        self.rejoining = Rejoining(errored, elapsed, tell) if errored else None
        return len(errored)

    def check(self) -> None:
        """Tell those who wait, if there is none."""
        rejoining = self.rejoining
        if rejoining is not None and not rejoining.missing:
            self.rejoining = None
            rejoining.tell()
        if self.waiting and not self._topics:
            waiting, self.waiting = self.waiting, None
            for deferred in waiting:
                deferred.callback(None)

    def connection_lost(self) -> None:
        """Wait for all that are not joined, whatever has become of their joins."""
        self.rejoining = None
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
        if self.rejoining is not None:
            self.rejoining.has_left(topic)
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
            if new is State.JOINED and self.rejoining is not None:
                self.rejoining.has_joined(channel.topic)
            self.forget(channel.topic)
        elif old not in _UNSETTLED:
            self._topics[channel.topic] = None

    def join_failed(
        self, channel: ObservedChannel, error: BaseException, is_awaited: bool
    ) -> None:
        """Wait no more: the first join of a connection is all that is waited for."""
        topic = channel.topic
        if self.rejoining is not None:
            self.rejoining.has_failed(topic, error)
        # The first of a connection is enough for the log.
        if self.forget(topic) and not is_awaited:
            self.repeats.emit(
                log,
                LogLevel.warn,
                "{topic}: could not be joined again, and is tried again: {reason}",
                topic=topic,
                reason=error_text(error),
            )
