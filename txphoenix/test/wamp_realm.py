"""What the broker, the dealer and the meta API in memory ask of the router."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from .wamp_observations import Observations
from .wamp_peer import Peer

__all__ = ["Realm"]


class Subscribed(Protocol):
    """The broker, as others know it."""

    subscriptions: Observations

    def tell(self, topic: str, *args: object) -> None:
        """Publish what the meta API tells."""


class Registered(Protocol):
    """The dealer, as others know it."""

    registrations: Observations


class Realm(Protocol):
    """The router: its sessions, and what its parts have of each other."""

    @property
    def clock(self) -> IReactorTime:
        """For the timeouts of calls."""

    @property
    def sessions(self) -> Mapping[int, Peer]:
        """Those who have joined, by the ID of the session."""

    @property
    def broker(self) -> Subscribed:
        """Has the subscriptions."""

    @property
    def dealer(self) -> Registered:
        """Has the registrations."""

    def new_id(self) -> int:
        """An ID as WAMP has them."""

    def later(self, tell: Callable[[], None]) -> None:
        """Do something after this turn of the reactor."""

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put in an order that nobody may rely on."""
