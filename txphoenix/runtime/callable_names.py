"""What a callable of the user's is called in the log: where its code can be found.

A ``repr`` would not do: that of a method has its object in it, and that of a partial
its arguments, which may be secrets, or of any length.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..legible import cut

__all__ = ["qualified_name"]

# A partial of a partial is one already, as Python makes it; a wrapper may hold another.
_DEEPEST = 10


def qualified_name(function: Any) -> str:
    """The module and the qualified name of a callable, such as ``"app.Room.greet"``.

    A partial is called as what it calls, and an object as its class.
    """
    try:
        return cut(_name(function))
    except BaseException:
        # It is the user's, and may answer anything by anything.
        return cut(type.__getattribute__(type(function), "__name__"))


def _name(function: Any) -> str:
    for _ in range(_DEEPEST):
        if not isinstance(function, partial):
            break
        function = function.func
    if not isinstance(getattr(function, "__qualname__", None), str):
        function = type(function)
    module = getattr(function, "__module__", None)
    if module is None:
        # That of a method of a class in C is known by the class alone.
        module = type(getattr(function, "__self__", None)).__module__
    name: str = function.__qualname__
    return name if module in ("builtins", None) else f"{module}.{name}"
