"""The shape of :mod:`txphoenix.client`: a root, and its parts."""

from __future__ import annotations

import inspect

from twisted.application.service import MultiService
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client import SocketClient
from txphoenix.client.connection_events import ConnectionEvents
from txphoenix.client.hooks import ClientHooks, HookLists
from txphoenix.client.idleness import Idleness
from txphoenix.client.interfaces import ConnectionListener
from txphoenix.client.link import Link
from txphoenix.client.outbox import Outbox
from txphoenix.client.router import MessageRouter
from txphoenix.client.waiting import Waiting

from .support import ClientTestCase


def own_methods(cls: type) -> set[str]:
    """The methods and properties that a class has of its own."""
    return {
        name
        for name, value in vars(cls).items()
        if inspect.isfunction(value) or isinstance(value, property)
    }


class RootTests(ClientTestCase):
    """The root of the tree."""

    def test_bases(self) -> None:
        """It is a service with hooks, and has nothing else by inheritance."""
        self.assertEqual(SocketClient.__bases__, (ClientHooks, MultiService))
        self.assertEqual(ClientHooks.__bases__, (object,))
        own = {name for name in vars(ClientHooks) if not name.startswith("_")}
        self.assertEqual(
            own,
            {
                *("on_open", "on_close", "on_error"),
                *("on_heartbeat", "on_message", "on_topic"),
            },
        )

    def test_holds_little(self) -> None:
        """It has its services, five parts, its options, and its start and stop."""
        client = self.connected_client()
        of_a_service = {"running", "name", "parent", "services", "namedServices"}
        self.assertEqual(
            set(vars(client)) - of_a_service,
            {
                "options",
                "state",
                "connection",
                "channels",
                "_hook_lists",
                "_idleness",
                "_join_channels",
                "_observers",
                "_outbox",
                "_waiting",
                "_is_stopping",
                "_is_ending",
            },
        )

    def test_listener(self) -> None:
        """Whom the connection tells is an object of its own."""
        client = self.make_client()
        self.assertIsInstance(client.connection._listener, ConnectionEvents)
        told = {name for name in own_methods(ConnectionListener) if name[0] != "_"}
        self.assertLessEqual(told, own_methods(ConnectionEvents))
        self.assertFalse(told & set(dir(SocketClient)))


class PartsTests(SynchronousTestCase):
    """What each client has one of."""

    def test_without_dict(self) -> None:
        """A part has no dict: there may be thousands of clients."""
        for cls in (
            ConnectionEvents,
            HookLists,
            Idleness,
            Link,
            MessageRouter,
            Outbox,
            Waiting,
        ):
            with self.subTest(cls=cls.__name__):
                # What CPython says of the instances, whatever their bases are.
                self.assertEqual(cls.__dictoffset__, 0)
