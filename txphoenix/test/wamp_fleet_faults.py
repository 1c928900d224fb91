"""Faults of the fleet, each of which its machine must find.

Each is a function that takes the place of one of the fleet's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autobahn.wamp.exception import ApplicationError

from txphoenix.wamp import tenure
from txphoenix.wamp.interest import Interest
from txphoenix.wamp.members import Members
from txphoenix.wamp.routing import Routing
from txphoenix.wamp.tenure import Tenure

__all__ = ["FAULTS", "Fault"]


class Fault(NamedTuple):
    """One fault.

    :ivar name: what is wrong.
    :ivar owner: whose attribute is replaced.
    :ivar attribute: its name.
    :ivar value: what takes its place.
    """

    name: str
    owner: Any
    attribute: str
    value: Any


class _NoLock:
    """What somebody has who has not asked for it."""

    async def unregister(self) -> None:
        """There is nothing to give back."""


async def _take_without_lock(self: Any) -> None:
    self._lock = _NoLock()


async def _unlock_first(self: Any) -> None:
    self._is_ending = True
    lock, self._lock = self._lock, None
    if lock is not None:
        await self._unregister(lock)
    await self._leave()
    self._is_ending = False


async def _keep_lock(_self: Any, _lock: Any) -> None:
    return


async def _never_let_go(self: Any) -> None:
    members = frozenset(
        await self._session.call("wamp.registration.list_callees", self._registration)
    )
    if not members <= self.ids:
        self.ids |= members
        self._on_change()


async def _list_before_listening(self: Any) -> None:
    await self._compare()
    hear = self._session.subscribe
    await hear(self._created, "wamp.subscription.on_create")
    await hear(self._subscribed, "wamp.subscription.on_subscribe")
    await hear(self._unsubscribed, "wamp.subscription.on_unsubscribe")


async def _listen_to_deletions(self: Any) -> None:
    hear = self._session.subscribe
    await hear(self._created, "wamp.subscription.on_create")
    await hear(lambda _, number: self._forget([number]), "wamp.subscription.on_delete")
    self._comparing.ask()


async def _listen_to_nobody(_self: Any) -> None:
    return


async def _ask_no_session(_self: Any) -> set[int]:
    return set()


def _retry_what_was_cancelled(
    original: Callable[..., Any],
) -> Callable[..., Any]:
    async def attempt(self: Any, *args: Any) -> Any:
        try:
            return await original(self, *args)
        except ApplicationError as error:
            if error.error.endswith("error.interrupted"):
                return False, None
            raise

    return attempt


async def _wait_forever(
    self: Any, topic: str, method: str, left: float, args: tuple[Any, ...]
) -> Any:
    try:
        return True, await self._session.call(
            self._uris.lock(topic), method, *args, left
        )
    except ApplicationError as error:
        if error.error == ApplicationError.NO_SUCH_PROCEDURE:
            return False, None
        raise


FAULTS = [
    Fault("a topic is taken without its lock", Tenure, "_acquire", _take_without_lock),
    Fault("a lock is given back before its topic", Tenure, "_give_up", _unlock_first),
    Fault("a lock is not given back", Tenure, "_unregister", _keep_lock),
    Fault(
        "a topic that is being left is pushed to",
        Tenure,
        "is_locked",
        property(lambda self: self._lock is not None),
    ),
    Fault("a refused lock is not tried again", Tenure, "_backoff", lambda *_: 1e6),
    Fault("a refused join is not", tenure, "_JOIN_BACKOFF", lambda _: 1e6),
    Fault("a dead worker stays a member", Members, "_refresh", _never_let_go),
    Fault("deaths are not heard of", Members, "listen", _listen_to_nobody),
    Fault("interest is listed first", Interest, "start", _list_before_listening),
    Fault("interest believes on_delete", Interest, "start", _listen_to_deletions),
    Fault("wildcards of before", Interest, "_of_each_session", _ask_no_session),
    Fault(
        "a call is made twice",
        Routing,
        "_try",
        _retry_what_was_cancelled(Routing._try),
    ),
    Fault("a call waits for a dead worker", Routing, "_try", _wait_forever),
]
