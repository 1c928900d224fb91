"""A channel's own presence, which outlives its joins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txphoenix.errors import PushInterrupted
from txphoenix.legible import legible

__all__ = ["OwnPresence", "shown", "shown_to"]


class PresentChannel(Protocol):
    """What it asks of its channel."""

    def push(
        self, event: str, payload: Any = ..., timeout: float | None = None
    ) -> Deferred[Any]:
        """Push, and wait for the reply."""


class OwnPresence:
    """What a channel tracks: told to the server, and told again after each rejoin.

    :param channel: the channel.
    """

    def __init__(self, channel: PresentChannel) -> None:
        self._channel = channel
        self._tracked: dict[str, Any] | None = None

    def track(self, payload: dict[str, Any], timeout: float | None) -> Deferred[None]:
        """See :meth:`.RealtimeChannel.track`."""
        # Until the server has taken it: a push that waits for the join is sent anyway.
        self._tracked = None

        def answered(result: Any) -> Any:
            if not isinstance(result, Failure) or result.check(PushInterrupted):
                self._tracked = payload
            return result

        return self._push("track", timeout, payload=payload).addBoth(answered)

    def untrack(self, timeout: float | None) -> Deferred[None]:
        """See :meth:`.RealtimeChannel.untrack`."""
        self.forget()
        return self._push("untrack", timeout)

    def forget(self) -> None:
        """Track nothing after the next join."""
        self._tracked = None

    def track_again(self, failed: Callable[[BaseException], None]) -> None:
        """Tell the server again, after a join.

        :param failed: called with the error, if it does not take it.
        """

        def tell(failure: Failure) -> None:
            # The next join is told again.
            if not failure.check(PushInterrupted) and failure.value is not None:
                failed(failure.value)

        if self._tracked is not None:
            again = self._push("track", None, payload=self._tracked)
            again.addErrback(tell)

    def _push(self, event: str, timeout: float | None, **more: Any) -> Deferred[None]:
        made = {"type": "presence", "event": event, **more}
        pushed = self._channel.push("presence", made, timeout)
        return pushed.addCallback(lambda _: None)


def shown(entry: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What a key has tracked, under the names of Supabase's own clients."""
    found = []
    for meta in (entry or {}).get("metas", ()):
        made = {name: meta[name] for name in meta if not name.startswith("phx_ref")}
        found.append({"presence_ref": meta.get("phx_ref"), **made})
    return found


def shown_to(function: Callable[[str, Any, Any], Any]) -> Callable[..., Any]:
    """A hook for presences that tells a function what is :func:`shown`."""
    if not callable(function):
        raise TypeError(f"a hook must be callable, not {legible(function)}")

    # Under its own name in the log.
    @wraps(function)
    def told(key: str, before: Any, changed: Any) -> Any:
        return function(key, shown(before), shown(changed))

    return told
