"""A server that is down, and that takes only so many handshakes a second when it is up.

It makes one handshake after the other, in the order in which they come.
What is more than it can do is refused, or not answered, or has to wait.
"""

from __future__ import annotations

from typing import Final

from txphoenix.options.options import Options

__all__ = ["OVERLOADS", "PATIENCE", "ROOM", "Server"]

ROOM: Final = 1.0
"""The seconds of work that may wait, where the rest is refused or dropped.

It is what the queue of a listening socket holds.
"""

PATIENCE: Final = Options(url="ws://localhost/socket").connect_timeout
"""The seconds after which a client gives up an attempt that nobody answers.

It is our default, and the same for all clients, as the delays are what is compared;
phoenix.js leaves it to the browser.
"""

OVERLOADS: Final = {
    "refuses": "what it cannot take within a second is refused at once",
    "drops": "what it cannot take within a second is not answered",
    "queues": "all wait for their turn, and it takes also those who have gone",
}
"""What a server may do with more than it can take."""


class Server:
    """One that was lost at the moment 0.

    :param up_at: when it is back, in seconds; before that it refuses at once.
    :param rate: how many handshakes it makes in a second.
    :param overload: what it does with more, one of :data:`OVERLOADS`.
    :ivar fails_alike: whether an attempt that fails is no work, so that all others of
        the same moment fail as it does.
    """

    def __init__(self, up_at: float, rate: float, overload: str) -> None:
        self.up_at = up_at
        self._seconds = 1 / rate
        self._overload = overload
        self.fails_alike = overload != "queues"
        # When it has done all that it has taken on.
        self._idle_at = up_at

    def take(self, now: float) -> tuple[bool, float]:
        """Have an attempt; they come in the order of time.

        :return: whether the client is back, and when it knows that or has given up.
        """
        if now < self.up_at:
            return False, now
        begins = max(self._idle_at, now)
        if self.fails_alike and begins - now >= ROOM:
            return False, now if self._overload == "refuses" else now + PATIENCE
        self._idle_at = done = begins + self._seconds
        if done - now > PATIENCE:
            return False, now + PATIENCE
        return True, done
