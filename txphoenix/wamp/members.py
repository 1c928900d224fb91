"""Who is in the fleet: the sessions that have registered the shared entry.

The router's list of them is the truth, and is asked for again at every sign that it may
have changed.
Of a death there are two signs, and neither would do alone: ``wamp.session.on_leave``
names the session, and may come while the router still has its registrations; the
``wamp.registration.on_unregister`` that comes afterwards names none.
A router may find out late that a session is gone, and until then lists it, so the list
is also asked for from time to time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime

from txphoenix.backoff import steps

from .repeating import Repeating

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession

__all__ = ["Members"]


class Members:
    """The sessions that have registered one procedure.

    :param session: one that has joined, and asks the router by its meta API.
    :param on_change: called after `ids` has changed.
    :param every: the seconds after which the list is asked for without a sign.
    """

    def __init__(
        self,
        session: ApplicationSession,
        clock: IReactorTime,
        on_change: Callable[[], None],
        every: float,
    ) -> None:
        self.ids: frozenset[int] = frozenset()
        self._session = session
        self._on_change = on_change
        self._registration: int | None = None
        self._refreshing = Repeating(
            clock, self._refresh, steps([0.1, 0.5, 2.0]), every
        )

    async def listen(self) -> None:
        """Subscribe to the signs; to be done before the procedure is registered."""
        hear = self._session.subscribe
        await hear(self._heard_of_callee, "wamp.registration.on_register")
        await hear(self._heard_of_callee, "wamp.registration.on_unregister")
        await hear(self._heard_of_leaving, "wamp.session.on_leave")

    def follow(self, registration: int) -> None:
        """Tell who has a registration from now on, which this session has too."""
        self._registration = registration
        self._refreshing.ask()

    def stop(self) -> None:
        """Have nobody as a member, and ask no more."""
        self._refreshing.stop()
        self.ids = frozenset()

    def _heard_of_callee(self, _session: int | None, registration: int) -> None:
        if registration == self._registration:
            self._refreshing.ask()

    def _heard_of_leaving(self, session: int, *_more: Any) -> None:
        if session in self.ids:
            self._refreshing.ask()

    async def _refresh(self) -> None:
        ids = frozenset(
            await self._session.call(
                "wamp.registration.list_callees", self._registration
            )
        )
        if ids != self.ids and not self._refreshing.is_stopped:
            self.ids = ids
            self._on_change()
