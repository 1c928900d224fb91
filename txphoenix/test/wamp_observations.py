"""What sessions of the WAMP router in memory have subscribed to and registered.

As Crossbar's ``UriObservationMap``: one entry for each URI and way to match it, with an
ID of its own, which is gone with the last session that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from txphoenix.test.wamp_peer import Peer


class Observation:
    """A URI, how it is matched, and who has subscribed to it or registered it."""

    def __init__(self, number: int, uri: str, match: str, invoke: str) -> None:
        self.id = number
        self.uri = uri
        self.match = match
        self.invoke = invoke
        self.observers: list[Peer] = []
        self.calls = 0

    def details(self) -> dict[str, object]:
        """What the meta API tells of a subscription."""
        return {
            "id": self.id,
            "created": "2026-01-01T00:00:00.000Z",
            "uri": self.uri,
            "match": self.match,
        }

    def matches(self, uri: str) -> bool:
        """Whether what is published or called under a URI is for it."""
        if self.match == "prefix":
            return uri.startswith(self.uri)
        if self.match == "wildcard":
            pattern, parts = self.uri.split("."), uri.split(".")
            return len(pattern) == len(parts) and all(
                want in ("", part) for want, part in zip(pattern, parts, strict=True)
            )
        return uri == self.uri

    def next_observer(self) -> Peer:
        """The session that a call is for: the only one, or the next one in turn."""
        observer = self.observers[self.calls % len(self.observers)]
        if self.invoke == "roundrobin":
            self.calls += 1
        return observer


class Observations:
    """All subscriptions, or all registrations, of a realm."""

    def __init__(self, new_id: Callable[[], int]) -> None:
        self._new_id = new_id
        self._by_id: dict[int, Observation] = {}

    def __iter__(self) -> Iterator[Observation]:
        return iter(list(self._by_id.values()))

    def get(self, number: int) -> Observation | None:
        """The one with this ID."""
        return self._by_id.get(number)

    def find(self, uri: str, match: str) -> Observation | None:
        """The one of exactly this URI, matched in this way."""
        for one in self._by_id.values():
            if (one.uri, one.match) == (uri, match):
                return one
        return None

    def matching(self, uri: str) -> list[Observation]:
        """Those that a publication under a URI is for."""
        return [one for one in self._by_id.values() if one.matches(uri)]

    def of(self, observer: Peer) -> list[Observation]:
        """Those of a session."""
        return [one for one in self._by_id.values() if observer in one.observers]

    def create(self, uri: str, match: str, invoke: str = "single") -> Observation:
        """A new one, that nobody observes yet."""
        one = Observation(self._new_id(), uri, match, invoke)
        self._by_id[one.id] = one
        return one

    def drop(self, observer: Peer, one: Observation) -> bool:
        """Take a session from one; whether that was the last, and it is gone."""
        one.observers.remove(observer)
        if not one.observers:
            del self._by_id[one.id]
        return not one.observers
