"""Errors that are kept, and handed out more than once.

Each time that an error is raised, its traceback grows by the frames on its way, and
with them lives all that these frames hold: headers, URLs, tokens, whatever the caller
was busy with.
So an error of which we keep hold is never the one that somebody raises.
"""

from __future__ import annotations

from copy import copy
from typing import TypeVar

from ..errors import PhoenixError

__all__ = ["unraised"]

_E = TypeVar("_E", bound=BaseException)


def unraised(error: _E) -> _E:
    """Make the same error once more, as one that nobody has raised yet.

    :return: an error of ours with the same attributes and the same cause, and without
        a traceback; one that is not ours, and that cannot be trusted to be copied, is
        returned as it is.
    """
    if not isinstance(error, PhoenixError):
        return error
    again = copy(error)
    again.__cause__ = error.__cause__
    return again
