"""Plant each of the faults in a copy of the library, and see that the model finds it.

::

    python -m txphoenix.test.model.planted                   # all of them
    python -m txphoenix.test.model.planted --only heartbeat  # those of that name

Each is planted alone, and the model is run as its tests are.
The end is an error if one is not found, if one cannot be planted, for what it changes
is not there, or if the model finds something where none is planted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import txphoenix

from .faults import FAULTS, Fault
from .world import TRANSPORTS

__all__ = ["CannotPlant", "Finding", "main", "plant", "seek"]

_PACKAGE = Path(txphoenix.__file__).parent
# What finds nothing in this time (seconds) hangs, which is a way to find it.
_LONGEST = 300.0


class CannotPlant(Exception):
    """What a fault changes is not there, or not once."""


class Finding(NamedTuple):
    """What a run of the model has come to.

    :ivar status: its exit status; 1 if a promise was broken.
    :ivar said: which promise, and how; or else all that it said.
    :ivar seconds: how long it took.
    """

    status: int | None
    said: str
    seconds: float


def plant(fault: Fault, package: Path) -> None:
    """Change a copy of the library.

    :param package: the copy's ``txphoenix/``.
    :raises CannotPlant: what it changes is not there, or not once.
    """
    for change in fault.changes():
        path = package / change.path
        text = path.read_text("utf-8")
        count = text.count(change.old)
        if count != 1:
            what = f"{fault.name}: {change.path} has {count} times:\n{change.old}"
            raise CannotPlant(what)
        path.write_text(text.replace(change.old, change.new), "utf-8")


def seek(fault: Fault | None, transport: str) -> Finding:
    """Run the model on a copy of the library.

    :param fault: what is planted in it, if anything.
    :raises CannotPlant: as :func:`plant`; or it is not the copy that was run.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / _PACKAGE.name
        shutil.copytree(_PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if fault is not None:
            plant(fault, copy)
        began = time.monotonic()
        command = [sys.executable, "-m", f"{__package__}", "--as-it-comes"]
        try:
            run = subprocess.run(
                [*command, "--transport", transport],
                cwd=scratch,
                env=_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_LONGEST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Finding(None, "it does not end", _LONGEST)
        seconds = time.monotonic() - began
        if f"txphoenix: {copy.resolve()}{os.sep}" not in run.stdout:
            raise CannotPlant(f"it is not the copy that was run:\n{run.stdout}")
    broken = re.search(r"broken: (\[.*)", run.stdout)
    return Finding(run.returncode, broken[1] if broken else run.stdout, seconds)


def _environment() -> dict[str, str]:
    """The environment of a run, in which nobody measures what the copy covers."""
    kept = {name: it for name, it in os.environ.items() if "COVERAGE" not in name}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _tell(name: str, transport: str, finding: Finding) -> bool:
    """Say what became of a fault; return whether it was found."""
    is_found = finding.status == 1 and finding.said.startswith("[")
    said = finding.said if is_found else f"NOT FOUND ({finding.said.strip()[-600:]})"
    print(f"{name} ({transport}, {finding.seconds:.0f} s)\n    {said}", flush=True)
    return is_found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :return: 0 if all faults were found and nothing else, 1 if not.
    """
    parser = argparse.ArgumentParser(
        prog="python -m txphoenix.test.model.planted",
        description="plant faults in the library, and see that the model finds them",
    )
    parser.add_argument("--only", default="", help="those with this in their names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    faults = [it for it in FAULTS if given.only in it.name]
    with ThreadPoolExecutor(given.jobs) as pool:
        sound = [(it, pool.submit(seek, None, it)) for it in TRANSPORTS]
        found = [(it, pool.submit(seek, it, it.transport)) for it in faults]
        is_good = True
        for transport, future in sound:
            finding = future.result()
            print(f"no fault ({transport}, {finding.seconds:.0f} s): {finding.status}")
            if finding.status != 0:
                print(finding.said)
                is_good = False
        count = 0
        for fault, future in found:
            count += _tell(fault.name, fault.transport, future.result())
    print(f"{count} of {len(faults)} planted faults found")
    return 0 if is_good and count == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
