"""Does a scenario's actions with txphoenix; :mod:`.script` says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from txphoenix import (
    AlreadyJoined,
    Channel,
    ChannelClosed,
    JoinError,
    JoinTimeout,
    Message,
    NotConnected,
    PhoenixError,
    PushError,
    SocketClient,
    telemetry,
)

from .acting import PENDING, ActingClient

__all__ = ["TxphoenixClient"]

RECONNECT = 0.02
REJOIN = 0.05
"""The delays, in seconds, as ``library.mjs`` has them."""

BEAT = 0.1
"""The seconds to an early heartbeat, as ``scenario.mjs`` has them."""

FALLBACK = 0.3
TIMEOUT = 5.0


class Recorded(Channel):
    """A channel that counts its joins and keeps what it hears."""

    joins = 0
    errors = 0
    ends = 0
    heard: list[Any]
    of_socket: str

    def handle_join(self, response: Any) -> None:
        """Count the join."""
        self.joins += 1

    def handle_close(self, reason: object) -> None:
        """Count the end."""
        self.ends += 1

    def count_error(self, _error: BaseException) -> None:
        """Count what interrupts the channel."""
        self.errors += 1

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep the message."""
        self.heard.append([event, told(payload)])


class Connected:
    """A client, and how often its connection has come and gone."""

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.opens = 0
        self.closes = 0
        client.on_open(self._opened)
        client.on_close(self._closed)

    def _opened(self) -> None:
        self.opens += 1

    def _closed(self, _reason: Exception) -> None:
        self.closes += 1


class TxphoenixClient(ActingClient):
    """The clients of one scenario.

    :param reactor: the reactor.
    :param transport: ``"websocket"``, ``"longpoll"`` or ``"fallback"``.
    :param url: the server's.
    """

    def __init__(self, reactor: Any, transport: str, url: str) -> None:
        super().__init__(reactor)
        self._transport = transport
        self._url = url
        self._sockets: dict[str, Connected] = {}
        self._channels: dict[str, Recorded] = {}
        self._outcomes: dict[str, Any] = {}

    def waits(self) -> Mapping[str, Callable[..., bool]]:
        """What can be waited for; :data:`.script.WAITS` says what it means."""
        return {
            "opens": lambda it, count: self._sockets[it].opens >= count,
            "closes": lambda it, count: self._sockets[it].closes >= count,
            "joins": lambda it, count: self._channels[it].joins >= count,
            "errors": lambda it, count: self._channels[it].errors >= count,
            "ends": lambda it, count: self._channels[it].ends >= count,
            "heard": lambda it, count: len(self._channels[it].heard) >= count,
            "outcome": lambda it: self._outcomes[it] != PENDING,
        }

    def told(self) -> dict[str, Any]:
        """How everything has ended, and what the channels have heard."""
        heard = {name: channel.heard for name, channel in self._channels.items()}
        return {"outcomes": dict(self._outcomes), "heard": heard}

    async def end(self) -> None:
        """Stop the clients."""
        await gatherResults([it.client.stopService() for it in self._sockets.values()])

    # The actions.

    def _connect(self, name: str, options: Mapping[str, Any]) -> None:
        rejoin = options.get("rejoin", REJOIN)
        more: dict[str, Any] = {}
        if self._transport == "fallback":
            more["longpoll_fallback"] = FALLBACK
        else:
            more["transport"] = self._transport
        client = SocketClient(
            self._url.removesuffix("/socket") + options.get("path", "/socket"),
            params={**options.get("params", {}), "socket": name},
            auth_token=options.get("auth_token"),
            backoff=lambda _: RECONNECT,
            rejoin_backoff=lambda _: rejoin,
            timeout=TIMEOUT,
            **more,
        )
        self._sockets[name] = Connected(client)
        client.startService()

    def _disconnect(self, name: str) -> None:
        self._sockets[name].client.disconnect()

    def _connect_again(self, name: str) -> None:
        self._sockets[name].client.connect()

    def _channel(
        self, name: str, topic: str, params: Any, socket: str = "main"
    ) -> None:
        client = self._sockets[socket].client
        channel = client.channel(topic, params, channel_class=Recorded)
        channel.heard = []
        channel.of_socket = socket
        channel.on_error(channel.count_error)
        self._channels[name] = channel

    def _join(
        self, name: str, outcome: str | None = None, seconds: float | None = None
    ) -> None:
        self._note(outcome, self._channels[name].join(seconds))

    def _push(
        self,
        name: str,
        event: str,
        payload: Any,
        outcome: str | None = None,
        seconds: float | None = None,
    ) -> None:
        channel = self._channels[name]
        self._note(outcome, channel.push(event, payload_of(payload), seconds))

    def _leave(self, name: str, outcome: str | None = None) -> None:
        self._note(outcome, self._channels[name].leave())

    def _send(self, name: str, event: str, payload: Any) -> None:
        channel = self._channels[name]
        message = Message(None, None, channel.topic, event, payload)
        self._sockets[channel.of_socket].client.push(message)

    def _ping(self, name: str, outcome: str) -> None:
        ping: Deferred[Any] = self._sockets[name].client.ping()
        self._note(outcome, ping.addCallback(lambda _: None))

    def _beat(self, name: str, count: int) -> None:
        client = self._sockets[name].client
        usual = client.options.heartbeat_interval
        answers = 0

        def told(_: Any, __: Any, metadata: Mapping[str, Any], key: object) -> None:
            nonlocal answers
            is_answer = metadata["action"] == "heartbeat_duration"
            answers += is_answer and metadata["client"] is client
            if answers == count:
                telemetry.detach(key)
                client.reconfigure(heartbeat_interval=usual)

        key = object()
        telemetry.attach(key, telemetry.SOCKET, told, key)
        client.reconfigure(heartbeat_interval=BEAT)

    def _miss(self, name: str) -> None:
        client = self._sockets[name].client
        interval = client.options.heartbeat_interval
        timeout = client.options.heartbeat_timeout
        client.reconfigure(heartbeat_interval=BEAT, heartbeat_timeout=BEAT)

        def lost(_reason: Exception) -> None:
            client.reconfigure(heartbeat_interval=interval, heartbeat_timeout=timeout)

        client.on_close(lost)

    # How they end.

    def _note(self, name: str | None, doing: Deferred[Any]) -> None:
        if name is None:
            doing.addErrback(_expected)
            return
        self._outcomes[name] = PENDING
        doing.addCallbacks(lambda it: ["ok", told(it)], ended)
        doing.addCallback(lambda it: self._outcomes.__setitem__(name, it))


def _expected(failure: Failure) -> None:
    failure.trap(PhoenixError)


def ended(failure: Failure) -> list[Any]:
    """How something has ended that has failed: a word, and a response."""
    error = failure.value
    match error:
        case PushError():
            return [error.status, told(error.response)]
        case AlreadyJoined():
            return ["already joined", None]
        case JoinTimeout():
            return ["timeout", None]
        case JoinError():
            return ["error", told(error.response)]
        case ChannelClosed():
            return ["closed", None]
        case NotConnected():
            return ["not connected", None]
    return ["raised", str(error)]


def payload_of(value: Any) -> Any:
    """A scenario's payload as txphoenix takes it."""
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    return value


def told(payload: Any) -> Any:
    """A payload as it is told."""
    return {"bytes": payload.hex()} if isinstance(payload, bytes) else payload
