"""Tests of :mod:`txphoenix.channels.factory`: what makes a channel."""

from __future__ import annotations

import gc
from asyncio import CancelledError
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError

from .support import TOPIC, ClientTestCase

DATABASE = {"secret": "in the database"}


class Room(Channel):
    """A channel that needs something of its own."""

    def __init__(self, *args: Any, db: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.db = db


def make_room(topic: str, params: Any, manager: Any) -> Room:
    """Make one."""
    return Room(topic, params, manager, db=DATABASE)


class Maker:
    """An object that makes them."""

    def __call__(self, *args: Any) -> Room:
        """Make one."""
        return Room(*args, db=DATABASE)


class NeverCalled(Channel):
    """A class that does not call what it inherits."""

    def __init__(self, topic: str, params: Any, manager: Any) -> None:
        """Do nothing."""


MAKERS: list[Callable[..., Room]] = [partial(Room, db=DATABASE), make_room, Maker()]


class FactoryTests(ClientTestCase):
    """A channel is made by a class, or by any callable."""

    def check(self, channel: Channel | None) -> None:
        """It is joined, and has what it needs."""
        self.memory.flush()
        assert isinstance(channel, Room)
        self.assertIs(channel.db, DATABASE)
        self.assertEqual((channel.topic, channel.state), (TOPIC, "joined"))

    def test_channel_class(self) -> None:
        """``channel_class`` of channel() and start_channel() may be a callable."""
        for make in MAKERS:
            client = self.connected_client()
            channel = client.channel(TOPIC, {"a": 1}, make)
            self.watch(channel.join())
            self.check(channel)
            self.assertEqual(self.sent()[-1][4], {"a": 1})
            channel.stop()
            self.check(client.channels.start_channel(TOPIC, None, make))

    def test_options(self) -> None:
        """So may the values of ``topic_channel_map``, and ``default_channel_class``."""
        for make in MAKERS:
            for options in (
                {"topic_channel_map": {TOPIC: make}},
                {"topic_channel_map": {"rooms:*": make}},
                {"default_channel_class": make},
            ):
                client = self.connected_client(join_channels=[TOPIC], **options)
                self.check(client.channels.find(TOPIC))
                client.channels.terminate()
                self.watch(client.join(TOPIC))
                self.check(client.channels.find(TOPIC))

    def test_params(self) -> None:
        """What it is called with are topic, params and the client's channels."""
        client = self.make_client(default_channel_params={"d": 1})
        seen: list[Any] = []

        def make(*args: Any) -> Channel:
            seen.append(args)
            return Channel(*args)

        client.channel(TOPIC, {"a": 1}, make)
        self.assertEqual(seen, [(TOPIC, {"d": 1, "a": 1}, client.channels)])

    def test_wrong_result(self) -> None:
        """What it returns must be a channel of that topic and that client."""
        client, other = self.make_client(), self.make_client()
        wrong: list[tuple[Any, str]] = [
            (lambda *_: None, "channel_class must return a txphoenix.Channel, not "),
            (
                lambda *_: DATABASE,
                "class must return a txphoenix.Channel, not a value of type dict",
            ),
            (lambda _, *more: Channel("other", *more), f"the one of {TOPIC!r}"),
            (lambda t, p, _: Channel(t, p, other.channels), f"the one of {TOPIC!r}"),
            (NeverCalled, "this NeverCalled is not the one of"),
        ]
        for make, said in wrong:
            error = self.assertRaises(
                ConfigurationError, client.channel, TOPIC, {}, make
            )
            self.assertIn(said, str(error))
            self.assertNotIn("secret", str(error))
        named = self.make_client(topic_channel_map={"rooms:*": lambda *_: None})
        error = self.assertRaises(ConfigurationError, named.channel, TOPIC)
        self.assertIn("topic_channel_map['rooms:*'] must return", str(error))

    def test_raises(self) -> None:
        """What it raises is raised by channel(), and fails the Deferred of join()."""

        def make(*_: Any) -> Channel:
            raise LookupError("no database")

        client = self.connected_client(default_channel_class=make)
        self.assertRaises(LookupError, client.channel, TOPIC)
        self.assertRaises(LookupError, client.channels.start_channel, TOPIC)
        self.assert_failed(self.watch(client.join(TOPIC)), LookupError)
        self.assert_failed(self.watch(client.join("")), ConfigurationError)
        self.assertEqual(client.channels.routes, {})

    def test_checked_at_construction(self) -> None:
        """What cannot be called as it must is refused before it is called."""
        with_db: Any = Room
        too_few: Any = lambda topic, params: Channel(topic, params, None)  # noqa: E731
        for wrong in (with_db, too_few):
            for option in ("default_channel_class", "topic_channel_map"):
                value = wrong if option == "default_channel_class" else {"a": wrong}
                error = self.assertRaises(
                    ConfigurationError, self.make_client, **{option: value}
                )
                self.assertIn("must take topic, params and manager: ", str(error))
        error = self.assertRaises(
            ConfigurationError, self.make_client, default_channel_class=Room
        )
        self.assertIn("'db'", str(error))

    def test_raises_no_exception(self) -> None:
        """What is no Exception fails the Deferred of join() as well."""
        for kind in (CancelledError, GeneratorExit, SystemExit, KeyboardInterrupt):

            def make(*_: Any, kind: type[BaseException] = kind) -> Channel:
                raise kind

            client = self.connected_client(default_channel_class=make)
            self.assert_failed(self.watch(client.join(TOPIC)), kind)

    def test_async(self) -> None:
        """An async def is refused, and where that cannot be seen, what it returns."""

        async def make(*args: Any) -> Channel:
            return Channel(*args)

        never: Any = make
        for option in (never, partial(never)):
            error = self.assertRaises(
                ConfigurationError, self.make_client, default_channel_class=option
            )
            self.assertIn("must return a channel at once", str(error))

        def make_later(*args: Any) -> Any:
            return never(*args)

        client = self.make_client(default_channel_class=make_later)
        error = self.assertRaises(ConfigurationError, client.channel, TOPIC)
        self.assertIn("not a value of type coroutine", str(error))
        gc.collect()
        self.assertEqual(self.flushWarnings(), [])

    def test_decorated(self) -> None:
        """What a decorator wraps may take more than the decorator does."""

        @wraps(Room.__init__)
        def make(*args: Any) -> Room:
            return make_room(*args)

        client = self.make_client(default_channel_class=make)
        self.assertIs(type(client.channel(TOPIC)), Room)

    def test_shown(self) -> None:
        """What is bound to a callable is no more shown than any other secret."""
        client = self.make_client(
            default_channel_class=partial(Room, db=DATABASE),
            topic_channel_map={"rooms:*": partial(Room, db=DATABASE)},
        )
        state = client.get_state()
        self.assertEqual(state["default_channel_class"], "<callable>")
        self.assertEqual(state["topic_channel_map"], {"rooms:*": "<callable>"})
        self.assertNotIn("secret", repr(client.options))

    def test_reconfigured(self) -> None:
        """Another callable holds from the next channel on."""
        client: SocketClient = self.make_client()
        self.watch(client.reconfigure(default_channel_class=make_room))
        self.assertIs(type(client.channel(TOPIC)), Room)
