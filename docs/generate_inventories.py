"""Write the inventories by which our pages link to the references of others::

    python docs/generate_inventories.py

An inventory is what Sphinx reads to find out where a name is described.
Those that projects publish are large, and a build asks nothing of the network, so
these have only the names that our pages refer to.
A name that is missing is a warning of ``tox -e docs``, which tells where it is
referred to: add it here, and run this.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "inventories"

# Where the references are, by the names of the inventories.
ADDRESSES = {
    "attrs": "https://www.attrs.org/en/stable/",
    "autobahn": "https://autobahn.readthedocs.io/en/latest/",
    "opentelemetry": "https://opentelemetry-python.readthedocs.io/en/stable/",
    "prometheus": "https://prometheus.github.io/client_python/",
    "python": "https://docs.python.org/3/",
    "treq": "https://treq.readthedocs.io/en/latest/",
    "twisted": "https://docs.twisted.org/en/stable/api/",
}

# The pages of Python's library, and what each has: M:odules, C:lasses, E:xceptions,
# F:unctions, D:ata.
PYTHON = """
asyncio                 M asyncio
asyncio-eventloop       C asyncio.AbstractEventLoop
asyncio-exceptions      E asyncio.CancelledError asyncio.TimeoutError
asyncio-future          C asyncio.Future
asyncio-runner          F asyncio.run  C asyncio.Runner
asyncio-task            C asyncio.Task  F asyncio.timeout asyncio.create_task
base64                  M base64
collections.abc         C collections.abc.AsyncGenerator collections.abc.AsyncIterable
collections.abc         C collections.abc.AsyncIterator collections.abc.Awaitable
collections.abc         C collections.abc.Callable collections.abc.Collection
collections.abc         C collections.abc.Container collections.abc.Coroutine
collections.abc         C collections.abc.Generator collections.abc.Hashable
collections.abc         C collections.abc.Iterable collections.abc.Iterator
collections.abc         C collections.abc.Mapping collections.abc.MutableMapping
collections.abc         C collections.abc.Sequence
constants               D None True False
contextlib              M contextlib  C contextlib.AbstractAsyncContextManager
contextlib              C contextlib.AbstractContextManager
contextvars             M contextvars  C contextvars.ContextVar contextvars.Context
dataclasses             M dataclasses  F dataclasses.dataclass
datetime                M datetime  C datetime.datetime datetime.timedelta
decimal                 M decimal  C decimal.Decimal
enum                    M enum  C enum.Enum enum.StrEnum
exceptions              E AttributeError BaseException ConnectionError Exception
exceptions              E KeyboardInterrupt KeyError LookupError OSError RuntimeError
exceptions              E StopAsyncIteration StopIteration SystemExit TimeoutError
exceptions              E TypeError ValueError UnicodeDecodeError ImportError
functions               C bool complex float int object property type
functions               F isinstance repr
functools               M functools  F functools.partial
http.cookiejar          M http.cookiejar  C http.cookiejar.CookieJar
json                    M json  F json.dumps json.loads
logging                 M logging  C logging.Logger logging.Handler
os                      C os.PathLike
pathlib                 C pathlib.Path
ssl                     M ssl  C ssl.SSLContext
stdtypes                C bytearray bytes dict frozenset list memoryview set str tuple
types                   M types  C types.TracebackType types.ModuleType
typing                  C typing.NamedTuple typing.Protocol typing.TypedDict
typing                  C typing.Generic  D typing.Any typing.Self typing.Unpack
typing                  D typing.ClassVar typing.Literal typing.NoReturn
typing                  D typing.Optional typing.Union typing.TypeAlias
uuid                    M uuid  C uuid.UUID
"""
KINDS = {"M": "module", "C": "class", "E": "exception", "F": "function", "D": "data"}

# pydoctor has a page for each module and each class; what is in one has its name
# there as the anchor.  Functions and variables have their module's page.
TWISTED_MODULES = """
twisted.application.internet twisted.application.service
twisted.internet.asyncioreactor twisted.internet.defer twisted.internet.endpoints
twisted.internet.error twisted.internet.interfaces twisted.internet.reactor
twisted.internet.ssl twisted.internet.task twisted.internet.threads twisted.logger
twisted.python.failure twisted.trial.unittest twisted.web.iweb
"""
TWISTED_CLASSES = """
twisted.application.internet.ClientService
twisted.application.service.IService twisted.application.service.IServiceCollection
twisted.application.service.IServiceMaker twisted.application.service.MultiService
twisted.application.service.Service
twisted.internet.defer.CancelledError twisted.internet.defer.Deferred
twisted.internet.defer.DeferredList twisted.internet.defer.DeferredLock
twisted.internet.defer.DeferredQueue twisted.internet.defer.DeferredSemaphore
twisted.internet.defer.TimeoutError
twisted.internet.endpoints.HostnameEndpoint
twisted.internet.endpoints.TCP4ClientEndpoint
twisted.internet.endpoints.TCP4ServerEndpoint
twisted.internet.endpoints.UNIXClientEndpoint
twisted.internet.error.CannotListenError twisted.internet.error.ConnectError
twisted.internet.error.ConnectionDone twisted.internet.error.ConnectionLost
twisted.internet.error.ConnectionRefusedError twisted.internet.error.DNSLookupError
twisted.internet.error.NotConnectingError twisted.internet.error.TimeoutError
twisted.internet.interfaces.IAddress twisted.internet.interfaces.IConnector
twisted.internet.interfaces.IConsumer twisted.internet.interfaces.IDelayedCall
twisted.internet.interfaces.IListeningPort
twisted.internet.interfaces.IOpenSSLClientConnectionCreator
twisted.internet.interfaces.IOpenSSLContextFactory
twisted.internet.interfaces.IProtocol twisted.internet.interfaces.IProtocolFactory
twisted.internet.interfaces.IPushProducer twisted.internet.interfaces.IReactorCore
twisted.internet.interfaces.IReactorFromThreads twisted.internet.interfaces.IReactorTCP
twisted.internet.interfaces.IReactorTime
twisted.internet.interfaces.IStreamClientEndpoint
twisted.internet.interfaces.IStreamServerEndpoint twisted.internet.interfaces.ITransport
twisted.internet.protocol.ClientFactory twisted.internet.protocol.Factory
twisted.internet.protocol.Protocol twisted.internet.protocol.ReconnectingClientFactory
twisted.internet.ssl.Certificate twisted.internet.ssl.CertificateOptions
twisted.internet.ssl.KeyPair twisted.internet.ssl.PrivateCertificate
twisted.internet.task.Clock twisted.internet.task.Cooperator
twisted.internet.task.LoopingCall
twisted.logger.ILogObserver
twisted.logger.LogLevel
twisted.logger.LogLevelFilterPredicate
twisted.logger.FilteringLogObserver twisted.logger.Logger
twisted.logger.PredicateResult twisted.logger.STDLibLogObserver
twisted.python.failure.Failure twisted.python.usage.Options
twisted.python.usage.UsageError
twisted.trial.unittest.SynchronousTestCase twisted.trial.unittest.TestCase
twisted.web.client.Agent twisted.web.client.ProxyAgent
twisted.web.iweb.IAgent twisted.web.iweb.IPolicyForHTTPS twisted.web.iweb.IResponse
twisted.web.resource.Resource twisted.web.server.Site
"""
TWISTED_MEMBERS = """
twisted.application.service.Service.setServiceParent
twisted.application.service.Service.startService
twisted.application.service.Service.stopService
twisted.internet.defer.Deferred.addBoth twisted.internet.defer.Deferred.addCallback
twisted.internet.defer.Deferred.addErrback twisted.internet.defer.Deferred.addTimeout
twisted.internet.defer.Deferred.asFuture twisted.internet.defer.Deferred.cancel
twisted.internet.defer.Deferred.fromCoroutine twisted.internet.defer.Deferred.fromFuture
twisted.internet.interfaces.IReactorFromThreads.callFromThread
twisted.internet.interfaces.IReactorTime.callLater
twisted.internet.interfaces.IReactorTime.seconds
twisted.internet.task.Clock.advance
"""
TWISTED_FUNCTIONS = """
twisted.application.service.Application
twisted.internet.asyncioreactor.install
twisted.internet.defer.ensureDeferred twisted.internet.defer.fail
twisted.internet.defer.gatherResults twisted.internet.defer.inlineCallbacks
twisted.internet.defer.maybeDeferred twisted.internet.defer.succeed
twisted.internet.endpoints.clientFromString twisted.internet.endpoints.serverFromString
twisted.internet.endpoints.wrapClientTLS
twisted.internet.ssl.optionsForClientTLS twisted.internet.ssl.platformTrust
twisted.internet.ssl.trustRootFromCertificates
twisted.internet.task.deferLater twisted.internet.task.react
twisted.internet.threads.blockingCallFromThread
twisted.internet.threads.deferToThread
twisted.logger.jsonFileLogObserver twisted.logger.textFileLogObserver
twisted.python.threadable.isInIOThread
"""
# Names under which an annotation has what is described by another.
TWISTED_ALIASES = {
    "twisted.internet._sslverify.Certificate": "twisted.internet.ssl.Certificate",
    "twisted.internet._sslverify.OpenSSLCertificateOptions": (
        "twisted.internet.ssl.CertificateOptions"
    ),
    "twisted.internet._sslverify.PrivateCertificate": (
        "twisted.internet.ssl.PrivateCertificate"
    ),
}

AUTOBAHN = {
    "autobahn.twisted.component": ("Component", "run"),
    "autobahn.twisted.wamp": ("ApplicationSession", "ApplicationRunner"),
    "autobahn.wamp.exception": ("ApplicationError",),
    "autobahn.wamp.types": ("CloseDetails", "ComponentConfig", "SessionDetails"),
}

OTHERS = {
    "attrs": {
        "attr._make.Attribute": "api.html#attrs.Attribute",
        "attrs.Attribute": "api.html#$",
    },
    "opentelemetry": {
        "opentelemetry.propagators.textmap.TextMapPropagator": (
            "api/propagators.textmap.html#$"
        ),
        "opentelemetry.trace.Span": "api/trace.html#$",
        "opentelemetry.trace.Tracer": "api/trace.html#$",
        "opentelemetry.trace.TracerProvider": "api/trace.html#$",
    },
    "prometheus": {
        "prometheus_client.registry.CollectorRegistry": "registry/",
        "prometheus_client.CollectorRegistry": "registry/",
        "prometheus_client.metrics_core.Metric": "collector/custom/",
    },
    "treq": {
        "treq.client.HTTPClient": "api.html#$",
    },
}


def python() -> Iterator[tuple[str, str, str]]:
    """Python's own names: each with its kind and its place."""
    for line in PYTHON.strip().splitlines():
        page, *words = line.split()
        kind = ""
        for word in words:
            if word in KINDS:
                kind = KINDS[word]
            elif kind == "module":
                yield word, kind, f"library/{page}.html#module-$"
            else:
                yield word, kind, f"library/{page}.html#$"


