"""An endpoint that errors call by a name, where it is not the host of the URL.

A proxy that is down looks like a server that is down, unless the error says which of
them it was.
"""

from __future__ import annotations

from typing import Any, Final, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import PhoenixError
from ..legible import cut
from .failures import failed_with

__all__ = ["NamedEndpoint", "endpoint_name"]

# The kinds of endpoints whose descriptions hold an address and nothing secret.
_PLAIN_KINDS: Final = ("tcp", "unix")


@implementer(IStreamClientEndpoint)
class NamedEndpoint:
    """An endpoint whose errors name it.

    :param endpoint: what connects.
    :param name: what it is called, such as ``"the proxy 127.0.0.1:8888"``.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, name: str) -> None:
        self.endpoint = endpoint
        """What connects."""
        self._name = name

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as the endpoint does."""
        connecting: Any = self.endpoint.connect(protocolFactory)
        if isinstance(connecting, Deferred):
            connecting.addErrback(self._failed)
        # If it is none, who has asked says so.
        return cast(Deferred[IProtocol], connecting)

    def __repr__(self) -> str:
        return f"<NamedEndpoint {self._name}>"

    def _failed(self, failure: Failure) -> Failure:
        error = failure.value
        if error is None or isinstance(error, PhoenixError | CancelledError):
            return failure
        return Failure(failed_with(error, self._name))


def endpoint_name(given: object) -> str:
    """What an error calls an endpoint of the user's.

    Of one that may hold a secret, such as the password for a SOCKS proxy, it is the
    kind alone.

    :param given: the endpoint, or a description of it.
    """
    if not isinstance(given, str):
        return f"the endpoint {cut(type(given).__name__)}"
    kind = given.partition(":")[0]
    shown = given if kind.lower() in _PLAIN_KINDS else f"{kind}:..."
    return f"the endpoint {cut(shown)}"
