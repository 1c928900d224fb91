"""Whom a connection tells what happens, and whom a client tells that it needs one."""

from __future__ import annotations

from typing import Final, Protocol

from ..errors import ConnectionFailed, SerializerError
from ..options.options import Options
from ..protocol.message import Serializer
from ..transports.interfaces import FrameReceivers

__all__ = ["NEVER_IDLE", "ConnectionListener", "NeverIdle"]


class ConnectionListener(Protocol):
    """Whom the connection of a client tells what happens."""

    def connection_connecting(self) -> None:
        """An attempt begins."""

    def connection_opened(self, duration: float) -> None:
        """The connection is open, ``duration`` seconds after its attempt began."""

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """The open connection has ended.

        :param was_asked: whether the user has closed it.
        """

    def connection_failed(self, reason: Exception) -> None:
        """An attempt has failed."""

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """The next attempt begins in ``delay`` seconds."""

    def connection_writable(self) -> None:
        """Fewer bytes than ``write_buffer`` wait to be written again."""

    def heartbeat_sent(self) -> None:
        """A heartbeat has gone out."""

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """A heartbeat could not be made: the serializer is the user's."""

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat after ``round_trip`` seconds."""

    def reading_paused(self) -> None:
        """Nothing is read until a reader has read."""

    def reading_resumed(self, duration: float) -> None:
        """The pause, or its connection, is over after ``duration`` seconds."""

    def messages_unsent(self, count: int) -> None:
        """The connection has ended before so many messages had left."""

    def frame_receivers(self, serializer: Serializer) -> FrameReceivers:
        """Make what takes the frames of a transport that has opened."""


class NeverIdle:
    """What a client has whose connection nobody's absence ends."""

    __slots__ = ()

    def forget(self) -> None:
        """The user has decided whether there is a connection."""

    def pushed(self) -> None:
        """A message that is no channel's needs the connection."""

    def connection_missed(self) -> None:
        """Somebody needs the connection."""

    def reset_options(self, options: Options) -> None:
        """Use other options."""


NEVER_IDLE: Final = NeverIdle()
"""It keeps nothing of a client, so that one serves all."""
