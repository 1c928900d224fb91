"""Tests of :mod:`txphoenix.option_types`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, get_type_hints

import attrs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient
from txphoenix.options.options import Options
from txphoenix.options.types import ChangedOptions, ClientOptions


def fields() -> dict[str, Any]:
    """The options by their names, and the types that they have."""
    types = get_type_hints(Options)
    return {field.name: types[field.name] for field in attrs.fields(Options)}


class OptionTypesTests(SynchronousTestCase):
    """The options as keyword arguments are those of the class."""

    def test_same_options(self) -> None:
        """There is one for each option, of its type, and no other.

        A sequence of topics is kept as a mapping, and for True a jar is made, so that
        what is taken is more there.
        """
        expected = fields()
        expected["join_channels"] |= Sequence[str]
        expected["cookies"] |= bool
        self.assertEqual(get_type_hints(ChangedOptions), expected)

    def test_url_comes_first(self) -> None:
        """The URL is an argument of its own, and an option where it changes."""
        self.assertEqual(
            {*get_type_hints(ChangedOptions)} - {*get_type_hints(ClientOptions)},
            {"url"},
        )

    def test_none_is_required(self) -> None:
        """Each may be left out."""
        self.assertEqual(ChangedOptions.__required_keys__, frozenset())

    def test_used(self) -> None:
        """All that take options say so: the client, and what checks for it."""
        for function, expected in (
            (SocketClient.__init__, ClientOptions),
            (SocketClient.reconfigure, ChangedOptions),
            (Options.check, ClientOptions),
            (Options.replace, ChangedOptions),
        ):
            hints = get_type_hints(function).values()
            self.assertIn(Unpack[expected], list(hints), function)
