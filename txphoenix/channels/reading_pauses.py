"""Which channels hold the connection back, because their inboxes are full."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..options.options import Options
from ..runtime.deadlines import Deadline, Deadlines
from .channel_events import ChannelEvents
from .inbox import Inbox
from .interfaces import ChannelConnection

__all__ = ["ReadingPauses"]


class ReadingPauses:
    """Makes the inboxes of one client's channels, and pauses reading for them.

    :param connection: what is paused.
    :param deadlines: until when a pause waits for a reader.
    :param options: the client's options.
    :param events: tells when channels may be called.
    :param tell: is told of a topic, how many of its messages were dropped, and why.
    """

    __slots__ = (
        "_connection",
        "_deadlines",
        "_events",
        "_options",
        "_tell",
        "_topics",
    )

    def __init__(
        self,
        connection: ChannelConnection,
        deadlines: Deadlines,
        options: Options,
        events: ChannelEvents,
        tell: Callable[[str, int, str], None],
    ) -> None:
        self._events = events
        self._tell = tell
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
            self,
        )

    def forget(self) -> None:
        """Have no pause: the connection is lost."""
        self._topics.clear()

    def pause(self, topic: str) -> None:
        """Hold the connection's messages back: a channel has enough for now."""
        is_first = not self._topics
        # First, for whoever is told of a pause may end the connection.
        self._topics[topic] = None
        if is_first:
            self._connection.pause_reading()

    def resume(self, topic: str) -> None:
        """Go on, unless another channel still has enough.

        What was held back is delivered before this returns.
        """
        if topic in self._topics:
            del self._topics[topic]
            if not self._topics:
                self._connection.resume_reading()

    # -- What inboxes call --------------------------------------------------------

    def messages_dropped(self, topic: str, count: int) -> None:
        """Tell of messages that nobody has read."""
        self._tell(topic, count, "unread")

    def left_unread(self, topic: str, count: int) -> None:
        """Tell of messages that nobody has read, once the channel has begun anew."""
        self._events.when_at_rest(partial(self._tell, topic, count, "unread"))

    def await_reader(self, inbox: Deadline) -> None:
        """Have a pause last until a reader has had its time."""
        # It has as much as a server to show that it is there.
        options = self._options
        self._deadlines.set(
            inbox, options.heartbeat_interval + options.heartbeat_timeout
        )
