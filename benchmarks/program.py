"""How the programs of this package begin and end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

__all__ = ["exit_code", "run_program"]

# As of a program that SIGINT has ended.
_INTERRUPTED = 130


def run_program(main: Callable[[list[str]], int]) -> NoReturn:
    """Run one with the arguments of the command line, and exit with its code."""
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def exit_code(failures: Sequence[object], what: str, *all_is_well: str) -> int:
    """Tell what has failed, if anything has.

    :param what: what they are, with what became of them.
    :param all_is_well: the lines to end with if there are none.
    :return: the exit code.
    """
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        print(f"{len(failures)} {what}", file=sys.stderr)
        return 1
    print(*all_is_well, sep="\n")
    return 0
