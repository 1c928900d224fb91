"""Metrics and health as pages of HTTP, and as a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    ensureDeferred,
    maybeDeferred,
    succeed,
)
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..client import SocketClient
from ..errors import ConfigurationError, NotConnected
from ..legible import legible
from ..runtime.package_log import package_log
from .exporter import MetricsExporter
from .site import Pages
from .where import endpoint_description, server_endpoint

__all__ = ["MetricsService"]

log = Logger("txphoenix.metrics", observer=package_log)


class MetricsService(Service):
    """Serves ``/metrics`` for Prometheus, and ``/health`` for whoever asks how it is.

    While it runs its exporter is attached.

    ``/health`` answers with the status 200 if there is a client that runs, each of them
    is connected, or idle as ``disconnect_when_idle`` wants it, and each of their
    channels is joined that is not being left; with 503 if not.
    Which of that it is, is in its JSON: names, statuses and topics, and nothing that is
    a secret.

    :param where: a port, 0 for any that is free, or the description of an endpoint.
        Without an interface it is for this machine alone (127.0.0.1); for all it is
        ``"tcp:9464:interface=0.0.0.0"``.
        An endpoint object is used as it is.
    :param exporter: by default a new :class:`MetricsExporter` of
        ``prometheus_client.REGISTRY``; what else is in its registry is served as well.
    :param clients: clients that are there already, as for the exporter.
    :param reactor: by default the global one.
    :raises ConfigurationError: an argument is not what it must be.
    :ivar exporter: the exporter.
    :ivar description: the endpoint's description, as it is understood.
    """

    name = "metrics"
    """The name by which its parent finds it."""

    def __init__(
        self,
        where: int | str | IStreamServerEndpoint,
        exporter: MetricsExporter | None = None,
        clients: Iterable[SocketClient] = (),
        reactor: Any = None,
    ) -> None:
        if reactor is None:
            # Importing it installs it, which is for the user to do.
            from twisted.internet import reactor as global_reactor

            reactor = global_reactor
        if IStreamServerEndpoint.providedBy(where):
            self.description, self._endpoint = legible(where), where
        else:
            self.description = endpoint_description(where)
            self._endpoint = server_endpoint(reactor, self.description)
        self.exporter = MetricsExporter() if exporter is None else exporter
        self.exporter.watch(*clients)
        self._has_attached = False
        self._pages = Pages(reactor, self.exporter)
        self._listening: Deferred[IListeningPort] | None = None
        self._port: IListeningPort | None = None
        self._failure: ConfigurationError | None = None
        self._waiting: list[Deferred[IAddress]] = []
        self._stopping: Deferred[None] | None = None

    @property
    def address(self) -> IAddress | None:
        """Where it listens; None if it does not."""
        return None if self._port is None else self._port.getHost()

    def when_listening(self) -> Deferred[IAddress]:
        """Wait until it listens.

        :return: a Deferred of the address, fired at once if it does.
            It fails with :exc:`~txphoenix.errors.ConfigurationError` if the endpoint
            cannot be listened on, and with :exc:`~txphoenix.errors.NotConnected` if the
            service is stopped first.
        """
        address = self.address
        if address is not None:
            return succeed(address)
        waiting: Deferred[IAddress] = Deferred(self._waiting_cancelled)
        self._waiting.append(waiting)
        return waiting

    def privilegedStartService(self) -> None:
        """Listen, while the process may use the ports below 1024.

        :raises ConfigurationError: as :meth:`startService`.
        """
        super().privilegedStartService()
        self._begin()

    def startService(self) -> None:
        """Attach the exporter, and listen.

        :raises ConfigurationError: the port is taken, or cannot be listened on for
            another reason that is known at once; or the exporter cannot be attached.
            What is known later is logged, and told by :meth:`when_listening`.
        """
        self._begin()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Listen no more, close all connections, and detach the exporter.

        :return: a Deferred of None that fires when nothing of this is left; an answer
            that is under way is finished first, but takes no longer than a second.
        """
        super().stopService()
        error = NotConnected("the service was stopped")
        self._tell(lambda waiting: waiting.errback(error))
        stopping = self._stopping
        if stopping is None:
            stopping = self._stopping = ensureDeferred(self._end())
            stopping.addCallback(self._ended)
        # Its own for each caller, who may cancel it.
        stopped: Deferred[None] = Deferred()
        stopping.addCallback(lambda _: stopped.callback(None))
        return stopped

    # -- Inside -------------------------------------------------------------------

    def _begin(self) -> None:
        if self._listening is not None:
            # privilegedStartService() has been here.
            return
        if not self.exporter.is_attached:
            self.exporter.attach()
            self._has_attached = True
        if self._stopping is not None:
            # The old port is not closed yet.
            return
        self._listen()
        if self._failure is not None:
            self._detach()
            raise self._failure

    def _listen(self) -> None:
        self._failure = None
        self._listening = self._endpoint.listen(self._pages)
        self._listening.addCallbacks(self._listens, self._cannot_listen)

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        address = port.getHost()
        log.info("metrics are served at {where}", where=self._where(address))
        self._tell(lambda waiting: waiting.callback(address))

    def _cannot_listen(self, failure: Failure) -> None:
        self._listening = None
        if failure.check(CancelledError):
            return
        where, reason = self.description, _why_not(failure.value)
        error = self._failure = ConfigurationError(
            f"metrics cannot be served at {where}: {reason}"
        )
        log.error(
            "metrics cannot be served at {where}: {reason}", where=where, reason=reason
        )
        self._tell(lambda waiting: waiting.errback(error))

    def _tell(self, tell: Callable[[Deferred[IAddress]], None]) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            tell(deferred)

    def _waiting_cancelled(self, waiting: Deferred[IAddress]) -> None:
        self._waiting.remove(waiting)

    def _where(self, address: IAddress) -> str:
        if not isinstance(address, IPv4Address | IPv6Address):
            return self.description
        host = f"[{address.host}]" if ":" in address.host else address.host
        scheme = "https" if self.description.startswith("ssl:") else "http"
        return f"{scheme}://{host}:{address.port}/metrics"

    def _detach(self) -> None:
        if self._has_attached:
            self._has_attached = False
            self.exporter.detach()

    async def _end(self) -> None:
        listening, self._listening = self._listening, None
        port, self._port = self._port, None
        if port is None and listening is not None:
            listening.cancel()
        if port is not None:
            await maybeDeferred(port.stopListening)
        await self._pages.close()

    def _ended(self, _result: None) -> None:
        self._stopping = None
        if self.running:
            # It was started again meanwhile.
            self._listen()
        else:
            # Not before: an answer that was under way was to have all.
            self._detach()


def _why_not(error: BaseException | None) -> str:
    if isinstance(error, CannotListenError):
        error = error.socketError
    return getattr(error, "strerror", None) or legible(error)
