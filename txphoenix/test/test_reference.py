"""The API reference has what is public, and what is not is nowhere to be seen.

Its pages are written by ``docs/generate_api.py``, its links to others' references by
``docs/generate_inventories.py``; both are in a clone and in a source distribution, not
in a wheel.
"""

from __future__ import annotations

import pydoc
import re
import runpy
import sys
import zlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.interface import InterfaceClass

import txphoenix
from txphoenix import SocketClient
from txphoenix.testing import ServerSession

ROOT = Path(txphoenix.__file__).parent.parent
DOCS = ROOT / "docs"
NOT_THERE = None if DOCS.exists() else "installed without its documents"

# What stands for an object that has no name, or is for Sphinx alone.
MARKS = (" at 0x", "<InterfaceClass", "<function", ":meta", "functools.partial(<")

PLAIN = pydoc._PlainTextDoc()  # type: ignore[attr-defined]

# What users see of those that they have in hand all the time.
SEEN = {
    "txphoenix.SocketClient": """
        buffers channel connect connected disconnect get_state handshake join leave
        on_close on_error on_heartbeat on_message on_open on_topic ping push put_state
        reconfigure startService status stopService when_connected when_writable
        """,
    "txphoenix.Channel": """
        decoders dispatch dropped_messages handle_close handle_in handle_join
        handle_message init is_joined join join_ref leave off on on_close on_error
        presence_events presence_history push push_async receive restart state stop
        stopService when_stopped when_writable
        """,
    "txphoenix.channels.ChannelManager": """
        check_timeout failed find getServiceNamed leave make make_inbox start_channel
        terminate terminate_channel when_settled
        """,
    "txphoenix.testing.MemoryServer": """
        accept add_socket advance broadcast channels connections cut drain drop flush
        kick kill_channel pairs pause refusal_of refuse release_connections resume
        session_lost session_opened start stop url url_of wait_for when_connected
        when_disconnected when_joined when_left when_received when_resumed
        """,
    "txphoenix.aio.Client": """
        buffers channel channels connect connected disconnect get_state handshake join
        leave on_close on_error on_heartbeat on_message on_open on_topic ping push
        put_state reconfigure status twisted when_connected when_writable
        """,
    "txphoenix.absinthe.Subscription": """
        dropped_results error id is_ended on_close on_error on_result on_subscribed
        receive unsubscribe when_subscribed
        """,
}


@cache
def generator(name: str) -> dict[str, Any]:
    """What a script of the documentation defines."""
    path = [*sys.path]
    try:
        return runpy.run_path(str(DOCS / f"{name}.py"))
    finally:
        # It adds the working copy to the path.
        sys.path[:] = path


def documented() -> dict[type, set[str]]:
    """The classes of the pages, and the members that the pages name."""
    found = {}
    for page in sorted((DOCS / "api").glob("*.rst")):
        for path, options in re.findall(
            r"^\.\. auto(?:class|exception):: (\S+)\n((?:   .*\n)*)",
            page.read_text("utf-8"),
            re.M,
        ):
            module, _, name = path.rpartition(".")
            names = re.sub(r":[\w-]+:", "", options)
            found[getattr(import_module(module), name)] = set(re.findall(r"\w+", names))
    return found


def is_ours(cls: type) -> bool:
    """Whether a class is of this library."""
    return cls.__module__.partition(".")[0] == "txphoenix"


def visible(cls: type) -> set[str]:
    """What ``dir()`` shows of a class, but for what others have given it.

    An attribute without a value is seen in what is written of it alone.
    """
    others = [base for base in cls.__mro__ if not is_ours(base)]
    theirs = {name for base in others for name in dir(base)}
    ours = {name for base in cls.__mro__ if is_ours(base) for name in vars(base)}
    return {
        name
        for name in dir(cls)
        if not name.startswith("_") and (name in ours or name not in theirs)
    }


