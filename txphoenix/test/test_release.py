"""What writes the version and the news of a release, and what looks at the files of it.

It is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock
from zipfile import ZipFile

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from .clone import ROOT, clone_on_path

NOT_THERE = None if (ROOT / "release").is_dir() else "installed without release/"

if NOT_THERE is None:
    with clone_on_path():
        from release import __main__ as making
        from release import built, unpacked

DAY = "2026-12-01"
LIST = ["git", "tag", "--list", "v0.2.0"]
RESTORE = ["git", "restore", "--staged", "--worktree", "."]


class VersionTests(SynchronousTestCase):
    """Which version may be the next."""

    skip = NOT_THERE

    def why_not(self, version: str, before: str, *kinds: str) -> str:
        """Why it may not; nothing if it may."""
        try:
            making.check(version, before, "## txphoenix 0.0.1 (x)\n", Counter(kinds))
        except making.NotReady as error:
            return str(error)
        return ""

    def test_kinds(self) -> None:
        """What is repaired, added or broken says how far a version has to go."""
        rows = [
            ("1.2.3", "bugfix", ["1.2.4", "1.3.0", "2.0.0"], []),
            ("1.2.3", "feature", ["1.3.0", "2.0.0"], ["1.2.4"]),
            ("1.2.3", "deprecation", ["1.3.0", "2.0.0"], ["1.2.4"]),
            ("1.2.3", "change", ["2.0.0"], ["1.2.4", "1.3.0"]),
            ("1.2.3", "removal", ["2.0.0"], ["1.2.4", "1.3.0"]),
            ("0.2.3", "change", ["0.3.0", "1.0.0"], ["0.2.4"]),
            ("0.2.3", "feature", ["0.3.0", "1.0.0"], ["0.2.4"]),
            ("0.2.3", "misc", ["0.2.4", "0.3.0"], []),
        ]
        for before, kind, fine, wrong in rows:
            for version in fine:
                self.assertEqual(self.why_not(version, before, "misc", kind), "")
            for version in wrong:
                said = self.why_not(version, before, "misc", kind)
                self.assertIn(f"{version} promises ", said)

    def test_order(self) -> None:
        """It comes after the one before, by its numbers and not by its letters."""
        self.assertEqual(self.why_not("0.10.0", "0.9.0", "feature"), "")
        for version in ("0.9.0", "0.8.9", "0.0.10"):
            said = self.why_not(version, "0.9.0", "bugfix")
            self.assertEqual(said, f"{version} is not after 0.9.0")

    def test_form(self) -> None:
        """It is three numbers."""
        wrong = ["1.2", "v1.2.3", "01.2.3", "1.2.3\n", " 1.2.3", "", "1.2.3.4"]
        # What other projects have, and a digit of another script.
        wrong += ["1.2.3rc1", "1.2.3.dev1", "1.2.3.post1", "1.2.3+a", "1\u0660.2.3"]
        for version in wrong:
            self.assertIn("three numbers", self.why_not(version, "0.1.0", "bugfix"))

    def test_no_news(self) -> None:
        """Without news there is nothing to release."""
        self.assertIn("nothing in newsfragments/", self.why_not("0.1.1", "0.1.0"))

    def test_twice(self) -> None:
        """What NEWS.md has is released."""
        said = self.why_not("0.0.1", "0.0.0", "bugfix")
        self.assertEqual(said, "NEWS.md has 0.0.1 already")

    def test_first(self) -> None:
        """The first release may be the version that the working copy has had."""
        kinds = Counter(["feature", "change"])
        for version in ("0.1.0", "0.1.1", "1.0.0"):
            making.check(version, "0.1.0", "# News\n", kinds)
        error = self.assertRaises(
            making.NotReady, making.check, "0.0.9", "0.1.0", "# News\n", kinds
        )
        self.assertEqual(str(error), "0.0.9 is before 0.1.0")


class PageTests(SynchronousTestCase):
    """``docs/release.rst``."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read it."""
        self.text = (ROOT / "docs" / "release.rst").read_text("utf-8")
        self.tox = (ROOT / "tox.ini").read_text("utf-8")

    def test_environments(self) -> None:
        """The environments of tox that it names are there."""
        names = re.findall(r"``tox -e ([\w-]+)``", self.text)
        self.assertGreater(len(names), 7)
        for name in names:
            self.assertIn(f"[testenv:{name}]\n", self.tox)

    def test_commands(self) -> None:
        """Its commands are those that ``python -m release`` tells of, and no others."""
        shown = {line.strip("$ ") for line in re.findall(r"^ +\$ .+$", self.text, re.M)}
        told = making.NEXT.format(version="0.2.0").split("\n\n", 1)[1]
        lines = [line.split("#")[0] for line in told.splitlines()]
        commands = [word.strip() for line in lines for word in line.split("&&")]
        self.assertGreater(len(commands), 7)
        self.assertLessEqual(set(commands) - {""}, shown)

    def test_pythons(self) -> None:
        """What was tested has each Python that ``tox`` knows, and Twisted's oldest."""
        _, tested = self.text.split("\nWhat was tested where\n")
        pythons = re.findall(r"\b3\.1\d\.\d+\b", tested)
        (line,) = re.findall(r"^envlist = (.+)$", self.tox, re.M)
        known = [f"3.{minor}" for minor in re.findall(r"\bpy3(\d+)", line)]
        self.assertEqual([it.rpartition(".")[0] for it in pythons], known)
        (oldest,) = re.findall(r"^    twisted\[tls\]==(.+)$", self.tox, re.M)
        self.assertIn(f"Twisted {oldest} to ", tested)


