"""Decision 4: stop means stop, from inside any code of the user's as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient

from .support import TOPIC, ClientTestCase, Outcome


class Calling(Channel):
    """A channel each of whose callbacks may call something."""

    call: tuple[str, Callable[[], object]] = ("", lambda: None)

    def _maybe(self, name: str) -> None:
        if self.call[0] == name:
            self.call[1]()

    def init(self, params: Any) -> None:
        """Be called before the join."""
        self._maybe("init")

    def handle_join(self, response: Any) -> None:
        """Be called after the join."""
        self._maybe("handle_join")

    def handle_in(self, event: str, payload: Any) -> None:
        """Be called with a message."""
        self._maybe("handle_in")

    def handle_close(self, reason: object) -> None:
        """Be called at the end."""
        self._maybe("handle_close")


class FromCallbackTests(ClientTestCase):
    """The user's code may end the client wherever it is called."""

    def calls(self, client: SocketClient, name: str, end: Callable[[], None]) -> None:
        """Have ``end`` called in the place of that name, and all places visited."""

        def told(place: str) -> Callable[..., None]:
            def call(*_: Any) -> None:
                if place == name:
                    end()

            return call

        client.on_open(told("on_open"))
        client.on_close(told("on_close"))
        client.on_error(told("on_error"))
        client.on_message(told("on_message"))
        Calling.call = (name, end)
        self.addCleanup(setattr, Calling, "call", ("", lambda: None))
        channel = client.channel(TOPIC, {}, Calling)
        channel.on("hooked", told("on"))
        channel.on_error(told("channel.on_error"))
        channel.on_close(told("channel.on_close"))
        client.startService()
        waiting = client.when_connected()
        waiting.addCallback(told("when_connected"))
        self.watch(waiting)
        self.watch(channel.join().addCallback(told("join")))
        self.watch(channel.push("echo").addBoth(told("kept push")))
        self.memory.flush()
        self.watch(channel.push("echo").addBoth(told("push")))
        self.watch(client.ping().addBoth(told("ping")))
        for event in ("hooked", "news"):
            self.memory.broadcast(TOPIC, event, {})
        self.memory.flush()
        self.watch(channel.push("silent").addErrback(told("lost push")))
        self.memory.flush()
        self.memory.cut()
        self.memory.is_listening = False
        self.memory.advance(0.5)
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.watch(channel.leave().addCallback(told("leave")))
        self.memory.flush()

    def test_everywhere(self) -> None:
        """From each hook, callback and Deferred, once, all is over."""
        names = [
            *("on_open", "on_close", "on_error", "on_message", "init", "handle_join"),
            *("handle_in", "handle_close", "on", "channel.on_error"),
            *("channel.on_close", "when_connected", "join", "kept push", "push"),
            *("ping", "lost push", "leave"),
        ]
        for how in ("disconnect", "stopService"):
            for name in names:
                with self.subTest(how=how, name=name):
                    self.assert_ends(how, name)

    def assert_ends(self, how: str, name: str) -> None:
        """Ended from that place, the client ends."""
        client = self.make_client()
        ended: list[Outcome[Any]] = []

        def end() -> None:
            # What is told of the end must not begin another.
            if not ended:
                ended.append(self.watch(getattr(client, how)()))

        self.calls(client, name, end)
        self.memory.advance(client.options.close_timeout)
        self.assertEqual([it.fired for it in ended], [[None]], name)
        self.assertEqual(client.status, "disconnected")
        self.memory.stop(drain=False)
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.memory.start()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.stop_client(client)
        self.assertEqual(client.channels.routes, {})

    def test_from_what_an_attempt_asks(self) -> None:
        """A callable for url, params, headers or token may end the client as well."""
        for option, good in (
            ("url", self.memory.url),
            ("params", {}),
            ("headers", {}),
            ("auth_token", None),
            ("backoff", 0.5),
            ("should_reconnect", True),
        ):
            for later in (False, True):
                with self.subTest(option=option, later=later):
                    self.assert_ends_when_asked(option, good, later)

    def assert_ends_when_asked(self, option: str, good: Any, later: bool) -> None:
        """Ended when it asks for an option, the client ends."""
        ended: list[Outcome[Any]] = []
        clients: list[SocketClient] = []

        def ask(*_: Any) -> Any:
            if not ended:
                ended.append(self.watch(clients[0].disconnect()))
            return good

        options: dict[str, Any] = {option: ask}
        if later and option != "auth_token":
            # What is asked for next never comes.
            options["auth_token"] = lambda: Deferred() if len(ended) == 1 else None
        client = self.make_client(**options)
        clients.append(client)
        if option in ("backoff", "should_reconnect"):
            self.memory.is_listening = False
            options.pop("auth_token", None)
            client.reconfigure(auth_token=None)
        client.startService()
        self.memory.flush()
        self.assert_fired(ended[0], None)
        self.memory.stop(drain=False)
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.memory.start()
        client.reconfigure(auth_token=None)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.stop_client(client)
