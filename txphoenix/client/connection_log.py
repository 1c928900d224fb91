"""What the log is told of the connection."""

from __future__ import annotations

from twisted.logger import Logger, LogLevel

from ..errors import ConfigurationError, ConnectionFailed
from ..runtime.package_log import package_log
from .connection import Connection
from .connection_observer import ConnectionObserver

__all__ = ["ConnectionLog", "log"]

# Whatever a client logs has its name.
log = Logger("txphoenix.client", observer=package_log)


class ConnectionLog(ConnectionObserver):
    """Has the log tell what happens to the connection of one client.

    :param client: of which the log tells.
    :param connection: knows whether there will be another attempt.
    """

    __slots__ = ("_client", "_connection", "_told_at")

    def __init__(self, client: object, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        # The level at which the log has it that attempts fail, in this row of them.
        self._told_at: LogLevel | None = None

    def connection_opened(self, duration: float) -> None:
        """Log that the connection is open."""
        self._told_at = None
        log.info("{client!r}: the connection is open", client=self._client)

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Log a loss that nobody has asked for."""
        if not was_asked:
            log.info(
                "{client!r}: the connection is lost: {reason}",
                client=self._client,
                reason=reason,
            )

    def connection_failed(self, reason: Exception) -> None:
        """Log a failure, which is not ours."""
        text = "{client!r}: not connected: {reason}"
        level = LogLevel.warn
        if isinstance(reason, ConfigurationError):
            text += (
                "; no retry can mend this, unless what is called for it answers"
                " otherwise"
                if self._connection.is_wanted
                else "; it is not tried again, since no retry can mend this"
            )
            level = LogLevel.error
        # Once in a row of failures: the others are mostly the same.
        if self._told_at is None or level > self._told_at:
            self._told_at = level
        else:
            level = LogLevel.info
        log.emit(level, text, client=self._client, reason=reason)

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """Log when the next attempt begins."""
        log.debug(
            "{client!r}: attempt {attempt} in {delay:.2f} s",
            client=self._client,
            attempt=attempt,
            delay=delay,
        )

    def connection_given_up(self) -> None:
        """Have the next failure be the first of its row."""
        self._told_at = None