def twisted() -> Iterator[tuple[str, str, str]]:
    """Twisted's names, by the pages that pydoctor makes."""
    for name in TWISTED_MODULES.split():
        yield name, "module", f"{name}.html"
    for name in TWISTED_CLASSES.split():
        yield name, "class", f"{name}.html"
    for name in TWISTED_MEMBERS.split():
        owner, _, member = name.rpartition(".")
        yield name, "method", f"{owner}.html#{member}"
    for name in TWISTED_FUNCTIONS.split():
        module, _, function = name.rpartition(".")
        yield name, "function", f"{module}.html#{function}"
    for alias, name in TWISTED_ALIASES.items():
        yield alias, "class", f"{name}.html"


def autobahn() -> Iterator[tuple[str, str, str]]:
    """Autobahn's names, by the pages that autoapi makes."""
    for module, names in AUTOBAHN.items():
        page = f"autoapi/{module.replace('.', '/')}/index.html"
        yield module, "module", f"{page}#module-$"
        for name in names:
            kind = "class" if name[0].isupper() else "function"
            yield f"{module}.{name}", kind, f"{page}#$"


def inventories() -> dict[str, list[tuple[str, str, str]]]:
    """What each inventory has: names, kinds, places."""
    found = {
        "autobahn": [*autobahn()],
        "python": [*python()],
        "twisted": [*twisted()],
    }
    for project, places in OTHERS.items():
        found[project] = [(name, "class", place) for name, place in places.items()]
    return found


def lines(entries: list[tuple[str, str, str]]) -> str:
    """What an inventory has, as text."""
    return "".join(
        f"{name} py:{kind} 1 {place} -\n" for name, kind, place in sorted(set(entries))
    )


def packed(project: str, text: str) -> bytes:
    """An inventory as Sphinx reads it, in version 2 of the format."""
    head = (
        "# Sphinx inventory version 2\n"
        f"# Project: {project}\n"
        "# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return head.encode() + zlib.compress(text.encode(), 9)


if __name__ == "__main__":
    for project, entries in inventories().items():
        path = FOLDER / f"{project}.inv"
        path.write_bytes(packed(project, lines(entries)))
