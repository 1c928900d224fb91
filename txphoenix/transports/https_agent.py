"""HTTP requests beside the socket, over TLS that verifies as the client's does.

Twisted's own policy for HTTPS fails open with some certificates: see
:mod:`txphoenix.transports.tls`.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer

from ..options import checks
from .client_tls import system_tls
from .tls import verified
from .tls_creator import guarded

__all__ = ["https_agent"]


def https_agent(reactor: Any, tls: Any = None, connect_timeout: float = 15.0) -> IAgent:
    """An agent for :class:`treq.client.HTTPClient`, which verifies whom it talks to.

    Each request has a connection of its own, which ends with it.
    No proxy is used.

    :param reactor: the reactor.
    :param tls: as the client's option ``tls``; by default the certificate is verified
        against the system's authorities, and its name against the URL's host.
    :param connect_timeout: seconds for the TCP connection.
    :raises ConfigurationError: one of them is not what it must be.
    """
    checks.tls("tls", tls)
    checks.network_seconds("connect_timeout", connect_timeout)
    endpoints = _Endpoints(reactor, tls, connect_timeout)
    return cast(IAgent, Agent.usingEndpointFactory(reactor, endpoints))


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Where the agent connects to."""

    def __init__(self, reactor: Any, tls: Any, connect_timeout: float) -> None:
        self._reactor = reactor
        self._tls = tls
        self._connect_timeout = connect_timeout

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """The endpoint of a URL's host."""
        host = uri.host.decode("ascii")
        endpoint = HostnameEndpoint(
            self._reactor, host, uri.port, timeout=self._connect_timeout
        )
        if uri.scheme != b"https":
            return cast(IStreamClientEndpoint, endpoint)
        given = self._tls
        tls = system_tls(host) if given is None else guarded(verified(given))
        return wrapClientTLS(tls, endpoint)
