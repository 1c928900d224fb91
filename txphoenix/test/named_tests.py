"""Tests that a document names, and whether they are there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from unittest import TestCase

__all__ = ["docstring_of", "names_of_tests"]


def names_of_tests(module: ModuleType) -> Iterator[str]:
    """The names of a module's tests: the class and the method."""
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, TestCase):
            for name in vars(value):
                if name.startswith("test_") and value.__module__ == module.__name__:
                    yield f"{value.__name__}.{name}"


def docstring_of(test: str) -> str | None:
    """The docstring of a test, which may be inherited.

    :param test: the module from ``txphoenix.test`` on, the class and the method.
    :raises LookupError: there is no such test.
    """
    module_name, class_name, method_name = test.rsplit(".", 2)
    try:
        module = import_module(f"txphoenix.test.{module_name}")
        case = vars(module)[class_name]
        method = getattr(case, method_name)
    except (ImportError, KeyError, AttributeError):
        raise LookupError(test) from None
    if not (method_name.startswith("test_") and issubclass(case, TestCase)):
        raise LookupError(test)
    docstring: str | None = method.__doc__
    return docstring
