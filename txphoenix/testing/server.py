"""The server over TCP."""

from __future__ import annotations

from typing import Any, Self, TypeVar, Unpack, cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLContextFactory,
    IReactorTime,
)
from twisted.logger import Logger
from twisted.web.server import Site

from ..runtime.package_log import package_log
from .connections import Connections
from .endpoint import Endpoint, EndpointOptions, global_reactor
from .options import Channels
from .root import Root

__all__ = ["PhoenixServer"]

_T = TypeVar("_T")

# Who listens on all addresses has these among them; the others are no host's.
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


class PhoenixServer(Endpoint, Service):
    """A Phoenix server on a port of 127.0.0.1, for tests and demonstrations.

    It is a service for any application, and works without one as well::

        server = PhoenixServer({"rooms:*": Room})
        await server.start()
        client = SocketClient(server.url)
        ...
        await server.stop()

    :param channels: topic, or beginning of a topic and ``*`` -> class of its channels.
    :param port: the port; 0 for a free one, which a :meth:`restart` then keeps.
    :param interface: the address to listen on, of IPv4 or IPv6; all of them for
        ``""``, ``"0.0.0.0"`` or ``"::"``, and then the URL has the loopback's.
    :param tls: a context factory such as
        :class:`twisted.internet.ssl.CertificateOptions`, for ``wss``.
    :param reactor: the reactor; the global one if not given.
    :param options: see :class:`Endpoint`.
    """

    _log = Logger(observer=package_log)

    def __init__(
        self,
        channels: Channels,
        *,
        port: int = 0,
        interface: str = "127.0.0.1",
        tls: IOpenSSLContextFactory | None = None,
        reactor: IReactorTime | None = None,
        **options: Unpack[EndpointOptions],
    ) -> None:
        super().__init__(channels, reactor or global_reactor(), **options)
        self._port = port
        self.interface = interface
        self._tls = tls
        self._listening: IListeningPort | None = None
        # How many calls of stop() have not fired.
        self._stops = 0
        site = Site(Root(self), reactor=self.reactor)
        self._connections = Connections(site)

    # Where it is.

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first :meth:`start`."""
        return self._port

    @property
    def url(self) -> str:
        """The URL of the first socket, as a client takes it."""
        return self.url_of(self.path)

    @property
    def http_url(self) -> str:
        """The same with ``http`` or ``https``, as long-poll takes it."""
        return "http" + self.url.removeprefix("ws")

    def url_of(self, path: str) -> str:
        """The URL of the socket of that path."""
        scheme = "ws" if self._tls is None else "wss"
        host = _LOOPBACK.get(self.interface, self.interface)
        if ":" in host:
            # RFC 6874 writes the "%" before an address's zone as "%25".
            host = f"[{host.replace('%', '%25')}]"
        return f"{scheme}://{host}:{self._port}{path}"

    # Starting and stopping.

    def start(self) -> Deferred[Self]:
        """Listen.

        :return: a Deferred that fires with the server once it listens, and fails with
            :exc:`twisted.internet.error.CannotListenError` if it cannot, or with
            :exc:`RuntimeError` if it has been started, or is stopping.
        """
        if self._listening is not None:
            return fail(
                RuntimeError(
                    f"the server has been started, and listens on port {self._port}: "
                    "stop() it before another start(), or restart() it"
                )
            )
        if self._stops:
            return fail(
                RuntimeError("the server is stopping: start() it once stop() has fired")
            )
        Service.startService(self)
        return self._listen()

    def stop(self, drain: bool = True) -> Deferred[None]:
        """Listen no more and end all connections.

        :param drain: whether clients are closed with 1012, as Phoenix does at a
            SIGTERM; if not, their connections end without a close frame.
        :return: a Deferred that fires when no connection is left.
        """
        Service.stopService(self)
        self._stops += 1
        return Deferred.fromCoroutine(self._stop(drain)).addBoth(self._stopped)

    def restart(self, drain: bool = True) -> Deferred[Self]:
        """Stop, and listen again on the same port.

        :param drain: see :meth:`stop`.
        :return: a Deferred that fires with the server once it listens again.
        """
        return self.stop(drain).addCallback(lambda _: self.start())

    def startService(self) -> None:
        """Listen, as a part of an application."""
        self.start().addErrback(
            lambda failure: self._log.failure("cannot listen", failure)
        )

    def stopService(self) -> Deferred[None]:
        """Stop with a drain, as a part of an application."""
        return self.stop()

    def _listen(self) -> Deferred[Self]:
        reactor = cast(Any, self.reactor)
        endpoint: Any
        if self._tls is None:
            endpoint = TCP4ServerEndpoint(reactor, self._port, interface=self.interface)
        else:
            endpoint = SSL4ServerEndpoint(
                reactor, self._port, self._tls, interface=self.interface
            )
        listening: Deferred[IListeningPort] = endpoint.listen(self._connections)
        return listening.addCallback(self._listens)

    def _listens(self, port: IListeningPort) -> Self:
        self._listening = port
        self._port = cast(Any, port.getHost()).port
        return self

    def _stopped(self, result: _T) -> _T:
        self._stops -= 1
        return result

    async def _stop(self, drain: bool) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)
        if drain and not self.is_paused:
            self.drain()
        else:
            self.drop()
        self._connections.lose_http()
        # A session held by a slow join has not even sent its close by then.
        abort = self.reactor.callLater(self.close_timeout, self._connections.abort_all)
        await self._connections.when_empty()
        if abort.active():
            abort.cancel()
