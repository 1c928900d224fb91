"""Checks the built pages: each link inside leads somewhere, and each picture is there.

    python docs/check_site.py docs/_build/html

It asks nothing of the network: of a link that leads outside only the form is looked at.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What furo and Sphinx make, and nobody has written.
MADE = ("genindex", "search", "py-modindex")
# furo has a list of contents beside each page, and takes one without this for an error.
TWICE = "this-will-duplicate-information-and-it-is-still-useful-here"
OUTSIDE = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)+(/[^\s`<>]*)?", re.I)


class Page(HTMLParser):
    """The links, the pictures and the places of a page."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.shades: Counter[str] = Counter()
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at what a tag is and leads to."""
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        # furo wraps a table in a box that has the table's id as well.
        if "id" in given and "table-wrapper" not in classes:
            self.ids.append(given["id"])
        if tag in ("a", "link") and "href" in given:
            self.links.append(given["href"])
        if "src" in given:
            self.sources.append(given["src"])
        if tag == "img" and urlsplit(given.get("src", "")).path.endswith(".svg"):
            self.look_at_picture(given)
        if "problematic" in classes:
            self.problems.append("has a piece that docutils could not read")
        if "contents" in classes and TWICE not in classes:
            self.problems.append("has a list of contents, where furo prints an error")

    def look_at_picture(self, given: dict[str, str]) -> None:
        """See that a picture has its text, and comes in both shades."""
        name = urlsplit(given["src"]).path
        if not given.get("alt", "").strip():
            self.problems.append(f"shows {name} without a text for it")
        stem, _, shade = name.removesuffix(".svg").rpartition("-")
        if shade not in ("light", "dark"):
            self.problems.append(f"shows {name} without a shade")
        else:
            self.shades[stem] += 1 if shade == "light" else -1


def faults(site: Path) -> list[str]:
    """What is wrong with the pages in a folder, a line each.

    :raises FileNotFoundError: there is no page.
    """
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.glob("**/*.html"))
    }
    if not pages:
        raise FileNotFoundError(f"no page in {site}")
    found = []
    for name, page in pages.items():
        if not name.startswith(MADE):
            twice = [it for it, count in Counter(page.ids).items() if count > 1]
            found += [f"{name}: has the place #{it} twice" for it in twice]
        found += [f"{name}: {problem}" for problem in page.problems]
        found += [
            f"{name}: shows {stem} in one shade alone"
            for stem, difference in page.shades.items()
            if difference
        ]
        for link in (*page.links, *page.sources):
            reason = why_not(link, name, pages, site)
            if reason:
                found.append(f"{name}: {link} {reason}")
        found += [
            f"{name}: {stem}-{shade}.svg asks the browser for a shade"
            for stem in page.shades
            for shade in ("light", "dark")
            if "prefers-color-scheme" in read(site / f"{stem}-{shade}.svg")
        ]
    return found


def read(file: Path) -> str:
    """The text of a file; nothing where there is none."""
    return file.read_text("utf-8") if file.is_file() else ""


def why_not(link: str, name: str, pages: dict[str, Page], site: Path) -> str:
    """Why a link of a page leads nowhere; nothing if it leads somewhere."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return "" if OUTSIDE.fullmatch(link) else "is no link to a host on the internet"
    if parts.scheme:
        return "" if parts.scheme in ("mailto", "data") else "is of an unknown scheme"
    target = site / name
    if parts.path:
        target = (target.parent / unquote(parts.path)).resolve()
    try:
        path = target.relative_to(site).as_posix()
    except ValueError:
        return "leads out of the site"
    if not target.is_file():
        return "leads to no file"
    # furo's own top of the page, which every browser knows.
    if parts.fragment in ("", "top") or path not in pages:
        return ""
    return (
        "" if unquote(parts.fragment) in pages[path].ids else "leads to no place there"
    )


def main(folder: str) -> int:
    """Print what is wrong.

    :return: 1 if something is, else 0.
    """
    site = Path(folder).resolve()
    found = faults(site)
    count = len(list(site.glob("**/*.html")))
    lines = [*found, f"{count} pages, {len(found)} faults"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
