"""Tests of :mod:`txphoenix.transports.session_defaults`."""

from __future__ import annotations

import random
from importlib.metadata import version
from typing import Any
from unittest import mock

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from txaio.testutil import replace_loop

from txphoenix.transports import session_defaults
from txphoenix.transports.session_defaults import (
    _FACTORY,
    _PROTOCOL,
    _PROTOCOL_OWN,
    own_attributes,
    with_factory_defaults,
    with_protocol_defaults,
)
from txphoenix.transports.websocket import PhoenixClientProtocol
from txphoenix.transports.websocket_factory import PhoenixClientFactory

from .support import ClientTestCase
from .test_idle import factory_of, protocol_of


class DefaultsTests(SynchronousTestCase):
    """What classes are given of what Autobahn sets on their instances."""

    def test_complete(self) -> None:
        """Nothing that Autobahn sets is missing, nor has another value."""
        stock: Any = WebSocketClientFactory(reactor=Clock())
        off = {
            "openHandshakeTimeout": 0,
            "closeHandshakeTimeout": 0,
            "serverConnectionDropTimeout": 0,
            "failByDrop": False,
        }
        for name, value in vars(stock).items():
            with self.subTest(name=name):
                self.assertTrue(hasattr(PhoenixClientFactory, name))
                if isinstance(value, int | str | None):
                    expected = off.get(name, value)
                    self.assertEqual(getattr(PhoenixClientFactory, name), expected)

    def test_protocol(self) -> None:
        """Autobahn's own way leads to the same values on a protocol."""

        class Stock(WebSocketClientProtocol):
            def startHandshake(self) -> None:
                """Ask for nothing."""

        stock: Any = Stock()
        stock.factory = WebSocketClientFactory(reactor=Clock())
        stock.factory.openHandshakeTimeout = 0
        stock._connectionMade()
        for name in vars(stock).keys() - _PROTOCOL_OWN.keys():
            with self.subTest(name=name):
                self.assertTrue(hasattr(PhoenixClientProtocol, name))

    def test_another_autobahn(self) -> None:
        """A release that opens no session so, or by other names, is named at import."""

        def fail(_protocol: Any) -> None:
            raise AttributeError("processHandshake")

        for other in (fail, lambda protocol: None):
            with mock.patch.object(
                session_defaults._Example, "processHandshake", other
            ):
                error = self.assertRaises(ImportError, session_defaults._known_examples)
            self.assertIn(f"Autobahn {version('autobahn')}", str(error))

    def test_own(self) -> None:
        """Only what is known to be no constant is shared all the same."""
        known = {
            "_batched_timer",
            "_results",
            "_transport_details",
            "_valid_events",
            "headers",
            "http_headers",
            "is_closed",
            "is_open",
            "params",
            "peer",
            "perMessageCompressionAccept",
            "trafficStats",
            "utf8validator",
        }
        constants = (bool, int, str, bytes, tuple, type(None))
        for shared in (_FACTORY, _PROTOCOL):
            others = {
                name
                for name, value in shared.items()
                if not isinstance(value, constants)
            }
            self.assertLessEqual(others, known)

    def test_copies(self) -> None:
        """What another release may set besides is a copy for each protocol."""
        first: Any = WebSocketClientProtocol()
        second: Any = WebSocketClientProtocol()
        _PROTOCOL_OWN["another"] = []
        self.addCleanup(_PROTOCOL_OWN.pop, "another")
        own_attributes(first)
        own_attributes(second)
        self.assertEqual(first.another, [])
        self.assertIsNot(first.another, second.another)

    def test_kept(self) -> None:
        """What a class has itself stays."""

        class Own:
            state = "mine"
            reactor = "mine"

        for give in (with_protocol_defaults, with_factory_defaults):
            self.assertIs(give(Own), Own)
        self.assertEqual((Own.state, Own.reactor), ("mine", "mine"))


class ClientTests(ClientTestCase):
    """What clients have of it."""

    def test_apart(self) -> None:
        """What is set on one protocol, or on one factory, no other has."""
        first, second = self.connected_client(), self.connected_client()
        one: Any = protocol_of(first)
        other: Any = protocol_of(second)
        for name in ("utf8validator", "trafficStats"):
            self.assertIs(getattr(one, name), getattr(one, name))
            self.assertIsNot(getattr(one, name), getattr(other, name))
        # It starts a timer of Autobahn, which is not to fire in another test.
        with replace_loop(Clock()):
            one.sendData(b"\x89\x80\0\0\0\0", sync=True)
        self.assertEqual(other.send_queue, ())
        first.stopService()
        self.assertNotEqual(one.state, other.state)
        self.assertTrue(one.closedByMe)
        self.assertFalse(other.closedByMe)
        self.assertIsNot(factory_of(first).reactor, None)

    def test_random(self) -> None:
        """The program's random numbers go on as they were seeded."""
        random.seed(7)
        expected = [random.random() for _ in range(3)]
        random.seed(7)
        numbers = []
        for _ in range(3):
            numbers.append(random.random())
            self.make_client()
        self.assertEqual(numbers, expected)

    def test_peer(self) -> None:
        """The other side has its name all the same."""
        self.assertTrue(protocol_of(self.connected_client()).peer)
