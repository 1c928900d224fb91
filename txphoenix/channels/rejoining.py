"""How many channels a connection has brought back, for the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Rejoining"]


class Rejoining:
    """The channels that join again on one connection, until each has had an answer.

    One that is refused is tried again, but that may take for ever: the first answer is
    what counts here.

    :param topics: theirs.
    :param elapsed: tells the time.
    :param tell: is called with this when there is an answer for each.
    :ivar channels: how many there are.
    :ivar joined: how many have joined.
    :ivar refused: how many could not.
    :ivar refusal: the first of those: its topic, and why.
    """

    __slots__ = (
        "_elapsed",
        "_start",
        "_tell",
        "_topics",
        "channels",
        "joined",
        "refusal",
        "refused",
    )

    def __init__(
        self,
        topics: Iterable[str],
        elapsed: Callable[[], float],
        tell: Callable[[Rejoining], object],
    ) -> None:
        self._topics = set(topics)
        self._elapsed, self._start = elapsed, elapsed()
        self._tell = tell
        self.channels = len(self._topics)
        self.joined = self.refused = 0
        self.refusal: tuple[str, BaseException] | None = None

    @property
    def duration(self) -> float:
        """How long it has taken so far, in seconds."""
        return self._elapsed() - self._start

    @property
    def missing(self) -> int:
        """How many have had no answer so far."""
        return len(self._topics)

    def has_joined(self, topic: str) -> None:
        """A channel has joined."""
        if topic in self._topics:
            self._topics.remove(topic)
            self.joined += 1

    def has_failed(self, topic: str, error: BaseException) -> None:
        """A join has failed, and is tried again."""
        if topic in self._topics:
            self._topics.remove(topic)
            self.refused += 1
            self.refusal = self.refusal or (topic, error)

    def has_left(self, topic: str) -> None:
        """A channel is left, or has ended."""
        self._topics.discard(topic)

    def tell(self) -> None:
        """Tell of it."""
        self._tell(self)
