"""What the tests of the storms share: the same chance, and programs in this process."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from .benchmark_runs import NOT_THERE

__all__ = ["StormCase", "program"]


def program(main: Callable[[list[str]], int], *arguments: str) -> tuple[int, str, str]:
    """Run a program in this process; its exit code, and what it printed."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return code, out.getvalue(), err.getvalue()


class StormCase(SynchronousTestCase):
    """The base of the tests below."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Have the same chance each time."""
        state = random.getstate()
        self.addCleanup(random.setstate, state)
        random.seed(12)
