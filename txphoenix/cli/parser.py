"""What reads the command line, and says in one line what is wrong with it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ..legible import cut
from ..protocol.redact import REDACTED, redact_word
from .output import LONGEST_NOTE, USAGE

__all__ = ["Parser"]


class Parser(ArgumentParser):
    """A parser whose errors are one line, without the secrets of the command line.

    :param words: where the command line is kept, for errors; a parser of a command
        shares it with the one that it belongs to.
    """

    def __init__(self, words: list[str] | None = None, **options: Any) -> None:
        super().__init__(formatter_class=RawDescriptionHelpFormatter, **options)
        self.words: list[str] = [] if words is None else words

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> Namespace:
        """Read the command line; where it is wrong, end the program."""
        self.words[:] = sys.argv[1:] if args is None else args
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(_shown(unknown))}")
        return parsed

    def error(self, message: str) -> NoReturn:
        """End the program."""
        for word in sorted(self.words, key=len, reverse=True):
            message = _without_secrets(message, word)
        # A word of the command line may be anything, and come from somebody else.
        shown = cut(message, LONGEST_NOTE)
        self.exit(USAGE, f"txphoenix: error: {shown} (see {self.prog} --help)\n")


def _without_secrets(message: str, word: str) -> str:
    """What argparse says, which quotes words as they came."""
    shown = redact_word(word)
    if shown != word:
        message = message.replace(repr(word), repr(shown)).replace(word, shown)
    _, equals, value = word.partition("=")
    if equals and word.startswith("-"):
        message = message.replace(repr(value), repr(redact_word(value)))
    return message


def _shown(unknown: Sequence[str]) -> Iterator[str]:
    """Words that are not understood; what follows an option may be its value."""
    before = ""
    for word in unknown:
        is_value = before.startswith("-") and not word.startswith("-")
        yield REDACTED if is_value else redact_word(word)
        before = word
