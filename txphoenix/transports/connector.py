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

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import (
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    NotConnected,
)
from ..options.options import Options
from ..protocol.redact import redact_url
from ..protocol.url import Target, connect_target
from ..runtime.contexts import without_context
from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.package_log import package_log
from .attempt import Attempt, given, prepare
from .attempt_factory import AttemptFactory
from .endpoints import address_endpoint, client_endpoint, dialled, is_direct
from .failures import failed_with
from .opening import TooLate
from .redirects import Redirects
from .tuned import TunedEndpoint
from .websocket import PhoenixClientProtocol

if TYPE_CHECKING:
    from .tls_sessions import TLSSessions

__all__ = ["EndpointConnector"]

log = Logger("txphoenix.transports.connector", observer=package_log)

# The options that may be callables, which are asked at each attempt.
_ASKED = ("url", "params", "headers", "auth_token")

_GIVEN_UP = "the attempt to connect was given up"


@implementer(IConnector)
class EndpointConnector:
    """Opens one transport at a time, and tells its factory how that ended.

    :param reactor: opens the endpoint and times the attempt.
    :param factory: what is told.
    :param options: the client's options.
    """

    first_answer = "the answer to the opening handshake"
    """What a connection is opened for, in words."""

    schemes = ("ws", "wss")
    """Those of its URLs, without TLS and with it."""

    def __init__(
        self, reactor: IReactorTime, factory: AttemptFactory, options: Options
    ) -> None:
        self._reactor = reactor
        self._deadlines = Deadlines.of(reactor)
        self._factory = factory
        self.options = options
        self._attempt: Deferred[None] | None = None
        # The coroutine behind it.
        self._opening: Coroutine[Any, Any, None] | None = None
        self._gate: _Gate | None = None
        self.protocol: PhoenixClientProtocol | None = None
        """The protocol whose handshake is under way or done, until its loss."""
        # Made for the first server that is reached by TLS.
        self._made_sessions: TLSSessions | None = None
        # There is one as long as an attempt is under way.
        self._timer: DelayedCall | None = None
        # Why the attempt was given up, where that was our doing.
        self._given_up: Exception | None = None
        self._host, self._port = "", 0
        self._dialled = ""
        # Those of the attempt under way, or of the latest.
        self.redirects: Redirects | None = None
        # Where the attempt under way goes, once the user's callables have answered.
        self._target: Target | None = None
        # Where the latest that has failed went; the secrets are cut out.
        self._shown_url = ""

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self.options = options
        if self.protocol is not None:
            self.protocol.limit_messages(options.max_message_size)
            self.protocol.limit_writes(options.write_buffer)

    def connect(self) -> None:
        """Begin an attempt."""
        self._given_up = self._target = self.redirects = None
        self._shown_url = ""
        self._factory.addresses.forget_attempt()
        self._timer = self._deadlines.callLater(
            self.options.connect_timeout, self._time_out
        )
        self._factory.connection.attempt_started()
        # Whoever was told may have given the attempt up already.
        if self._given_up is not None:
            self._failed(Failure(self._given_up))
            return
        attempt = self._open_at_once()
        if attempt is None:
            self._opening = opening = self._open()
            attempt = ensureDeferred(opening)
        self._await(attempt)

    def _await(self, attempt: Deferred[Any]) -> None:
        # A failure may come at once; the Deferred must not be kept then.
        self._attempt = attempt
        attempt.addCallbacks(self._connected, self._failed)
        attempt.addErrback(self._broken)

    def stopConnecting(self) -> None:
        """Give up the attempt under way.

        :raises NotConnectingError: there is none.
        """
        if self._timer is None:
            raise NotConnectingError()
        self._give_up(NotConnected(_GIVEN_UP))

    def disconnect(self) -> None:
        """Give up the attempt, or drop the transport."""
        if self._timer is not None:
            self.stopConnecting()
        elif self.protocol is not None:
            self.protocol.abort()

    def dismiss(self) -> None:
        """Tell nothing more, whatever becomes of the attempt or the transport."""
        self._end_attempt()
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.dismiss()

    def getDestination(self) -> IAddress:
        """Tell the host and port of the latest attempt."""
        return HostnameAddress(self._host.encode("ascii"), self._port)

    # -- What the endpoint and the factory tell -----------------------------------

    def build_protocol(
        self, gate: _Gate, address: Any
    ) -> PhoenixClientProtocol | TooLate:
        """Make the protocol of an endpoint that has opened; the handshake begins.

        :param gate: what the endpoint was given.
        :return: what ends the connection if that attempt is over, or has one.
        """
        if gate is not self._gate:
            return TooLate()
        self._gate = None
        protocol = cast(PhoenixClientProtocol, self._factory.buildProtocol(address))
        self.protocol = protocol
        return protocol

    def protocol_opened(self) -> None:
        """The handshake is done: the attempt has succeeded."""
        self._target = self.redirects = None
        self._end_attempt()

    def placed(self, reason: Exception) -> Exception:
        """The error of the attempt, which says where that went, and by what."""
        redirects, self.redirects = self.redirects, None
        if isinstance(reason, ConnectionFailed):
            reason.url = reason.url or self._shown_url
            if redirects is not None and redirects.latest is not None:
                redirects.explain(reason)
        return reason

    def follow(self, reason: Exception) -> Exception | None:
        """Go on with the attempt where an answer leads.

        :return: None if it goes on; else what it has failed with.
        """
        redirects = self.redirects
        is_under_way = self._timer is not None and self._given_up is None
        if not (redirects and is_under_way and isinstance(reason, HandshakeRefused)):
            return reason
        refused = redirects.follow(reason)
        if refused is not None:
            return refused
        self.protocol = self._gate = None
        try:
            dialling = self._dial_to(redirects.target, redirects.attempt)
        except BaseException:
            dialling = fail()
        self._await(dialling)
        return None

    def protocol_lost(self) -> Exception | None:
        """The protocol is gone.

        :return: why we gave the attempt up, if we did.
        """
        self.protocol = None
        self._end_attempt()
        # Whoever is told of it may raise it, and we are not to hold what that holds.
        given_up, self._given_up = self._given_up, None
        return given_up

    # -- Inside -------------------------------------------------------------------

    def check_wanted(self) -> None:
        """See whether one of the user's callables has ended the attempt.

        :raises NotConnected: it has, by ``disconnect()`` or the like.
        """
        if self._given_up is not None:
            raise self._given_up

    def _open_at_once(self) -> Deferred[Any] | None:
        """Dial, unless one of the user's callables is to be asked before."""
        try:
            attempt = given(self.options)
            return None if attempt is None else self._dial(attempt)
        except BaseException:
            return fail()

    async def _open(self) -> None:
        await self._dial(await prepare(self.options, self.check_wanted))

    def _dial(self, attempt: Attempt) -> Deferred[Any]:
        options = self.options
        target = connect_target(
            attempt.url,
            transport="websocket",
            params=attempt.params,
            vsn=options.vsn,
            exact=options.exact_url,
        )
        self.redirects = Redirects(options, target, attempt)
        return self._dial_to(target, attempt)

    def _dial_to(self, target: Target, attempt: Attempt) -> Deferred[Any]:
        self._aim(target)
        jar = self.options.cookies
        if self.redirects is not None:
            jar = self.redirects.jar(jar)
        self._factory.prepare(target, attempt.headers, attempt.auth_token, jar)
        endpoint = self._endpoint(target)
        self.check_wanted()
        self._factory.addresses.attempt_begins()
        self._gate = gate = _Gate(self)
        return without_context(endpoint.connect, gate)

    def _endpoint(self, target: Target) -> IStreamClientEndpoint:
        reactor, options = self._reactor, self.options
        sessions = self._tls_sessions if target.secure else None
        if is_direct(target, options):
            return address_endpoint(reactor, target, options, sessions)
        addresses = self._factory.addresses
        return TunedEndpoint(
            client_endpoint(reactor, target, options, addresses, sessions),
            options.keepalive,
        )

    @property
    def _tls_sessions(self) -> TLSSessions:
        if self._made_sessions is None:
            from .tls_sessions import TLSSessions

            self._made_sessions = TLSSessions()
        return self._made_sessions

    def _connected(self, _result: Any) -> None:
        self._attempt = self._opening = None
        if self._timer is not None and self.protocol is None:
            self._failed(Failure(ConnectionFailed("the endpoint made no connection")))

    def _failed(self, failure: Failure) -> None:
        self._attempt = self._opening = None
        if self.protocol is not None:
            # It was made all the same, and its loss will be told.
            self.protocol.abort()
            return
        self._end_attempt()
        given_up, self._given_up = self._given_up, None
        reason = given_up or cast(Exception, failure.value)
        if given_up is None:
            self._factory.addresses.attempt_failed(reason)
        if given_up is None and not isinstance(
            reason, ConnectionFailed | ConfigurationError
        ):
            reason = failed_with(reason)
        # Its frames are ours, and hold the headers and the URL with its params.
        reason.__traceback__ = None
        self._factory.clientConnectionFailed(self, Failure(self.placed(reason)))

    def _aim(self, target: Target) -> None:
        self._target = target
        self._host, self._port = target.host, target.port
        self._dialled = dialled(target, self.options)

    def _broken(self, failure: Failure) -> None:
        """End the attempt after all: what is to follow an attempt has raised."""
        log.failure("what follows an attempt to connect raised", failure)
        if self._timer is not None or self.protocol is not None:
            self._failed(failure)

    def _time_out(self) -> None:
        reason = ConnectTimeout(self.options.connect_timeout, self._awaited())
        self._factory.addresses.attempt_failed(reason)
        self._give_up(reason)

    def _awaited(self) -> str:
        """What the attempt under way has come to, in words."""
        if self._target is None:
            asked = (name for name in _ASKED if callable(getattr(self.options, name)))
            return f"what the callable of {' and '.join(asked)} returns"
        transport = self._opened()
        if transport is None:
            return f"a connection to {self._dialled}"
        certificate = getattr(transport, "getPeerCertificate", None)
        if certificate is not None and certificate() is None:
            return "the TLS handshake"
        return self.first_answer

    def _opened(self) -> Any:
        """The connection of the attempt under way; None as long as there is none."""
        return None if self.protocol is None else self.protocol.transport

    def _give_up(self, reason: Exception) -> None:
        self._given_up = reason
        if self._attempt is not None:
            # What is running, one of the user's callables, cannot be cancelled; when
            # that has returned, check_wanted() is the end of it.
            if self._opening is None or not cast(Any, self._opening).cr_running:
                self._attempt.cancel()
        elif self.protocol is not None:
            self.protocol.abort()

    def _end_attempt(self) -> None:
        self._gate = None
        target, self._target = self._target, None
        if target is not None:
            redirects = self.redirects
            self._shown_url = (
                redact_url(target.url(self.schemes[target.secure]))
                if redirects is None
                else redirects.shown(target)
            )
        self._factory.forget_request()
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class _Gate(Factory):
    """The factory, as the endpoint of one attempt sees it.

    An endpoint that was told to stop may connect all the same, much later; its
    protocol must not take the place of another.
    """

    noisy = False

    def __init__(self, connector: EndpointConnector) -> None:
        self._connector = connector

    def buildProtocol(self, addr: Any) -> Any:
        return self._connector.build_protocol(self, addr)
