"""Tests of the paths by which users import what is public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

PACKAGE = Path(txphoenix.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs"
API = DOCS / "api"

NOT_THERE = None if DOCS.is_dir() else "installed without its documents"

# What has code of its own, and the starts of the package.
NOT_FACADES = {
    *("__init__", "__main__", "_version"),
    *("decode_error", "error_base", "error_texts", "errors", "legible"),
}

# The modules that are there once the package is imported.
MODULES = {
    "backoff",
    "channel",
    "channels",
    "client",
    "client_hooks",
    "echo_room",
    "errors",
    "handshake",
    "interfaces",
    "message",
    "option_types",
    "options",
    "presence",
    "serializer",
    "supplied",
    "telemetry",
}
# The server kit and the integrations have to be imported: the client does without.
OWN_IMPORT = {"absinthe", "aio", "metrics", "otel", "supabase", "testing", "wamp"}

# What the paths of users hand on, and what twistd's does.
LAYERS = {
    "channels",
    "client",
    "errors",
    "options",
    "protocol",
    "runtime",
    "telemetry",
    "transports",
}
SERVICE = {"service"}


def found(path: str) -> Any:
    """The module, or what lies in one, that a dotted path leads to."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        parent, _, name = path.rpartition(".")
        if not parent:
            raise
        return getattr(found(parent), name)


def reference() -> str:
    """The text of the API reference: all of its pages."""
    return "\n".join(page.read_text("utf-8") for page in sorted(API.glob("*.rst")))


def documented() -> list[str]:
    """The paths of the API reference."""
    kinds = "module|class|exception|function|data"
    return re.findall(rf"^\.\. auto(?:{kinds}):: (\S+)$", reference(), re.MULTILINE)


def documented_modules() -> list[str]:
    """The modules of which the API reference has all."""
    return re.findall(r"^\.\. automodule:: (\S+)$", reference(), re.MULTILINE)


def written() -> Iterator[tuple[str, str, str]]:
    """What the pages and the examples import: where, from which module, which name."""
    pages = [*ROOT.glob("*.md"), *DOCS.glob("**/*.rst"), *ROOT.glob("examples/**/*.py")]
    pattern = r"from (txphoenix[\w.]*) import (?:\(([^)]*)\)|([^\n(`]+))"
    for page in pages:
        for module, *names in re.findall(pattern, page.read_text("utf-8")):
            for name in re.findall(r"(\w+)(?: as \w+)?", "".join(names)):
                yield page.name, module, name


def facades() -> list[str]:
    """The root modules that only re-export."""
    return sorted({path.stem for path in PACKAGE.glob("*.py")} - NOT_FACADES)


class DocumentedTests(SynchronousTestCase):
    """What the docs name is there."""

    skip = NOT_THERE

    def test_reference(self) -> None:
        """Each name of the API reference leads to something."""
        paths = documented()
        self.assertGreater(len(paths), 15)
        for path in paths:
            self.assertIsNotNone(found(path), path)

    def test_modules_are_brought(self) -> None:
        """Each module of the API reference is among those that the package brings."""
        modules = {path.split(".")[1] for path in documented_modules()}
        self.assertEqual(modules - OWN_IMPORT - MODULES, set())

    def test_examples(self) -> None:
        """Each import that is written in the docs, README and examples works."""
        imports = list(written())
        self.assertGreater(len(imports), 20)
        for page, module, name in imports:
            self.assertIsNotNone(found(f"{module}.{name}"), page)

    def test_facades_are_documented(self) -> None:
        """Each root module has its place in the API reference."""
        pages = {path.split(".")[1] for path in documented()}
        self.assertEqual(set(facades()) - pages, set())


class FacadeTests(SynchronousTestCase):
    """The root modules have nothing of their own."""

    def test_only_imports(self) -> None:
        """A facade is a docstring, imports from the layers, and their names in all."""
        for name in facades():
            tree = ast.parse((PACKAGE / f"{name}.py").read_text("utf-8"))
            self.assertTrue(ast.get_docstring(tree), name)
            *imports, names = tree.body[2:]
            self.assertIsInstance(names, ast.Assign, name)
            for node in imports:
                assert isinstance(node, ast.ImportFrom), name
                layer = (node.module or "").partition(".")[0]
                self.assertEqual(node.level, 1, name)
                self.assertIn(layer, SERVICE if name == "tap" else LAYERS, name)

    def test_same_objects(self) -> None:
        """What a facade has is the very object of the layer."""
        for name in facades():
            module = import_module(f"txphoenix.{name}")
            tree = ast.parse((PACKAGE / f"{name}.py").read_text("utf-8"))
            here = set()
            for node in tree.body:
                if isinstance(node, ast.ImportFrom) and node.level:
                    layer = import_module(f"txphoenix.{node.module}")
                    for alias in node.names:
                        self.assertIs(
                            getattr(module, alias.name), getattr(layer, alias.name)
                        )
                        here.add(alias.name)
            self.assertEqual(set(module.__all__), here, name)

    def test_package(self) -> None:
        """Whoever has imported the package has its public modules as attributes."""
        script = (
            "import sys, txphoenix\nfor name in sys.argv[1:]: getattr(txphoenix, name)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, *sorted(MODULES)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
