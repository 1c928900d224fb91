"""What follows a crash of a channel: an exception out of one of its callbacks.

A ``MultiService`` starts and stops its children and never restarts one; here is what
does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Protocol

from twisted.logger import Logger

from ..errors import ENDINGS
from ..options.options import Options
from ..protocol.channel_states import Input, State
from ..runtime.deadlines import Deadlines
from ..runtime.package_log import package_log
from .callbacks import Crash
from .channel_events import ChannelEvents
from .interfaces import ChannelCallbacks, ChannelConnection
from .leaves import tell_leave
from .membership import Membership

__all__ = ["Supervision"]

log = Logger("txphoenix.channels", observer=package_log)


class Supervised(Protocol):
    """What has the channels, and says how often they may crash."""

    @property
    def connection(self) -> ChannelConnection:
        """The connection."""

    @property
    def deadlines(self) -> Deadlines:
        """Tells the time."""

    @property
    def options(self) -> Options:
        """The client's options."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""

    @property
    def routes(self) -> Mapping[str, object]:
        """The insides of the channels that are not closed, by topic."""


class Supervision:
    """Restarts the channels of one client, or ends them.

    :param manager: has the channels, and the options that say how often.
    """

    __slots__ = ("_crashes", "_manager")

    def __init__(self, manager: Supervised) -> None:
        self._manager = manager
        # When the channels of topics have crashed.
        self._crashes: dict[str, deque[float]] = {}

    def crashed(self, membership: Membership[ChannelCallbacks], crash: Crash) -> None:
        """Restart a channel one of whose callbacks has raised, or end it."""
        failure, attempt, callback = crash
        manager, channel = self._manager, membership.channel
        error = failure.value or RuntimeError("an unknown failure")
        is_past = membership.joins.is_past(attempt)
        if isinstance(error, ENDINGS) and (is_past or not manager.connection.is_open):
            # What has ended the join, or the connection, has been told already.
            log.info(
                "{channel!r}: a callback ended early: {reason}",
                channel=channel,
                reason=error,
            )
            return
        log.failure("{channel!r}: a callback raised", failure=failure, channel=channel)
        for observer in manager.events.observers:
            observer.channel_crashed(channel, error, callback)
        # Whoever was told may have ended it.
        is_past = membership.joins.is_past(attempt)
        if manager.routes.get(channel.topic) is not membership:
            return
        if is_past:
            # It has begun anew since, or ends anyway, and in good order.
            membership.hooks.tell_error(error)
        elif channel.restart == "temporary" or self._crashes_too_often(channel.topic):
            membership.stop(error, crash=error)
        else:
            self.restart(membership, error)

    def restart(
        self, membership: Membership[ChannelCallbacks], error: BaseException
    ) -> None:
        """Have a channel begin anew after a crash: ``init()``, then join again."""
        joins = membership.joins
        was_sent = joins.ref is not None
        joins.forget_init()
        if membership.state is State.ERRORED:
            # It begins anew with the next join, which is on its way.
            membership.hooks.tell_error(error)
            self._tell_restart(membership)
            return
        # The crash is ours, and the server has not noticed.
        tell_leave(membership)
        membership.give(Input.RETRY, error, 0.0)
        # At once, for more messages may be waiting.
        # But one that crashed in init() may do so again, and again.
        is_open = self._manager.connection.is_open
        if was_sent and joins.is_rejoin_planned and is_open:
            membership.give(Input.OPEN)
        self._tell_restart(membership)

    def _tell_restart(self, membership: Membership[ChannelCallbacks]) -> None:
        """Tell that it begins anew, unless who was told of the crash has ended it."""
        if membership.state not in (State.CLOSED, State.LEAVING):
            for observer in self._manager.events.observers:
                observer.channel_restarted(membership.channel)

    def forget(self, topic: str) -> None:
        """Forget the crashes of a channel that has closed."""
        self._crashes.pop(topic, None)

    def _crashes_too_often(self, topic: str) -> bool:
        options = self._manager.options
        now = self._manager.deadlines.elapsed()
        crashes = self._crashes.setdefault(topic, deque())
        crashes.append(now)
        while crashes[0] < now - options.max_seconds:
            crashes.popleft()
        return len(crashes) > options.max_restarts
