"""Another address of a name, after one that took the connection and said nothing.

Twisted's :class:`~twisted.internet.endpoints.HostnameEndpoint` races the addresses of a
name, and the first that takes a TCP connection wins: a node that is stuck still does.
What is behind it comes to nothing later, when the attempt runs out of time, and the
next attempt would lead to the same node.

So what an attempt was connected to is noted, and left out of the next one if it had not
answered::

    attempt 1   10.0.0.1  10.0.0.2  10.0.0.3    10.0.0.1 is connected, and mute
    attempt 2   10.0.0.2  10.0.0.3              10.0.0.2 is connected, and mute
    attempt 3   10.0.0.3                        10.0.0.3 is connected, and answers

When all have been mute, or none of the others can be connected to, all are tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from ..errors import HandshakeRefused

__all__ = ["AnsweringAddresses", "AnsweringEndpoint"]

# A URL that is asked for anew at each attempt may lead to ever other names.
_MOST_NAMES: Final = 16


class AnsweringAddresses:
    """What a client has learnt of the addresses of its server, or of its proxy."""

    __slots__ = ("_connected", "_is_under_way", "_mute")

    def __init__(self) -> None:
        # The addresses of each name that were mute; None as long as there are none.
        self._mute: dict[str, set[str]] | None = None
        # What the attempt under way is connected to, by its name; None if to nothing.
        self._connected: dict[str, str] | None = None
        self._is_under_way = False

    def forget_attempt(self) -> None:
        """Another attempt is to be made, and asks for what it needs before it dials."""
        self._is_under_way = False

    def attempt_begins(self) -> None:
        """Somebody is about to connect."""
        self._connected = None
        self._is_under_way = True

    def attempt_failed(self, reason: Exception) -> None:
        """The attempt has come to nothing, and nobody has given it up on purpose.

        A server that has refused has answered; any other end of a connection shows
        that its address is no good.
        """
        if not self._is_under_way:
            return
        self._is_under_way = False
        if not self._connected:
            # What was left out may be all there is.
            self._mute = None
        elif not isinstance(reason, HandshakeRefused):
            mute = self._mute = self._mute or {}
            for name, address in self._connected.items():
                mute.setdefault(name, set()).add(address)
            while len(mute) > _MOST_NAMES:
                del mute[next(iter(mute))]

    def connected(self, name: str, address: str) -> None:
        """The attempt is connected to an address of a name."""
        self._connected = {**(self._connected or {}), name: address}

    def to_try(self, name: str, addresses: list[IAddress]) -> list[IAddress]:
        """Choose those to try, in their order."""
        mute = None if self._mute is None else self._mute.get(name)
        if mute is None:
            return addresses
        found = {_host(address) for address in addresses}
        mute &= found
        if mute == found:
            # All have been: begin anew.
            mute.clear()
        return [address for address in addresses if _host(address) not in mute]


@implementer(IStreamClientEndpoint)
class AnsweringEndpoint:
    """Connects to one of the addresses of a name that have not been mute.

    :param name: the host's name and port, by which its addresses are known.
    :param addresses: what is known of them.
    :param make_endpoint: makes the endpoint of the name, of a reactor.
    :param reactor: looks the name up, and connects.
    """

    def __init__(
        self,
        name: str,
        addresses: AnsweringAddresses,
        make_endpoint: Callable[[Any], IStreamClientEndpoint],
        reactor: Any,
    ) -> None:
        self._name = name
        self._addresses = addresses
        self._endpoint = make_endpoint(_ChoosingReactor(reactor, name, addresses))

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, as a ``HostnameEndpoint`` does."""
        noting = _NotingFactory(protocolFactory, self._name, self._addresses)
        connecting: Deferred[IProtocol] = self._endpoint.connect(noting)
        return connecting

    def __repr__(self) -> str:
        return repr(self._endpoint)


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class _ChoosingReactor:
    """A reactor whose resolver leaves some addresses out."""

    def __init__(self, reactor: Any, name: str, addresses: AnsweringAddresses) -> None:
        self._reactor = reactor
        self._name = name
        self._addresses = addresses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    @property
    def nameResolver(self) -> Any:
        return self

    def installNameResolver(self, resolver: Any) -> Any:
        return self._reactor.installNameResolver(resolver)

    def resolveHostName(
        self, resolutionReceiver: IResolutionReceiver, *args: Any, **kwargs: Any
    ) -> IHostResolution:
        choosing = _Chosen(resolutionReceiver, self._name, self._addresses)
        resolution: IHostResolution = self._reactor.nameResolver.resolveHostName(
            choosing, *args, **kwargs
        )
        return resolution


@implementer(IResolutionReceiver)
class _Chosen:
    """Takes all addresses, and hands on those that are chosen."""

    def __init__(
        self, receiver: IResolutionReceiver, name: str, addresses: AnsweringAddresses
    ) -> None:
        self._receiver = receiver
        self._name = name
        self._addresses = addresses
        self._found: list[IAddress] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        self._found.append(address)

    def resolutionComplete(self) -> None:
        for address in self._addresses.to_try(self._name, self._found):
            self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()


@implementer(IProtocolFactory)
class _NotingFactory:
    """Notes which address a connection has been made to."""

    def __init__(
        self, factory: IProtocolFactory, name: str, addresses: AnsweringAddresses
    ) -> None:
        self._factory = factory
        self._name = name
        self._addresses = addresses

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        protocol = self._factory.buildProtocol(addr)
        if protocol is not None:
            self._addresses.connected(self._name, _host(addr))
        return protocol


def _host(address: IAddress) -> str:
    return str(getattr(address, "host", address))
