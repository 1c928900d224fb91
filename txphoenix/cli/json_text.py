"""JSON that a person has written, and where it is wrong."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["WrongJSON", "find_stray", "read_json"]


class WrongJSON(ValueError):
    """A text is no JSON.

    :ivar problem: what is wrong with it, without the place.
    :ivar at: the index of the character that is wrong, or None where that is not known.
    :ivar is_cut_short: whether it may become JSON with more lines.
    :ivar has_more: whether it is JSON up to there, and has more behind it.
    """

    def __init__(
        self,
        text: str,
        problem: str,
        at: int | None = None,
        is_cut_short: bool = False,
        has_more: bool = False,
    ) -> None:
        super().__init__(text)
        self.problem = problem
        self.at = at
        self.is_cut_short = is_cut_short
        self.has_more = has_more


def find_stray(text: str) -> tuple[int, str] | None:
    """Where a text comes of bytes that are not UTF-8, and what is said of that.

    Python makes lone surrogates of those, which no text of JSON has.

    :return: the index of the first such character and an error's text, or None.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        at = len(text[: error.start].encode("utf-8")) + 1
        return error.start, f"it is not UTF-8 at byte {at}"
    return None


def read_json(text: str) -> Any:
    """The value of a text that is JSON.

    :raises WrongJSON: it is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        # A string must not go on over a line's end, so one that is open is wrong.
        has_more_to_come = error.pos >= len(text.rstrip()) and text.strip() != ""
        raise WrongJSON(
            str(error),
            error.msg,
            error.pos,
            is_cut_short=has_more_to_come,
            has_more=error.msg == "Extra data",
        ) from None
    except ValueError as error:
        # A constant, or a number of more digits than Python reads.
        raise WrongJSON(str(error), str(error)) from None
    except RecursionError:
        raise WrongJSON("nested too deeply", "nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    # Python reads and writes them, nobody else does.
    raise ValueError(f"{name} is no number of JSON")
