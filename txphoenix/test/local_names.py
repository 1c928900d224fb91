"""Names that lead to 127.0.0.1, whatever the machine knows.

::

    class NameTests(LocalNamesMixin, NetworkTestCase):
        async def test_name(self):
            server = await self.serve()
            client = self.client(f"ws://my_service:{server.port}/socket")
            ...
            self.names      # what was looked up
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from zope.interface import implementer

from txphoenix.testing.tls import Credentials

from .network import NetworkTestCase, reactor

if TYPE_CHECKING:
    _Case = NetworkTestCase
else:
    _Case = object

__all__ = ["LocalNamesMixin"]


@implementer(IHostnameResolver)
class _LocalNames:
    """A resolver that knows every name."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Say that it is 127.0.0.1."""
        self.asked.append(hostName)
        found = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(found)
        resolutionReceiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        resolutionReceiver.resolutionComplete()
        return found


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It is done already."""


class LocalNamesMixin(_Case):
    """A test whose reactor finds every name at 127.0.0.1.

    :ivar names: what was looked up.
    """

    names: list[str]

    def setUp(self) -> None:
        """Install the resolver."""
        super().setUp()
        resolver = _LocalNames()
        self.names = resolver.asked
        before = reactor.installNameResolver(resolver)
        self.addCleanup(reactor.installNameResolver, before)

    def trust(self, credentials: Credentials) -> None:
        """Have the machine trust that certificate until the end of the test."""
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(credentials.trust_root.dumpPEM())
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = path
        self.addCleanup(self._restore, before)

    def _restore(self, path: Any) -> None:
        os.environ.pop("SSL_CERT_FILE", None)
        if path is not None:
            os.environ["SSL_CERT_FILE"] = path
