"""A reader of the documentation finds what they look for.

The front page has each page once, its picture can be seen, and headings have the words
that one searches for.
These documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent.parent
DOCS = ROOT / "docs"
NOT_THERE = None if DOCS.exists() else "installed without its documents"

GROUPS = [
    "Tutorial",
    "Connecting",
    "Working with channels",
    "Running",
    "Testing",
    "Watching",
    "Other servers",
    "Migrating",
    "Reference",
    "Explanation",
    "For contributors",
]

# What a reader types into the search box, and a title has: the field's own words.
WORDS = """
    Absinthe, asyncio, authentication, backoff, backpressure, benchmarks, broadcasts,
    certificate, channels, close codes, command line, Crossbar, dashboard, debugging,
    delivery, demo, Docker, errors, examples, faults, fuzzing, handlers, health check,
    heartbeat, install, layers, load balancer, logging, long-polling, message order,
    metrics, msgspec, OpenTelemetry, options, outages, outbox, performance, presence,
    proxy, pydantic, pytest, reconfiguration, reconnect, redirects, release,
    reliability, rejoin, serializer, soak, Supabase, supervision, systemd, telemetry,
    testing, threads, timeout, timeouts, TLS, token, token refresh, topics, trial,
    troubleshooting, tutorial, twistd, type hints, uvloop, WebSocket
"""

# And what they type where the field has another word.
OTHER_WORDS = """
    access token, binary, callback, cookies, dataclass, deploy, exception, expire,
    fallback, FAQ, getting started, Grafana, GraphQL, headers, init, JSON, JWT,
    Kubernetes, leave, long polling, MessagePack, migration, mock, phoenix.js,
    Prometheus, queue, quickstart, rate limit, refresh, shutdown, slow, SSL,
    throughput, unit test, WAMP
"""


def pages(folder: Path = DOCS) -> dict[str, str]:
    """The text of each page in a folder, by its name."""
    return {path.stem: path.read_text("utf-8") for path in folder.glob("*.rst")}


def all_pages() -> list[str]:
    """The text of each page that is built, those in folders too."""
    return [
        path.read_text("utf-8")
        for path in sorted(DOCS.rglob("*.rst"))
        if "_build" not in path.parts
    ]


def headings(text: str) -> list[str]:
    """The titles of a page and of its sections, in their order."""
    found = re.findall(r"^(\S.*)\n(([=\-^.])\3+)$", text, re.M)
    return [title for title, line, _ in found if len(line) == len(title)]


def look_up(path: str) -> Any:
    """What a dotted name means.

    :raises LookupError: nothing has that name.
    """
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for name in parts[count:]:
            # A field without a default is an attribute of its objects alone.
            if name in getattr(found, "__annotations__", {}):
                return None
            if not hasattr(found, name):
                raise LookupError(path)
            found = getattr(found, name)
        return found
    raise LookupError(path)


class FrontPageTests(SynchronousTestCase):
    """``docs/index.rst``."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read the page, and cut it into its sections."""
        self.text = (DOCS / "index.rst").read_text("utf-8")
        parts = re.split(r"^(.+)\n-{3,}\n", self.text, flags=re.M)
        self.sections = dict(zip(parts[1::2], parts[2::2], strict=True))

    def test_groups(self) -> None:
        """After what a newcomer needs come the groups, and nothing else."""
        self.assertEqual(
            list(self.sections), ["First program", "Install", "Where to go", *GROUPS]
        )

    def test_wishes(self) -> None:
        """What one wants to do leads to pages and groups that are there."""
        rows = self.rows("Where to go")
        self.assertGreater(len(rows), 12)
        for wish, place in rows:
            found = re.findall(r":doc:`([\w-]+)`|`([\w ]+)`_", place)
            self.assertNotEqual(found, [], wish)
            for page, group in found:
                self.assertIn(page or group, pages() if page else GROUPS)

    def test_extras(self) -> None:
        """Each extra that is for users is named, with what it is for."""
        setup = (ROOT / "setup.py").read_text("utf-8")
        (body,) = re.findall(
            r"^    extras_require=\{\n(.+?)^    \},", setup, re.M | re.S
        )
        extras = set(re.findall(r'^        "(\w+)": \[', body, re.M))
        self.assertIn("metrics", extras)
        told = {name.strip("`") for name, _ in self.rows("Install")}
        self.assertEqual(extras - told, {"benchmarks", "dev", "docs"})

    def rows(self, section: str) -> list[list[str]]:
        """The rows of the table in a section, but for its head."""
        _, _, body = re.split(r"^=+  =+\n", self.sections[section], flags=re.M)[:3]
        return [re.split(r"  +", line) for line in body.splitlines()]

    def test_pages(self) -> None:
        """Each page is in one group: with a line, and in its table of contents."""
        seen = []
        for group in GROUPS:
            text = self.sections[group]
            told = re.findall(r"^- :doc:`([\w-]+)`: .+\.$", text, re.M)
            (tree,) = re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", text, re.M)
            options, _, listed = tree.partition("\n\n")
            self.assertEqual(listed.split(), told)
            self.assertEqual(
                options.split("\n"),
                [f"   :caption: {group}", "   :maxdepth: 1", "   :hidden:"],
            )
            seen += told
        self.assertEqual(sorted(seen), sorted(pages().keys() - {"index"}))

    def test_readme(self) -> None:
        """The README has the same pages in the same groups, by their titles."""
        text = (ROOT / "README.md").read_text("utf-8")
        titles = {name: headings(page)[0] for name, page in pages().items()}
        for group in GROUPS:
            (row,) = re.findall(rf"^\| \*\*{group}\*\* \| (.+) \|$", text, re.M)
            links = re.findall(r"\[([^\]]+)\]\(docs/([\w-]+)\.rst\)", row)
            told = re.findall(r"^- :doc:`([\w-]+)`", self.sections[group], re.M)
            self.assertEqual(links, [(titles[name], name) for name in told])

    def test_readme_folders(self) -> None:
        """Beside a page that has a folder of pages is a link to that folder."""
        text = (ROOT / "README.md").read_text("utf-8")
        folders = {path.parent.name for path in DOCS.glob("[!_]*/*.rst")}
        self.assertGreater(len(folders), 2)
        for name in folders:
            link = rf"\]\(docs/{name}\.rst\) \(\[[\w ]+\]\(docs/{name}\)\)"
            self.assertRegex(text, link)

    def test_readme_tables(self) -> None:
        """Each table of the README says in its head what is in its columns."""
        text = (ROOT / "README.md").read_text("utf-8")
        heads = re.findall(r"^\|(.*)\|\n\|[-|]+\|$", text, re.M)
        self.assertGreater(len(heads), 1)
        for head in heads:
            for column in head.split("|"):
                self.assertRegex(column, r"\w")


