"""Tests of what the protocol and the runtime import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent

# What people are shown, which lies below.
SHOWN = (
    "txphoenix.decode_error",
    "txphoenix.error_base",
    "txphoenix.error_texts",
    "txphoenix.errors",
    "txphoenix.legible",
)

# All that they may import of what is not ours.
# Nothing of it opens, reads or writes anything, waits, or runs something else.
PURE = {
    "__future__",
    "base64",
    "collections.abc",
    "dataclasses",
    "enum",
    "http.cookiejar",
    "hyperlink",
    "idna",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "orjson",
    "random",
    "re",
    "reprlib",
    "sys",
    "types",
    "typing",
    "urllib.parse",
    "warnings",
}
# CookieJar asks for a Request, which opens nothing.
ALLOWED = {("cookie_jar", "urllib.request")}

# All that the runtime may import of what is not ours.
# Of OpenSSL that is what one module makes of keys, for two packages above it.
# Of Twisted that is what needs no socket; a thread's work is to reach the reactor.
RUNTIME = {
    "OpenSSL",
    "__future__",
    "collections.abc",
    "contextvars",
    "copy",
    "errno",
    "functools",
    "inspect",
    "pathlib",
    "re",
    "stat",
    "sys",
    "threading",
    "time",
    "twisted.internet.base",
    "twisted.internet.defer",
    "twisted.internet.interfaces",
    "twisted.logger",
    "twisted.python",
    "twisted.python.failure",
    "typing",
    "weakref",
    "zope.interface",
}

# Imports the modules without txphoenix/__init__.py, which imports everything.
ALONE = """
import importlib, sys, types
package = types.ModuleType("txphoenix")
package.__path__ = [sys.argv[1]]
sys.modules["txphoenix"] = package
for name in sys.argv[2:]:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.split(".")[0] in FOREIGN))
""".replace("FOREIGN", "('autobahn', 'attr', 'txphoenix', 'twisted', 'zope')")


def modules() -> list[str]:
    """The modules of protocol/, by their names within it."""
    return sorted(
        path.stem for path in ROOT.glob("protocol/*.py") if path.stem != "__init__"
    )


def imported(path: Path) -> Iterator[str]:
    """The modules that one imports from, in functions and for types as well."""
    package = path.relative_to(ROOT.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join((*base, *filter(None, [node.module])))


def foreign(path: Path) -> set[str]:
    """Those of them that are not of this package."""
    return {name for name in imported(path) if name.split(".")[0] != "txphoenix"}


class ProtocolTests(SynchronousTestCase):
    """The protocol needs neither Twisted nor I/O."""

    def test_alone(self) -> None:
        """With the errors, which people are shown, it runs where nothing else does."""
        names = [f"txphoenix.protocol.{name}" for name in modules()]
        done = subprocess.run(
            [sys.executable, "-c", ALONE, str(ROOT), *names],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = {
            name
            for name in done.stdout.split()
            if not name.startswith("txphoenix.protocol")
        }
        self.assertEqual(loaded, {"txphoenix", *SHOWN})

    def test_layers(self) -> None:
        """No module names one of ours that is above it."""
        below = ("txphoenix.protocol", *SHOWN)
        for name in modules():
            for module in imported(ROOT / "protocol" / f"{name}.py"):
                own = module.startswith("txphoenix")
                self.assertTrue(not own or module.startswith(below), (name, module))

    def test_foreign(self) -> None:
        """No module imports what opens, reads, writes or waits.

        Nor do the errors, and what they show.
        """
        files = [
            *(ROOT / "protocol" / f"{name}.py" for name in modules()),
            *(ROOT / f"{name.removeprefix('txphoenix.')}.py" for name in SHOWN),
        ]
        for path in files:
            more = {
                module
                for module in foreign(path) - PURE
                if (path.stem, module) not in ALLOWED
            }
            self.assertEqual(more, set(), path.name)

    def test_needed(self) -> None:
        """What they may import is no more than they do."""
        seen = {
            module
            for path in ROOT.glob("protocol/*.py")
            for module in foreign(path)
            if (path.stem, module) not in ALLOWED
        }
        self.assertEqual(seen, PURE)


class RuntimeTests(SynchronousTestCase):
    """The runtime needs Twisted, and nothing of sockets."""

    def test_foreign(self) -> None:
        """No module imports more of what is not ours than is listed, nor less."""
        seen = {}
        for path in sorted(ROOT.glob("runtime/*.py")):
            seen[path.name] = foreign(path)
            self.assertEqual(seen[path.name] - RUNTIME, set(), path.name)
        self.assertEqual(set().union(*seen.values()), RUNTIME)
