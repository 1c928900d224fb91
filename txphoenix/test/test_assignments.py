"""What is set where it would do nothing, and events that are the protocol's own."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from txphoenix.channels.channel import Channel
from txphoenix.channels.presence import Presence
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase

RESERVED = ("phx_join", "phx_leave", "phx_reply", "phx_close", "phx_error")


class Own(Channel):
    """A channel with attributes and callbacks of its own."""

    on_answer: Any = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taken: list[Any] = []
        self.timeout = 3
        self.on_answer = self.taken.append

    def on_close(self, function: Any) -> Any:
        """Add a hook, and take note of it."""
        self.taken.append(function)
        return super().on_close(function)

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep it."""
        self.taken.append((event, payload))


class OwnClient(SocketClient):
    """A client with an attribute that has an option's name."""

    timeout = 3


class OptionTests(ClientTestCase):
    """An option that is set as an attribute is refused."""

    def test_refused(self) -> None:
        """It says what to do, and there is no such attribute before and after."""
        client = self.make_client()
        for name in ("timeout", "params", "url"):
            with self.subTest(name=name):
                with self.assertRaises(ConfigurationError) as caught:
                    setattr(client, name, 1)
                self.assertIn(f"reconfigure({name}=...)", str(caught.exception))
                self.assertFalse(hasattr(client, name))
                self.assertFalse(hasattr(SocketClient, name))

    def test_other_names(self) -> None:
        """Any other attribute is set, and what a subclass has itself can be."""
        client: Any = OwnClient("ws://h/socket", reactor=self.clock)
        client.mine = client.timeout = 4
        self.assertEqual((client.mine, client.timeout), (4, 4))
        client.name = "a name"
        self.assertEqual(client.name, "a name")


class AssignmentTests(ClientTestCase):
    """A method that adds hooks is called, and cannot be replaced."""

    def assert_refused(self, owner: Any, name: str, advice: str) -> None:
        """It cannot be set, the error says what to do, and the method stays."""
        method = getattr(owner, name)
        with self.assertRaises(ConfigurationError) as caught:
            setattr(owner, name, print)
        self.assertIn(f"{name} is a method", str(caught.exception))
        self.assertIn(advice, str(caught.exception))
        self.assertEqual(getattr(owner, name), method)

    def test_client(self) -> None:
        """Each of the client's is refused, and says what to call."""
        client = self.make_client()
        for name in ("on_open", "on_close", "on_error", "on_heartbeat", "on_message"):
            self.assert_refused(client, name, f"call client.{name}(function)")
        advice = "call client.on_topic(topic, function)"
        self.assert_refused(client, "on_topic", advice)

    def test_channel(self) -> None:
        """Each of a channel's is as well, be it of a subclass."""
        client = self.connected_client()
        for channel in (client.channel(TOPIC), client.channel(TOPIC, None, Own)):
            self.assert_refused(channel, "on_error", "call channel.on_error(function)")
            self.assert_refused(channel, "on", "call channel.on(event, function)")
            self.assert_refused(channel, "off", "call channel.off(event, function)")
        channel = client.channel(TOPIC)
        self.assert_refused(channel, "on_close", "call channel.on_close(function)")
        self.assert_refused(channel, "handle_in", "override it in a subclass")

    def test_patched(self) -> None:
        """A patch of one object is refused as well, and one of a class works."""
        client = self.make_client()
        channel = client.channel(TOPIC)
        for owner, name in ((client, "on_open"), (channel, "handle_in")):
            with (
                self.assertRaisesRegex(ConfigurationError, f"{name} is a method"),
                patch.object(owner, name),
            ):
                self.fail(f"{name} was set")
            self.assertRaises(ConfigurationError, delattr, owner, name)
        before = vars(Channel)["on_error"]
        with patch.object(Channel, "on_error") as stand_in:
            channel.on_error(print)
        stand_in.assert_called_once_with(print)
        self.assertIs(vars(Channel)["on_error"], before)

    def test_presence_events(self) -> None:
        """Those of a channel are its class's; set on a channel, its join says so."""
        channel = self.connected_client().channel(TOPIC)
        channel.presence_events = ("a", "b")  # type: ignore[misc]
        error = self.assert_failed(self.watch(channel.join()), ConfigurationError)
        self.assertIn("presence_events of a channel is that of its class", str(error))

    def test_own(self) -> None:
        """What a subclass overrides, or has of its own, works as before."""
        channel = self.joined_channel(channel_class=Own)
        assert isinstance(channel, Own)
        channel.on_close(print)
        channel.handle_in = lambda *args: channel.taken.append(args)  # type: ignore[method-assign]
        self.watch(channel.push("whisper", 1))
        self.memory.flush()
        self.assertEqual(channel.taken, [print, ("whispered", 1)])
        self.assertEqual(channel.timeout, 3)

    def test_stand_in(self) -> None:
        """In place of what is not for hooks a test may set a function of its own."""
        client = self.make_client()
        channel = client.channel(TOPIC)
        channel.push_async = lambda *_: None  # type: ignore[method-assign]
        client.connect = lambda: None  # type: ignore[method-assign]
        channel.handle_join = lambda response: response  # type: ignore[method-assign]

    def test_documented(self) -> None:
        """Looked up in the class such a method is a plain function, with its text."""
        for method in (SocketClient.on_open, Channel.on_error, Channel.handle_in):
            self.assertEqual(type(method), type(SocketClient.connect))
            self.assertTrue(method.__doc__)


class ReservedEventTests(ClientTestCase):
    """The events with which the protocol joins, leaves and answers."""

    def test_hooks(self) -> None:
        """None of them has hooks; the error says what is called instead."""
        channel = self.joined_channel()
        instead = ("join()", "on_close()", "push()", "on_close()", "on_error()")
        for event, name in zip(RESERVED, instead, strict=True):
            with self.assertRaises(ConfigurationError) as caught:
                channel.on(event, print)
            self.assertIn(name, str(caught.exception))
            self.assertRaises(ConfigurationError, channel.on, event)

    def test_pushes(self) -> None:
        """None can be pushed by a channel, and nothing of it is sent."""
        channel = self.joined_channel()
        for event in RESERVED:
            failed = self.watch(channel.push(event))
            error = self.assert_failed(failed, ConfigurationError)
            self.assertIn(f"{event} is the protocol's own", str(error))
            self.assertRaises(ConfigurationError, channel.push_async, event)
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])
        error = self.assert_failed(
            self.watch(channel.push("phx_leave")), ConfigurationError
        )
        self.assertIn("call leave()", str(error))

    def test_no_event(self) -> None:
        """What cannot even be looked up is refused as any wrong argument is."""
        channel = self.joined_channel()
        event: Any = ["phx_leave"]
        self.assert_failed(self.watch(channel.push(event)), ConfigurationError)
        self.assertRaises(ConfigurationError, channel.push_async, event)

    def test_client(self) -> None:
        """The client sends whole messages as they are, whatever their event."""
        self.joined_channel()
        client = self._clients[0]
        for event in RESERVED:
            client.push(Message("9", "9", "rooms:raw", event, {}))
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join", *RESERVED])


class PresenceOfTests(ClientTestCase):
    """A Presence of what has none."""

    def test_refused(self) -> None:
        """Anything that is no channel is refused, and the error says what is one."""
        client = self.make_client()
        wrong: list[Any] = [client, None, TOPIC, Channel, Presence, {}]
        for each in wrong:
            with self.assertRaises(ConfigurationError) as caught:
                Presence(each)
            self.assertIn("client.channel(topic) returns", str(caught.exception))
