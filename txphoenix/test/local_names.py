"""Names that lead to addresses of this machine, whatever the machine knows.

::

    class NameTests(LocalNamesMixin, NetworkTestCase):
        async def test_name(self):
            server = await self.serve()
            client = self.client(f"ws://my_service:{server.port}/socket")
            ...
            self.names      # what was looked up

Where they are to lead elsewhere, or nowhere, :func:`find_names_at` says so.
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

__all__ = ["LocalNamesMixin", "Names", "find_names_at"]


@implementer(IHostnameResolver, IHostResolution)
class Names:
    """A resolver that finds every name at the same addresses.

    :ivar addresses: which these are, in their order; of none, no name is known.
    :ivar asked: what was looked up.
    """

    name = ""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Tell the addresses."""
        self.asked.append(hostName)
        resolutionReceiver.resolutionBegan(self)
        for address in self.addresses:
            found = IPv4Address("TCP", address, portNumber)
            resolutionReceiver.addressResolved(found)
        resolutionReceiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """It is done already."""


def find_names_at(case: NetworkTestCase, *addresses: str) -> Names:
    """Have the reactor find every name at these addresses, until the test ends.

    :param addresses: addresses of IPv4; without any, no name is known.
    """
    names = Names(addresses)
    before = reactor.installNameResolver(names)
    case.addCleanup(reactor.installNameResolver, before)
    return names


class LocalNamesMixin(_Case):
    """A test whose reactor finds every name at 127.0.0.1.

    :ivar names: what was looked up.
    """

    names: list[str]

    def setUp(self) -> None:
        """Install the resolver."""
        super().setUp()
        self.names = find_names_at(self, "127.0.0.1").asked

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
