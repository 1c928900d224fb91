"""What telemetry tells of pushes, beside the Deferreds that were handed out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix import SocketClient, telemetry

from .handed import Ledger
from .promises import Promise, Promises
from .server import ASYNC, RAW

__all__ = ["ToldPushes"]


class ToldPushes:
    """Counts the ends of pushes of one client.

    :param listens: whether it does; a client takes other ways while somebody listens.
    """

    def __init__(
        self, promises: Promises, ledger: Ledger, client: SocketClient, listens: bool
    ) -> None:
        self._promises = promises
        self._ledger = ledger
        self._client = client
        self._ends = 0
        self._listens = listens
        if listens:
            telemetry.attach(self, telemetry.PUSH, self._take)

    def _take(
        self, _: Any, measured: Mapping[str, float], told: Mapping[str, Any], __: Any
    ) -> None:
        if told["client"] is self._client:
            # Those without a Deferred may be dropped, and are told of then.
            self._ends += told["event"] not in (ASYNC, RAW)
            what = f"the end of {told['event']} after {measured['duration']} s"
            self._promises.hold(Promise.TOLD, measured["duration"] >= 0, what)

    def check(self) -> None:
        """Each push whose Deferred has fired was told of once, and no other was."""
        if self._listens:
            fired = self._ledger.fired_pushes
            what = f"{fired} pushes have fired, and telemetry told of {self._ends}"
            self._promises.hold(Promise.TOLD, self._ends == fired, what)

    def close(self) -> None:
        """Listen no more."""
        if self._listens:
            still = telemetry.detach(self)
            self._promises.hold(Promise.CALM, still, "the handler has raised")
