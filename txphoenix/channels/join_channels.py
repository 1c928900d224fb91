"""The channels that a client joins by itself: the option ``join_channels``.

Each topic is started once, at the first open or when ``reconfigure()`` names it for the
first time, and is then the manager's like any other channel.
What makes a channel is the user's code.
If it raises, that topic has no channel: the log and the client's ``on_error`` hooks
say so, the other topics are started all the same, and it is tried again when the next
connection opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import Logger, LogLevel

from ..runtime.package_log import package_log
from .keeper import ChannelKeeper

__all__ = ["JoinChannels"]

log = Logger("txphoenix.join_channels", observer=package_log)

# In one go.
_MOST_TRIES = 2


class JoinChannels:
    """Which topics have been started.

    :param channels: makes and joins the channels.
    :param tell_error: is called with the error where one cannot be made.
    """

    def __init__(
        self, channels: ChannelKeeper, tell_error: Callable[[BaseException], object]
    ) -> None:
        self._channels = channels
        self._tell_error = tell_error
        # Made at its first use, which most clients never come to.
        self._started: set[str] | None = None
        self._wanted: Mapping[str, Any] = {}
        self._is_starting = False

    def start(self, wanted: Mapping[str, Any]) -> None:
        """Start those that have not been started, if there is a connection.

        :param wanted: the option: topic -> params.
        """
        self._wanted = wanted
        if not wanted:
            self._started = None
        elif self._started is not None:
            self._started &= wanted.keys()
        if self._is_starting or not wanted:
            # What makes a channel, or is told of an error, has called reconfigure().
            return
        self._is_starting = True
        failures: Counter[str] = Counter()
        try:
            # It may have mended what failed, which is tried again then; but once, for
            # one that does so each time would never come to an end.
            tries = 1
            while not self._start_each(self._wanted, failures, tries):
                tries = _MOST_TRIES
        finally:
            self._is_starting = False

    def due(self, wanted: Mapping[str, Any]) -> list[str]:
        """Which of these have not been started."""
        return [topic for topic in wanted if topic not in (self._started or ())]

    def forget(self) -> None:
        """Start all of them again, since the service that they belonged to stops."""
        self._started = None

    def _start_each(
        self, wanted: Mapping[str, Any], failures: Counter[str], tries: int
    ) -> bool:
        """Start all that have not failed so often.

        :return: whether it is done; others may be wanted before that.
        """
        for topic, params in wanted.items():
            # What is called here is the user's, and may have disconnected.
            if not self._channels.connection.is_open:
                return True
            if topic in (self._started or ()) or failures[topic] >= tries:
                continue
            if not self._start(topic, params):
                failures[topic] += 1
            if self._wanted is not wanted:
                return False
        return True

    def _start(self, topic: str, params: Any) -> bool:
        if self._started is None:
            self._started = set()
        self._started.add(topic)
        if self._channels.find(topic) is not None:
            return True
        try:
            self._channels.start_channel(topic, params)
        except BaseException as error:
            if self._started is not None:
                self._started.discard(topic)
            log.failure(
                "{topic}: its channel could not be made, and is tried again with"
                " the next connection",
                level=LogLevel.error,
                topic=topic,
            )
            self._tell_error(error)
            return False
        return True
