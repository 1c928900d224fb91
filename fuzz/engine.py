"""Runs one target under atheris, in this process: ``python -m fuzz.engine TARGET``.

It is what ``python -m fuzz`` starts for each target, and is never to return: libFuzzer
ends the process itself.
Without atheris it is of no use, and says so.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from hashlib import sha1
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

__all__ = ["INSTRUMENTED", "why_not"]

INSTRUMENTED = ("txphoenix", "autobahn.websocket")
"""The packages whose branches guide the fuzzing."""

_PYTHONS = ((3, 11), (3, 12), (3, 13))
# What it leaves out: it would be led by our own references.
_NOT_INSTRUMENTED = ("txphoenix.test", "txphoenix.testing")


def why_not(is_installed: bool = True) -> str:
    """Why there is no fuzzing here, with what helps; empty if there is.

    It runs with any Python of 3.11 or later, and needs nothing beside that.

    :param is_installed: whether atheris must be there; if not, whether tox could
        install it.
    """
    if is_installed and find_spec("atheris") is not None:
        return ""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return (
            "atheris 3.0.0 has wheels for Linux on x86_64 alone, and this is "
            f"{platform.system()} on {platform.machine()}; elsewhere it has to be "
            "built, which its README describes"
        )
    if not is_installed:
        return ""
    running = platform.python_implementation(), sys.version_info[:2]
    if running not in [("CPython", version) for version in _PYTHONS]:
        return (
            "atheris 3.0.0 has wheels for CPython 3.11, 3.12 and 3.13, and this is "
            f"{running[0]} {platform.python_version()}; `tox -e fuzz` finds one of them"
        )
    return "atheris is not installed; `tox -e fuzz` or `pip install atheris` has it"


def kept(
    target: Callable[[bytes], None], options: list[str]
) -> Callable[[bytes], None]:
    """The target, which keeps what it raises at, as libFuzzer does if it gets so far.

    :param options: libFuzzer's.
    """
    named = "-artifact_prefix="
    (prefix,) = (each.removeprefix(named) for each in options if named in each)

    def run(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            path = f"{prefix}crash-{sha1(data).hexdigest()}"
            Path(path).write_bytes(data)
            print(f"Test unit written to {path}", file=sys.stderr, flush=True)
            raise

    return run


def main(arguments: list[str]) -> None:
    """Fuzz a target.

    :param arguments: its name, a fault to plant or ``-``, then libFuzzer's own.
    """
    name, fault, *options = arguments
    missing = why_not()
    if missing:
        raise SystemExit(missing)
    atheris = import_module("atheris")
    with atheris.instrument_imports(
        include=list(INSTRUMENTED), exclude=list(_NOT_INSTRUMENTED)
    ):
        targets = import_module("fuzz.targets")
        faults = import_module("fuzz.faults")
    target = kept(targets.TARGETS[name].run, options)
    # Until logging begins Twisted keeps thousands of events for whoever comes.
    logger = import_module("twisted.logger")
    logger.globalLogBeginner.beginLoggingTo(
        [], redirectStandardIO=False, discardBuffer=True
    )
    if fault != "-":
        faults.plant(name, fault)
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
