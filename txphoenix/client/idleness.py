"""The end of a connection that nobody needs: the option ``disconnect_when_idle``.

::

    no channel left  ->  disconnect_when_idle seconds  ->  idle: disconnected
          ^                                                       |
          +-------- the last channel ends <-- connected <-- a channel joins

A client that is idle is disconnected, makes no attempts, and has no timer.
Whoever then needs a connection has it opened again, without a word to the user: a
channel that joins, a message that is pushed, and whoever waits for the connection.
The user's own ``disconnect()`` is another thing: only ``connect()`` ends that.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.logger import Logger, LogLevel

from .. import telemetry
from ..channels.channel_observer import ChannelObserver
from ..channels.interfaces import ObservedChannel
from ..channels.join_channels import JoinChannels
from ..channels.keeper import ChannelKeeper
from ..errors import NotConnected
from ..options.options import Options
from ..options.shown_name import shown_name, shown_url
from ..protocol.close_codes import NORMAL
from ..runtime.deadlines import Timer
from ..runtime.package_log import package_log
from ..runtime.repeats import Repeats
from .connection import Connection
from .connection_observer import ConnectionObserver
from .hooks import HookLists
from .interfaces import NeverIdle
from .state import SocketState
from .waiting import Waiting

__all__ = ["Idleness"]

log = Logger("txphoenix.client", observer=package_log)

# A moment is a float, and may come this much (seconds) before its sum.
_TOLERANCE: Final = 1e-6


class Idleness(NeverIdle, ConnectionObserver, ChannelObserver):
    """For how long one client has had no channel, and what follows.

    A channel counts from its join to its end, so one that waits to join again does too.

    :param client: whose telemetry tells of it.
    :param connection: is closed, and opened again.
    :param channels: those that need the connection.
    :param join_channels: those that it joins by itself, once it is connected.
    :param state: tells whether the connection was closed because nobody needed it.
    :param waiting: whose end that is.
    :param hooks: the client's, of which some need the connection as well.
    :param observers: those of the connection, of which this is one from now on.
    """

    __slots__ = (
        "_channels",
        "_client",
        "_connection",
        "_hooks",
        "_is_back",
        "_join_channels",
        "_options",
        "_since",
        "_state",
        "_timer",
        "_waiting",
        "_was_needed",
    )

    def __init__(
        self,
        client: object,
        connection: Connection,
        channels: ChannelKeeper,
        join_channels: JoinChannels,
        state: SocketState,
        waiting: Waiting[Any],
        hooks: HookLists,
        observers: list[ConnectionObserver],
    ) -> None:
        self._client = client
        self._connection = connection
        self._channels = channels
        self._join_channels = join_channels
        self._hooks = hooks
        self._state = state
        self._waiting = waiting
        self._options = channels.options
        # When the latest need of a connection ended, as far as that is known.
        self._since = 0.0
        self._timer = Timer(self._expired)
        self._was_needed = False
        # It was idle, and has not been connected since.
        self._is_back = False
        observers.append(self)
        channels.events.subscribe(self)
        if connection.is_open:
            self._count()

    def reset_options(self, options: Options) -> None:
        """Use other options: the seconds count from where the old ones did.

        A client that is idle comes back if it shall never be, or is to join more.
        """
        old, self._options = self._options, options
        seconds = options.disconnect_when_idle
        if seconds is None or options.join_channels.keys() - old.join_channels.keys():
            self.connection_missed()
        timer = self._timer
        if seconds == old.disconnect_when_idle:
            return
        was_set = timer.is_set
        self._stop(old.disconnect_when_idle)
        if seconds is not None and was_set:
            left = self._since + seconds - self._channels.deadlines.elapsed()
            self._channels.deadlines.set(timer, max(0.0, left))
        elif self._connection.is_open:
            self._count()

    # -- What the client tells ----------------------------------------------------

    def forget(self) -> None:
        """The user has decided whether there is a connection."""
        self._state.idle = False

    def pushed(self) -> None:
        """A message that is no channel's needs the connection, and counts anew."""
        self.connection_missed()
        if self._timer.is_set:
            # The timer finds out: to set it each time would cost more.
            self._since = self._channels.deadlines.elapsed()

    # -- What channels tell -------------------------------------------------------

    def connection_missed(self) -> None:
        """Have a connection again, if there is none because nobody needed it."""
        if self._state.idle:
            self._state.idle = False
            self._waiting.hope()
            # Whoever needs it may give up before it is there.
            self._count()
            self._is_back = True
            self._connection.open()

    def channel_ended(self, channel: ObservedChannel, reason: object) -> None:
        """Count from here, if it was the last."""
        if self._connection.is_wanted:
            self._count()

    # -- What the connection tells ------------------------------------------------

    def connection_opened(self, _duration: float) -> None:
        """Count from here, unless it was lost meanwhile and nothing else is new."""
        if self._is_back or not self._timer.is_set:
            self._is_back = False
            self._count()

    def connection_given_up(self) -> None:
        """Count no more: there is nothing to end."""
        self._stop(self._options.disconnect_when_idle)

    # -- Inside -------------------------------------------------------------------

    def _count(self) -> None:
        seconds = self._options.disconnect_when_idle
        if seconds is not None and not self._channels.routes:
            deadlines = self._channels.deadlines
            self._since, self._was_needed = deadlines.elapsed(), False
            deadlines.set(self._timer, seconds)

    def _stop(self, seconds: float | None) -> None:
        if self._timer.is_set:
            self._timer.unset()
            if seconds is not None:
                self._channels.deadlines.sweep_one(seconds)

    def _expired(self) -> None:
        seconds, channels = self._options.disconnect_when_idle, self._channels
        if seconds is None or channels.routes or not self._connection.is_wanted:
            return
        now = channels.deadlines.elapsed()
        is_needed = self._is_needed()
        if is_needed or self._was_needed:
            # When that has ended nobody has told: it was after the latest look.
            self._since = now
        self._was_needed = is_needed
        left = self._since + seconds - now
        if left > _TOLERANCE:
            channels.deadlines.set(self._timer, left)
        else:
            self._disconnect(seconds)

    def _is_needed(self) -> bool:
        """Whether somebody needs the connection who is no channel."""
        # One that cannot be made is due as well, which needs no connection more.
        due = self._join_channels.due(self._options.join_channels)
        is_joining = due and not self._connection.is_open
        heartbeat = self._connection.link.heartbeat
        return bool(
            is_joining
            or self._channels.kept.to_send
            or self._waiting.is_waited_for
            or (heartbeat is not None and heartbeat.is_pinging)
            or self._hooks.topics
        )

    def _disconnect(self, seconds: float) -> None:
        """Disconnect, and tell of it: whoever is told may join at once."""
        self._state.idle = True
        because = NotConnected(f"there was no channel for {seconds:g} s")
        self._waiting.disconnect(NORMAL, "", because)
        clients = self._connection.link.wake_ups
        Repeats.of(clients, self._channels.deadlines.elapsed).emit(
            log,
            LogLevel.info,
            "{client}: disconnected, as there was no channel for {seconds:g} s; a join"
            " connects again",
            client=shown_name(self._options),
            seconds=seconds,
        )
        telemetry.socket_idle(self._client, shown_url(self._options), seconds)
