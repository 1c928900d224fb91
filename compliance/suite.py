"""Find, install and run the AutobahnTestSuite, which is a Python 2.7 program."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["REQUIREMENT", "SuiteMissing", "find_python", "fuzzing_server", "install"]

REQUIREMENT = "autobahntestsuite==25.10.1"
"""The release that was tried; it brings the old libraries it needs."""

STARTING = 60.0
"""How many seconds the server may take until it listens."""

STOPPING = 10.0
"""How many seconds it has to end when it is told to, before it is killed."""

# `wstest` listens on all interfaces and has no option against it.
# The suite is in a folder of its own, whose .pth files Python 2 has to be told of.
_BOOT = """
import site, sys
site.addsitedir(sys.argv.pop(1))
from autobahntestsuite import fuzzing, wstest
listen = fuzzing.listenWS
fuzzing.listenWS = lambda factory, tls: listen(factory, tls, interface="127.0.0.1")
wstest.run()
"""


class SuiteMissing(Exception):
    """Python 2.7 or the suite is not there; the text says what to do."""


def find_python(wanted: str | None = None) -> str:
    """A Python 2.7 that runs.

    :param wanted: use this one; otherwise ``$PYTHON27``, then ``python2.7`` on the
        path, then those that pyenv has.
    """
    wanted = wanted or os.environ.get("PYTHON27")
    for candidate in [wanted] if wanted else _candidates():
        command = [candidate, "-c", "import sys; print(sys.version_info[:2])"]
        try:
            said = subprocess.check_output(
                command, stderr=subprocess.DEVNULL, text=True, timeout=STARTING
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if said.strip() == "(2, 7)":
            return candidate
    raise SuiteMissing(
        f"expected a Python 2.7 at {wanted}, but it is none"
        if wanted
        else "there is no Python 2.7 on the path or in pyenv, which the "
        "AutobahnTestSuite needs; `pyenv install 2.7.18` makes one, and --python27 "
        "or the variable PYTHON27 names one that is elsewhere"
    )


def _candidates() -> Iterator[str]:
    found = shutil.which("python2.7")
    if found is not None:
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True):
        yield str(path)


def install(python: str, folder: Path) -> None:
    """Install the suite with all it needs into a folder of its own."""
    command = [python, "-m", "pip", "install", "-qq"]
    command += ["--disable-pip-version-check", "--target", str(folder), REQUIREMENT]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SuiteMissing(
            f"{REQUIREMENT} could not be installed: {error}; it needs pip for "
            f"{python}, a package index and a C compiler"
        ) from error


@contextmanager
def fuzzing_server(
    python: str, folder: Path, reports: Path, cases: Sequence[str]
) -> Iterator[str]:
    """Run the fuzzing server; gives its URL, and ends it afterwards.

    :param folder: where the suite is installed.
    :param reports: where reports go, and what the server prints.
    :param cases: numbers of cases, ``9.*`` for all of a group.
    """
    if not (folder / "autobahntestsuite").is_dir():
        raise SuiteMissing(
            f"the AutobahnTestSuite is not in {folder}; "
            "`python -m compliance --install` puts it there"
        )
    port = _free_port()
    url = f"ws://127.0.0.1:{port}"
    spec = {
        "url": url,
        "outdir": str(reports),
        "cases": list(cases),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (reports / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [python, "-c", _BOOT, str(folder), "-m", "fuzzingserver"]
    command += ["-s", str(reports / "spec.json"), "-u", "0"]
    log = reports / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_listens(process, port, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], port: int, log: Path
) -> None:
    deadline = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SuiteMissing(f"the fuzzing server did not start; it says why in {log}")