class PrepareTests(SynchronousTestCase):
    """What is written."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Make a working copy."""
        self.root = Path(self.mktemp())
        for folder in ("txphoenix", "newsfragments"):
            (self.root / folder).mkdir(parents=True)
        self.version = self.root / "txphoenix" / "_version.py"
        self.version.write_text('"""Why."""\n\n__version__ = "0.1.0"\n', "utf-8")
        (self.root / "NEWS.md").write_text("## txphoenix 0.1.0 (x)\n", "utf-8")
        for name in ("README.md", "+one.feature.md", "12.two.bugfix.md"):
            (self.root / "newsfragments" / name).write_text("It now is.", "utf-8")
        self.ran: list[list[str]] = []
        self.changed = ""
        self.tags = ""
        self.is_left = False
        self.failing = "nothing"

    def run_command(self, words: Sequence[str]) -> str:
        """Take note of a command in place of running it."""
        self.ran.append([word for word in words if word != sys.executable])
        if self.failing in words:
            raise subprocess.CalledProcessError(1, list(words))
        if "--yes" in words and not self.is_left:
            for path in (self.root / "newsfragments").glob("*.*.md"):
                path.unlink()
        printed = {"status": self.changed, "tag": self.tags}
        return printed.get(words[1], "## the news")

    def prepare(self, version: str, is_dry: bool = False) -> str:
        """Prepare a release."""
        return making.prepare(self.root, version, DAY, self.run_command, is_dry)

    def test_fragments(self) -> None:
        """News is counted by its kind."""
        self.assertEqual(making.fragments(self.root), {"feature": 1, "bugfix": 1})

    def test_written(self) -> None:
        """The version is written, then the news, and it says what is next."""
        said = self.prepare("0.2.0")
        text = self.version.read_text("utf-8")
        self.assertEqual(text, '"""Why."""\n\n__version__ = "0.2.0"\n')
        news = ["-m", "towncrier", "build", "--yes", "--version", "0.2.0"]
        news += ["--date", DAY]
        self.assertEqual(self.ran, [LIST, ["git", "status", "--porcelain"], news])
        self.assertIn("git tag -a v0.2.0 ", said)

    def test_dry(self) -> None:
        """A dry run shows the news, and changes nothing."""
        before = self.version.read_text("utf-8")
        self.assertEqual(self.prepare("0.2.0", is_dry=True), "## the news")
        self.assertEqual(self.version.read_text("utf-8"), before)
        tags, words = self.ran
        self.assertEqual(tags, LIST)
        self.assertIn("--draft", words)
        self.assertNotIn("--yes", words)

    def test_not_committed(self) -> None:
        """Nothing is written over what is not committed."""
        self.changed = " M setup.py\n"
        error = self.assertRaises(making.NotReady, self.prepare, "0.2.0")
        self.assertIn(" M setup.py", str(error))
        self.assertIn('"0.1.0"', self.version.read_text("utf-8"))

    def test_tag(self) -> None:
        """What has a tag is released, and a dry run says so too."""
        self.tags = "v0.2.0\n"
        for is_dry in (False, True):
            error = self.assertRaises(making.NotReady, self.prepare, "0.2.0", is_dry)
            self.assertEqual(str(error), "there is a tag v0.2.0 already")
        self.assertIn('"0.1.0"', self.version.read_text("utf-8"))

    def test_news_fail(self) -> None:
        """If the news cannot be written, the version is not, and all is put back."""
        self.failing = "towncrier"
        self.assertRaises(subprocess.CalledProcessError, self.prepare, "0.2.0")
        self.assertIn('"0.1.0"', self.version.read_text("utf-8"))
        self.assertEqual(self.ran[-1], RESTORE)

    def test_news_left(self) -> None:
        """If pieces of news were left, the next release would tell them once more."""
        self.is_left = True
        error = self.assertRaises(making.NotReady, self.prepare, "0.2.0")
        self.assertIn("left pieces of news: {'", str(error))
        self.assertIn('"0.1.0"', self.version.read_text("utf-8"))
        self.assertEqual(self.ran[-1], RESTORE)

    def test_version_fails(self) -> None:
        """If the version cannot be written, or it is stopped there, so are the news."""
        piece = self.root / "newsfragments" / "+one.feature.md"
        for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):
            piece.touch()
            with mock.patch.object(Path, "write_text", side_effect=error):
                self.assertRaises(type(error), self.prepare, "0.2.0")
            self.assertEqual(self.ran[-1], RESTORE)

    def test_refused(self) -> None:
        """A version that may not be is not written, nor is anything run."""
        self.assertRaises(making.NotReady, self.prepare, "0.1.1")
        self.assertEqual(self.ran, [])
        self.assertIn('"0.1.0"', self.version.read_text("utf-8"))


