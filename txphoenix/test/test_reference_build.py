"""What Sphinx is told of the API reference: ``docs/reference.py``.

It is tested where Sphinx is, with the extra ``docs``; ``tox -e docs`` builds all of it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix import Channel, SocketClient
from txphoenix.channel import HookedChannel
from txphoenix.client_hooks import ClientHooks
from txphoenix.options import Options
from txphoenix.serializer import V2Serializer

DOCS = Path(txphoenix.__file__).parent.parent / "docs"
NOT_THERE = None
if not DOCS.exists():
    NOT_THERE = "installed without its documents"
elif find_spec("sphinx") is None:
    NOT_THERE = "Sphinx is not installed"


class ReferenceTests(SynchronousTestCase):
    """The functions that Sphinx calls."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Import it, as Sphinx does."""
        self.patch(sys, "path", [str(DOCS), *sys.path])
        self.reference: Any = import_module("reference")

    def test_signatures(self) -> None:
        """A default without a text of its own is dots, and options are not listed."""

        def shown(found: object, arguments: str) -> Any:
            return self.reference.readable(
                None, "function", "name", found, None, arguments, "None"
            )

        self.assertEqual(
            shown(print, "(a: int = 1, b: Any = <factory>, *, c: Any = <f at 0x7f>)"),
            ("(a: int = 1, b: Any = ..., *, c: Any = ...)", "None"),
        )
        self.assertEqual(
            shown(Options, "(url: str, a: int = 1)"), ("(**options)", None)
        )
        self.assertIsNone(
            self.reference.readable(None, "data", "name", 1, None, None, None)
        )

    def test_bases(self) -> None:
        """A base of the inside gives way to its own, one with an entry stays."""

        def shown(cls: type) -> list[type]:
            bases = [*cls.__bases__]
            self.reference.bases(None, "name", cls, None, bases)
            return bases

        self.assertEqual(shown(Channel), [HookedChannel, Service])
        self.assertEqual(shown(SocketClient), [ClientHooks, MultiService])
        # Where all are of the inside, also by way of a generic one, none is shown.
        self.assertEqual(shown(Options), [object])
        bases = [*vars(V2Serializer)["__orig_bases__"]]
        self.reference.bases(None, "name", V2Serializer, None, bases)
        self.assertEqual(bases, [object])

    def test_data(self) -> None:
        """What is written of a variable is found, and not what Python says of a str."""
        for module, names in self.reference.facades().items():
            told = self.reference.analyzed(module).attr_docs
            self.assertEqual([it for it in names if ("", it) not in told], [], module)

    def test_meanings(self) -> None:
        """A name is looked up where it stands, then in the package, then anywhere."""

        def meaning(
            target: str, module: str | None = None, cls: str | None = None
        ) -> Any:
            place = {"py:module": module, "py:class": cls}
            return next(self.reference.meanings(target, place), None)

        self.assertIs(meaning("push", "txphoenix", "Channel"), Channel.push)
        self.assertIs(meaning("push", "txphoenix", "SocketClient"), SocketClient.push)
        self.assertIs(meaning("PushTimeout"), txphoenix.PushTimeout)
        self.assertIs(meaning("txphoenix.channel.Channel.on"), HookedChannel.on)
        self.assertIsNone(meaning("txphoenix.Chanel"))
        self.assertIsNone(meaning("nothing_has_this_name", "txphoenix"))

    def test_strict(self) -> None:
        """A name that leads nowhere is a warning, and so a failure of the build."""
        self.assertIs(self.reference.SETTINGS["nitpicky"], True)
        tox = (DOCS.parent / "tox.ini").read_text("utf-8")
        self.assertRegex(tox, r"sphinx-build -W ")
