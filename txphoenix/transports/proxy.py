"""An endpoint that goes through an HTTP proxy.

::

    C: CONNECT example.org:443 HTTP/1.1
    C: Host: example.org:443
    C:
    P: HTTP/1.1 200 Connection established
    P:
    C and S: whatever the factory's protocol says to the server, TLS first

It is the tunnel of RFC 9110 section 9.3.6, and serves each transport alike, since it
is an endpoint like any other.
"""

from __future__ import annotations

import re
from time import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConnectionFailed
from ..protocol.host import server_name
from ..protocol.url import Target
from .answer_head import AnswerHead, read_head
from .failures import failed_with
from .retry_after import retry_after

__all__ = ["HTTPConnectEndpoint"]

# A proxy that says more than this (bytes) before the tunnel is open is none, interim
# answers included.
_LONGEST_ANSWER = 16 * 1024


@implementer(IStreamClientEndpoint)
class HTTPConnectEndpoint:
    """Connects to a host through an HTTP proxy.

    :param proxy: the endpoint of the proxy itself.
    :param host: the host name or address that the proxy shall connect to.
    :param port: its port.
    :param authorization: the value of ``Proxy-Authorization``, or None.
    :param name: what an error calls the proxy.
    """

    def __init__(
        self,
        proxy: IStreamClientEndpoint,
        host: str,
        port: int,
        authorization: str | None = None,
        name: str = "the proxy",
    ) -> None:
        self._proxy = proxy
        self._name = name
        # The proxy looks a name up, and so is told of the dot that it may end in; but
        # the zone of an address is one of this machine.
        address = f"{host}:{port}"
        if ":" in host:
            address = f"[{server_name(host)}]:{port}"
        lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}"]
        if authorization is not None:
            lines.append(f"Proxy-Authorization: {authorization}")
        self._request = "\r\n".join([*lines, "", ""]).encode("ascii")
        self._authorization = authorization

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Open the tunnel.

        :return: a Deferred of the factory's protocol, connected through the proxy.
            It fails with :exc:`ConnectionFailed` if the proxy refuses or says
            nothing that can be understood, and as the proxy's endpoint does.
        """
        tunnel = _Tunnel(factory, self._request, self._name, self._authorization)
        connecting = self._proxy.connect(_TunnelFactory(tunnel))
        connecting.addErrback(tunnel.failed)

        def cancel(_opened: Deferred[IProtocol]) -> None:
            connecting.cancel()
            tunnel.abort()

        opened: Deferred[IProtocol] = Deferred(cancel)
        tunnel.opened = opened
        tunnel.settle()
        return opened


class _TunnelFactory(Factory):
    """Has the one tunnel for its protocol."""

    # The log would hold the tunnel, and its password.
    noisy = False

    def __init__(self, tunnel: _Tunnel) -> None:
        self._tunnel = tunnel

    def buildProtocol(self, addr: Any) -> _Tunnel:
        return self._tunnel


class _Tunnel(Protocol):
    """Asks the proxy, then stands between the transport and the real protocol."""

    def __init__(
        self,
        factory: IProtocolFactory,
        request: bytes,
        name: str,
        authorization: str | None,
    ) -> None:
        self._target_factory = factory
        # To be cut out of what a proxy says that refuses.
        self._authorization = authorization
        self._name = name
        # A TCP transport's interface; what a Protocol declares is less.
        self.transport: Any = None
        self._request = request
        self._answer = AnswerHead(_LONGEST_ANSWER)
        self._protocol: IProtocol | None = None
        self._outcome: IProtocol | Failure | None = None
        self.opened: Deferred[IProtocol] | None = None

    def connectionMade(self) -> None:
        """Ask for the tunnel."""
        # There may be a password in it, which an open tunnel has no use for.
        request, self._request = self._request, b""
        self.transport.write(request)

    def dataReceived(self, data: bytes) -> None:
        """Read the proxy's answer; all that follows is for the protocol."""
        if self._protocol is not None:
            self._protocol.dataReceived(data)
            return
        if self._outcome is not None:
            return
        try:
            answer = self._answer.read(data)
        except ValueError as error:
            self._refuse(f"{self._name} has sent {error}")
            return
        if answer is None:
            return
        head, rest = answer
        status = re.split(b"\r?\n", head, maxsplit=1)[0].decode("latin-1")
        words = status.split(maxsplit=2)
        if len(words) < 2 or not words[0].startswith("HTTP/1."):
            said = self._without_secrets(status)[:80]
            self._refuse(f"{self._name} has answered what is not HTTP: {said!r}")
        elif not (len(words[1]) == 3 and words[1].startswith("2")):
            _, _, headers = read_head(head.decode("latin-1"))
            said = self._without_secrets(" ".join(words[1:]))[:80]
            self._refuse(f"{self._name} refused: {said}", retry_after(headers, time()))
        else:
            self._open(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the protocol, or whoever waits for the tunnel."""
        if self._protocol is not None:
            self._protocol.connectionLost(reason)
        elif self._outcome is None:
            cause = reason.value or ConnectionDone()
            self.failed(Failure(failed_with(cause, f"{self._name} hung up")))

    def abort(self) -> None:
        """Give the tunnel up."""
        if self.transport is not None and self._protocol is None:
            self._outcome = Failure(ConnectionDone())
            self.transport.abortConnection()

    def failed(self, failure: Failure) -> None:
        """Take note that there will be no tunnel."""
        self._outcome = failure
        self.settle()

    def settle(self) -> None:
        """Fire the Deferred as soon as there are both an outcome and a Deferred."""
        outcome, opened = self._outcome, self.opened
        if outcome is None or opened is None:
            return
        self.opened = None
        if opened.called:
            # Cancelled, which is how it came to its outcome.
            return
        if isinstance(outcome, Failure):
            opened.errback(outcome)
        else:
            opened.callback(outcome)

    def _without_secrets(self, text: str) -> str:
        """What the proxy says, without the password that it was given."""
        if self._authorization is None:
            return text
        # It takes a moment to load, and few proxies refuse.
        from .request_secrets import RequestSecrets

        nothing = Target(secure=False, host="", port=0, path="", query="")
        given = {"Proxy-Authorization": self._authorization}
        return RequestSecrets(nothing, given).cut_out(text)

    def _open(self, rest: bytes) -> None:
        self._authorization = None
        try:
            protocol: Any = self._target_factory.buildProtocol(self.transport.getPeer())
            if protocol is None:
                self._refuse("the factory has made no protocol")
                return
            self._protocol = protocol
            protocol.makeConnection(self.transport)
        except BaseException:
            # Whoever waits for the tunnel is told, rather than whoever reads from it.
            self.failed(Failure())
            self.transport.abortConnection()
            return
        self._outcome = protocol
        self.settle()
        if rest:
            protocol.dataReceived(rest)

    def _refuse(self, reason: str, wait: float | None = None) -> None:
        refused = ConnectionFailed(reason)
        refused.retry_after = wait
        self.failed(Failure(refused))
        self.transport.abortConnection()