class CommandTests(SynchronousTestCase):
    """What the commands say to whoever gives them the wrong thing, or lacks a tool."""

    skip = NOT_THERE

    def said(self, *arguments: str, **without: Any) -> str:
        """What ``python -m release`` exits with, and prints as errors."""
        errors = io.StringIO()
        with (
            mock.patch.object(sys, "stderr", errors),
            mock.patch.multiple(making, **without),
        ):
            stopped = self.assertRaises(SystemExit, making.main, list(arguments))
        return f"{errors.getvalue()}{stopped.code}"

    def prepare_none(self, *_given: object) -> str:
        """Do nothing in place of preparing a release."""
        return "prepared"

    def test_date(self) -> None:
        """The day is one of the calendar, for it goes into the news."""
        for day in ("tomorrow", "28.11.2026", "2026-02-30"):
            said = self.said("9.0.0", "--date", day, prepare=self.prepare_none)
            self.assertIn(f"argument --date: invalid day value: {day!r}", said)

    def test_no_towncrier(self) -> None:
        """Without towncrier it says what to install, and begins nothing."""
        said = self.said("9.0.0", find_spec=lambda name: None, prepare=None)
        self.assertIn("towncrier is not installed: pip install", said)

    def test_no_git(self) -> None:
        """Without git it says so in a line."""
        missing = mock.Mock(side_effect=FileNotFoundError(2, "No such file", "git"))
        said = self.said("9.0.0", find_spec=lambda name: name, prepare=missing)
        self.assertIn("python -m release: ", said)
        self.assertIn("'git'", said)

    def test_nothing_built(self) -> None:
        """What looks at files wants to know which, and that they are there."""
        for given in ([], ["one", "two"], ["nowhere"]):
            stopped = self.assertRaises(SystemExit, built.main, given)
            self.assertIn("one folder is expected", str(stopped.code))
            with mock.patch.dict(os.environ):
                os.environ.pop("TOX_PACKAGE", None)
                stopped = self.assertRaises(SystemExit, unpacked.main, given)
            self.assertIn("one sdist is expected", str(stopped.code))


