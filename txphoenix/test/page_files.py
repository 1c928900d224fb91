"""The pieces of code on a page, and the files that a reader makes of them.

A piece with a caption is the file of that name, or is put ``at its end``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Piece", "file_of", "pieces"]

_AT_ITS_END = ", at its end"


class Piece(NamedTuple):
    """A piece of code on a page; its caption is empty if it has none."""

    language: str
    caption: str
    text: str


def pieces(page: str) -> Iterator[Piece]:
    """The pieces of code in the text of a page."""
    for language, caption, text in re.findall(
        r"^\.\. code-block:: (\w+)\n(?:   :caption: (.*)\n)?\n((?:   .*\n|\n)+)",
        page,
        re.M,
    ):
        # What is put at the end of a file is indented as it is there.
        shown = re.sub(r"^   ", "", text, flags=re.M)
        yield Piece(language, caption, shown.strip("\n") + "\n")


def file_of(files: dict[str, str], piece: Piece) -> str:
    """Write a file, anew or to its end.

    :param files: the files so far, by their names.
    :return: the file's name.
    """
    name = piece.caption.removesuffix(_AT_ITS_END)
    if name != piece.caption:
        files[name] += f"\n{piece.text}"
    else:
        files[name] = piece.text
    return name
