"""What follows a crash of a channel: an exception out of one of its callbacks.

A ``MultiService`` starts and stops its children and never restarts one; here is what
does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, Protocol

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..legible import error_text
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.channel_states import Input, State
from ..runtime.deadlines import Deadlines
from ..runtime.hooks import ENDINGS
from ..runtime.package_log import package_log
from .callbacks import Called
from .channel_events import ChannelEvents
from .interfaces import ChannelCallbacks, ChannelConnection
from .leaves import tell_leave
from .membership import Membership

__all__ = ["Supervision"]

log = Logger("txphoenix.channels", observer=package_log)

_ANEW: Final = "join() begins it anew"


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

    def crashed(
        self,
        membership: Membership[ChannelCallbacks],
        failure: Failure,
        called: Called,
    ) -> None:
        """Restart a channel one of whose callbacks has raised, or end it.

        :param called: what was called.
        """
        manager, topic = self._manager, membership.topic
        error = failure.value or RuntimeError("an unknown failure")
        is_past = membership.joins.is_past(called.attempt)
        if isinstance(error, ENDINGS) and (is_past or not manager.connection.is_open):
            # What has ended the join, or the connection, has been told already.
            _tell_early_end(topic, called, error)
            return
        for observer in manager.events.observers:
            observer.channel_crashed(membership.channel, error, called.callback)
        # Whoever was told may have ended it.
        is_past = membership.joins.is_past(called.attempt)
        crash = Crash(manager.options, topic, called, membership.channel.restart)
        if manager.routes.get(topic) is not membership:
            crash.log(failure, "the channel has closed meanwhile, and stays closed")
        elif is_past:
            # It has begun anew since, or ends anyway, and in good order.
            crash.log(failure, "it is of a join that is over, and the channel goes on")
            membership.hooks.tell_error(error, topic)
        elif crash.restart == "temporary":
            crash.log(
                failure, f"restart is 'temporary': the channel is stopped; {_ANEW}"
            )
            membership.stop(error, crash=error)
        else:
            self._restart_or_stop(membership, error, failure, crash)

    def _restart_or_stop(
        self,
        membership: Membership[ChannelCallbacks],
        error: BaseException,
        failure: Failure,
        crash: Crash,
    ) -> None:
        """Restart a channel, unless it has crashed too often."""
        options = self._manager.options
        count = self._count(membership.topic)
        number = (
            f"crash {count} in {options.max_seconds:g} s (max_restarts is"
            f" {options.max_restarts})"
        )
        if count > options.max_restarts:
            what_follows = f"{number}: the channel is stopped for good; {_ANEW}"
            crash.log(failure, what_follows, count)
            membership.stop(error, crash=error)
        else:
            crash.log(
                failure,
                f"{number}; restart is {crash.restart!r}: the channel begins anew,"
                " with init() and a join",
                count,
            )
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
            membership.hooks.tell_error(error, membership.topic)
            self._tell_restart(membership)
            return
        # The crash is ours, and the server has not noticed.
        tell_leave(membership)
        membership.give(Input.RETRY, error, 0.0)
        # At once, for more messages may be waiting.
        # But one that crashed in init() may do so again, and again.
        is_open = self._manager.connection.is_open
        if was_sent and joins.rejoins.is_planned and is_open:
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

    def _count(self, topic: str) -> int:
        """How often a channel has crashed in ``max_seconds``, with this time."""
        options = self._manager.options
        now = self._manager.deadlines.elapsed()
        crashes = self._crashes.setdefault(topic, deque())
        crashes.append(now)
        while crashes[0] < now - options.max_seconds:
            crashes.popleft()
        return len(crashes)


class Crash:
    """A crash of a channel, for the log.

    :param options: the client's.
    :param topic: the channel's topic.
    :param called: what has raised.
    :param restart: the channel's restart strategy.
    """

    def __init__(
        self, options: Options, topic: str, called: Called, restart: str
    ) -> None:
        self._options = options
        self._topic = topic
        self._called = called
        self.restart = restart

    def log(
        self, failure: Failure, what_follows: str, count: int | None = None
    ) -> None:
        """Log it, with what follows from it.

        :param count: how often it has crashed in ``max_seconds``, where that counts.
        """
        options, called = self._options, self._called
        log.failure(
            "{topic}: {call} raised; {what_follows}",
            failure,
            LogLevel.error,
            client=shown_name(options),
            topic=self._topic,
            call=str(called),
            callback=called.callback,
            event=called.event,
            channel_class=called.channel_class,
            count=count,
            max_restarts=options.max_restarts,
            window=options.max_seconds,
            restart=self.restart,
            what_follows=what_follows,
        )


def _tell_early_end(topic: str, called: Called, error: BaseException) -> None:
    log.info(
        "{topic}: {call} ended early: {reason}",
        topic=topic,
        call=str(called),
        callback=called.callback,
        event=called.event,
        channel_class=called.channel_class,
        reason=error_text(error),
    )
