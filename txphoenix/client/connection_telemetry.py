"""What telemetry is told of the connection."""

from __future__ import annotations

from .. import telemetry
from ..errors import ConnectionFailed, NotConnected
from ..telemetry.tracing import CallEnded, Tracer, begin_connect, end_connect, tracers
from .connection import Connection
from .connection_observer import ConnectionObserver
from .state import SocketState

__all__ = ["ConnectionTelemetry"]


class ConnectionTelemetry(ConnectionObserver):
    """Turns what happens to the connection of one client into its telemetry.

    :param client: whose telemetry it is.
    :param state: knows the URL as it may be shown.
    :param connection: may be closed by who is told that it is open.
    """

    __slots__ = ("_client", "_connection", "_ends", "_state", "_status")

    def __init__(
        self, client: object, state: SocketState, connection: Connection
    ) -> None:
        self._client = client
        self._state = state
        self._connection = connection
        self._status = state.status
        # Those who trace the attempt under way; nobody mostly.
        self._ends: list[tuple[Tracer, CallEnded]] | None = None

    def connection_connecting(self) -> None:
        """Tell of an attempt, first those who trace: others may ask for its end."""
        if tracers:
            self._ends = begin_connect(self._client, self._state.shown_url)
        self._status_changed("connecting")
        telemetry.socket_connecting(self._client, self._url)

    def connection_opened(self, duration: float) -> None:
        """Tell that the connection is open, as long as it is."""
        self._end_attempt(None)
        connection, client = self._connection, self._client
        attempt = connection.attempts
        self._status_changed("connected")
        if connection.is_still_open(attempt):
            telemetry.socket_connected(client, self._url)
        if connection.is_still_open(attempt):
            telemetry.socket_connection_duration(client, self._url, duration)

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Tell of the loss."""
        self._status_changed("disconnected")
        telemetry.socket_disconnected(self._client, self._url, reason)

    def connection_failed(self, reason: Exception) -> None:
        """Tell of the failure, unless it is ours."""
        self._end_attempt(reason)
        self._status_changed("disconnected")
        if not isinstance(reason, NotConnected):
            telemetry.socket_connection_error(self._client, self._url, reason)

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """Tell of the next attempt."""
        at = self._connection.link.clock.seconds() + delay
        telemetry.reconnecting(self._client, self._url, attempt, delay, at)

    def heartbeat_sent(self) -> None:
        """Tell of a heartbeat."""
        telemetry.heartbeat_sent(self._client, self._url)

    def heartbeat_answered(self, round_trip: float) -> None:
        """Tell of a heartbeat's round trip."""
        telemetry.heartbeat_duration(self._client, self._url, round_trip)

    def reading_paused(self) -> None:
        """Tell of a pause."""
        telemetry.reading_paused(self._client, self._url)

    def reading_resumed(self, duration: float) -> None:
        """Tell of the end of a pause."""
        telemetry.reading_resumed(self._client, self._url, duration)

    def messages_unsent(self, count: int) -> None:
        """Tell of messages that the connection has taken with it."""
        telemetry.messages_unsent(self._client, self._url, count)

    def frame_dropped(self, reason: Exception) -> None:
        """Tell of a frame that is no message."""
        telemetry.frame_undecodable(self._client, self._url, reason)

    @property
    def _url(self) -> str:
        """The URL as it is shown, if anybody looks."""
        if telemetry.socket_handlers or telemetry.state_change_handlers:
            return self._state.shown_url
        return ""

    def _end_attempt(self, error: Exception | None) -> None:
        ends, self._ends = self._ends, None
        if ends:
            end_connect(ends, error)

    def _status_changed(self, status: str) -> None:
        old, self._status = self._status, status
        if old != status:
            telemetry.socket_status_changed(self._client, self._url, old, status)
