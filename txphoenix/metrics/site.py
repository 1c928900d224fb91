"""The pages: what is answered to a request, and the connections it came by."""

from __future__ import annotations

import json
from typing import Any

from prometheus_client import make_wsgi_app
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, LogLevel
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from twisted.web.http import NOT_ALLOWED, OK, SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ..runtime.package_log import package_log
from ..runtime.protocol_negotiation import OnlyHTTP1
from .exporter import MetricsExporter
from .health import health

__all__ = ["Pages"]

log = Logger("txphoenix.metrics", observer=package_log)

# For how many seconds a peer may take the end of an answer at the stop.
_LAST_WORD = 1.0


class _Page(Resource):
    """A page that is only read."""

    def render(self, request: Request) -> Any:
        """Answer, or say that nothing else can be done with it."""
        if request.method in (b"GET", b"HEAD"):
            return super().render(request)
        request.setResponseCode(NOT_ALLOWED)
        request.setHeader("Allow", "GET, HEAD")
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        return b"this page is only read\n"


class _MetricsPage(_Page):
    """``/metrics``: the registry, as ``prometheus_client`` writes it.

    That is done in a thread: of many clients there is much to write.
    Unlike ``prometheus_client.twisted`` it knows when the thread has done.
    """

    def __init__(self, reactor: Any, exporter: MetricsExporter) -> None:
        super().__init__()
        self._reactor = reactor
        self._application = make_wsgi_app(exporter.registry)
        self.under_way: set[Deferred[Any]] = set()

    def render_GET(self, request: Request) -> int:
        """Answer with the metrics."""
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/metrics",
            "QUERY_STRING": request.uri.partition(b"?")[2].decode("latin-1"),
            "HTTP_ACCEPT": _header(request, b"accept"),
            "HTTP_ACCEPT_ENCODING": _header(request, b"accept-encoding"),
        }
        answering = _Answer(request)
        written: Deferred[Any] = deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            self._application,
            environ,
            answering.start,
        )
        self.under_way.add(written)
        written.addBoth(answering.end)
        written.addBoth(lambda _: self.under_way.discard(written))
        return NOT_DONE_YET


def _header(request: Request, name: bytes) -> str:
    """A header as WSGI has it: whoever asks may send any bytes."""
    return b", ".join(request.requestHeaders.getRawHeaders(name, [])).decode("latin-1")


class _Answer:
    """The answer to a request for metrics."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_gone = False
        self._headers: list[tuple[str, str]] = []
        request.notifyFinish().addErrback(self._gone)

    def _gone(self, _reason: Failure) -> None:
        self._is_gone = True

    def start(self, _status: str, headers: list[tuple[str, str]]) -> None:
        """Take the headers; called in a thread."""
        self._headers = headers

    def end(self, result: Any) -> None:
        """Send what was written, or say that it failed."""
        request = self._request
        if isinstance(result, Failure):
            # A collector of the registry has raised, which may be anybody's.
            log.failure("the metrics cannot be collected", result, LogLevel.error)
            result = [b"the metrics cannot be collected; the log says why\n"]
            request.setResponseCode(500)
            self._headers = [("Content-Type", "text/plain; charset=utf-8")]
        if self._is_gone:
            return
        body = b"".join(result)
        for name, value in self._headers:
            request.setHeader(name, value)
        request.setHeader("Content-Length", str(len(body)))
        request.write(body)
        request.finish()


class _HealthPage(_Page):
    """``/health``: JSON, and the status 200 if all is well, 503 if not."""

    def __init__(self, exporter: MetricsExporter) -> None:
        super().__init__()
        self._exporter = exporter

    def render_GET(self, request: Request) -> bytes:
        """Answer with how the clients are."""
        report = health(self._exporter)
        is_well = report["status"] == "healthy"
        request.setResponseCode(OK if is_well else SERVICE_UNAVAILABLE)
        request.setHeader("Content-Type", "application/json")
        request.setHeader("Cache-Control", "no-store")
        return json.dumps(report, indent=1).encode("utf-8") + b"\n"


class _Site(Site):
    """A site without an access log: somebody asks every few seconds."""

    noisy = False

    def startFactory(self) -> None:
        """Begin, without an access log and its clock."""

    def stopFactory(self) -> None:
        """End."""


class Pages(OnlyHTTP1, WrappingFactory):
    """All pages, as a factory that knows its connections."""

    noisy = False

    def __init__(self, reactor: Any, exporter: MetricsExporter) -> None:
        root = Resource()
        self.metrics = _MetricsPage(reactor, exporter)
        root.putChild(b"metrics", self.metrics)
        root.putChild(b"health", _HealthPage(exporter))
        super().__init__(_Site(root, reactor=reactor))
        self._reactor = reactor
        self._all_gone: Deferred[None] | None = None

    async def close(self) -> None:
        """Finish the answers that are under way, and close all connections."""
        await DeferredList(list(self.metrics.under_way))
        if not self.protocols:
            return
        gone: Deferred[None] = Deferred()
        self._all_gone = gone
        for connection in list(self.protocols):
            connection.loseConnection()
        late = self._reactor.callLater(_LAST_WORD, self._abort)
        await gone
        if late.active():
            late.cancel()

    def unregisterProtocol(self, connection: Any) -> None:
        """Forget a connection that is gone."""
        super().unregisterProtocol(connection)
        if not self.protocols and self._all_gone is not None:
            gone, self._all_gone = self._all_gone, None
            gone.callback(None)

    def _abort(self) -> None:
        for connection in list(self.protocols):
            connection.transport.abortConnection()
