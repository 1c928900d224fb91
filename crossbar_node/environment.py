"""Crossbar, which has to be installed beside txphoenix."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Callable

__all__ = ["CROSSBAR", "OLDEST", "Missing", "find_crossbar"]

OLDEST = (26, 10, 1)
"""The first release that these tests have run with."""

HOW_TO_GET_IT = "it comes with `pip install 'txphoenix[crossbar]'`"

CROSSBAR = [
    sys.executable,
    "-u",
    "-c",
    "import sys; from crossbar import run; sys.exit(run())",
]
"""The command ``crossbar`` of this Python, wherever its script is.

The package has no ``__main__``, so that ``python -m crossbar`` is none.
"""


class Missing(Exception):
    """Something that is needed is not there; the text says what, and how to get it."""


def find_crossbar(
    version_of: Callable[[str], str] = importlib.metadata.version, system: str = os.name
) -> str:
    """The version of the Crossbar that is installed.

    :param version_of: the version of a distribution.
    :param system: what :data:`os.name` is.
    :raises Missing: there is none, or none that will do.
    """
    if system != "posix":
        raise Missing("workers are ended by POSIX signals, and this system has none")
    try:
        version = version_of("crossbar")
    except importlib.metadata.PackageNotFoundError:
        raise Missing(f"crossbar is not installed; {HOW_TO_GET_IT}") from None
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Missing(f"crossbar is {version}, and {oldest} is needed; {HOW_TO_GET_IT}")
    return version
