"""``docs/check_site.py`` finds what is wrong with built pages, and nothing else.

It is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import io
import runpy
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

SCRIPT = Path(txphoenix.__file__).parent.parent / "docs" / "check_site.py"

PICTURES = """
    <a href="a-light.svg"><img src="a-light.svg" alt="A way"></a>
    <a href="a-dark.svg"><img src="a-dark.svg" alt="A way"></a>
"""


class SiteTests(SynchronousTestCase):
    """Sites of two pages and a picture, each with one fault at most."""

    skip = None if SCRIPT.exists() else "installed without its documents"

    def setUp(self) -> None:
        """Load the script, and write what its pages lead to."""
        self.script = runpy.run_path(str(SCRIPT))
        self.site = Path(self.mktemp()).absolute()
        self.site.mkdir()
        for name in ("a-light.svg", "a-dark.svg", "a.svg", "a.js"):
            (self.site / name).write_text("<svg/>", "utf-8")
        (self.site / "other.html").write_text('<p id="here" name="x">', "utf-8")

    def faults(self, body: str) -> list[str]:
        """What is wrong with a page of that body."""
        (self.site / "page.html").write_text(body, "utf-8")
        found: list[str] = self.script["faults"](self.site)
        return found

    def test_right(self) -> None:
        """Links to places, pages, files and hosts are right, and so are two shades."""
        body = """
            <p id="mine"><a href="#mine"><a href="#"><a href="#top">
            <a href="other.html"><a href="other.html#here">
            <a href="./other.html?x#here"><a href="a.svg"><a href="https://example.org/a%20b?c=d#e">
            <a href="mailto:us@example.org">
            <div class="table-wrapper" id="t"><table id="t"></table></div>
            <script src="a.js?v=1"></script>
        """
        self.assertEqual(self.faults(body + PICTURES), [])

    def test_wrong_links(self) -> None:
        """A link is wrong whose page, place, file or host is not there."""
        for link, reason in (
            ("missing.html", "leads to no file"),
            ("other.html#there", "leads to no place there"),
            ("#here", "leads to no place there"),
            ("../page.html", "leads out of the site"),
            ("http://localhost/", "is no link to a host on the internet"),
            ("https://example.org/`a`", "is no link to a host on the internet"),
            ("htps://example.org/", "is of an unknown scheme"),
        ):
            expected = [f"page.html: {link} {reason}"]
            self.assertEqual(self.faults(f'<a href="{link}">'), expected)

    def test_missing_picture(self) -> None:
        """A picture or a script that is not there is a fault."""
        for tag in ('<img src="b.png" alt="B">', '<script src="b.png"></script>'):
            self.assertEqual(self.faults(tag), ["page.html: b.png leads to no file"])

    def test_contents(self) -> None:
        """A list of contents is a fault where furo prints an error in its place."""
        wanted = "this-will-duplicate-information-and-it-is-still-useful-here"
        fault = "page.html: has a list of contents, where furo prints an error"
        self.assertEqual(self.faults('<nav class="contents local">'), [fault])
        self.assertEqual(self.faults(f'<nav class="contents {wanted}">'), [])

    def test_shades(self) -> None:
        """A picture comes light and dark, and with a text."""
        for body, fault in (
            ('<img src="a.svg" alt="A">', "shows a.svg without a shade"),
            ('<img src="a-dark.svg" alt="A">', "shows a in one shade alone"),
            (
                PICTURES + '<img src="a-light.svg" alt="A">',
                "shows a in one shade alone",
            ),
        ):
            self.assertEqual(self.faults(body), [f"page.html: {fault}"])
        self.assertEqual(
            self.faults(PICTURES.replace("A way", " ")),
            [
                f"page.html: shows a-{shade}.svg without a text for it"
                for shade in ("light", "dark")
            ],
        )

    def test_asks(self) -> None:
        """A picture that asks the browser may be dark on a light page."""
        text = "<style>@media (prefers-color-scheme: dark) {}</style>"
        (self.site / "a-light.svg").write_text(text, "utf-8")
        self.assertEqual(
            self.faults(PICTURES),
            ["page.html: a-light.svg asks the browser for a shade"],
        )

    def test_places(self) -> None:
        """Two places of one name are a fault, and so is what could not be read."""
        self.assertEqual(
            self.faults('<p id="a"><p id="a">'), ["page.html: has the place #a twice"]
        )
        self.assertEqual(
            self.faults('<span class="problematic">|a|</span>'),
            ["page.html: has a piece that docutils could not read"],
        )

    def test_exit_code(self) -> None:
        """It prints each fault, and exits with 1 if there is one."""
        for body, code, said in (
            ("", 0, "2 pages, 0 faults\n"),
            ('<a href="#a">', 1, "page.html: #a leads to no place there\n"),
        ):
            self.faults(body)
            output = io.StringIO()
            with redirect_stdout(output):
                self.assertEqual(self.script["main"](str(self.site)), code)
            self.assertIn(said, output.getvalue())

    def test_nothing_built(self) -> None:
        """Where there is no page at all, that is an error."""
        empty = Path(self.mktemp())
        empty.mkdir()
        faults: Any = self.script["faults"]
        self.assertRaises(FileNotFoundError, faults, empty)
