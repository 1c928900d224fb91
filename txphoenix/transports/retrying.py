"""The factory's one half: when attempts begin, and by which connector.

Twisted's ``ReconnectingClientFactory`` is told by its connector how an attempt or a
transport has ended, and plans the next attempt.
Whether there is one, and after what delay, says
the :class:`~txphoenix.transports.interfaces.ConnectionKeeper`.
The connector is chosen when an attempt begins, so that options which were changed
during the delay take hold.
"""

from __future__ import annotations

import sys
from typing import Any, cast

from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import IConnector, IReactorTime
from twisted.internet.protocol import ReconnectingClientFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConnectionFailed, NotConnected
from ..options.options import Options
from ..runtime.contexts import without_context
from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.lasting import Pace
from ..runtime.package_log import package_log
from .failures import failed_with
from .interfaces import ConnectionKeeper, DismissibleConnector
from .patience import Patience

__all__ = ["RetryingFactory"]

log = Logger("txphoenix.transports.retrying", observer=package_log)


class NoConnector:
    """What stands in for a connector that was dismissed, until there is another."""

    def connect(self) -> None:
        """Another one does that."""

    def stopConnecting(self) -> None:
        """There is no attempt."""
        raise NotConnectingError()

    def reset_options(self, options: Options) -> None:
        """Nothing depends on them."""

    def dismiss(self) -> None:
        """It is silent."""


def connector_kind(options: Options) -> tuple[Any, bool]:
    """What must change for another connector to be made."""
    return options.transport, options.longpoll_fallback is not None


