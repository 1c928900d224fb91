"""The factory of a client's WebSockets, each made for one handshake.

It is Twisted's reconnecting factory as well
(:class:`~txphoenix.transports.retrying.RetryingFactory`): all connectors tell it how
their attempts and transports ended, those of long-poll too.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConnectionFailed, ConnectTimeout, HandshakeRefused
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.handshake import cookie_lines, header_lines
from ..protocol.url import Target
from ..runtime.deadlines import Deadlines
from ..runtime.package_log import package_log
from .addresses import AnsweringAddresses
from .compression import accepts, answers_offer, offered
from .interfaces import ConnectionKeeper, DismissibleConnector
from .retrying import RetryingFactory
from .session_defaults import with_factory_defaults
from .upgrade import TOKEN_PREFIX, UpgradeRequest

if TYPE_CHECKING:
    from .connector import EndpointConnector
    from .cookies import ServerCookies
    from .websocket import PhoenixClientProtocol

__all__ = ["ConnectorMaker", "PhoenixClientFactory"]

log = Logger("txphoenix.transports.websocket", observer=package_log)


@with_factory_defaults
class PhoenixClientFactory(RetryingFactory, WebSocketClientFactory):
    """Makes the protocols of one client, one at a time.

    :param reactor: opens transports, tells the time and calls later.
    :param options: the client's options.
    :param connection: is told what happens, and asked whether to go on and when.
    :param maker: makes the connectors.
    :param addresses: what is known of the server's, if another factory knows it too.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        options: Options,
        connection: ConnectionKeeper,
        maker: ConnectorMaker,
        addresses: AnsweringAddresses | None = None,
    ) -> None:
        # Autobahn's own is left out: see session_defaults.
        self.reactor = reactor
        self.deadlines = Deadlines.of(reactor)
        self.addresses = AnsweringAddresses() if addresses is None else addresses
        self._maker = maker
        RetryingFactory.__init__(self, reactor, options, connection)
        # As long as an attempt is under way.
        self._request: UpgradeRequest | None = None
        self._cookies: ServerCookies | None = None
        # What a server cannot use, or we cannot, is offered once to that server.
        self._is_compression_refused = False
        self._server: tuple[str, int] | None = None

    @property
    def protocol(self) -> type[PhoenixClientProtocol]:  # type: ignore[override]
        """The class of protocols; it takes as long to load as all of the factory."""
        from .websocket import PhoenixClientProtocol

        return PhoenixClientProtocol

    def make_connector(self) -> DismissibleConnector:
        """Make the connector that the options ask for."""
        return self._maker(self._reactor, self, self.options)

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self._is_compression_refused = False
        super().reset_options(options)

    # -- What the connector calls -------------------------------------------------

    def prepare(
        self,
        target: Target,
        headers: Mapping[str, str],
        auth_token: str | None,
        jar: CookieJar | None = None,
    ) -> None:
        """Set all that the next protocol is made with.

        The token is offered as a second subprotocol, as Phoenix 1.8 wants it:
        standard base64 without its padding.
        """
        protocols: Sequence[str] = ()
        if auth_token is not None:
            encoded = b64encode(auth_token.encode("utf-8")).decode("ascii")
            protocols = ["phoenix", TOKEN_PREFIX + encoded.rstrip("=")]
        self._cookies = None
        if jar is not None:
            # Few clients have a jar, and the others need not load what it takes.
            from .cookies import ServerCookies

            self._cookies = ServerCookies(jar, target)
            headers = self._cookies.added_to(headers)
        if self._server != (target.host, target.port):
            self._server = target.host, target.port
            self._is_compression_refused = False
        self.protocols = protocols
        is_offered = self.options.compression and not self._is_compression_refused
        offers: Any = offered(True) if is_offered else ()
        self.perMessageCompressionOffers = offers
        self.perMessageCompressionAccept = accepts(is_offered)
        self._request = UpgradeRequest(
            target,
            headers,
            protocols,
            [offer.get_extension_string() for offer in offers],
            auth_token,
        )

    @property
    def was_offer_refused(self) -> bool:
        """Whether the latest handshake has failed for its offer of compression."""
        return self._is_compression_refused and bool(self.perMessageCompressionOffers)

    def forget_request(self) -> None:
        """The attempt is over, so that nobody needs its secrets any more."""
        self._request, self.protocols = None, ()

    def encode_request(self, key: bytes) -> bytes:
        """The request that :meth:`prepare` has prepared.

        :param key: the value of ``Sec-WebSocket-Key``.
        """
        return cast(UpgradeRequest, self._request).encode(key)

    # -- What the protocol calls --------------------------------------------------

    def refused(
        self,
        status: int | None,
        headers: Mapping[str, str],
        phrase: str,
        body: bytes = b"",
    ) -> HandshakeRefused:
        """Make the error of an answer that is no yes, without what we have asked."""
        # Few handshakes are refused.
        from .refusal import refused

        request = self._request
        secrets = None if request is None else request.secrets
        return refused(status, headers, phrase, body, secrets)

    def head_received(self, head: bytes) -> None:
        """The server has answered, whatever it says; it may have set cookies."""
        if self._cookies is not None:
            self._cookies.take(cookie_lines(header_lines(head)))

    def protocol_opened(self) -> None:
        """The protocol is open."""
        self._endpoint_connector.protocol_opened()

    def frames_unsent(self, count: int) -> None:
        """A transport has ended with frames that had not left."""
        log.warn(
            "{client}: messages that had not left when the connection ended: {count}",
            client=shown_name(self.options),
            count=count,
        )

    def protocol_failed(self, reason: Exception) -> None:
        """The protocol was lost before it was open."""
        if self.perMessageCompressionOffers and answers_offer(reason):
            self._is_compression_refused = True
            log.warn(
                "{client}: compression is not offered any more, as the server's answer"
                " to the offer has failed the handshake: {reason}",
                client=shown_name(self.options),
                reason=reason,
            )
        connector = self._endpoint_connector
        followed = connector.follow(reason)
        if followed is None:
            return
        reason = followed
        given_up = connector.protocol_lost()
        if isinstance(given_up, ConnectTimeout) and isinstance(
            reason, HandshakeRefused
        ):
            # The server has answered, and only its body was awaited.
            given_up = None
        if given_up is None:
            self.addresses.attempt_failed(reason)
        reason = connector.placed(given_up or reason)
        self.clientConnectionFailed(connector, Failure(reason))

    def protocol_lost(self, reason: ConnectionFailed) -> None:
        """The open protocol was lost."""
        connector = self._endpoint_connector
        connector.protocol_lost()
        self.clientConnectionLost(connector, Failure(reason))

    # -- Inside -------------------------------------------------------------------

    @property
    def _endpoint_connector(self) -> EndpointConnector:
        # No other connector makes protocols of this factory.
        return cast("EndpointConnector", self.connector)


ConnectorMaker = Callable[
    [IReactorTime, PhoenixClientFactory, Options], DismissibleConnector
]
"""Makes a connector of a reactor, the factory that it tells, and the options."""
