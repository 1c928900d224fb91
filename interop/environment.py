"""Node, and the packages that are installed for it: of each official client its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "PHOENIX_JS",
    "Missing",
    "Packages",
    "find_node",
    "find_npm",
    "find_packages",
    "install",
]


class Packages(NamedTuple):
    """What an official client needs of npm.

    :ivar program: what installs them by ``--install``.
    :ivar folder: where they are in tox's environment; apart for each client, since two
        may want another release of the same package.
    :ivar releases: exact ones.
    """

    program: str
    folder: str
    releases: Mapping[str, str]

    def __str__(self) -> str:
        return " and ".join(f"{name} {it}" for name, it in self.releases.items())


PHOENIX_JS = Packages(
    "python -m interop", "phoenixjs", {"phoenix": "1.8.16", "ws": "8.23.0"}
)
"""Phoenix's client, and a WebSocket for Node."""

OLDEST_NODE = 18
"""The first major version with ``fetch``, by which phoenix.js does long-poll."""

STARTING = 60.0
"""The seconds that Node may take to say its version."""

HOW_TO_GET_NODE = (
    f"Node {OLDEST_NODE} or later comes as `apt-get install nodejs npm`, or from "
    "https://nodejs.org"
)


class Missing(Exception):
    """Something that is needed is not there; the text says what, and how to get it."""


def find_node() -> str:
    """The path of a Node that is new enough.

    :raises Missing: there is none.
    """
    node = shutil.which("node")
    if node is None:
        raise Missing(f"there is no `node` on the path; {HOW_TO_GET_NODE}")
    try:
        said = subprocess.check_output(
            [node, "--version"], text=True, stderr=subprocess.STDOUT, timeout=STARTING
        ).strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"{node} does not run: {error}; {HOW_TO_GET_NODE}") from error
    if not is_new_enough(said):
        raise Missing(f"{node} is {said}, which is too old; {HOW_TO_GET_NODE}")
    return node


def find_npm() -> str:
    """The path of npm.

    :raises Missing: there is none.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"there is no `npm` on the path; {HOW_TO_GET_NODE}")
    return npm


def is_new_enough(version: str) -> bool:
    """Whether a version such as ``v20.11.1`` will do."""
    major, _, _ = version.removeprefix("v").partition(".")
    return major.isdecimal() and int(major) >= OLDEST_NODE


def find_packages(packages: Packages, directory: Path | None) -> Path:
    """The directory whose ``node_modules`` have the packages.

    :param packages: which.
    :param directory: where to look; by default where tox has its environment, and then
        the current directory.
    :raises Missing: they are not there.
    """
    candidates = [directory] if directory is not None else _usual_directories(packages)
    for each in candidates:
        modules = each / "node_modules"
        if all((modules / name).is_dir() for name in packages.releases):
            return each.resolve()
    places = " or ".join(str(each / "node_modules") for each in candidates)
    raise Missing(
        f"{' and '.join(packages.releases)} are not all in {places}; "
        f"`{packages.program} --install --packages DIRECTORY` puts them there"
    )


def install(packages: Packages, directory: Path | None) -> Path:
    """Install the packages.

    :param packages: which.
    :param directory: where; by default where tox has its environment.
    :return: the directory.
    :raises Missing: there is no directory for them, no npm, or npm has failed.
    """
    if directory is None:
        directory = _directory_of_tox(packages)
    if directory is None:
        raise Missing("--install needs --packages DIRECTORY, or tox")
    npm = find_npm()
    directory.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(directory.resolve()), "--no-save"]
    command += ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    command += [f"{name}@{version}" for name, version in packages.releases.items()]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(
            f"the packages could not be installed: {error}; "
            "it needs a registry that npm can reach"
        ) from error
    return find_packages(packages, directory)


def _usual_directories(packages: Packages) -> list[Path]:
    tox = _directory_of_tox(packages)
    return [*([] if tox is None else [tox]), Path.cwd()]


def _directory_of_tox(packages: Packages) -> Path | None:
    environment = os.environ.get("TOX_ENV_DIR")
    return None if environment is None else Path(environment) / packages.folder
