"""Tests without what the extra ``test`` brings: those that need it are skipped.

A test module whose import fails for want of such a package is not an error: each of
its tests is skipped, and says which package is missing.
Where all of them are installed, nothing here does anything.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType
from typing import Final, TypeVar

__all__ = ["PACKAGES", "SkippingLoader", "needs", "skip_what_lacks", "why_skipped"]

Decorated = TypeVar("Decorated")

PACKAGES: Final = (
    "hypothesis",
    "msgpack",
    "msgspec",
    "opentelemetry",
    "prometheus_client",
    "prompt_toolkit",
    "pyte",
    "pytest",
    "txtorcon",
    "websockets",
)
"""What test modules import of that which the extra ``test`` brings."""


def why_skipped(package: str) -> str | None:
    """What a test says that needs a package which is missing; None if it is there."""
    if find_spec(package) is not None:
        return None
    return f"{package} is missing: pip install 'txphoenix[test]'"


def needs(*packages: str) -> Callable[[Decorated], Decorated]:
    """Skip a test, which is decorated with this, where one of the packages is missing.

    It says which; the first, if they are several.
    """

    def decorated(test: Decorated) -> Decorated:
        vars(test)["skip"] = next(filter(None, map(why_skipped, packages)), None)
        return test

    return decorated


def skip_what_lacks() -> None:
    """From here on, skip the tests of each module that needs a missing package."""
    if any(map(why_skipped, PACKAGES)):
        sys.meta_path.insert(0, _Finder())


class SkippingLoader(SourceFileLoader):
    """Loads a test module, or, for want of a package, its tests to be skipped."""

    def exec_module(self, module: ModuleType) -> None:
        """As importlib has it."""
        try:
            super().exec_module(module)
        except ImportError as error:
            name = error.name or ""
            is_extra = name.partition(".")[0] in PACKAGES
            reason = why_skipped(name) if is_extra else None
            if reason is None:
                raise
            self._skip(module, reason)

    def _skip(self, module: ModuleType, reason: str) -> None:
        from twisted.trial.unittest import SynchronousTestCase

        for cls in ast.parse(self.get_data(self.path)).body:
            if isinstance(cls, ast.ClassDef):
                tests = {
                    it.name: lambda self: None
                    for it in cls.body
                    if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef)
                    and it.name.startswith("test_")
                }
                if tests:
                    made = {"__module__": module.__name__, "skip": reason, **tests}
                    case = type(cls.name, (SynchronousTestCase,), made)
                    setattr(module, cls.name, case)


class _Finder(MetaPathFinder):
    """Finds test modules, for that loader."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if not f"{package}.".startswith("txphoenix.test.") or name[:5] != "test_":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = SkippingLoader(fullname, spec.loader.path)
        return spec
