"""What :mod:`txphoenix.test.properties` has where hypothesis is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

from .extra import needs

__all__ = ["HealthCheck", "example", "given", "settings", "st"]

Decorated = TypeVar("Decorated")


class Anything:
    """It is called, asked for a part or joined by ``|``, and stays what it is."""

    def __call__(self, *_args: Any, **_named: Any) -> Self:
        return self

    def __getattr__(self, name: str) -> Self:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: object) -> Self:
        return self

    def __or__(self, _other: object) -> Self:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def given(*_args: Any, **_named: Any) -> Callable[[Decorated], Decorated]:
    """The test that is decorated is skipped."""
    return needs("hypothesis")


def settings(*_args: Any, **_named: Any) -> Callable[[Decorated], Decorated]:
    """The test that is decorated stays as it is."""
    return lambda test: test


example = settings
HealthCheck = st = Anything()
