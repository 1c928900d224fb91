"""Tests of what :mod:`txphoenix.protocol` imports."""

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
SHOWN = ("txphoenix.error_texts", "txphoenix.errors", "txphoenix.legible")

# What reads or writes, waits, or runs something else.
NOT_PURE = {
    "asyncio",
    "http.client",
    "multiprocessing",
    "select",
    "selectors",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
}
# CookieJar asks for a Request, which opens nothing.
ALLOWED = {("cookie_jar", "urllib.request")}

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
    """All that a module imports, in functions and for types as well."""
    package = path.relative_to(ROOT.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


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

    def test_imports(self) -> None:
        """No module names one that is above it, or that does what it must not."""
        below = ("txphoenix.protocol", *SHOWN)
        for name in modules():
            for module in imported(ROOT / "protocol" / f"{name}.py"):
                own = module.startswith("txphoenix")
                self.assertTrue(not own or module.startswith(below), (name, module))
                if (name, module) not in ALLOWED:
                    self.assertNotIn(module, NOT_PURE, name)
                self.assertNotIn(module.split(".")[0], {"twisted", "zope"}, name)
