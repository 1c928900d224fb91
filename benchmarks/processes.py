"""The processes of a run: one server, and one client at a time.

Where the system allows it the server has one core and the clients have another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .measure import WRONG
from .plan import Workload

__all__ = ["Failed", "find_phoenix_js", "measure", "server", "use_core"]

HERE = Path(__file__).parent
LONGEST = 180.0
"""The seconds after which a measurement is given up."""


class Failed(Exception):
    """A measurement that was not to be had."""


def use_core(number: int) -> None:
    """Run on one core from now on, and so will the processes that are started."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(_CORES)
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[number]})


_CORES: set[int] = (
    os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
)


def _environment() -> dict[str, str]:
    """Ours, with this package and the library to be found."""
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def server(fault: str | None = None) -> Iterator[int]:
    """Run the server; gives its port."""
    command = [sys.executable, "-m", "benchmarks.server"]
    if fault is not None:
        command += ["--fault", fault]
    use_core(0)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    use_core(1)
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise Failed("the server did not start")
            yield int(line)
        finally:
            process.terminate()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, _CORES)


def find_phoenix_js(directory: Path | None) -> Path | None:
    """The directory whose ``node_modules`` have phoenix and ws, if Node is there."""
    candidates = [directory] if directory else [Path.cwd(), HERE, HERE.parent]
    for each in candidates:
        modules = each / "node_modules"
        if (modules / "phoenix").is_dir() and (modules / "ws").is_dir():
            return each.resolve() if _has_node() else None
    return None


def _has_node() -> bool:
    try:
        found = subprocess.run(["node", "--version"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return found.returncode == 0


def measure(
    workload: Workload,
    client: str,
    port: int,
    sizes: dict[str, int],
    *,
    reactor: str = "default",
    phoenix_js: Path | None = None,
    profile: bool = False,
) -> dict[str, float]:
    """Take one measurement.

    :param profile: print to standard error where the time of a Python client goes.
    :raises Failed: a message was lost or out of order, or the client broke down.
    """
    arguments = [workload.module, str(port), json.dumps(sizes)]
    if client == "phoenix_js":
        script = str(HERE / "phoenix_js.mjs")
        command = ["node", "--expose-gc", script, str(phoenix_js), *arguments]
    else:
        arguments.insert(1, client)
        command = [sys.executable, "-m", "benchmarks.measure", *arguments]
        command += ["--reactor", reactor] + ["--profile"] * profile
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=_environment(),
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"gave up after {LONGEST:g} seconds") from None
    if done.returncode == WRONG:
        raise Failed(done.stderr.strip())
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}:\n{done.stderr.strip()}")
    if profile:
        print(done.stderr, file=sys.stderr)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured
