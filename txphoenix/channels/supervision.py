"""What follows a crash of a channel: an exception out of one of its callbacks.

A ``MultiService`` starts and stops its children and never restarts one; here is what
does.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ENDINGS
from ..runtime.package_log import package_log

if TYPE_CHECKING:
    from .manager import ChannelManager
    from .membership import Membership

__all__ = ["Supervision"]

log = Logger("txphoenix.channels", observer=package_log)


class Supervision:
    """Restarts the channels of one client, or ends them.

    :param manager: has the channels, and the options that say how often.
    """

    __slots__ = ("_crashes", "_manager")

    def __init__(self, manager: ChannelManager) -> None:
        self._manager = manager
        # When the channels of topics have crashed.
        self._crashes: dict[str, deque[float]] = {}

    def crashed(self, membership: Membership, failure: Failure, attempt: int) -> None:
        """Restart a channel one of whose callbacks has raised, or end it.

        :param attempt: the number of the attempt to join in which it was called.
        """
        manager, channel = self._manager, membership.channel
        error = failure.value or RuntimeError("an unknown failure")
        is_past = membership.joins.is_past(attempt)
        if isinstance(error, ENDINGS) and (is_past or not manager.connection.is_open):
            # What has ended the join, or the connection, has been told already.
            log.info(
                "{channel!r}: a callback ended early: {reason}",
                channel=channel,
                reason=error,
            )
            return
        log.failure("{channel!r}: a callback raised", failure=failure, channel=channel)
        if manager.routes.get(channel.topic) is not membership:
            return
        if is_past:
            # It has begun anew since, or ends anyway, and in good order.
            membership.hooks.tell_error(error)
        elif channel.restart == "temporary" or self._crashes_too_often(channel.topic):
            membership.stop(error, crash=error)
        else:
            membership.restart_after(error)

    def forget(self, topic: str) -> None:
        """Forget the crashes of a channel that has closed."""
        self._crashes.pop(topic, None)

    def _crashes_too_often(self, topic: str) -> bool:
        options = self._manager.options
        now = self._manager.deadlines.elapsed()
        crashes = self._crashes.setdefault(topic, deque())
        crashes.append(now)
        while crashes[0] < now - options.max_seconds:
            crashes.popleft()
        return len(crashes) > options.max_restarts
