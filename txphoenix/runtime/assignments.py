"""What is refused where it is set as an attribute, since it would change nothing.

``client.on_open = f`` is how other libraries have it.
Here it would only hide the method that adds a hook, and ``f`` would never be called.

A ``__setattr__`` that looks for these names is three times the work of making a
channel, which has many attributes.
So it is the methods themselves that refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, NoReturn, TypeVar, cast

from ..errors import ConfigurationError

__all__ = ["check_set", "never_assigned"]

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


def check_set(owner: object, name: str, taken: Container[str], what: str) -> None:
    """Check that an attribute that is set has no name that is taken.

    What the class has itself, as a subclass may, is its own.

    :param what: what has the name, and what to do, for a person; ``{0}`` stands for it.
    :raises ConfigurationError: it has.
    """
    if name in taken and not hasattr(type(owner), name):
        raise ConfigurationError(f"{name} is {what.format(name)}")
