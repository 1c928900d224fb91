"""What must hold of every message and of every reply, whatever the network does.

- A reply reaches the push that asked, and says what that said.
- What the server numbers within a join comes in order, and each number once.
  None is missing but those that a channel says it has dropped for want of a reader,
  and those of a join that the client has given up, of which the server knows only when
  it reads the next: it drops them by their join_ref, but a broadcast has none.
- Nothing of an earlier join comes after something of a later one.
- Over TLS none of it is ever changed.
  Over plain TCP it may be, on a line that the plan has changing bytes; what is changed
  there is known by its checksum, and then is no reply astray and no message missing.
- Nothing is logged as an error: no exception is lost in the library.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from .ledger import Verdict
from .messages import is_whole

__all__ = ["LogCheck", "Order", "check_reply"]


def check_reply(verdict: Verdict, push: Any, reply: object, may_change: bool) -> bool:
    """Hold a reply to its push.

    :param push: the payload that was pushed, with its id.
    :param may_change: whether bytes are changed on this line.
    :return: whether it is the reply.
    """
    if reply == push:
        return True
    if not is_whole(reply, "id", "topic", "body"):
        what = f"the reply to {push['id']} is {str(reply)[:200]}"
        invariant = "what is sent comes unchanged"
    else:
        what = f"the reply to {push['id']} is that to {reply['id']}"  # type: ignore[index]
        invariant = "a reply belongs to the push that asked"
    if not may_change:
        verdict.broken(invariant, what)
    return False


class Order:
    """The numbers that have come to one channel.

    :param topic: the channel's.
    :ivar count: how many messages have come.
    :ivar changed: how many of them were changed on their way.
    """

    def __init__(self, verdict: Verdict, topic: str) -> None:
        self._verdict = verdict
        self._topic = topic
        self._join = 0
        self._next = 0
        self.count = self.changed = 0
        self._may_miss = 0

    def may_miss(self, count: int) -> None:
        """So many messages more may be missing: the channel has told of them."""
        self._may_miss += count

    def take(self, payload: Any, may_change: bool, join_ref: str | None) -> None:
        """Take a message.

        :param may_change: whether bytes are changed on this line, so that messages
            may be missing.
        :param join_ref: that of the channel's join.
        """
        self.count += 1
        whole = is_whole(payload, "topic", "join_ref", "join", "n", "body")
        if not whole or payload["topic"] != self._topic:
            self.changed += 1
            if not may_change:
                invariant = "what is sent comes unchanged, and to its channel"
                self._verdict.broken(
                    invariant, f"{self._topic} got {str(payload)[:200]}"
                )
            return
        may_miss = may_change or payload["join_ref"] != join_ref
        self._take(payload["join"], payload["n"], may_miss)

    def _take(self, join: int, number: int, may_miss: bool) -> None:
        what = f"{self._topic} expected {self._next} of join {self._join}, got {number}"
        if join < self._join or (join == self._join and number < self._next):
            invariant = "no message comes twice or out of order"
            self._verdict.broken(invariant, f"{what} of join {join}")
            return
        expected = self._next if join == self._join else 0
        missing = number - expected
        if missing and not may_miss and not self._excused(missing):
            self._verdict.broken("no message is missing", f"{what} of join {join}")
        self._join, self._next = join, number + 1

    def _excused(self, missing: int) -> bool:
        self._may_miss -= missing
        if self._may_miss >= 0:
            return True
        self._may_miss = 0
        return False


class LogCheck:
    """Observes the log for what nobody has caught.

    :ivar warnings: how many lines were warnings; these are no fault.
    """

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.warnings = 0

    def __call__(self, event: Any) -> None:
        """Take an event of Twisted's log."""
        level = event.get("log_level", LogLevel.info)
        if level < LogLevel.warn:
            return
        if level < LogLevel.error:
            self.warnings += 1
            return
        failure = event.get("log_failure")
        text = failure.getTraceback() if failure else str(event.get("log_format"))
        self._verdict.broken("no exception is left to the log", text)
