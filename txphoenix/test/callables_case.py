"""What the tests share that have a callable of the user's call back, or raise.

A client is made with all the callables that a client can have, and led through a life
in which each of them is called: it connects, joins, gets messages, loses its
connection, fails to get another, gets one, and has its channel killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient

from .support import TOPIC, ClientTestCase

__all__ = ["ASYNC_CALLABLES", "CALLABLES", "CallablesCase"]

_EVENTS = {
    "connecting": telemetry.SOCKET,
    "connected": telemetry.SOCKET,
    "disconnected": telemetry.SOCKET,
    "connection_error": telemetry.SOCKET,
    "reconnecting": telemetry.SOCKET,
    "connection_duration": telemetry.SOCKET,
    "heartbeat": telemetry.SOCKET,
    "heartbeat_duration": telemetry.SOCKET,
    "joined": telemetry.CHANNEL,
    "sent": telemetry.MESSAGE,
    "received": telemetry.MESSAGE,
    "socket": telemetry.STATE_CHANGE,
    "channel": telemetry.STATE_CHANGE,
}

ASYNC_CALLABLES = (
    "url",
    "params",
    "headers",
    "auth_token",
    "on_open",
    "on_close",
    "on_error",
    "on_heartbeat",
    "on_message",
    "channel_params",
    "init",
    "handle_join",
)
"""The callables that may take their time."""

CALLABLES = (
    *ASYNC_CALLABLES,
    "endpoint",
    "should_reconnect",
    "backoff",
    "rejoin_backoff",
    "loads",
    "dumps",
    "when_connected",
    *_EVENTS,
)
"""All of them; those of telemetry by their actions."""


class CallablesCase(ClientTestCase):
    """A test of what callables do.

    :ivar calls: how often the callable under test was called.
    :ivar is_async: whether it takes a turn of the reactor before it acts.
    :ivar most_open: how many connections there were at most.
    """

    def setUp(self) -> None:
        """No callable does anything, yet."""
        super().setUp()
        self.name = ""
        self.act: Callable[[], object] = lambda: None
        self.is_async = False
        self.calls = 0
        self.most_open = 0
        for action in _EVENTS:
            self.addCleanup(telemetry.detach, action)

    def make(
        self, name: str, act: Callable[[], object], **options: Any
    ) -> SocketClient:
        """A client one of whose callables does something.

        :param name: the callable.
        :param act: what it does, each time.
        """
        self.name, self.act, self.calls = name, act, 0
        for action, event in _EVENTS.items():
            # One that has raised was detached.
            telemetry.detach(action)
            telemetry.attach(action, event, self._told, action)
        case = self

        class Acting(Channel):
            def init(self, params: Any) -> Any:
                return case._answer("init", None)

            def handle_join(self, response: Any) -> Any:
                return case._answer("handle_join", None)

        class Codec:
            @staticmethod
            def loads(data: str | bytes) -> Any:
                case._touch("loads")
                return json.loads(data)

            @staticmethod
            def dumps(value: Any) -> str:
                case._touch("dumps")
                return json.dumps(value)

        client = self.make_client(
            **{
                "url": lambda: self._answer("url", self.memory.url),
                "params": lambda: self._answer("params", {"a": "1"}),
                "headers": lambda: self._answer("headers", {}),
                "auth_token": lambda: self._answer("auth_token", None),
                "endpoint": lambda *_: self._given("endpoint", self.memory.endpoint),
                "should_reconnect": lambda _: self._given("should_reconnect", True),
                "backoff": lambda _: self._given("backoff", 0.5),
                "rejoin_backoff": lambda _: self._given("rejoin_backoff", 0.5),
                "serializer": Codec,
                "default_channel_class": Acting,
                "join_channels": {TOPIC: lambda: self._answer("channel_params", {})},
                "max_restarts": 1000,
                **options,
            }
        )
        client.on_open(lambda: self._answer("on_open", None))
        client.on_close(lambda _: self._answer("on_close", None))
        client.on_error(lambda _: self._answer("on_error", None))
        client.on_heartbeat(lambda _: self._answer("on_heartbeat", None))
        client.on_message(lambda _: self._answer("on_message", None))
        self.client = client
        self.wait_connected()
        return client

    def wait_connected(self) -> None:
        """Wait for the connection; each failed attempt is told."""
        waiting: Deferred[Any] = self.client.when_connected(fail_after_failures=1)
        waiting.addBoth(lambda _: self._touch("when_connected"))
        self.watch(waiting)

    def live(self) -> None:
        """Lead the client through its life; then let it rest."""
        self.client.startService()
        self.step(1)
        self.memory.broadcast(TOPIC, "hello", {})
        self.step(1)
        self.memory.cut()
        self.memory.is_listening = False
        self.step(0.5)
        self.wait_connected()
        self.step(1)
        self.memory.is_listening = True
        self.step(10)
        self.memory.kill_channel(TOPIC)
        self.step(60)

    def step(self, seconds: float) -> None:
        """Let some time pass, from what is due to what is due next.

        Each time it is noted how many connections there are.
        """
        self.memory.flush()
        end = self.clock.seconds() + seconds
        while (now := self.clock.seconds()) < end:
            due = [call.getTime() for call in self.clock.getDelayedCalls()]
            # Time passes, even where something is due again and again at once.
            self.memory.advance(max(min([*due, end]) - now, 0.01))
            self.most_open = max(self.most_open, len(self.memory.pairs))

    # -- The callables ------------------------------------------------------------

    def _touch(self, name: str) -> None:
        if name == self.name:
            self.calls += 1
            self.act()

    def _given(self, name: str, value: Any) -> Any:
        self._touch(name)
        return value

    def _answer(self, name: str, value: Any) -> Any:
        if name == self.name and self.is_async:
            return self._answer_later(name, value)
        return self._given(name, value)

    async def _answer_later(self, name: str, value: Any) -> Any:
        await deferLater(self.clock, 0)
        return self._given(name, value)

    def _told(self, _name: Any, _measured: Any, data: Any, action: Any) -> None:
        if data["action"] == action and data["client"] is self.client:
            self._touch(action)
