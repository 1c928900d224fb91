"""The house stands: files and classes that one can hold in mind, arrows one way.

Which layer is above which is in ``pyproject.toml``, and ``lint-imports`` sees to it.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache, reduce
from importlib import import_module
from inspect import getattr_static
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementedBy

import txphoenix
from txphoenix.channels import ChannelManager
from txphoenix.channels.channel_set import ChannelSet
from txphoenix.channels.keeper import ChannelKeeper
from txphoenix.client.connection import Connection
from txphoenix.interfaces import TransportListener

from .module_graph import circles, imports

PACKAGE = Path(txphoenix.__file__).parent
ROOT = PACKAGE.parent
REFERENCE = ROOT / "docs" / "api"

LONGEST_FILE = 400
MOST_METHODS = 25
# What users' own transports call, and what users call without its class: the reference
# has it of another.
ROLES: dict[type, type] = {
    ChannelKeeper: ChannelManager,
    ChannelSet: ChannelManager,
    Connection: TransportListener,
}
# The hot path of receiving and of the frames: a call saved there is worth a branch.
MAY_BRANCH = re.compile(r"(client/receiving|transports/frames\w*)\.py")


def sources() -> dict[str, str]:
    """The text of each file of the package, but for its tests."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "test"
    }


def classes() -> Iterator[type]:
    """Each class of the package, but for its tests."""
    for name in sources():
        if name != "__main__.py":
            dotted = "txphoenix." + name.removesuffix(".py").replace("/", ".")
            module = import_module(dotted.removesuffix(".__init__"))
            for value in vars(module).values():
                # zope.interface leaves attributes on what it is asked about, for which
                # a Protocol would look at run time as well.
                if (
                    inspect.isclass(value)
                    and value.__module__ == module.__name__
                    and not getattr(value, "_is_protocol", False)
                ):
                    yield value


def public_methods(cls: type) -> set[str]:
    """The methods that the reference has of a class."""
    told = documented().get(cls)
    role = ROLES.get(cls)
    asked = set() if role is None else public_methods(role)
    return (told or set()) | asked


@cache
def documented() -> dict[type, set[str]]:
    """The classes in the reference, and their methods there."""
    found: dict[type, set[str]] = {}
    for page in REFERENCE.glob("*.rst"):
        entries = re.findall(
            r"^\.\. auto(?:class|exception):: (\S+)\n((?:   .*\n)*)",
            page.read_text("utf-8"),
            re.M,
        )
        for name, options in entries:
            module_name, _, each = name.rpartition(".")
            told = re.findall(r"\w+", options.replace("no-members:", ""))
            found[getattr(import_module(module_name), each)] = set(told)
    return found


def own_methods(cls: type) -> set[str]:
    """The methods and properties that the class itself has added to its bases.

    What it overrides of Twisted's or Autobahn's, and what their interfaces ask for, is
    not its own.
    """
    given = {name for interface in implementedBy(cls) for name in interface}
    for base in cls.__mro__[1:]:
        if not base.__module__.startswith("txphoenix."):
            given |= vars(base).keys()
    return {name for name, it in vars(cls).items() if _is_method(it)} - given


def _is_method(it: object) -> bool:
    return inspect.isfunction(it) or isinstance(
        it, classmethod | property | staticmethod
    )


