"""The base of all errors: a text for a person, and copies that hold the same."""

from __future__ import annotations

from typing import Any

from .error_texts import LONGEST_TEXT
from .legible import cut

__all__ = ["PhoenixError", "restore"]


def restore(cls: type[Any], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    """Make a copied or unpickled error without calling its constructor."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class PhoenixError(Exception):
    """The base of every error of this library.

    ``args`` holds the message alone, and the rest are attributes.
    """

    # The constructors take other arguments than the message, and OSError, among the
    # bases of the timeouts, reads a meaning into more than one argument.
    # So neither may be left to rebuild an error out of its args.
    def __init__(self, message: str = "") -> None:
        Exception.__init__(self, message)

    def __str__(self) -> str:
        return cut(str(self.args[0]), LONGEST_TEXT)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), self.args, self.__dict__)
