"""The clone that the tests run in, for tests of what is in no wheel."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import txphoenix

__all__ = ["ROOT", "clone_on_path"]

ROOT = Path(txphoenix.__file__).parent.parent
"""Where the package is: the clone, if there is one."""


@contextmanager
def clone_on_path() -> Iterator[None]:
    """Find the packages beside ours, such as ``benchmarks``.

    Trial's working directory is another.
    """
    sys.path.append(os.fspath(ROOT))
    try:
        yield
    finally:
        sys.path.remove(os.fspath(ROOT))