class PictureTests(SynchronousTestCase):
    """The pictures of the pages."""

    skip = NOT_THERE

    pictures = {"index": "overview.svg", "reliability": "outage.svg"}

    def setUp(self) -> None:
        """Read them."""
        self.texts = {
            name: (DOCS / name).read_text("utf-8") for name in self.pictures.values()
        }

    def test_is_shown(self) -> None:
        """The page shows it, with a text for those who do not see it."""
        for page, name in self.pictures.items():
            text = (DOCS / f"{page}.rst").read_text("utf-8")
            self.assertRegex(text, rf"\.\. image:: {name}\n   :alt: \w.{{80}}")

    def test_stands_alone(self) -> None:
        """It is well-formed, and asks nothing of the network."""
        for text in self.texts.values():
            root = ElementTree.fromstring(text)
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            outside = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
            self.assertNotRegex(outside, r"//|@import|@font-face|url\((?!#)")

    def test_shades(self) -> None:
        """Of each picture ``docs/pictures.py`` can make a light and a dark one."""
        seen = 0
        for path in DOCS.glob("*.svg"):
            text = path.read_text("utf-8")
            self.assertEqual(text.count("color-scheme: light dark"), 1, path)
            self.assertEqual(text.count("@media (prefers-color-scheme: dark)"), 1, path)
            self.assertEqual(text.count("@media"), 1, path)
            seen += 1
        self.assertGreater(seen, 10)

    def test_dark(self) -> None:
        """What has a colour has another one where the reader wants it dark."""
        for name, text in self.texts.items():
            (style,) = re.findall(r"<style>(.+)</style>", text, re.S)
            light, dark = style.split("@media (prefers-color-scheme: dark)")
            self.assertGreater(len(self.coloured(light)), 10, name)
            self.assertEqual(self.coloured(light), self.coloured(dark), name)

    def coloured(self, rules: str) -> set[tuple[str, str]]:
        """What rules give a colour, and of which kind."""
        return {
            (name, kind)
            for names, body in re.findall(r"^ *([^@{}]+) \{([^{}]+)\}", rules, re.M)
            for name in names.split(", ")
            for kind in re.findall(r"(fill|stroke): #", body)
        }


