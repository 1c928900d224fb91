"""The meta API of the WAMP router in memory: who is there, and who has what.

It does as Crossbar 26.10.1's, whose ``router/service.py`` is the rule here: it lists
no subscriptions by wildcard, unless those of one session are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError

from txphoenix.test.wamp_observations import Observation, Observations
from txphoenix.test.wamp_peer import Peer
from txphoenix.test.wamp_realm import Realm


class MetaAPI:
    """Answers calls of ``wamp.*``."""

    def __init__(self, router: Realm) -> None:
        self._router = router
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        """The calls that it has answered, in order."""
        self.stale_lists = 0
        """How many of the next lists are those of before the last change."""
        self._before: dict[str, object] = {}
        self._now: dict[str, object] = {}

    def call(self, session: Peer, request: message.Call) -> None:
        """Answer a call."""
        args = tuple(request.args or ())
        self.calls.append((request.procedure, args))
        try:
            answer = self._answer(request.procedure, args, request.kwargs or {})
        except ApplicationError as error:
            session.refuse(request, error.error, *error.args)
        else:
            if ".list" in request.procedure:
                answer = self._perhaps_stale(f"{request.procedure} {args}", answer)
            session.deliver(message.Result(request.request, args=[answer]))

    def _answer(
        self, procedure: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        kind, _, name = procedure.removeprefix("wamp.").partition(".")
        method: Callable[..., object] | None
        if kind == "session":
            method = getattr(self, f"_session_{name}", None)
            arguments = args
        elif kind == "subscription":
            method = getattr(self, f"_{name}", None)
            arguments = (self._router.broker.subscriptions, *args)
        elif kind == "registration":
            method = getattr(self, f"_{name}", None)
            arguments = (self._router.dealer.registrations, *args)
        else:
            method, arguments = None, ()
        if method is None:
            raise ApplicationError(
                ApplicationError.NO_SUCH_PROCEDURE,
                f"no callee registered for procedure <{procedure}>",
            )
        return method(*arguments, **kwargs)

    def _perhaps_stale(self, question: str, answer: object) -> object:
        if answer != self._now.get(question):
            self._before[question] = self._now.get(question, answer)
            self._now[question] = answer
        if self.stale_lists:
            self.stale_lists -= 1
            return self._before[question]
        return answer

    def _session_list(self) -> list[int]:
        return list(self._router.sessions)

    def _session_count(self) -> int:
        return len(self._router.sessions)

    def _session_get(self, number: int) -> dict[str, object]:
        return self._session(number).details()

    def _session(self, number: int) -> Peer:
        session = self._router.sessions.get(number)
        if session is None:
            raise ApplicationError(
                ApplicationError.NO_SUCH_SESSION,
                f"no session with ID {number} exists on this router",
            )
        return session

    def _list(
        self, map_: Observations, number: int | None = None
    ) -> dict[str, list[int]]:
        if number is None:
            found = [one for one in map_ if one.match != "wildcard"]
        else:
            found = map_.of(self._session(number))
        if number is None:
            found = [one for one in found if not one.uri.startswith("wamp.")]
        return {
            match: [one.id for one in found if one.match == match]
            for match in ("exact", "prefix", "wildcard")
        }

    def _get(self, map_: Observations, number: int) -> dict[str, object]:
        return self._one(map_, number).details()

    def _one(self, map_: Observations, number: int) -> Observation:
        one = map_.get(number)
        if one is None:
            raise ApplicationError(
                ApplicationError.NO_SUCH_SUBSCRIPTION
                if map_ is self._router.broker.subscriptions
                else ApplicationError.NO_SUCH_REGISTRATION,
                f"no such one with ID {number} exists here",
            )
        if one.uri.startswith("wamp."):
            raise ApplicationError(
                ApplicationError.NOT_AUTHORIZED,
                f"not authorized for protected URI {one.uri!r}",
            )
        return one

    def _lookup(
        self, map_: Observations, uri: str, options: dict[str, str] | None = None
    ) -> int | None:
        one = map_.find(uri, (options or {}).get("match", "exact"))
        return None if one is None else one.id

    def _list_callees(self, map_: Observations, number: int) -> list[int]:
        return [each.session_number for each in self._one(map_, number).observers]

    def _count_callees(self, map_: Observations, number: int) -> int:
        return len(self._one(map_, number).observers)

    _list_subscribers = _list_callees
    _count_subscribers = _count_callees
