"""The picture of the console is what it shows on a terminal."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import TestCase

from txphoenix.test.prompt_case import NOT_THERE

if NOT_THERE is None:
    from txphoenix.test.console_picture import picture, session

DOCS = Path(__file__).parents[2] / "docs"


class ConsolePictureTests(TestCase):
    """What is drawn, and what the documents show."""

    timeout = 120
    skip = NOT_THERE

    async def test_is_of_the_screen(self) -> None:
        """The picture in the documents is what a session looks like now.

        ``python -m txphoenix.test.console_picture > docs/console.svg`` draws it.
        """
        console, port = await session(self, str(Path(self.mktemp()).absolute()))
        kept = (DOCS / "console.svg").read_text("utf-8")
        self.assertEqual(kept, picture(console, port))
        console.type("\x03\x04")
        self.assertEqual(await console.ended, 0)

    def test_is_shown(self) -> None:
        """The page of the commands shows it, with a text for who does not see it."""
        page = (DOCS / "commands.rst").read_text("utf-8")
        self.assertRegex(page, r"\.\. image:: console\.svg\n   :alt: \w.{40}")

    def test_stands_alone(self) -> None:
        """It is well-formed, has colours for the dark, and needs no network."""
        text = (DOCS / "console.svg").read_text("utf-8")
        root = ElementTree.fromstring(text)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertNotIn("href", text)
        self.assertNotRegex(text, r"@import|@font-face|url\(")

    if not DOCS.exists():
        skip = "installed without its documents"