def patches(tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """Each ``self.patch(owner, "name", value)``: its line, the owner and the name.

    The name is None where it is not written there.
    An owner that the method has made or was given ends with the test, and is left out.
    """
    methods = [
        method
        for cls in tree.body
        if isinstance(cls, ast.ClassDef)
        for method in cls.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for method in methods:
        nodes = list(ast.walk(method))
        own = {node.arg for node in nodes if isinstance(node, ast.arg)} | {
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in nodes:
            match node:
                case ast.Call(
                    ast.Attribute(ast.Name("self"), "patch"),
                    [owner, name, _],
                ):
                    dotted = ast.unparse(owner)
                    is_dotted = re.fullmatch(r"[\w.]+", dotted) is not None
                    if is_dotted and dotted.partition(".")[0] not in own:
                        yield node.lineno, dotted, _text(name)


def _text(node: ast.expr) -> str | None:
    return str(node.value) if isinstance(node, ast.Constant) else None


def stays(owner: object, name: str | None) -> bool:
    """Whether something of a patch of trial's is, or may be, left once it is restored.

    What was got is then set: what the owner inherits becomes its own, and a class or
    static method is one no more.
    """
    if name is None:
        return not inspect.ismodule(owner)
    if hasattr(getattr_static(type(owner), name, None), "__set__"):
        return False
    return name not in vars(owner) or vars(owner)[name] is not getattr(owner, name)


class HouseTests(SynchronousTestCase):
    """What is measured of the package."""

    def tell(self, faults: list[str]) -> None:
        """Fail with all of them, if there are any."""
        if faults:
            self.fail("\n".join(faults))

    def test_files(self) -> None:
        """No file is longer than one reads at a time."""
        lengths = {name: len(text.splitlines()) for name, text in sources().items()}
        self.assertGreater(len(lengths), 150)
        faults = [
            f"txphoenix/{name} has {length} lines: move one of its ideas, whole, to a "
            "module that is named for it"
            for name, length in lengths.items()
            if length > LONGEST_FILE
        ]
        self.tell(faults)

    def test_ways(self) -> None:
        """The files on the way of a message, in the heads of packages, are there."""
        for package in ("channels", "client", "transports"):
            text = sources()[f"{package}/__init__.py"]
            self.assertIn("The way of a ", text)
            named = re.findall(r"(\w+/)?(\w+\.py)\b", text)
            self.assertGreater(len(named), 8)
            faults = [
                f"txphoenix/{package}/__init__.py names {folder}{name}, which is not"
                for folder, name in named
                if f"{folder or package + '/'}{name}" not in sources()
            ]
            self.tell(faults)

    def test_classes(self) -> None:
        """No class has more methods of its own than one holds in mind.

        What is in the reference is for users, and not counted.
        """
        counts = {cls: len(own_methods(cls) - public_methods(cls)) for cls in classes()}
        self.assertGreater(len(counts), 200)
        faults = [
            f"{cls.__module__}.{cls.__qualname__} has {count} methods of its own that "
            "are not in docs/api: give the part of it that has a name a class of "
            "its own, and hold that"
            for cls, count in counts.items()
            if count > MOST_METHODS
        ]
        self.tell(faults)

    def test_branches(self) -> None:
        """Only the hot path has functions that branch more than ruff admits."""
        branching = [name for name, text in sources().items() if "C901" in text]
        self.assertNotEqual(branching, [])
        faults = [
            f"txphoenix/{name} has a noqa for C901: give the parts of the function "
            "that branches functions of their own"
            for name in branching
            if MAY_BRANCH.fullmatch(name) is None
        ]
        self.tell(faults)

    def test_circles(self) -> None:
        """No module imports itself by way of others, nor in what only a clone has."""
        folders = [
            ROOT / name
            for name in (
                "benchmarks",
                "compliance",
                "crossbar_node",
                "fuzz",
                "interop",
                "release",
            )
        ]
        graph = imports(PACKAGE, *(it for it in folders if it.exists()))
        self.assertGreater(len(graph), 400)
        faults = [
            f"{', '.join(names)} import each other: have the lower one declare a "
            "Protocol of what it asks of the upper, or be given what it needs by who "
            "makes both"
            for names in circles(graph)
        ]
        self.tell(faults)

    def test_patches(self) -> None:
        """No test leaves what it has patched other than it was, for others to find."""
        faults: list[str] = []
        count = 0
        for path in sorted((PACKAGE / "test").rglob("*.py")):
            text, name = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
            if ".patch(" not in text:
                continue
            for line, dotted, attribute in patches(ast.parse(text)):
                module = import_module(name.removesuffix(".py").replace("/", "."))
                first, *others = dotted.split(".")
                if not hasattr(module, first):  # A name that the method has imported.
                    continue
                count += 1
                owner = reduce(getattr, others, getattr(module, first))
                if stays(owner, attribute):
                    faults.append(
                        f"{name}:{line} patches {attribute or 'any name'} of {dotted}, "
                        "which may inherit it, or have it as a class or static method: "
                        "use unittest.mock.patch.object, which leaves nothing behind"
                    )
        self.assertGreater(count, 80)
        self.tell(faults)

    def test_properties(self) -> None:
        """Each property is checked alike in each run, as ``properties.py`` has it."""
        faults: list[str] = []
        count = 0
        for path in sorted((PACKAGE / "test").rglob("*.py")):
            text = path.read_text("utf-8")
            if "@given(" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if not isinstance(node, ast.FunctionDef):
                    continue
                ways = [ast.unparse(it) for it in node.decorator_list]
                if any(way.startswith("given(") for way in ways):
                    count += 1
                    if not any(re.match(r"(settings\()?checked\b", it) for it in ways):
                        faults.append(
                            f"{path.relative_to(ROOT).as_posix()}:{node.lineno} is "
                            "another in each run: use @checked or @settings(checked)"
                        )
        self.assertGreater(count, 30)
        self.tell(faults)

    if not REFERENCE.exists():
        test_classes.skip = "installed without its documents"  # type: ignore[attr-defined]


class PatchTests(SynchronousTestCase):
    """What is known of the patches that tests make."""

    def test_seen(self) -> None:
        """Those of what a module has; not of what a method has made or was given."""
        text = """
class Case:
    def test(self, given):
        made = Made()
        self.patch(Room, "join", None)
        self.patch(module.room, "join", None)
        for owner in owners:
            self.patch(owner, "join", None)
        self.patch(made, "join", None)
        self.patch(given.room, "join", None)
        self.patch(self.room, "join", None)
        self.patch(Room, given.name, None)
        self.patch(room(), "join", None)
    async def test_later(self):
        with self:
            self.patch(Room, "leave", None)
"""
        self.assertEqual(
            list(patches(ast.parse(text))),
            [
                (5, "Room", "join"),
                (6, "module.room", "join"),
                (12, "Room", None),
                (16, "Room", "leave"),
            ],
        )

    def test_left(self) -> None:
        """What is inherited stays, and so does what a class gets another way."""

        class Base:
            plain = 0
            _name = "lobby"

            @property
            def name(self) -> str:
                return self._name

            @name.setter
            def name(self, name: str) -> None:
                self._name = name

        class Room(Base):
            own = 0

            def method(self) -> None: ...

            @staticmethod
            def static() -> None: ...

            @classmethod
            def made(cls) -> None: ...

        self.assertFalse(stays(inspect, None))
        self.assertTrue(stays(Room, None))
        room = Room()
        room.name = room._name
        for owner, name, expected in (
            (Base, "plain", False),
            (Room, "own", False),
            (Room, "method", False),
            (Room, "plain", True),
            (Room, "static", True),
            (Room, "made", True),
            (room, "own", True),
            (room, "_name", False),
            (room, "name", False),
        ):
            with self.subTest(owner=owner, name=name):
                self.assertIs(stays(owner, name), expected)
                before = {**vars(owner)}
                self.patch(owner, name, "another").restore()
                self.assertIs({**vars(owner)} != before, expected)


class GraphTests(SynchronousTestCase):
    """The graph and its circles, of packages made for the test."""

    def graph(self, **modules: str) -> dict[str, set[str]]:
        """The graph of a package; in the names of modules ``_in_`` is a slash."""
        folder = Path(self.mktemp()) / "made"
        for name, text in modules.items():
            path = folder / (name.replace("_in_", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return imports(folder)

    def test_imports(self) -> None:
        """Every way to write an import is seen, and none of what is elsewhere."""
        graph = self.graph(
            __init__="from .low import X",
            low="import os, made\nfrom os import path",
            top="import made.low",
            inner_in___init__="from . import deep\nfrom .. import low",
            inner_in_deep="from ..top import X\nfrom made import Y",
        )
        self.assertEqual(
            graph,
            {
                "made": {"made.low"},
                "made.low": {"made"},
                "made.top": {"made.low"},
                "made.inner": {"made.inner.deep", "made.low"},
                "made.inner.deep": {"made.top", "made"},
            },
        )

    def test_counts(self) -> None:
        """Imports in functions and those for types alone count."""
        graph = self.graph(
            a="def f():\n    from .b import X",
            b="if TYPE_CHECKING:\n    from .c import X",
            c="from . import a",
            d="from . import a",
        )
        self.assertEqual(circles(graph), [["made.a", "made.b", "made.c"]])

    def test_no_circle(self) -> None:
        """Two ways to one module are no circle."""
        graph = self.graph(a="from . import b, c", b="from . import d", c="", d="")
        self.assertEqual(circles(graph), [])

    def test_depths(self) -> None:
        """A circle of modules of different depths is one, as is that of two pairs."""
        graph = self.graph(
            a="from .inner.b import X",
            inner_in_b="from ..a import X",
            c="from . import d",
            d="from . import c",
        )
        self.assertEqual(
            circles(graph), [["made.a", "made.inner.b"], ["made.c", "made.d"]]
        )
