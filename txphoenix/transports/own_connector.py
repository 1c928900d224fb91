"""A connector of the user's, held to what a connector must do.

It may say nothing of how an attempt has ended, or say it when another is under way::

    connect() -> attempt -> the user's connector tells of a transport, or of a failure
                    |
                    v  connect_timeout, and close_timeout after stopConnecting()
                 dismissed: it has failed, and what it tells from now on is not heard

So it does not know the factory itself, but a :class:`HeardFactory`, which may stop
listening; the next attempt has another connector.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConnectionFailed, ConnectTimeout, PhoenixError
from ..options.options import Options
from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.package_log import package_log
from .failures import failed_with
from .interfaces import Connector, FrameReceiver, Transport, TransportListener
from .retrying import RetryingFactory

__all__ = ["HeardFactory", "OwnConnector"]

log = Logger("txphoenix.transports.own_connector", observer=package_log)


class OwnConnector:
    """The connector that a callable of the option ``transport`` has made.

    :param reactor: times the attempts.
    :param heard: what ``made`` tells.
    :param options: the client's options.
    :param made: the user's.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        heard: HeardFactory,
        options: Options,
        made: Connector,
    ) -> None:
        self._deadlines = Deadlines.of(reactor)
        self._heard = heard
        self._options = options
        self.made = made
        """The user's."""
        # There is one as long as an attempt is under way.
        self._timer: DelayedCall | None = None
        # Why the attempt was given up, where its time was over.
        self._given_up: Exception | None = None
        # The latest that was open.
        self._transport: Transport | None = None
        heard.own = self

    def connect(self) -> None:
        """Begin an attempt."""
        self._given_up = None
        self._timer = timer = self._deadlines.callLater(
            self._options.connect_timeout, self._time_out
        )
        try:
            self.made.connect()
        except BaseException:
            timer.cancel()
            raise

    def stopConnecting(self) -> None:
        """Give up the attempt under way."""
        self.made.stopConnecting()

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self._options = options
        self.made.reset_options(options)

    def dismiss(self) -> None:
        """Tell nothing more, whatever the user's connector says."""
        self._end_attempt()
        self._heard.stop_listening()

    # -- What the user's connector tells ------------------------------------------

    def opened(self, transport: Transport) -> None:
        """A transport has opened."""
        if self._timer is None:
            # Its attempt is over, or has one already.
            _end_late(transport)
            return
        self._end_attempt()
        self._transport = transport
        self._heard.factory.connection.transport_opened(transport)

    def failed(self, told: Any) -> None:
        """An attempt has failed."""
        self._end_attempt()
        given_up, self._given_up = self._given_up, None
        reason = Failure(given_up or _reason(told))
        self._heard.factory.clientConnectionFailed(_as_any(self), reason)

    def lost(self, teller: Any, told: Any) -> None:
        """The open transport has ended.

        :param teller: the user's connector or, where that is another object, the
            transport: one that tells of its loss late is known by it.
        """
        is_transport = teller is not self.made and hasattr(teller, "send")
        if is_transport and teller is not self._transport:
            return
        reason = _reason(told)
        if not isinstance(reason, ConnectionFailed):
            reason = failed_with(reason)
        self._heard.factory.clientConnectionLost(_as_any(self), Failure(reason))

    # -- Inside -------------------------------------------------------------------

    def _end_attempt(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _time_out(self) -> None:
        if self._given_up is not None:
            # It was asked to end the attempt, and has not said that it did.
            self._heard.factory.fail_attempt(self._given_up)
            return
        options = self._options
        self._given_up = ConnectTimeout(
            options.connect_timeout, "the connector of the option transport"
        )
        self._timer = self._deadlines.callLater(options.close_timeout, self._time_out)
        try:
            self.made.stopConnecting()
        except NotConnectingError:
            pass
        except BaseException:
            log.failure("the connector raised")


class HeardFactory:
    """The factory, as a connector of the user's knows it.

    It has all that the factory has, until it stops listening.

    :ivar factory: the factory itself.
    :ivar own: what takes what is told; the factory itself if that is None.
    """

    def __init__(self, factory: RetryingFactory) -> None:
        self.factory = factory
        self.own: OwnConnector | None = None
        self.is_listening = True
        self.connection = _HeardConnection(self, factory.connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.factory, name)

    @property
    def connector(self) -> Connector:
        """The user's connector, as the factory itself has it."""
        return self.factory.connector if self.own is None else self.own.made

    def stop_listening(self) -> None:
        """Ignore whatever is told from now on."""
        self.is_listening = False
        self.connection.stop_listening()

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """An attempt has failed."""
        if self.own is None:
            self.factory.clientConnectionFailed(connector, reason)
        elif self.is_listening:
            self.own.failed(reason)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        """The open transport has ended."""
        if self.own is None:
            self.factory.clientConnectionLost(connector, reason)
        elif self.is_listening:
            self.own.lost(connector, reason)


class _HeardConnection:
    """The connection, as the transports of a user's connector know it.

    It is a :class:`txphoenix.interfaces.TransportListener`.
    """

    def __init__(self, heard: HeardFactory, connection: TransportListener) -> None:
        self._heard = heard
        self._connection: TransportListener | _Nobody = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def stop_listening(self) -> None:
        self._connection = _Nobody()

    def frame_received(self, data: bytes, is_binary: bool) -> None:
        # Another function takes the frames of each session.
        self._connection.frame_received(data, is_binary)

    def transport_opened(self, transport: Transport) -> None:
        connector = self._heard.own
        if connector is None:
            self._connection.transport_opened(transport)
        elif self._heard.is_listening:
            connector.opened(transport)
        else:
            _end_late(transport)


class _Nobody:
    """Takes whatever is told, and does nothing with it."""

    def __getattr__(self, name: str) -> Any:
        return _ignore

    def receiver_of(self, _read: bytes) -> FrameReceiver:
        return _ignore


def _end_late(transport: Transport) -> None:
    """End a transport that nobody waits for any more."""
    try:
        transport.abort()
    except BaseException:
        log.failure("a transport that came too late raised")


def _ignore(*_told: object) -> None:
    """Nobody hears it."""


def _as_any(connector: OwnConnector) -> Any:
    # It is as much of an IConnector as the factory needs.
    return connector


def _reason(told: Any) -> Exception:
    """The error of an end, whatever is told of it."""
    if isinstance(told, Failure):
        told = told.value
    if isinstance(told, PhoenixError):
        return told
    if isinstance(told, BaseException):
        return failed_with(told)
    return ConnectionFailed(f"the connector told of {type(told).__name__}")
