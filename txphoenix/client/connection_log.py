"""What the log is told of the connection: outages, and what comes back after them.

An outage is a warning at its beginning, one at its end, and reminders between them that
become rarer.
It begins when an open connection is lost, or an attempt fails where there was none, and
is over when there is a connection and each channel has had an answer to its rejoin.
What the user asks for (a stop, a disconnect, another URL) is none.

What repeats itself is told once: failed attempts are of the level debug, but for the
first, and for a server's refusal that is new.
A connection that comes and goes is told in full for some times, and is then one outage
until it is steady.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.logger import Logger, LogLevel

from ..channels.keeper import ChannelKeeper
from ..channels.rejoining import Rejoining
from ..errors import ConfigurationError, ConnectionFailed, HandshakeRefused
from ..legible import cut, error_text
from ..options.shown_name import shown_name, shown_url
from ..runtime.lasting import Pace
from ..runtime.package_log import package_log
from ..runtime.repeats import Repeats
from .connection import Connection
from .connection_observer import ConnectionObserver
from .outage import STEADY, Outage, shown_time
from .state import SocketState

__all__ = ["ConnectionLog", "log"]

# Whatever a client logs has its name.
log = Logger("txphoenix.client", observer=package_log)

# So many outages are told in full, and then one in each time that is called steady.
_MOST_OUTAGES: Final = 5
_LONGEST_REASON: Final = 500


class ConnectionLog(ConnectionObserver):
    """Has the log tell what happens to the connection of one client.

    :param state: has the client's options.
    :param connection: knows whether there will be another attempt.
    :param channels: know what joins again.
    """

    __slots__ = ("_channels", "_connection", "_outage", "_pace", "_state")

    def __init__(
        self, state: SocketState, connection: Connection, channels: ChannelKeeper
    ) -> None:
        self._state = state
        self._connection = connection
        self._channels = channels
        self._outage: Outage | None = None
        # Made at the first loss.
        self._pace: Pace | None = None

    # -- What happens to the connection -------------------------------------------

    def connection_opened(self, duration: float) -> None:
        """Log that the connection is open, and that it is open again."""
        outage = self._outage
        if outage is None:
            options = self._state.options
            self._tell(
                LogLevel.info,
                "{client}: connected{to} in {took}",
                to="" if options.name is None else f" to {shown_url(options)}",
                url=shown_url(options),
                took=shown_time(duration),
                duration=duration,
            )
        else:
            # Once in an outage, for the connection may come and go.
            is_first = not (outage.has_opened or outage.is_unsteady)
            outage.has_opened = True
            self._tell(
                LogLevel.info if is_first else LogLevel.debug,
                "{client}: connected{again} after {took}; attempts: {attempts}",
                again=" again" if outage.losses else "",
                **self._told_of(outage),
            )
        if not self._channels.settling.expect_rejoins(self._rejoined):
            self._back({"channels": 0, "joined": 0, "refused": 0})

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Log a loss that nobody has asked for."""
        outage = self._outage
        if was_asked or self._connection.patience.is_replaced:
            # By a disconnect(), or a reconfigure(): an outage that is on goes on.
            return
        if outage is not None:
            outage.lost(reason)
            self._tell(
                LogLevel.debug,
                "{client}: the connection is lost again: {reason}",
                **_because(reason),
            )
            return
        if self._pace is None:
            self._pace = Pace(_MOST_OUTAGES, STEADY)
        is_unsteady = not self._pace.take(self._channels.deadlines.elapsed())
        outage = self._begin(self._connection.attempts, is_unsteady)
        outage.lost(reason)
        follows = self._what_follows(reason)
        if is_unsteady and not follows:
            follows = (
                "; it comes and goes, and only reminders follow until it has lasted for"
                f" {shown_time(STEADY)}"
            )
        self._tell(
            LogLevel.warn,
            "{client}: the connection is lost: {reason}{follows}",
            follows=follows,
            **_because(reason),
        )

    def connection_failed(self, reason: Exception) -> None:
        """Log a failure, which is not ours."""
        outage, level = self._outage, LogLevel.debug
        if outage is None:
            outage = self._begin(self._connection.attempts - 1)
            level = LogLevel.warn
        outage.reason = reason
        follows = self._what_follows(reason)
        if isinstance(reason, HandshakeRefused):
            if outage.is_new(reason.status):
                level = LogLevel.warn
        elif isinstance(reason, ConfigurationError):
            follows = (
                "; no retry can mend this, unless what is called for it answers"
                " otherwise"
                if self._connection.is_wanted
                else "; it is not tried again, since no retry can mend this"
            )
            if not outage.is_error_told:
                level = LogLevel.error
            outage.is_error_told = True
        self._tell(
            level,
            "{client}: not connected: {reason}{follows}",
            follows=follows,
            attempts=self._attempts(outage),
            **_because(reason),
        )

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """Log when the next attempt begins."""
        self._tell(
            LogLevel.debug,
            "{client}: attempt {attempt} in {delay:.2f} s",
            attempt=attempt,
            delay=delay,
        )

    def connection_given_up(self) -> None:
        """End an outage, since nobody wants a connection any more."""
        outage, self._outage = self._outage, None
        if outage is not None:
            outage.end()
            self._tell(
                LogLevel.debug,
                "{client}: no connection is wanted any more, after an outage of {took}",
                **self._told_of(outage),
            )

    # -- What follows -------------------------------------------------------------

    def _begin(self, attempts: int, is_unsteady: bool = False) -> Outage:
        deadlines = self._channels.deadlines
        outage = Outage(deadlines, self._remind, attempts, is_unsteady)
        self._outage = outage
        return outage

    def _rejoined(self, rejoining: Rejoining) -> None:
        """Log that channels are joined again: one line, however many there are."""
        outage, refusal = self._outage, rejoining.refusal
        told: dict[str, Any] = {
            "channels": rejoining.channels,
            "joined": rejoining.joined,
            "refused": rejoining.refused,
        }
        others = ""
        if refusal is not None:
            others = (
                f"; {rejoining.refused} refused and tried again, such as"
                f" {cut(refusal[0])}: {error_text(refusal[1])}"
            )
        is_unsteady = outage is not None and outage.is_unsteady
        self._tell(
            LogLevel.debug if is_unsteady else LogLevel.info,
            "{client}: rejoined {joined} of {channels} channels, {took} after the"
            " connection{others}",
            took=shown_time(rejoining.duration),
            duration=rejoining.duration,
            others=others,
            **told,
        )
        self._back(told)

    def _back(self, told: dict[str, Any]) -> None:
        """All is as it was, as far as the server lets it."""
        outage = self._outage
        if outage is not None and outage.is_unsteady:
            outage.expect_steady(self._steady)
        elif outage is not None:
            self._outage = None
            outage.end()
            joined = "; rejoined {joined} of {channels} channels"
            self._tell(
                LogLevel.warn,
                "{client}: the outage is over after {took}; attempts: {attempts}"
                "{rejoined}",
                rejoined=joined.format_map(told) if told["channels"] else "",
                **told,
                **self._told_of(outage),
            )

    def _steady(self) -> None:
        """A connection that came and went has lasted."""
        outage, self._outage = self._outage, None
        if outage is not None:
            lasted = outage.lasted
            outage.end()
            told = self._told_of(outage)
            # Since it has lasted, it has not come and gone.
            told["duration"] -= lasted
            told["took"] = shown_time(told["duration"])
            self._tell(
                LogLevel.warn,
                "{client}: the connection is steady again: it has lasted for {lasted},"
                " after coming and going for {took}; losses: {losses}, attempts:"
                " {attempts}",
                lasted=shown_time(lasted),
                **told,
            )

    def _remind(self) -> None:
        outage, rejoining = self._outage, self._channels.settling.rejoining
        if outage is None:
            return
        outage.reminded()
        told = {**self._told_of(outage), **_because(outage.reason)}
        is_open = self._connection.is_open
        if outage.losses > 1 or (is_open and rejoining is None):
            self._tell(
                LogLevel.warn,
                "{client}: the connection comes and goes since {since} ({took}), and is"
                " {now}; losses: {losses}, attempts: {attempts}, the latest: {reason}",
                now="open" if is_open else "lost",
                **told,
            )
        elif rejoining is None:
            self._tell(
                LogLevel.warn,
                "{client}: no connection since {since} ({took}); attempts: {attempts},"
                " the latest: {reason}",
                **told,
            )
        else:
            self._tell(
                LogLevel.warn,
                "{client}: the outage since {since} ({took}) is not over: connected,"
                " but {missing} of {channels} channels have had no answer to a rejoin",
                missing=rejoining.missing,
                channels=rejoining.channels,
                joined=rejoining.joined,
                refused=rejoining.refused,
                **told,
            )

    # -- Inside -------------------------------------------------------------------

    def _tell(self, level: Any, text: str, **fields: Any) -> None:
        clients = self._connection.link.wake_ups
        repeats = Repeats.of(clients, self._channels.deadlines.elapsed)
        client = shown_name(self._state.options)
        repeats.emit(log, level, text, client=client, **fields)

    def _attempts(self, outage: Outage) -> int:
        return max(0, self._connection.attempts - outage.attempts_before)

    def _told_of(self, outage: Outage) -> dict[str, Any]:
        duration = outage.duration
        return {
            "since": outage.since,
            "took": shown_time(duration),
            "duration": duration,
            "attempts": self._attempts(outage),
            "losses": outage.losses,
        }

    def _what_follows(self, reason: Exception) -> str:
        if self._connection.is_wanted:
            seconds = getattr(reason, "retry_after", None)
            if not seconds:
                return ""
            return f"; the server asks for {shown_time(seconds)} without an attempt"
        return "; it is not tried again before connect() is called"


def _because(reason: BaseException | None) -> dict[str, Any]:
    """A reason, as text for the line, and as it is."""
    if reason is None:
        return {"reason": "unknown", "error": None}
    return {"reason": error_text(reason, _LONGEST_REASON), "error": reason}
