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
from typing import Any, NamedTuple

from .address import Address
from .measure import WRONG
from .plan import Workload
from .server import CERTIFICATE
from .tls import certificate

__all__ = ["Failed", "Server", "environment", "find_phoenix_js", "measure", "server"]

HERE = Path(__file__).parent
LONGEST = 180.0
"""The seconds after which a measurement is given up."""


class Server(NamedTuple):
    """Where the server is.

    :ivar plain: without TLS.
    :ivar secure: with it.
    """

    plain: Address
    secure: Address


class Failed(Exception):
    """A measurement that was not to be had."""


def _use_core(number: int) -> None:
    """Run on one core from now on, and so will the processes that are started."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(_CORES)
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[number]})


_CORES: set[int] = (
    os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
)


def environment() -> dict[str, str]:
    """Ours, with this package and the library to be found."""
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def server(fault: str | None = None) -> Iterator[Server]:
    """Run the server; gives its two addresses."""
    with certificate() as directory, _server(directory, fault) as line:
        plain, secure = map(int, line.split())
        yield Server(Address(plain), Address(secure, directory / CERTIFICATE))


@contextmanager
def _server(directory: Path, fault: str | None) -> Iterator[str]:
    """Run the server; gives the line that it prints."""
    command = [sys.executable, "-m", "benchmarks.server", str(directory)]
    if fault is not None:
        command += ["--fault", fault]
    _use_core(0)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    _use_core(1)
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise Failed("the server did not start")
            yield line
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
    at: Server,
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
    where = at.secure if workload.is_secure else at.plain
    arguments = [workload.module, str(where.port), json.dumps(sizes)]
    variables = environment()
    if client == "phoenix_js":
        script = str(HERE / "phoenix_js.mjs")
        command = ["node", "--expose-gc", script, str(phoenix_js), *arguments]
        command.append("wss" if where.authority else "ws")
        if where.authority:
            variables["NODE_EXTRA_CA_CERTS"] = str(where.authority)
    else:
        arguments.insert(1, client)
        command = [sys.executable, "-m", "benchmarks.measure", *arguments]
        command += ["--reactor", reactor] + ["--profile"] * profile
        if where.authority:
            command += ["--authority", str(where.authority)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=variables,
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
