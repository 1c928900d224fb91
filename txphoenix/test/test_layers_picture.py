"""The contracts of the layers, their picture, and the page that tells of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from .layers_picture import CONTRACTS, PACKAGE, layers, picture

DOCS = CONTRACTS.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"


class LayersPictureTests(SynchronousTestCase):
    """What is drawn, and what the page has."""

    skip = None if CONTRACTS.exists() else "installed without its documents"

    def test_each_layer(self) -> None:
        """What is higher in the contract is higher in the picture, and all is there."""
        rows: dict[int, list[str]] = {}
        place = 0
        for element in ElementTree.fromstring(picture()):
            if element.tag == f"{SVG}rect":
                place = int(float(element.attrib["y"]))
            elif element.attrib.get("class") in ("name", "names"):
                names = (element.text or "").rstrip(",").split(", ")
                rows.setdefault(place, []).extend(names)
        self.assertEqual([rows[place] for place in sorted(rows)], layers())

    def test_is_of_the_contracts(self) -> None:
        """The picture in the documents is drawn from the contracts as they are now.

        ``python -m txphoenix.test.layers_picture > docs/layers.svg`` draws it.
        """
        kept = (DOCS / "layers.svg").read_text("utf-8")
        self.assertEqual(kept, picture())

    def test_is_shown(self) -> None:
        """The page shows it, with a text for who does not see it."""
        page = (DOCS / "layers.rst").read_text("utf-8")
        self.assertRegex(page, r"\.\. image:: layers\.svg\n   :alt: \w.{80}")

    def test_told(self) -> None:
        """The page says of each package what it is for, from the lowest up."""
        page = (DOCS / "layers.rst").read_text("utf-8")
        told = re.findall(r"^``txphoenix\.(\w+)``.*\n   \w", page, re.M)
        placed = [
            name for row in reversed(layers()) for name in row if name != "_version"
        ]
        self.assertEqual(told, [name for name in placed if name in told])
        packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
        self.assertEqual(packages - set(told), set())

    def test_contributing(self) -> None:
        """CONTRIBUTING.md has the packages in their order, siblings in one row."""
        text = (CONTRACTS.parent / "CONTRIBUTING.md").read_text("utf-8")
        rows = re.findall(
            r"^\| (`txphoenix\.\w+`(?:, `txphoenix\.\w+`)*) \|", text, re.M
        )
        modules = {path.stem for path in PACKAGE.glob("*.py")}
        self.assertEqual(
            [re.findall(r"txphoenix\.(\w+)", row) for row in rows],
            [row for row in layers() if not {"test", *modules} & set(row)],
        )

    def test_stands_alone(self) -> None:
        """It is well-formed, and asks nothing of the network."""
        self.assertEqual(ElementTree.fromstring(picture()).tag, f"{SVG}svg")
        outside = picture().replace('xmlns="http://www.w3.org/2000/svg"', "")
        self.assertNotRegex(outside, r"//|@import|@font-face|url\((?!#)")

    def test_dark(self) -> None:
        """What has a colour has another one where the reader wants it dark."""
        (style,) = re.findall(r"<style>(.+)</style>", picture(), re.S)
        light, dark = style.split("@media (prefers-color-scheme: dark)")
        rule = r"^ *([\w.]+) \{ .*?(fill|stroke): #"
        self.assertGreater(len(re.findall(rule, light, re.M)), 6)
        self.assertEqual(
            set(re.findall(rule, light, re.M)), set(re.findall(rule, dark, re.M))
        )
