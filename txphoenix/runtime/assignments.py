"""What is refused where it is set as an attribute, since it would change nothing.

``client.on_open = f`` is how other libraries have it.
Here it would only hide the method that adds a hook, and ``f`` would never be called.

A ``__setattr__`` that looks for these names is three times the work of making a
channel, which has many attributes.
So it is the methods themselves that refuse it, and for a name that is no method's a
descriptor of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar, cast

from ..errors import ConfigurationError

__all__ = ["never_assigned", "never_set"]

_C = TypeVar("_C", bound=type)
_F = TypeVar("_F", bound=Callable[..., Any])


class _Method:
    """A method that cannot be hidden by an attribute of the same name.

    A subclass overrides it as any other.
    """

    __slots__ = ("_function", "_instead")

    def __init__(self, function: Callable[..., Any], instead: str) -> None:
        self._function = function
        self._instead = instead

    def __get__(self, owner: object, cls: type | None = None) -> Callable[..., Any]:
        bound: Callable[..., Any] = self._function.__get__(owner, cls)
        return bound

    def __set__(self, owner: object, value: object) -> NoReturn:
        self._refuse()

    def __delete__(self, owner: object) -> NoReturn:
        # What was to be set for a while, as mock.patch.object() does it, is taken away
        # though it could not be set, and only this error is seen.
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(
            f"{self._function.__name__} is a method, and what is set in its place is"
            f" never called: {self._instead}"
        )


def never_assigned(instead: str) -> Callable[[_F], _F]:
    """Have a method refuse that something is set in its place.

    :param instead: what to do, for a person.
    """

    def decorate(function: _F) -> _F:
        return cast(_F, _Method(function, instead))

    return decorate


class _NeverSet:
    """A name that instances have no attribute of; a subclass may give it a meaning."""

    __slots__ = ("_instead", "_name")

    def __init__(self, name: str, instead: str) -> None:
        self._name = name
        self._instead = instead

    def __get__(self, owner: object, cls: type | None = None) -> NoReturn:
        raise AttributeError(self._name)

    def __set__(self, owner: object, value: object) -> NoReturn:
        raise ConfigurationError(self._instead.format(self._name))


def never_set(names: Iterable[str], instead: str) -> Callable[[_C], _C]:
    """Have the instances of a class refuse that these attributes are set.

    :param names: those that the class has itself are left as they are.
    :param instead: what to do, for a person; ``{0}`` stands for the name.
    """

    def decorate(cls: _C) -> _C:
        for name in names:
            if not hasattr(cls, name):
                setattr(cls, name, _NeverSet(name, instead))
        return cls

    return decorate
