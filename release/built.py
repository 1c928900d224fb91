"""Looks at what ``python -m build`` has made: ``python -m release.built dist``.

The wheel has the package, all of it and nothing else; the sdist has what git has; and
of the README, as a package index shows it, no link leads nowhere.
It needs check-manifest and readme_renderer[md]; ``tox -e package`` runs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.policy import EmailPolicy
from pathlib import Path
from typing import Final
from zipfile import ZipFile

__all__ = ["Fault", "check_sdist", "check_wheel", "dead_links", "description", "main"]

ROOT: Final = Path(__file__).parent.parent


class Fault(Exception):
    """What was built is not what it has to be."""


def sources(root: Path) -> Iterator[str]:
    """The files of the working copy that are installed, by their paths then."""
    for path in sorted((root / "txphoenix").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix()
    for path in sorted((root / "plugin").rglob("*.py")):
        yield path.relative_to(root / "plugin").as_posix()


def _compare(what: str, found: set[str], expected: set[str]) -> None:
    """Raise if one has what the other has not."""
    missing, foreign = sorted(expected - found), sorted(found - expected)
    if missing or foreign:
        raise Fault(f"{what}: missing {missing}, not expected {foreign}")


def check_wheel(wheel: Path, root: Path) -> None:
    """The wheel has each file of the package, as the working copy has it, and no other.

    :raises Fault: it is not so.
    """
    expected = set(sources(root))
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        _compare(wheel.name, names, expected)
        for name in names:
            source = root / name
            if not source.exists():
                source = root / "plugin" / name
            if archive.read(name) != source.read_bytes():
                raise Fault(f"{wheel.name}: {name} is another than in {root}")


def check_sdist(sdist: Path, root: Path) -> None:
    """The sdist has what is installed, and what is needed to build and test it.

    That it has all that git has is for check-manifest to say.

    :raises Fault: it lacks something.
    """
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"setup.py", "pyproject.toml", "tox.ini", "README.md", "docs/index.rst"}
    for name in sources(root):
        needed.add(name if (root / name).exists() else f"plugin/{name}")
    if missing := sorted(needed - names):
        raise Fault(f"{sdist.name}: missing {missing}")


def description(wheel: Path) -> str:
    """The README as the wheel's metadata have it, in Markdown."""
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        message = message_from_bytes(archive.read(name), policy=EmailPolicy(utf8=True))
    payload = message.get_payload(decode=True)
    return bytes(payload).decode("utf-8")


def dead_links(html: str) -> list[str]:
    """The links and pictures of a page that lead nowhere on another site."""
    targets: list[str] = re.findall(r'(?:href|src)="([^"]*)"', html)
    # The renderer gives each heading a link to itself.
    fine = ("https://", "http://", "#user-content-")
    return [target for target in targets if not target.startswith(fine)]


def main(arguments: Sequence[str]) -> None:
    """Look at all of it; the exit code is 1 if anything is wrong."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.exit("python -m release.built: one folder is expected, such as dist")

    from readme_renderer.markdown import render

    directory = Path(arguments[0])
    try:
        built = sorted(directory.iterdir())
        if [path.suffix for path in built] != [".whl", ".gz"]:
            names = [path.name for path in built]
            raise Fault(
                f"a wheel and an sdist are expected in {directory}, not {names}"
            )
        wheel, sdist = built
        check_wheel(wheel, ROOT)
        check_sdist(sdist, ROOT)
        html = render(description(wheel))
        if html is None:
            raise Fault("the README is not rendered; is readme_renderer[md] there?")
        if dead := dead_links(html):
            raise Fault(f"on a package index these lead nowhere: {dead}")
    except Fault as fault:
        sys.exit(f"python -m release.built: {fault}")
    if (ROOT / ".git").exists():
        manifest = [sys.executable, "-m", "check_manifest", "--no-build-isolation"]
        if code := subprocess.run(manifest, cwd=ROOT, check=False).returncode:
            sys.exit(code)
    else:
        print("check-manifest was not run: there is no git to compare with")
    print(f"{wheel.name} and {sdist.name} are what they have to be")


if __name__ == "__main__":
    main(sys.argv[1:])
