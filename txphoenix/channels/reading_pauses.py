"""Which channels hold the connection back, because their inboxes are full."""

from __future__ import annotations

from ..options.options import Options
from ..runtime.deadlines import Deadline, Deadlines
from .inbox import Inbox
from .interfaces import ChannelConnection

__all__ = ["ReadingPauses"]


class ReadingPauses:
    """Makes the inboxes of one client's channels, and pauses reading for them.

    :param connection: what is paused.
    :param deadlines: until when a pause waits for a reader.
    :param options: the client's options.
    """

    __slots__ = ("_connection", "_deadlines", "_options", "_topics")

    def __init__(
        self, connection: ChannelConnection, deadlines: Deadlines, options: Options
    ) -> None:
        self._connection = connection
        self._deadlines = deadlines
        self._options = options
        self._topics: dict[str, None] = {}

    def reset_options(self, options: Options) -> None:
        """Use other options from now on."""
        self._options = options

    def make_inbox(self, topic: str) -> Inbox:
        """Make the queue of a channel's ``receive()``."""
        return Inbox(
            topic,
            self._options.receive_buffer,
            lambda: self.pause(topic),
            lambda: self.resume(topic),
            self._await_reader,
        )

    def forget(self) -> None:
        """Have no pause: the connection is lost."""
        self._topics.clear()

    def pause(self, topic: str) -> None:
        """Hold the connection's messages back: a channel has enough for now."""
        if not self._topics:
            self._connection.pause_reading()
        self._topics[topic] = None

    def resume(self, topic: str) -> None:
        """Go on, unless another channel still has enough.

        What was held back is delivered before this returns.
        """
        if topic in self._topics:
            del self._topics[topic]
            if not self._topics:
                self._connection.resume_reading()

    def _await_reader(self, inbox: Deadline) -> None:
        # A reader has as much time as a server to show that it is there.
        options = self._options
        self._deadlines.set(
            inbox, options.heartbeat_interval + options.heartbeat_timeout
        )
