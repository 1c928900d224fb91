"""Tests of :mod:`txphoenix.options.channel_kinds`, and of the check that asks it."""

from __future__ import annotations

from inspect import signature
from typing import Any
from unittest import mock

from twisted.application.service import Service

from txphoenix import Channel, EchoRoom
from txphoenix.channel import HookedChannel
from txphoenix.options import checks
from txphoenix.options.channel_kinds import AnyChannel, is_made_as_usual

from .checks_case import CheckCase


class Usual(EchoRoom):
    """A class without a constructor of its own."""


class Silent:
    """What can be mixed in, without a constructor."""


class UsualMixed(Silent, Channel):
    """A class with such a one mixed in."""


class Own(Channel):
    """A class with a constructor, which takes what a channel takes."""

    def __init__(self, topic: str, params: Any, manager: Any) -> None:
        super().__init__(topic, params, manager)


class Inherited(Own):
    """A class that has the constructor of another."""


class Counting:
    """What can be mixed in, with a constructor."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)


class Mixed(Counting, Channel):
    """A class whose constructor is that of what is mixed in."""


class Narrow:
    """What can be mixed in, whose constructor takes less than that of a channel."""

    def __init__(self, topic: str) -> None:
        raise NotImplementedError(topic)


class WrongMixed(Narrow, Channel):
    """A class that cannot be made as channels are."""


class Wrong(Channel):
    """Another."""

    def __init__(self, topic: str) -> None:
        raise NotImplementedError(topic)


class Unasked(Channel):
    """A class that keeps the news of its subclasses from the others."""

    def __init_subclass__(cls) -> None:
        """Tell nobody."""


class WrongUnasked(Unasked):
    """A class that nobody was told of, and that cannot be made as channels are."""

    def __init__(self) -> None:
        raise NotImplementedError


class ConstructorTests(CheckCase):
    """Which classes have a constructor, and what follows for the check."""

    def test_usual(self) -> None:
        """A class without a constructor is taken, and nobody looks at its signature."""
        for cls in (Channel, EchoRoom, Usual, UsualMixed):
            self.assertTrue(is_made_as_usual(cls), cls)
            with mock.patch.object(checks, "signature", self.fail):
                self.assertIs(checks.channel_class("name", cls), cls)

    def test_own(self) -> None:
        """A constructor of its own is looked at, an inherited or a mixed-in one too."""
        for cls in (Own, Inherited, Mixed):
            self.assertFalse(is_made_as_usual(cls), cls)
            with mock.patch.object(checks, "signature", wraps=signature) as look:
                self.assertIs(checks.channel_class("name", cls), cls)
            self.assertEqual(look.call_count, 1, cls)

    def test_wrong(self) -> None:
        """A constructor that cannot take what a channel takes is refused."""
        for cls in (Wrong, WrongMixed, WrongUnasked):
            self.assertFalse(is_made_as_usual(cls), cls)
            self.assert_refused(
                "must take topic, params and manager", checks.channel_class, "name", cls
            )

    def test_set_later(self) -> None:
        """A constructor that a class is given later counts as well."""
        with mock.patch.object(Usual, "__init__", Wrong.__init__):
            self.assertFalse(is_made_as_usual(Usual))
            self.assert_refused(
                "must take topic, params and manager",
                checks.channel_class,
                "name",
                Usual,
            )
        self.assertTrue(is_made_as_usual(Usual))


class KindTests(CheckCase):
    """Which classes are of channels."""

    def test_none(self) -> None:
        """A class that is none of channels is refused, even if it can be called so."""
        for cls in (Silent, Counting, Service, dict):
            self.assert_refused(
                "must be a subclass of txphoenix.Channel",
                checks.channel_class,
                "name",
                cls,
            )

    def test_root(self) -> None:
        """All classes of channels have one root below Channel, and its hooks beside."""
        self.assertEqual(Channel.__bases__, (HookedChannel, AnyChannel))
        self.assertEqual(HookedChannel.__bases__, (object,))