class ScoreTests(SynchronousTestCase):
    """What the search shows first: ``docs/search-scorer.js``, in Node."""

    skip = NOT_THERE or (None if shutil.which("node") else "there is no Node")

    kinds = "const SearchResultKind = {title: 'title', index: 'index'};"

    def scores(self, before: str, page: str = "a") -> list[str]:
        """The scores of a title and of a text that have 15 points, by Sphinx's code.

        :param before: what Sphinx has defined.
        :param page: the name of their page.
        """
        scorer = (DOCS / "search-scorer.js").read_text("utf-8")
        given = f"'{page}', 'A', '', null, 15, '{page}.rst'"
        calls = [
            f"console.log(Scorer.score([{given}, '{kind}']));"
            for kind in ("title", "text")
        ]
        program = "\n".join([before, scorer, *calls])
        ended = subprocess.run(
            ["node", "-e", program], capture_output=True, text=True, check=False
        )
        self.assertEqual(ended.stderr, "")
        return ended.stdout.split()

    def test_titles(self) -> None:
        """What has the word in its title comes before what has it in its text."""
        self.assertEqual(self.scores(self.kinds), ["45", "15"])

    def test_contributors(self) -> None:
        """Between the two is what has it in the title of a decision, or of cases."""
        for page in ("decisions/tls", "phoenixjs/socket"):
            self.assertEqual(self.scores(self.kinds, page), ["20", "15"])
        for page in ("decisions", "phoenixjs", "api/client"):
            self.assertEqual(self.scores(self.kinds, page), ["45", "15"])

    def test_without_kinds(self) -> None:
        """Sphinx 8.0 does not tell one from the other, and finds both all the same."""
        self.assertEqual(self.scores(""), ["15", "15"])


class TitleTests(SynchronousTestCase):
    """Titles of pages and sections."""

    skip = NOT_THERE

    def test_words(self) -> None:
        """Each word that one searches for finds a heading."""
        titles = [title for text in all_pages() for title in headings(text)]
        self.assertGreater(len(titles), 150)
        self.assertEqual(self.not_found(WORDS, titles), [])

    def test_other_words(self) -> None:
        """And so does each that no heading has, by what is said of the pages."""
        text = (DOCS / "search-words.toml").read_text("utf-8")
        told = tomllib.loads(text)
        self.assertEqual(told.keys() - pages().keys(), set())
        words = [word for page in told.values() for word in page]
        self.assertEqual(self.not_found(OTHER_WORDS, words), [])

    def test_guides(self) -> None:
        """What has a guide of its own leads there, whatever other titles have it."""
        told = tomllib.loads((DOCS / "search-words.toml").read_text("utf-8"))
        for word, page in (
            ("asyncio", "howto-asyncio"),
            ("heartbeats", "howto-network"),
            ("proxies", "howto-network"),
            ("Supabase", "howto-supabase"),
        ):
            self.assertIn(word, told[page])

    def not_found(self, words: str, texts: list[str]) -> list[str]:
        """Those of the words that Sphinx's search finds in none of the texts.

        It wants the word in one that is at most twice as long.
        """
        lower = [text.lower() for text in texts]
        return [
            word
            for word in re.split(r",\s+", words.lower().strip())
            if not any(word in it and len(it) <= 2 * len(word) for it in lower)
        ]

    def test_quoted(self) -> None:
        """A section that is named beside the link to its page is on that page."""
        seen = 0
        for text in all_pages():
            for name, title in re.findall(r':doc:`/?([\w-]+)`, "([^"]+)"', text):
                self.assertIn(title, headings(pages()[name]))
                seen += 1
        self.assertGreater(seen, 3)


class ReferenceTests(SynchronousTestCase):
    """What pages refer to in the code."""

    skip = NOT_THERE

    def test_names(self) -> None:
        """Each module, class, function and error that a page links to is there."""
        seen = 0
        for text in all_pages():
            names = re.findall(
                r":(?:mod|class|func|meth|attr|exc):`(?:[^`<]*<|~)?(txphoenix[\w.]*)>?`",
                text,
            ) + re.findall(r"^\.\. auto\w+:: (txphoenix[\w.]*)$", text, re.M)
            for name in names:
                look_up(name)
                seen += 1
        self.assertGreater(seen, 50)

    def test_contributing(self) -> None:
        """What CONTRIBUTING.md names is there: files, modules, functions."""
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        names = re.findall(r"`(txphoenix\.[\w.]+)`", text)
        for name in names:
            look_up(name)
        self.assertGreater(len(names), 15)
        paths = re.findall(r"`([\w.]+/[\w./-]*)`", text)
        for path in paths:
            self.assertTrue((ROOT / path).exists(), path)
        self.assertGreater(len(paths), 25)