class BuiltTests(SynchronousTestCase):
    """What is found in the files of a release; that all is well, ``tox`` shows."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Make a working copy, and a wheel and an sdist of it."""
        self.root = Path(self.mktemp())
        self.files = {
            "txphoenix/__init__.py": b"one",
            "txphoenix/test/wire/a.txt": b"two",
            "plugin/twisted/plugins/txphoenix_plugin.py": b"three",
        }
        for name, data in self.files.items():
            path = self.root / name
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        cache = self.root / "txphoenix" / "__pycache__"
        cache.mkdir()
        (cache / "a.pyc").write_bytes(b"")
        self.wheel = self.root / "a.whl"
        self.sdist = self.root / "a.tar.gz"

    def check_wheel(self, **changed: bytes | None) -> None:
        """Look at a wheel with other files than there should be."""
        files = {name.removeprefix("plugin/"): it for name, it in self.files.items()}
        files["a-1.dist-info/METADATA"] = "Name: a\n\nhé\n".encode()
        for name, data in {**files, **changed}.items():
            if data is not None:
                with ZipFile(self.wheel, "a") as archive:
                    archive.writestr(name, data)
        built.check_wheel(self.wheel, self.root)

    def test_wheel(self) -> None:
        """A wheel that has it all is fine, and its README can be read."""
        self.check_wheel()
        self.assertEqual(built.description(self.wheel), "hé\n")

    def test_missing(self) -> None:
        """One that lacks a file is not."""
        error = self.assertRaises(
            built.Fault, self.check_wheel, **{"txphoenix/test/wire/a.txt": None}
        )
        self.assertIn("missing ['txphoenix/test/wire/a.txt']", str(error))

    def test_foreign(self) -> None:
        """Nor is one with a file more."""
        error = self.assertRaises(
            built.Fault, self.check_wheel, **{"fuzz/__init__.py": b""}
        )
        self.assertIn("not expected ['fuzz/__init__.py']", str(error))

    def test_other(self) -> None:
        """Nor is one where a file is another."""
        name = "twisted/plugins/txphoenix_plugin.py"
        error = self.assertRaises(built.Fault, self.check_wheel, **{name: b"3"})
        self.assertIn(f"{name} is another", str(error))

    def check_sdist(self, *left_out: str) -> None:
        """Look at an sdist without some files."""
        more = ("setup.py", "pyproject.toml", "tox.ini", "README.md", "docs/index.rst")
        with tarfile.open(self.sdist, "w:gz") as archive:
            for name in {*self.files, *more} - set(left_out):
                archive.addfile(tarfile.TarInfo(f"a-1/{name}"), io.BytesIO())
        built.check_sdist(self.sdist, self.root)

    def test_sdist(self) -> None:
        """An sdist has the sources and what builds and tests them."""
        self.check_sdist()
        left_out = ("plugin/twisted/plugins/txphoenix_plugin.py", "docs/index.rst")
        for name in left_out:
            error = self.assertRaises(built.Fault, self.check_sdist, name)
            self.assertIn(f"missing ['{name}']", str(error))

    def test_ignored(self) -> None:
        """What git ignores in any folder, as the examples leave it, is in no sdist."""
        file = ROOT / ".gitignore"
        if not file.exists():
            raise SkipTest("no clone: there is no .gitignore")
        ignored = re.findall(r"^[^#/\n].*$", file.read_text("utf-8"), re.M)
        self.assertIn("dropin.cache", ignored)
        manifest = (ROOT / "MANIFEST.in").read_text("utf-8")
        lines = re.findall(r"^global-exclude (.+)$", manifest, re.M)
        excluded = {pattern for line in lines for pattern in line.split()}
        # The sdist has one of its own, at its top.
        wanted = {re.sub("/$", "/**", it) for it in ignored} - {"*.egg-info/**"}
        self.assertEqual(wanted - excluded, set())

    def test_dead_links(self) -> None:
        """Relative links and pictures lead nowhere, whatever wrote them."""
        html = '<a href="https://a.example/">a</a> <a href="#user-content-a">b</a>'
        self.assertEqual(built.dead_links(html), [])
        html += '<a href="docs/a.rst">c</a> <img alt="" src="docs/a.svg">'
        self.assertEqual(built.dead_links(html), ["docs/a.rst", "docs/a.svg"])

    def test_unpacked(self) -> None:
        """The tests that run in an unpacked sdist are there."""
        self.assertIn("test_release", unpacked.TESTS)
        here = Path(__file__).parent
        for name in unpacked.TESTS:
            path = here / f"{name.replace('.', '/')}.py"
            self.assertTrue(path.exists(), name)
        for name in ("test_decisions_page", "phoenixjs.test_table"):
            self.assertIn(name, unpacked.TESTS)
