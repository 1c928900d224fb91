"""Tests of :mod:`txphoenix.channels.membership`: what a channel is made of."""

from __future__ import annotations

import ast
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.channels.hooks import NO_HOOKS

from .support import ClientTestCase

FOLDER = Path(txphoenix.__file__).parent / "channels"
MODULES = sorted(FOLDER.glob("*.py"))
# What a class, an error or a service is told is Python's and Twisted's way; a join and
# the queue's note of it are of one module, and know each other.
OTHERS = {"channel.parent", "error.__cause__"}
ONE_MODULE = {"pending.py": {"pending.place", "entry.pending"}}


def attributes(module: Path) -> Iterator[ast.Attribute]:
    """All attributes that a module reads or sets."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node


class PartsTests(SynchronousTestCase):
    """Each part of a channel owns its attributes."""

    def test_set_by_its_own(self) -> None:
        """No part sets an attribute of another: it asks by a method."""
        for module in MODULES:
            for node in attributes(module):
                owner = ast.unparse(node.value)
                if isinstance(node.ctx, ast.Store) and owner not in ("self", "cls"):
                    known = OTHERS | ONE_MODULE.get(module.name, set())
                    self.assertIn(ast.unparse(node), known, module.name)

    def test_private(self) -> None:
        """No part looks at what is private to another, of another module."""
        for module in MODULES:
            tree = ast.parse(module.read_text("utf-8"))
            classes = {
                node.name for node in tree.body if isinstance(node, ast.ClassDef)
            }
            own = {"self", "cls", *classes, *(name.lower() for name in classes)}
            for node in attributes(module):
                is_private = node.attr.startswith("_") and node.attr[1:2] != "_"
                if is_private and node.attr != "_replace":
                    self.assertIn(ast.unparse(node.value), own, module.name)

    def test_no_names_of_methods(self) -> None:
        """No method is looked up by a string that is put together."""
        for module in MODULES:
            for node in ast.walk(ast.parse(module.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
                    self.assertIsInstance(node.args[1], ast.Constant, module.name)


def ours() -> Counter[str]:
    """How many objects of the library's classes the garbage collector looks through."""
    gc.collect()
    found = Counter(map(type, gc.get_objects()))
    modules = ("txphoenix.test.", "txphoenix.testing.")
    return Counter(
        {
            kind.__name__: count
            for kind, count in found.items()
            # A class may have a property of that name.
            if (module := str(kind.__module__)).startswith("txphoenix.")
            and not module.startswith(modules)
        }
    )


class IdleTests(ClientTestCase):
    """A channel on which nothing happens."""

    def test_objects(self) -> None:
        """A joined channel is three objects to the garbage collector, and a leave one.

        There may be ten thousand channels, and each object makes its passes longer.
        """
        client = self.connected_client()
        self.joined_channel(client=client)
        before = ours()
        channels = [self.joined_channel(f"rooms:{n}", client=client) for n in range(9)]
        parts = {"EchoRoom": 9, "Membership": 9, "Joins": 9}
        self.assertEqual(ours() - before, parts)
        self.memory.answers = False
        for channel in channels:
            self.watch(channel.leave())
        self.assertEqual(ours() - before, parts | {"Leave": 9})

    def test_awaited(self) -> None:
        """The reply to a join or a leave is taken once, and kept by nobody after it."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        joins = channel._membership.joins
        self.assertEqual((joins.awaited, joins.awaited_ref), (None, joins.ref))
        self.memory.answers = False
        self.watch(channel.leave())
        self.assertNotEqual(joins.awaited_ref, joins.ref)
        self.assertIs(joins.take_awaited(), channel._membership._leave)
        self.assertIsNone(joins.take_awaited())

    def test_awaited_no_more(self) -> None:
        """A leave that a stop cuts short waits for no reply."""
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave())
        channel.stop()
        self.assertEqual(len(left.fired), 1)
        self.assertIsNone(channel._membership.joins.awaited)

    def test_made_late(self) -> None:
        """A joined channel has nothing of what it has not needed."""
        membership = self.joined_channel()._membership
        self.assertIs(membership.hooks, NO_HOOKS)
        self.assertIsNone(membership.made_pushes)
        self.assertIsNone(membership.presences)
        self.assertIsNone(membership.made_inbox)
        self.assertIsNone(membership._leave)
        self.assertIsNone(membership._stops)
        self.assertIsNone(membership.joins.made_rejoins)
        self.assertFalse(hasattr(membership, "__dict__"))