class RetryingFactory(ReconnectingClientFactory):
    """Begins attempts, one at a time, and plans others.

    :param reactor: tells the time and calls later.
    :param options: the client's options.
    :param connection: is told what happens, and asked whether to go on and when.
    """

    noisy = False
    # The delay is ours: see retry().
    jitter = 0
    # Some releases of Twisted multiply before they wait.
    factor = 1.0
    maxDelay = sys.maxsize
    connector: DismissibleConnector
    _callID: DelayedCall | None  # type: ignore[assignment]

    def __init__(
        self, reactor: IReactorTime, options: Options, connection: ConnectionKeeper
    ) -> None:
        self._reactor = reactor
        self._deadlines = Deadlines.of(reactor)
        # What retry() of Twisted's calls later with; a clock that is set changes no
        # delay.
        self.clock = cast(Any, self._deadlines)
        self.options = options
        self.connection = connection
        # Counts what connectors have told of: ends of attempts and of transports.
        self._ends = 0
        # Whether the latest attempt was given up.
        self._is_given_up = False
        # None has the next attempt make another, whatever the options say.
        self._connector_kind: tuple[Any, bool] | None = connector_kind(options)
        self.connector = self.make_connector()

    def make_connector(self) -> DismissibleConnector:
        """Make the connector that the options ask for."""
        raise NotImplementedError(f"{type(self).__name__} must make connectors")

    # -- What the connection calls ------------------------------------------------

    @property
    def next_attempt(self) -> float | None:
        """In how many seconds the planned attempt begins; None if none is planned."""
        planned = self._callID
        return None if planned is None else self._deadlines.left(planned)

    def start_trying(self) -> None:
        """Begin an attempt at once, in the place of one that is planned."""
        self._unplan()
        # resetDelay() would do this as well, and lose a delayed call.
        self.continueTrying = 1
        self._attempt()

    def begin(self, pace: Pace) -> None:
        """Begin an attempt at once, or after the usual delay if that is too often."""
        if pace.take(self._deadlines.elapsed()):
            self.start_trying()
        else:
            self.continueTrying = 1
            self.retry()

    def begin_anew(self, patience: Patience) -> None:
        """Begin an attempt where none was planned."""
        if patience.latest.is_rested(self._deadlines.elapsed()):
            patience.planned(0.0)
            self.retries = 0
        self.begin(patience.latest)

    def plan(self, delay: float) -> bool:
        """Begin an attempt in ``delay`` seconds, unless one is planned for no later.

        :return: whether it is planned now, and was not before.
        """
        planned = self._callID
        if planned is not None and self._deadlines.left(planned) <= delay:
            return False
        self._unplan()
        self.continueTrying = 1
        self._callID = self._deadlines.callLater(delay, self._begin_planned)
        return True

    def stopTrying(self) -> None:
        """Give up the attempt under way, and plan no other."""
        self._unplan()
        self.continueTrying = 0
        self.stop_connecting()

    def stop_connecting(self) -> None:
        """Give up the attempt under way, if there is one."""
        self._is_given_up = True
        try:
            self.connector.stopConnecting()
        except NotConnectingError:
            pass
        except BaseException:
            log.failure("the connector raised")

    def lose(self, reason: ConnectionFailed) -> None:
        """Take the open transport for lost."""
        self._dismiss_connector()
        self.clientConnectionLost(cast(IConnector, self.connector), Failure(reason))

    def fail_attempt(self, reason: Exception) -> None:
        """Take the attempt under way for failed."""
        self._dismiss_connector()
        self.clientConnectionFailed(cast(IConnector, self.connector), Failure(reason))

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self.options = options
        try:
            self.connector.reset_options(options)
        except BaseException:
            # It has the old ones, and the next attempt shall not.
            log.failure("the connector raised")
            self._connector_kind = None

    # -- ReconnectingClientFactory ------------------------------------------------

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Try again after a failed attempt, if the connection says so."""
        if not self._is_heard(connector):
            return
        self._ends += 1
        if self.connection.attempt_failed(cast(Exception, reason.value)):
            super().clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Try again after a lost transport, if the connection says so."""
        if not self._is_heard(connector):
            return
        self._ends += 1
        if self.connection.transport_lost(cast(ConnectionFailed, reason.value)):
            super().clientConnectionLost(connector, reason)

    def retry(self, connector: IConnector | None = None) -> None:
        """Plan the next attempt, after a delay that the connection decides."""
        if not self.continueTrying:
            return
        # Asking for it may be the end of trying: the user's backoff is asked.
        delay = self.delay = self.connection.retry_delay(self.retries)
        # The factory stands for the connector that is chosen when the delay is over.
        super().retry(cast(IConnector, self))
        self.connection.retrying(self.retries, delay)

    def connect(self) -> None:
        """Begin an attempt that was planned, as Twisted's own timer does, too.

        Nobody has called it, not even who had the timer begin.
        """
        without_context(self._attempt)

    # -- Inside -------------------------------------------------------------------

    def _attempt(self) -> None:
        """Begin an attempt, by the connector that the options ask for by now."""
        ends = self._ends
        self._is_given_up = False
        self.connection.attempt_begins()
        try:
            self._choose_connector()
            if self._is_given_up:
                # By what makes a connector, which may be the user's.
                reason = Failure(NotConnected("the attempt to connect was given up"))
                self.clientConnectionFailed(cast(IConnector, self.connector), reason)
                return
            self.connector.connect()
        except BaseException as error:
            # A connector may be the user's, and so may be what makes it.
            log.failure("the connector raised")
            if ends == self._ends:
                reason = Failure(failed_with(error, "the connector raised"))
                self.clientConnectionFailed(cast(IConnector, self.connector), reason)

    def _unplan(self) -> None:
        planned, self._callID = self._callID, None
        if planned is not None:
            planned.cancel()

    def _begin_planned(self) -> None:
        self._callID = None
        self.connect()

    def _is_heard(self, connector: object) -> bool:
        """Whether it is the connector of the attempt, or of the transport."""
        return connector is self.connector

    def _dismiss_connector(self) -> None:
        """Hear no more of the connector; the next attempt has another.

        What it tells later would be taken for the end of that.
        """
        connector, self.connector = self.connector, NoConnector()
        self._connector_kind = None
        try:
            connector.dismiss()
        except BaseException:
            log.failure("the connector raised")

    def _choose_connector(self) -> None:
        """Have another connector, now that there is no transport, if the options ask.

        One that stays knows what it has learnt of the network.
        """
        kind = connector_kind(self.options)
        if kind != self._connector_kind:
            self.connector = self.make_connector()
            self._connector_kind = kind
