"""The opening of an endpoint's connection, held to what an endpoint must do.

An endpoint may be one of the user's.
It may raise rather than return a Deferred, return something else, stay silent when it
is cancelled, or connect all the same, much later.
None of this may hold up who waits for it, nor leave a connection behind that nobody
knows of.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConnectionFailed
from ..runtime.package_log import package_log
from ..runtime.waiters import until_cancelled

__all__ = ["TooLate", "open_endpoint"]

log = Logger("txphoenix.transports.opening", observer=package_log)


def open_endpoint(
    endpoint: IStreamClientEndpoint, factory: IProtocolFactory
) -> Deferred[IProtocol]:
    """Connect by an endpoint.

    :return: a Deferred of the protocol that ``factory`` has made.
        It fails with what the endpoint has raised or failed with, with
        :exc:`ConnectionFailed` if that has returned no Deferred or made no connection,
        and at once if it is cancelled.
        What the endpoint connects after its end is ended at once.
    """
    gate = _Gate(factory)
    try:
        opening: Any = endpoint.connect(gate)
        if not isinstance(opening, Deferred):
            raise ConnectionFailed(
                "the endpoint's connect() must return a Deferred, not a value of type"
                f" {type(opening).__name__}"
            )
    except BaseException:
        gate.close()
        return fail()
    return until_cancelled(opening).addBoth(gate.ended)


@implementer(IProtocolFactory)
class _Gate:
    """The factory, as the endpoint of one attempt sees it."""

    def __init__(self, factory: IProtocolFactory) -> None:
        self._factory: IProtocolFactory | None = factory
        # Twisted has it for its log.
        self.noisy = getattr(factory, "noisy", False)
        self._protocol: IProtocol | None = None

    def doStart(self) -> None:
        if self._factory is not None:
            self._factory.doStart()

    def doStop(self) -> None:
        if self._factory is not None:
            self._factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """Have the factory make its protocol, unless that is not wanted any more."""
        if self._factory is None:
            return TooLate()
        protocol = self._factory.buildProtocol(addr)
        if not isinstance(protocol, TooLate):
            self._protocol = protocol
        return protocol

    def close(self) -> None:
        """Let nothing through any more."""
        self._factory = None

    def ended(self, result: Any) -> Any:
        """Take note of the endpoint's end; what it fires with is for us to know."""
        self.close()
        protocol, self._protocol = self._protocol, None
        if isinstance(result, Failure):
            return result
        if protocol is None:
            raise ConnectionFailed("the endpoint made no connection")
        return protocol


class TooLate(Protocol):
    """The protocol of a connection that nobody waits for any more: it ends it."""

    def connectionMade(self) -> None:
        """End it."""
        transport: Any = self.transport
        end = getattr(transport, "abortConnection", None) or transport.loseConnection
        try:
            end()
        except BaseException:
            log.failure("a transport that came too late raised")
