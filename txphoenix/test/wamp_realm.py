"""What the parts of the WAMP router in memory need of the whole, and of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from typing import Any, Protocol

from autobahn.wamp import message
from twisted.internet.interfaces import IReactorTime

#: What is answered, by an error if need be.
Request = (
    message.Subscribe
    | message.Unsubscribe
    | message.Register
    | message.Unregister
    | message.Call
)


class Peer(Protocol):
    """A session, as the router sees it.

    :ivar session_id: its ID, for as long as it is joined.
    :ivar session_number: its ID, which stays when it has gone.
    """

    session_id: int | None
    session_number: int

    def details(self) -> dict[str, object]:
        """What the meta API tells of it."""

    def deliver(self, message: message.Message) -> None:
        """Send it a message."""

    def refuse(self, request: Request, error: str, *args: object) -> None:
        """Answer its request by an error."""


class Realm(Protocol):
    """The router, as its parts see it."""

    @property
    def clock(self) -> IReactorTime:
        """For timeouts."""

    @property
    def sessions(self) -> Mapping[int, Peer]:
        """Those who have joined, by their IDs."""

    def tell(self, topic: str, *args: object) -> None:
        """Publish for the router itself."""

    def later(self, tell: Callable[[], None]) -> None:
        """Do something after this turn of the reactor."""

    def new_id(self) -> int:
        """An ID as WAMP has them."""

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put in an order that nobody may rely on."""
