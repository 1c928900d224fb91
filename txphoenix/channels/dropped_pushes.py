"""What is told of pushes that were never sent, and for which nobody waits.

An outage may drop a thousand of them in one moment, and a thousand lines say no more
than one that has their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.logger import Logger

from ..errors import ChannelClosed
from ..runtime.deadlines import Deadlines
from ..runtime.package_log import package_log
from .pending import PendingReply

__all__ = ["DroppedPushes"]

log = Logger("txphoenix.channel", observer=package_log)


class DroppedPushes:
    """The pushes without a reply that one moment drops, by topic.

    :param deadlines: knows which of them expire together.
    :param tell: is told of a topic, how many of its messages were dropped, and why.
    """

    __slots__ = ("_deadlines", "_depth", "_dropped", "_tell_dropped")

    def __init__(
        self, deadlines: Deadlines, tell: Callable[[str, int, str], None]
    ) -> None:
        self._deadlines = deadlines
        self._tell_dropped = tell
        self._depth = 0
        # Of each topic the first event and its error, and how many more there are.
        self._dropped: dict[str, tuple[str, str, int]] = {}

    def add(self, topic: str, event: str, error: BaseException) -> None:
        """Take note of one; the log has it when the moment is over."""
        is_first = not self._dropped
        first, reason, others = self._dropped.get(topic, (event, str(error), -1))
        self._dropped[topic] = (first, reason, others + 1)
        if is_first and not self._depth:
            self._deadlines.afterwards(self._tell)

    def fail(self, taken: Iterable[PendingReply], error: BaseException) -> None:
        """Fail what was taken away; those for which nobody waits make one line."""
        self._fail(taken, error, error)

    def close(self, taken: Iterable[PendingReply], reason: object, topic: str) -> None:
        """Fail what was taken away from a channel that has ended for that reason."""
        sent = ChannelClosed(reason, topic, was_sent=True)
        self._fail(taken, sent, ChannelClosed(reason, topic))

    def _fail(
        self,
        taken: Iterable[PendingReply],
        sent: BaseException,
        unsent: BaseException,
    ) -> None:
        self._depth += 1
        try:
            for pending in taken:
                # A join has none, and is no push.
                was_sent = getattr(pending, "ref", None) is not None
                pending.fail(sent if was_sent else unsent)
        finally:
            self._depth -= 1
            if not self._depth:
                self._tell()

    def _tell(self) -> None:
        dropped, self._dropped = self._dropped, {}
        for topic, (event, reason, others) in dropped.items():
            text = "{topic}: {event} was never sent: {reason}"
            if others:
                text = (
                    "{topic}: {count} pushes without a reply were never sent, the first"
                    " of them {event}: {reason}"
                )
            log.warn(text, topic=topic, event=event, reason=reason, count=others + 1)
            self._tell_dropped(topic, others + 1, "unsent")
