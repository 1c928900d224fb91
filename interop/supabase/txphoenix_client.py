"""Does a scenario's actions with txphoenix; :mod:`.script` says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from txphoenix import PhoenixError
from txphoenix.supabase import (
    Broadcast,
    PostgresChange,
    RealtimeChannel,
    RealtimeClient,
    SystemMessage,
)
from txphoenix.supabase.testing import Settings

from ..acting import PENDING, ActingClient
from ..txphoenix_client import payload_of, told

__all__ = ["TxphoenixClient"]

RECONNECT = 0.02
"""The delay, in seconds, as ``kit.mjs`` has it."""

REJOIN = 0.3
"""Seconds after the server has ended a channel, in which it may get another token."""

TIMEOUT = 5.0


class Recorded(RealtimeChannel):
    """A channel that counts its joins and ends, and keeps what it hears."""

    joins = 0
    ends = 0
    heard: list[Any]

    def handle_join(self, response: Any) -> None:
        """Count the join."""
        super().handle_join(response)
        self.joins += 1

    def count_end(self, _reason: object) -> None:
        """Count the end."""
        self.ends += 1

    def listen(self, type: str, filter: Mapping[str, Any]) -> None:
        """Keep what comes of a type."""
        if type == "broadcast":
            self.on_broadcast(filter["event"], self._hear_broadcast)
        elif type == "postgres_changes":
            self.on_postgres_changes(**dict(filter), function=self._hear_change)
        elif type == "presence":
            self.on_presence_sync(self._hear_presences)
        else:
            self.on_system(self._hear_system)

    def _hear_broadcast(self, it: Broadcast) -> None:
        heard = [it.event, told(it.payload), it.metadata or None]
        self.heard.append(["broadcast", heard])

    def _hear_change(self, it: PostgresChange) -> None:
        heard = [it.type, it.table, it.new, it.old, list(it.errors) or None]
        self.heard.append(["postgres_changes", heard])

    def _hear_presences(self) -> None:
        state = self.presence_state
        plain = {
            key: [
                {name: it for name, it in meta.items() if name != "presence_ref"}
                for meta in metas
            ]
            for key, metas in state.items()
        }
        self.heard.append(["presence", [plain]])

    def _hear_system(self, it: SystemMessage) -> None:
        heard = [it.status, it.extension, it.message]
        self.heard.append(["system", heard])


class TxphoenixClient(ActingClient):
    """The clients of one scenario.

    :param reactor: the reactor.
    :param transport: ``"websocket"``.
    :param url: the server's.
    """

    def __init__(self, reactor: Any, transport: str, url: str) -> None:
        super().__init__(reactor)
        self._url = url.replace("ws", "http", 1)
        self._sockets: dict[str, RealtimeClient] = {}
        self._channels: dict[str, Recorded] = {}
        self._outcomes: dict[str, Any] = {}

    def waits(self) -> Mapping[str, Callable[..., bool]]:
        """What can be waited for; :data:`.script.WAITS` says what it means."""
        return {
            "subscribed": lambda it, count: self._channels[it].joins >= count,
            "closed": lambda it, count: self._channels[it].ends >= count,
            "heard": lambda it, count: len(self._channels[it].heard) >= count,
            "outcome": lambda it: self._outcomes[it] != PENDING,
        }

    def told(self) -> dict[str, Any]:
        """How everything has ended, and what the channels have heard."""
        heard = {name: channel.heard for name, channel in self._channels.items()}
        return {"outcomes": dict(self._outcomes), "heard": heard}

    async def end(self) -> None:
        """Stop the clients."""
        await gatherResults([it.stopService() for it in self._sockets.values()])

    # The actions.

    def _connect(self, name: str, vsn: str, token: str | None) -> None:
        client = RealtimeClient(
            self._url,
            Settings().publishable_key,
            token,
            vsn=vsn,
            params={"socket": name},
            backoff=lambda _: RECONNECT,
            rejoin_backoff=lambda _: REJOIN,
            timeout=TIMEOUT,
        )
        self._sockets[name] = client
        client.startService()

    def _set_auth(self, name: str, token: str) -> None:
        self._sockets[name].set_auth(token)

    def _channel(
        self,
        name: str,
        topic: str,
        config: Mapping[str, Any],
        listens: tuple[tuple[str, dict[str, Any]], ...],
        socket: str,
    ) -> None:
        broadcast = config.get("broadcast", {})
        channel = self._sockets[socket].channel(
            topic,
            channel_class=Recorded,
            ack=broadcast.get("ack", False),
            receive_own=broadcast.get("self", False),
            private=config.get("private", False),
            presence_key=config.get("presence", {}).get("key", ""),
        )
        made = cast(Recorded, channel)
        made.heard = []
        made.on_close(made.count_end)
        self._channels[name] = made
        for type, filter in listens:
            made.listen(type, filter)

    def _subscribe(self, name: str, outcome: str | None) -> None:
        self._note(outcome, self._channels[name].subscribe())

    def _unsubscribe(self, name: str, outcome: str | None) -> None:
        self._note(outcome, self._channels[name].unsubscribe())

    def _send(self, name: str, event: str, payload: Any, outcome: str) -> None:
        channel = self._channels[name]
        self._note(outcome, channel.send_broadcast(event, payload_of(payload)))

    def _send_http(self, name: str, event: str, payload: Any, outcome: str) -> None:
        channel = self._channels[name]
        self._note(outcome, channel.send_http(event, payload_of(payload)))

    def _track(self, name: str, payload: Any, outcome: str) -> None:
        self._note(outcome, self._channels[name].track(payload))

    def _untrack(self, name: str, outcome: str) -> None:
        self._note(outcome, self._channels[name].untrack())

    def _note(self, name: str | None, doing: Deferred[Any]) -> None:
        if name is None:
            doing.addErrback(_ended)
            return
        self._outcomes[name] = PENDING
        doing.addCallbacks(lambda _: ["ok"], _ended)
        doing.addCallback(lambda it: self._outcomes.__setitem__(name, it))


def _ended(failure: Failure) -> list[str]:
    failure.trap(PhoenixError)
    return ["error"]
