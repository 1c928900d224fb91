"""The channel by which documents are sent."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from txphoenix import Channel, Message, NotConnected
from txphoenix.runtime.package_log import package_log

__all__ = ["ControlChannel", "Told"]

log = Logger("txphoenix.absinthe", observer=package_log)


class Told(Protocol):
    """Who is told what happens to the channel."""

    def joined(self) -> None:
        """The channel is joined, by a new join: the server has no subscription."""

    def abandoned(self, error: BaseException) -> None:
        """There is no connection until further notice."""

    def closed(self, reason: object) -> None:
        """The channel has ended."""

    def take(self, message: Message) -> None:
        """Data have come."""


class ControlChannel(Channel):
    """Sends documents, and tells what becomes of the joins.

    :ivar told: is told of them; to be set before the join.
    """

    told: Told
    _is_watched = False

    def request(self, event: str, payload: Any, timeout: float | None) -> Deferred[Any]:
        """Push, and join first where that has not been done.

        :return: what :meth:`txphoenix.Channel.push` gives, or the error of the join
            that could not even begin.
        """
        if self.state == "closed":
            failed: list[Any] = []
            # A join that fails later ends the channel, and so the push.

            def keep(failure: Failure) -> None:
                failed.append(failure.value)

            self.join().addErrback(keep)
            if failed:
                return fail(failed[0])
        return self.push(event, payload, timeout)

    def handle_join(self, response: Any) -> None:
        """Make the subscriptions again."""
        self._watch()
        self.told.joined()

    def handle_message(self, message: Message) -> None:
        """Take data that come by this topic; nothing else is awaited here."""
        if message.event == "subscription:data":
            self.told.take(message)
        else:
            log.debug(
                "{topic}: nothing is known of {event}, which was dropped",
                topic=message.topic,
                event=message.event,
            )

    def handle_close(self, reason: object) -> None:
        """End the subscriptions."""
        self.told.closed(reason)

    def _watch(self) -> None:
        # Nothing goes to the queue, so that this fires at disconnect() or at the end.
        if not self._is_watched:
            self._is_watched = True
            self.receive().addErrback(self._unwatch)

    def _unwatch(self, failure: Failure) -> None:
        self._is_watched = False
        if isinstance(failure.value, NotConnected):
            self.told.abandoned(failure.value)
