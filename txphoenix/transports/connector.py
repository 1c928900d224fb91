"""The connector: opens a WebSocket over any of Twisted's endpoints.

A ``ReconnectingClientFactory`` learns from its connector how attempts and
connections end; an endpoint tells nobody.
This connector opens an endpoint and tells the factory.
So host names are tried on all their addresses (Happy Eyeballs), and TLS, UNIX
sockets, proxies and Tor are whatever endpoint opens them.

One attempt is: ask for url, params, headers and token; open the endpoint (TCP and
TLS); shake hands.
All of that together has ``connect_timeout`` seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IDelayedCall,
    IReactorTime,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConfigurationError, ConnectionFailed, ConnectTimeout, NotConnected
from ..options import Options
from ..url import connect_url, parse
from .attempt import prepare
from .endpoints import client_endpoint

if TYPE_CHECKING:
    from .websocket import PhoenixClientFactory, PhoenixClientProtocol

__all__ = ["EndpointConnector"]


@implementer(IConnector)
class EndpointConnector:
    """Opens one transport at a time, and tells its factory how that ended.

    :param reactor: opens the endpoint and times the attempt.
    :param factory: what is told.
    :param options: the client's options.
    """

    def __init__(
        self, reactor: IReactorTime, factory: PhoenixClientFactory, options: Options
    ) -> None:
        self._reactor = reactor
        self._factory = factory
        self.options = options
        self._attempt: Deferred[None] | None = None
        self._protocol: PhoenixClientProtocol | None = None
        self._timer: IDelayedCall | None = None
        # Why the attempt was given up, where that was our doing.
        self._given_up: Exception | None = None
        self._host, self._port = "", 0

    def connect(self) -> None:
        """Begin an attempt."""
        self._given_up = None
        self._timer = self._reactor.callLater(
            self.options.connect_timeout, self._time_out
        )
        self._factory.connection.attempt_started()
        # Whoever was told may have given the attempt up already.
        if not self._is_given_up():
            attempt = ensureDeferred(self._open())
            # A failure may come at once; the Deferred must not be kept then.
            self._attempt = attempt
            attempt.addCallbacks(self._connected, self._failed)
        else:
            self._failed(Failure(NotConnected("given up")))

    def stopConnecting(self) -> None:
        """Give up the attempt under way.

        :raises NotConnectingError: there is none.
        """
        if self._timer is None:
            raise NotConnectingError()
        self._give_up(NotConnected("the attempt to connect was given up"))

    def disconnect(self) -> None:
        """Give up the attempt, or drop the transport."""
        if self._timer is not None:
            self.stopConnecting()
        elif self._protocol is not None:
            self._protocol.abort()

    def getDestination(self) -> IAddress:
        """Tell the host and port of the latest attempt."""
        return HostnameAddress(self._host.encode("ascii"), self._port)

    # -- What the factory tells ---------------------------------------------------

    def protocol_made(self, protocol: PhoenixClientProtocol) -> None:
        """The endpoint is open; the handshake begins."""
        self._protocol = protocol

    def protocol_opened(self) -> None:
        """The handshake is done: the attempt has succeeded."""
        self._end_attempt()

    def protocol_lost(self) -> Exception | None:
        """The protocol is gone.

        :return: why we gave the attempt up, if we did.
        """
        self._protocol = None
        self._end_attempt()
        return self._given_up

    # -- Inside -------------------------------------------------------------------

    async def _open(self) -> None:
        options = self.options
        attempt = await prepare(options)
        if self._given_up is not None:
            # One of the user's callables has called disconnect().
            raise self._given_up
        url = connect_url(attempt.url, params=attempt.params, vsn=options.vsn)
        target = parse(url)
        self._host, self._port = target.host, target.port
        self._factory.prepare(url, attempt.headers, attempt.auth_token)
        endpoint = client_endpoint(self._reactor, target, options)
        await endpoint.connect(self._factory)

    def _is_given_up(self) -> bool:
        return self._given_up is not None

    def _connected(self, _result: Any) -> None:
        self._attempt = None

    def _failed(self, failure: Failure) -> None:
        self._attempt = None
        self._end_attempt()
        reason = self._given_up or failure.value
        if not isinstance(reason, ConnectionFailed | ConfigurationError | NotConnected):
            cause = reason
            reason = ConnectionFailed(f"{type(cause).__name__}: {cause}")
            reason.__cause__ = cause
        self._factory.clientConnectionFailed(self, Failure(reason))

    def _time_out(self) -> None:
        self._timer = None
        self._give_up(ConnectTimeout(self.options.connect_timeout))

    def _give_up(self, reason: Exception) -> None:
        self._given_up = reason
        if self._attempt is not None:
            self._attempt.cancel()
        elif self._protocol is not None:
            self._protocol.abort()

    def _end_attempt(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