class PagesTests(SynchronousTestCase):
    """The pages of the reference."""

    skip = NOT_THERE

    def test_written_anew(self) -> None:
        """Each page is what it would be, were it written anew."""
        files = generator("generate_api")["files"]()
        self.assertEqual(
            {path.name for path in files},
            {path.name for path in (DOCS / "api").glob("*.rst")} | {"api.rst"},
        )
        for path, text in files.items():
            self.assertEqual(
                path.read_text("utf-8"),
                text,
                f"{path.name}: python docs/generate_api.py writes it",
            )

    def test_replaced(self) -> None:
        """What a test has replaced in a class and put back changes no page.

        Python has no other way to put a base's method back than into the class itself.
        """
        before = generator("generate_api")["files"]()
        for cls, name in [(ServerSession, "receive"), (SocketClient, "on_open")]:
            (base,) = (base for base in cls.__mro__[1:] if name in vars(base))
            held = mock.patch.object(cls, name, vars(base)[name])
            held.start()
            self.addCleanup(held.stop)
            self.assertIn(name, vars(cls))
        self.assertEqual(generator("generate_api")["files"](), before)

    def test_public_attributes(self) -> None:
        """A class has in the reference what can be seen of it, and nothing else."""
        classes = documented()
        self.assertGreater(len(classes), 90)
        listed = generator("generate_api")["listed"]
        own = txphoenix.options.OPTIONS.keys()
        for cls, names in classes.items():
            inherited = {
                name for base in cls.__mro__[1:] for name in classes.get(base, ())
            }
            told = names | inherited | listed(cls)
            if cls is txphoenix.options.Options:
                # These have a page of their own.
                told |= own
            if names or not any(cls in it.__bases__ for it in classes):
                self.assertEqual(visible(cls) - told, set(), cls)
            for name in names - visible(cls):
                text = generator("generate_api")["members"](cls)[name]
                self.assertNotEqual(text, "", f"{cls}: {name}")

    def test_told(self) -> None:
        """Each of them has a docstring."""
        members = generator("generate_api")["members"]
        for cls, names in documented().items():
            texts = members(cls)
            for name in names:
                self.assertNotIn(texts[name], ("", None), f"{cls}: {name}")
                self.assertNotIn(":meta", texts[name], f"{cls}: {name}")

    def test_seen(self) -> None:
        """The classes that users have in hand show these names, and no others."""
        for path, names in SEEN.items():
            module, _, name = path.rpartition(".")
            cls = getattr(import_module(module), name)
            self.assertEqual(visible(cls), set(names.split()), path)

    def test_in_a_clone(self) -> None:
        """Each name has a sentence and a link to its source, where nothing is built."""
        overview = (DOCS / "api.rst").read_text("utf-8")
        rows = re.findall(
            r"^`(txphoenix[\w.]+) <\.\./([\w/.]+)>`__(.*)$", overview, re.M
        )
        self.assertGreater(len(rows), 180)
        for name, source, text in rows:
            self.assertTrue((ROOT / source).is_file(), source)
            self.assertRegex(text, r"\w\w", name)
        for page in (DOCS / "api").glob("*.rst"):
            sources = re.findall(r"<\.\./\.\./([\w/.]+)>`__", page.read_text("utf-8"))
            self.assertNotEqual(sources, [], page.name)
            for source in sources:
                self.assertTrue((ROOT / source).is_file(), source)
            self.assertIn(f" <api/{page.name}>`__", overview)
        told = {name: text.strip() for name, _, text in rows}
        # Python says of it only that it creates and returns something.
        self.assertIn("half the time", told["txphoenix.message.new_message"])
        named = {name for name, _, _ in rows}
        for name in set(txphoenix.__all__) - {"__version__"}:
            self.assertIn(f"txphoenix.{name}", named)


class HelpTests(SynchronousTestCase):
    """What ``help()`` shows of each class."""

    skip = NOT_THERE

    def test_legible(self) -> None:
        """It shows names, and no objects; and nothing that is for Sphinx alone."""
        for cls in documented():
            text = PLAIN.document(cls)
            # Python's own names are Python's to show.
            text = re.sub(r"^ \|  __\w+__ = .*\n", "", text, flags=re.M)
            for mark in MARKS:
                self.assertNotIn(mark, text, cls)


class InventoryTests(SynchronousTestCase):
    """What links to the references of others are made by."""

    skip = NOT_THERE

    def test_written_anew(self) -> None:
        """Each inventory is what it would be, were it written anew."""
        script = generator("generate_inventories")
        folder = DOCS / "inventories"
        made = script["inventories"]()
        self.assertEqual(made.keys(), script["ADDRESSES"].keys())
        self.assertEqual({path.stem for path in folder.iterdir()}, made.keys())
        for project, entries in made.items():
            # Two releases of zlib may pack the same text otherwise.
            data = (folder / f"{project}.inv").read_bytes().split(b"\n", 4)[4]
            self.assertEqual(
                zlib.decompress(data).decode(),
                script["lines"](entries),
                f"{project}: python docs/generate_inventories.py writes it",
            )

    def test_there(self) -> None:
        """Each name of Twisted's and of Python's is there, so that none is misspelt."""
        made = generator("generate_inventories")["inventories"]()
        seen = 0
        for name, kind, _ in [*made["twisted"], *made["python"]]:
            if kind != "module" and "." in name:
                owner = name.rpartition(".")[0]
                found = pydoc.locate(name)
                if found is None and owner:
                    # A method that an interface asks for.
                    found = name.rpartition(".")[2] in pydoc.locate(owner)  # type: ignore[operator]
                self.assertNotIn(found, (None, False), name)
                # Twisted's classes have a page each, its functions have none.
                if name.startswith("twisted.") and kind in ("class", "function"):
                    is_class = isinstance(found, type | InterfaceClass)
                    self.assertEqual(is_class, kind == "class", name)
                seen += 1
        self.assertGreater(seen, 120)

    def test_built_in(self) -> None:
        """Numbers are among Python's built-in functions, what can hold much is not."""
        made = generator("generate_inventories")["inventories"]()
        pages = {name: place.partition("#")[0] for name, _, place in made["python"]}
        for name in ("bool", "complex", "float", "int", "object", "property", "type"):
            self.assertEqual(pages[name], "library/functions.html", name)
        for name in ("bytes", "dict", "frozenset", "list", "set", "str", "tuple"):
            self.assertEqual(pages[name], "library/stdtypes.html", name)
