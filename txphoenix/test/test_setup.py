"""What ``setup.py`` says of the distribution, above all its README on a package index.

It is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import ast
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent.parent
SETUP = ROOT / "setup.py"
NOT_THERE = None if SETUP.exists() else "installed without its setup.py"

FILE = "https://forge.example/files/{path}"
PAGE = "https://docs.example/{page}.html"

README = """\
# A title

See [the guide](docs/guide.rst), [news](NEWS.md), [Twisted](https://twisted.org/),
[mail](mailto:us@example.org) and [below](#below). ![A picture](docs/picture.svg)

```python
hooks[name](payload)
```
"""

CLOSING = "\nThe pages and files named here are in the source distribution.\n"


def run_setup() -> dict[str, Any]:
    """Run ``setup.py`` without setuptools, which not each environment has.

    :return: its names; what it gives to ``setup`` is called "given" there.
    """
    tools, editable = ModuleType("setuptools"), ModuleType("editable_wheel")
    vars(tools).update(find_packages=lambda include: include, setup=mock.Mock())
    vars(editable).update(editable_wheel=object, _StaticPth=object)
    modules = {
        "setuptools": tools,
        "setuptools.command": ModuleType("command"),
        "setuptools.command.editable_wheel": editable,
    }
    with mock.patch.dict(sys.modules, modules):
        names = runpy.run_path(str(SETUP))
    return {**names, "given": vars(tools)["setup"].call_args.kwargs}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, but those relative to it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module))
    return found


class SetupTestCase(SynchronousTestCase):
    """``setup.py``, run."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Run it."""
        self.names = run_setup()
        self.given = self.names["given"]
        self.shown = self.names["readme_for_index"]


class ReadmeTests(SetupTestCase):
    """The README, where there are no files beside it."""

    def test_no_address(self) -> None:
        """Without an address a link that would lead nowhere is plain text."""
        self.assertEqual(
            self.shown(README, file="", page=""),
            README.replace("[the guide](docs/guide.rst)", "the guide")
            .replace("[news](NEWS.md)", "news")
            .replace("[below](#below)", "below")
            .replace("![A picture](docs/picture.svg)", "A picture")
            + CLOSING,
        )

    def test_repository(self) -> None:
        """With the repository's address links lead to the files there."""
        shown = self.shown(README, file=FILE, page="")
        self.assertIn("[the guide](https://forge.example/files/docs/guide.rst)", shown)
        self.assertIn("[news](https://forge.example/files/NEWS.md)", shown)
        self.assertIn(" and below. A picture\n", shown)
        self.assertNotIn(CLOSING, shown)

    def test_pages(self) -> None:
        """With that of the built pages links to pages lead there, and no others."""
        shown = self.shown(README, file="", page=PAGE)
        self.assertIn("[the guide](https://docs.example/guide.html), news,", shown)
        shown = self.shown(README, file=FILE, page=PAGE)
        self.assertIn("[the guide](https://docs.example/guide.html), [news](", shown)

    def test_sections(self) -> None:
        """A link to a section of a page leads to that section."""
        text = "[the guide](docs/guide.rst#tls)"
        for file in ("", FILE):
            shown = self.shown(text, file=file, page=PAGE)
            self.assertEqual(shown, "[the guide](https://docs.example/guide.html#tls)")
        shown = self.shown(text, file=FILE, page="")
        self.assertIn("(https://forge.example/files/docs/guide.rst#tls)", shown)

    def test_elsewhere(self) -> None:
        """A link to another site is left as it is, however it begins."""
        for url in ("HTTPS://a.example/", "//a.example/b", "ftp://a.example/b"):
            for file in ("", FILE):
                text = f"[there]({url})"
                self.assertEqual(self.shown(text, file=file, page=PAGE), text)

    def test_programs(self) -> None:
        """A program is left as it is, whatever looks like a link there."""
        line = "hooks[name](payload)"
        for text in (
            README,
            f"Call `{line}`, or `a` and `{line}`.\n",
            f"Run this:\n\n    {line}\n",
            f"~~~python\n{line}\n~~~\n",
            f"- one\n\n  ```python\n  {line}\n  ```\n",
        ):
            for file in ("", FILE):
                shown = self.shown(text, file=file, page="")
                self.assertEqual(shown.count(line), text.count(line), text)

    def test_words(self) -> None:
        """The words of a link may be code, or go on over the line."""
        for words in ("`txphoenix`", "the\nguide", "`a` and `b`"):
            shown = self.shown(f"`x` [{words}](docs/a.rst)", file="", page="")
            self.assertEqual(shown, f"`x` {words}{CLOSING}")

    def test_no_links(self) -> None:
        """A text without such links is left as it is."""
        self.assertEqual(self.shown("# A title\n", file="", page=""), "# A title\n")

    def test_ours(self) -> None:
        """Of our own README no link is relative, with addresses and without."""
        text = (ROOT / "README.md").read_text("utf-8")
        counts = []
        for file, page in (("", ""), (FILE, ""), ("", PAGE), (FILE, PAGE)):
            shown = re.sub(r"(?s)```.*?```", "", self.shown(text, file=file, page=page))
            targets = re.findall(r"\]\(([^)]*)\)", shown)
            relative = [it for it in targets if not it.startswith("https://")]
            self.assertEqual(relative, [])
            counts.append(len(targets))
        none, *some = counts
        self.assertGreater(min(some), none + 20)

    def test_given(self) -> None:
        """That is what the distribution has."""
        text = (ROOT / "README.md").read_text("utf-8")
        self.assertEqual(self.given["long_description"], self.shown(text))


class MetadataTests(SetupTestCase):
    """What is told beside it."""

    def test_addresses(self) -> None:
        """What has no address is not told of, and what has is whole."""
        urls = self.given["project_urls"]
        self.assertEqual(urls, self.names["project_urls"]())
        for url in urls.values():
            self.assertRegex(url, r"^https://[\w.-]+/[^{}]*$")

    def test_version(self) -> None:
        """The version is the library's."""
        self.assertEqual(self.given["version"], txphoenix.__version__)

    def test_pythons(self) -> None:
        """Each Python that it is for is one that ``tox`` runs the tests on."""
        told = [
            it.rpartition(".")[2]
            for it in self.given["classifiers"]
            if it.startswith("Programming Language :: Python :: 3.")
        ]
        (line,) = re.findall(
            r"^envlist = (.+)$", (ROOT / "tox.ini").read_text("utf-8"), re.M
        )
        self.assertEqual(re.findall(r"\bpy3(\d+)", line), told)
        self.assertEqual(self.given["python_requires"], f">=3.{told[0]}")

    def test_floors(self) -> None:
        """The floors, but those of tools, are what ``tox -e oldest`` has."""
        tox = (ROOT / "tox.ini").read_text("utf-8")
        _, _, oldest = tox.partition("\n[testenv:oldest]\n")
        pins = set(re.findall(r"^    (\S+==\S+)$", oldest.partition("\n[")[0], re.M))
        extras = self.given["extras_require"]
        wanted = list(self.given["install_requires"])
        for extra in ("accelerated", "console", "examples", "metrics", "otel"):
            wanted += extras[extra]
        self.assertGreater(len(wanted), 10)
        floors = {it.partition(";")[0].replace(">=", "==") for it in wanted}
        self.assertEqual(floors - pins, set())

    def test_examples(self) -> None:
        """The extra ``examples`` brings what they import, but for Crossbar."""
        folder, extras = ROOT / "examples", self.given["extras_require"]
        files = [
            path
            for path in [*folder.rglob("*.py"), *folder.rglob("*.tac")]
            if "crossbar" not in path.relative_to(folder).parts
        ]
        self.assertGreater(len(files), 15)
        brought = {
            re.split(r"\W", it)[0]
            for it in [*self.given["install_requires"], *extras["examples"]]
        }
        # By twisted[tls]; and what is beside the file.
        brought |= {"cryptography", *sys.stdlib_module_names}
        brought |= {it.stem for path in files for it in (path, path.parent)}
        for path in files:
            for module in imported(path):
                name, _, rest = module.partition(".")
                if name == "txphoenix":
                    # A package of ours that needs an extra has its name.
                    needed = extras.get(rest.partition(".")[0], [])
                    self.assertEqual(set(needed) - {*extras["examples"]}, set(), path)
                else:
                    self.assertIn(name, brought, path)
