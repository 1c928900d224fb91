"""What a join waits for before it is sent: its params, and then ``init()``.

Most joins wait for neither: their params are there, and ``init()`` is done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from ..runtime.hooks import ask, call_hook
from .callbacks import FAILED, Attempts, CallingMember, run_callback
from .interfaces import ChannelCallbacks, Sender
from .pending import PendingJoin

__all__ = ["JoinPreparation", "PreparingMember"]


class PreparingMember(CallingMember, Protocol):
    """A channel's inside, as what asks its user before a join knows it."""

    @property
    def channel(self) -> ChannelCallbacks:
        """Has the params and ``init()``."""

    @property
    def manager(self) -> Sender:
        """Knows the time."""


class PreparedJoins(Attempts, Protocol):
    """The joins of a channel, as what prepares one of them knows them."""

    @property
    def membership(self) -> PreparingMember:
        """The channel's inside."""

    def prepared(self, pending: PendingJoin, params: Any) -> None:
        """All that the join sends is there."""

    def failed(self, error: BaseException) -> None:
        """There will be no params."""


class JoinPreparation:
    """One attempt to have what a join sends, where that may come later.

    Both are the user's code, which may come after the attempt is over.

    :param joins: what the join is one of.
    :param pending: the join.
    """

    __slots__ = ("_asked", "_attempt", "_joins", "_pending")

    def __init__(self, joins: PreparedJoins, pending: PendingJoin) -> None:
        self._joins = joins
        self._pending = pending
        self._attempt = joins.attempt
        self._asked: Deferred[Any] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the params or ``init()`` come later."""
        return self._asked is not None

    def ask_for(self, params: Callable[[], Any]) -> None:
        """Ask for the params, and begin with them."""
        asked: Deferred[Any] = ensureDeferred(ask(params))
        # Unless asking was the end of it already.
        if self._attempt == self._joins.attempt:
            self._asked = asked
        asked.addCallback(self._begin_with)
        asked.addErrback(self._params_failed)
        self._take_time()

    def wait_for(self, begun: Deferred[Any], params: Any) -> None:
        """Wait until ``init()`` is done, which was called with these params."""
        self._begin_later(begun, params)
        self._take_time()

    def cancel(self) -> None:
        """Wait no more."""
        asked, self._asked = self._asked, None
        if asked is not None:
            # What it waits for is the user's, who may have given it a canceller.
            call_hook(asked.cancel, called=("cancel", self._joins.membership.topic))

    def _begin_with(self, params: Any) -> None:
        joins = self._joins
        if self._attempt == joins.attempt and not joins.is_initialised:
            membership = joins.membership
            begun = run_callback(membership, membership.channel.init, params)
            if isinstance(begun, Deferred):
                self._begin_later(begun, params)
                return
            if not begun:
                return
        self._join_with(params)

    def _begin_later(self, begun: Deferred[Any], params: Any) -> None:
        # A loss or an end cancels it; then the next join begins anew.
        self._asked = begun
        begun.addCallback(self._begun, params)

    def _take_time(self) -> None:
        if self._asked is not None and self._attempt == self._joins.attempt:
            # It is the user's code that takes its time, and others go first.
            self._pending.run(self._joins.membership.manager.deadlines)

    def _begun(self, result: object, params: Any) -> None:
        # Without init() there is no join: another begins after what it failed for.
        if result is not FAILED:
            self._join_with(params)

    def _join_with(self, params: Any) -> None:
        # It may have crashed, or left, or have lost us the connection.
        if self._attempt == self._joins.attempt:
            self._asked = None
            self._joins.prepared(self._pending, params)

    def _params_failed(self, failure: Failure) -> None:
        if self._attempt == self._joins.attempt:
            self._joins.failed(cast(BaseException, failure.value))
