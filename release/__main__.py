"""Writes the version and the news of a release: ``python -m release --help``.

Nothing is committed, tagged or uploaded by it, and it asks nothing of the network.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["NotReady", "check", "fragments", "main", "parse", "prepare"]

ROOT: Final = Path(__file__).parent.parent

# Kinds of news that say what a version must be at least; see docs/release.rst.
_BREAKING: Final = ("change", "removal")
_NEW: Final = ("feature", "deprecation")

Run = Callable[[Sequence[str]], str]

NEXT = """\
{version} is written. What follows, and docs/release.rst has more of it:

    git diff HEAD                           # read the news as a user would
    git commit -a -m "Release {version}"
    bash .ci/run                            # all checks; then the review
    git tag -a v{version} -m "txphoenix {version}"
    python -m build && python -m release.built dist    # in a clean clone
    twine upload --repository testpypi dist/*    # look at it, install it; then
    twine upload dist/* && git push --follow-tags
"""


class NotReady(Exception):
    """There is no release to be made, for the reason that this says."""


def parse(version: str) -> tuple[int, int, int]:
    """The numbers of a version.

    :raises NotReady: it is not of the form ``1.2.3``.
    """
    number = "(0|[1-9][0-9]*)"
    found = re.fullmatch(rf"{number}\.{number}\.{number}", version)
    if found is None:
        raise NotReady(f"a version is three numbers, such as 1.2.3, not {version!r}")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch


def fragments(root: Path) -> Counter[str]:
    """How many pieces of news there are, by their kind."""
    files = (root / "newsfragments").glob("*.*.md")
    return Counter(path.name.split(".")[-2] for path in files)


def check(version: str, before: str, news: str, kinds: Counter[str]) -> None:
    """Find out whether this can be the next version.

    :param before: the version of the working copy.
    :param news: NEWS.md.
    :param kinds: how many pieces of news there are of each kind.
    :raises NotReady: it cannot.
    """
    new, old = parse(version), parse(before)
    if re.search(rf"^## txphoenix {re.escape(version)} ", news, re.M):
        raise NotReady(f"NEWS.md has {version} already")
    if not kinds:
        raise NotReady("there is nothing in newsfragments/")
    if not re.search(r"^## txphoenix ", news, re.M):
        # The first release: nobody has had anything before.
        if new < old:
            raise NotReady(f"{version} is before {before}")
        return
    if new <= old:
        raise NotReady(f"{version} is not after {before}")
    breaking, added = (any(kinds[k] for k in group) for group in (_BREAKING, _NEW))
    same_major, same_minor = new[0] == old[0], new[:2] == old[:2]
    if breaking and same_major and (old[0] > 0 or same_minor):
        raise NotReady(f"{version} promises that what ran with {before} still does")
    if added and same_minor:
        raise NotReady(f"{version} promises nothing new since {before}, but repairs")


def prepare(root: Path, version: str, day: str, run: Run, is_dry: bool) -> str:
    """Write the version and the news, or show what would be written.

    :param root: the working copy.
    :param day: that of the release, as ``2026-11-28``.
    :param run: runs a command in the working copy, and returns what it prints.
    :param is_dry: change nothing.
    :return: what to tell whoever makes the release.
    :raises NotReady: this cannot be released.
        After this and any other error all is as it was.
    """
    file = root / "txphoenix" / "_version.py"
    text = file.read_text("utf-8")
    line = re.compile(r'^__version__ = "(.+)"$', re.M)
    before = line.findall(text)[0]
    check(version, before, (root / "NEWS.md").read_text("utf-8"), fragments(root))
    if run(["git", "tag", "--list", f"v{version}"]):
        raise NotReady(f"there is a tag v{version} already")
    towncrier = [sys.executable, "-m", "towncrier", "build"]
    told = ["--version", version, "--date", day]
    if is_dry:
        return run([*towncrier, "--draft", *told])
    if changed := run(["git", "status", "--porcelain"]):
        raise NotReady(f"commit first what is not committed:\n{changed}")
    try:
        run([*towncrier, "--yes", *told])
        # It does not fail if git removes none, and leaves those of unknown kinds.
        if left := fragments(root):
            raise NotReady(f"towncrier has left pieces of news: {dict(left)}")
        file.write_text(line.sub(f'__version__ = "{version}"', text), "utf-8")
    except BaseException:
        # All was committed, so what differs now is of this alone.
        run(["git", "restore", "--staged", "--worktree", "."])
        raise
    return NEXT.format(version=version)


def _run(words: Sequence[str]) -> str:
    """Run a command in the working copy; errors go where ours go.

    :return: its standard output.
    """
    done = subprocess.run(
        words, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout


def day(text: str) -> str:
    """A day as the news have it; another date is an error of the command line."""
    return date.fromisoformat(text).isoformat()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it; the exit code is 1 if there is no release to be made."""
    parser = argparse.ArgumentParser(
        prog="python -m release", description="Write the version and NEWS.md."
    )
    parser.add_argument("version", help="the version to release, such as 0.2.0")
    parser.add_argument(
        "--date",
        type=day,
        metavar="YYYY-MM-DD",
        default=datetime.now(UTC).date().isoformat(),
        help="the day of the release (default: today)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the news, and change nothing"
    )
    given = parser.parse_args(arguments)
    try:
        if find_spec("towncrier") is None:
            raise NotReady("towncrier is not installed: pip install -e '.[dev]'")
        print(prepare(ROOT, given.version, given.date, _run, given.dry_run))
    except (NotReady, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"python -m release: {error}")


if __name__ == "__main__":
    main()
