"""The factory of a connector: what it is asked by that, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any, Protocol

from twisted.python.failure import Failure

from ..protocol.url import Target
from .addresses import AnsweringAddresses
from .interfaces import TransportListener

__all__ = ["AttemptFactory"]


class AttemptFactory(Protocol):
    """The factory, as its connector knows it.

    It makes the protocol of an attempt, and is told how attempts and transports ended.
    """

    @property
    def addresses(self) -> AnsweringAddresses:
        """Which addresses of the server have not answered."""

    @property
    def connection(self) -> TransportListener:
        """Whom to tell of attempts that begin, and of transports that are open."""

    def prepare(
        self,
        target: Target,
        headers: Mapping[str, str],
        auth_token: str | None,
        jar: CookieJar | None,
    ) -> None:
        """Set all that the next protocol is made with.

        :param jar: has the cookies that go along, if there is one.
        """

    def forget_request(self) -> None:
        """The attempt is over, so that nobody needs its secrets any more."""

    def buildProtocol(self, addr: Any) -> object:
        """Make the protocol that shakes hands."""

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """The attempt has failed."""

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """The open transport has ended."""
