"""What is asked of the system for each TCP connection that is opened.

Nagle's algorithm (RFC 896) holds a small write back until the one before it has been
acknowledged, and a peer that has nothing to say acknowledges up to 40 ms later.
A push that follows a push in a later turn of the reactor would wait for that, so it is
always switched off.

Whatever stands between is passed through: TLS, a proxy's tunnel, the user's endpoint.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.logger import Logger
from zope.interface import implementer

from ..runtime.package_log import package_log
from .opening import open_endpoint

__all__ = ["TunedEndpoint", "tune"]

log = Logger("txphoenix.transports.tuned", observer=package_log)


@implementer(IStreamClientEndpoint)
class TunedEndpoint:
    """An endpoint whose connections delay no write, and are kept alive if wanted.

    A connection that is not TCP's, such as that of a UNIX socket, is left as it is.

    :param endpoint: what connects.
    :param keepalive: whether the system shall look after idle connections
        (``SO_KEEPALIVE``).
    """

    def __init__(self, endpoint: IStreamClientEndpoint, keepalive: bool) -> None:
        self._endpoint = endpoint
        self._keepalive = keepalive

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as the endpoint does; see :func:`.open_endpoint`."""
        return open_endpoint(self._endpoint, protocolFactory).addCallback(self._tune)

    def _tune(self, protocol: Any) -> Any:
        # The first to write is our handshake, which is one write and so not delayed.
        tune(getattr(protocol, "transport", None), self._keepalive)
        return protocol


def tune(transport: Any, keepalive: bool) -> None:
    """Have a connection delay no write, and be kept alive if wanted.

    :param transport: any, or None; one that is not TCP's is left as it is.
    """
    _set(transport, "setTcpNoDelay")
    if keepalive:
        _set(transport, "setTcpKeepAlive")


def _set(transport: Any, name: str) -> None:
    """Switch one of TCP's options on, where there is one.

    The transport may be of the user's making, and a connection that cannot be tuned
    is a connection all the same.
    """
    switch = getattr(transport, name, None)
    try:
        if switch is not None:
            switch(True)
    except Exception as error:
        log.debug("{name} was not possible: {error}", name=name, error=error)
