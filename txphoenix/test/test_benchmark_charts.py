"""The benchmarks' charts: what is in them, and that they can be read in dark mode.

The benchmarks are in a clone, not in a wheel, and matplotlib is an extra of theirs.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from .benchmark_runs import NOT_THERE, ROOT

NOT_DRAWN = NOT_THERE or (
    None if find_spec("matplotlib") else "without matplotlib, the extra benchmarks"
)

if NOT_THERE is None:
    from benchmarks.__main__ import parse
    from benchmarks.chart import FAMILIES, family_of, svg, write_charts
    from benchmarks.growth import parse as parse_growth
    from benchmarks.growth_chart import svg as growth_svg
    from benchmarks.growth_plan import CURVES
    from benchmarks.growth_results import Growth
    from benchmarks.pictures import COLOURS, NoPlotting, check_plotting
    from benchmarks.plan import CLIENTS, WORKLOADS
    from benchmarks.results import Results

SVG = "{http://www.w3.org/2000/svg}"


def everything() -> Results:
    """Each workload, measured twice with each client."""
    results = Results()
    for name, workload in WORKLOADS.items():
        for client in workload.clients:
            for value in (90.0, 100.0):
                results.add(name, client, dict.fromkeys(workload.metrics, value))
    return results


def grown() -> Growth:
    """Each growth curve, with numbers that are not flat."""
    growth = Growth()
    for name, curve in CURVES.items():
        for times, size in enumerate(curve.sizes, 1):
            growth.add(name, size, {curve.metric: 10.0 * times, "collector": 1.0})
    return growth


def texts(picture: str) -> list[str]:
    """Every text that is drawn."""
    root = ElementTree.fromstring(picture)
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


def brightness(colour: str) -> float:
    """A colour's relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((brightness(one), brightness(other)))
    return (light + 0.05) / (dark + 0.05)


class ChartTests(SynchronousTestCase):
    """The bars."""

    skip = NOT_DRAWN

    def test_bars(self) -> None:
        """Each client has its bar, with its median, in the order of the legend."""
        results = Results()
        for rate in (500.0, 600.0, 9000.0):
            results.add("flood", "txphoenix", {"rate": rate, "log_lines": 0})
        results.add("flood", "stock", {"rate": 100.0})
        root = ElementTree.fromstring(svg(results))
        drawn = [text for text in root.itertext() if text.endswith(" /s")]
        self.assertEqual(drawn, ["600 /s", "100 /s"])

    def test_everything(self) -> None:
        """Each workload is in the picture of its family, and each client's name."""
        results = everything()
        self.assertIs(family_of("https-flood"), family_of("longpoll-flood"))
        for family in FAMILIES:
            mine = [name for name in WORKLOADS if family_of(name) is family]
            if not mine:
                continue
            drawn = texts(svg(results, family))
            for name in mine:
                title = WORKLOADS[name].title
                self.assertTrue(any(each.startswith(title) for each in drawn), title)
            for client in ("txphoenix", "phoenix_js", "stock"):
                self.assertIn(CLIENTS[client], drawn)

    def test_memory(self) -> None:
        """Sizes stand apart from rates, since for them a shorter bar is better."""
        rates, sizes = Results(), Results()
        rates.add("flood", "txphoenix", {"rate": 600.0})
        sizes.add("channels", "txphoenix", {"kilobytes": 1.7})
        self.assertIn("Rates: a longer bar is better", texts(svg(rates)))
        self.assertNotIn("Memory: a shorter bar is better", texts(svg(rates)))
        self.assertIn("Memory: a shorter bar is better", texts(svg(sizes)))
        self.assertNotIn("Rates: a longer bar is better", texts(svg(sizes)))

    def test_files(self) -> None:
        """What was measured is drawn, each family in a file of its own."""
        folder = Path(self.mktemp())
        folder.mkdir()
        results = everything()
        write_charts(results, folder / "performance.svg")
        wanted = {
            f"performance{family.suffix}.svg" for family in map(family_of, WORKLOADS)
        }
        self.assertEqual({each.name for each in folder.iterdir()}, wanted)
        drawn = (folder / "performance.svg").read_text("utf-8")
        self.assertEqual(drawn, svg(results))

    def test_nothing(self) -> None:
        """Where nothing was measured, there is a picture without bars."""
        ElementTree.fromstring(svg(Results()))


class PageTests(SynchronousTestCase):
    """Where the pictures are shown."""

    skip = NOT_THERE

    def test_shown(self) -> None:
        """docs/performance.rst shows the picture of each family, with a text for it.

        ``python -m benchmarks --svg docs/performance.svg`` draws them all.
        """
        page = (ROOT / "docs" / "performance.rst").read_text("utf-8")
        shown = [f"performance{family.suffix}" for family in map(family_of, WORKLOADS)]
        for name in {*shown, "growth"}:
            self.assertRegex(page, rf"\.\. image:: {name}\.svg\n   :alt: \w.{{40}}")
            self.assertTrue((ROOT / "docs" / f"{name}.svg").is_file(), name)


def draw_all() -> list[str]:
    """A picture of each kind."""
    return [svg(everything()), growth_svg(grown())]


# Drawing takes most of a second.
pictures = cache(draw_all)


class PictureTests(SynchronousTestCase):
    """What holds for every picture."""

    skip = NOT_DRAWN

    def test_same_bytes(self) -> None:
        """The same results are the same file, whenever it is drawn."""
        self.assertEqual(draw_all(), pictures())
        for picture in pictures():
            self.assertNotIn("dc:date", picture)

    def test_dark_mode(self) -> None:
        """Text and lines have the colour of the root, which is light in dark mode.

        So is nothing black, which is what is drawn where no colour is named.
        """
        for picture in pictures():
            rule = r"@media \(prefers-color-scheme: dark\) \{\s*svg \{ color: #e6e7eb"
            self.assertRegex(picture, rule)
            root = ElementTree.fromstring(picture)
            self.assertEqual(root.get("color"), "#23262e")
            for text in root.iter(f"{SVG}text"):
                self.assertIn("fill: currentColor", text.get("style", ""))
            self.assertNotRegex(picture, "(fill|stroke): (#000000|black)")

    def test_told(self) -> None:
        """It has a title and a description, for those who hear it."""
        for picture in pictures():
            root = ElementTree.fromstring(picture)
            self.assertEqual(root.get("role"), "img")
            self.assertEqual(root.get("aria-labelledby"), "title what")
            ids = {each.get("id"): each.text for each in root}
            self.assertTrue(ids["title"])
            self.assertIn(": ", ids["what"] or "")

    def test_needs_nothing(self) -> None:
        """It names no other file, and is text that can be searched, not outlines."""
        for picture in pictures():
            self.assertTrue(picture.startswith("<svg "))
            named = set(re.findall(r'"(https?:[^"]*)"', picture))
            self.assertEqual(
                named, {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
            )

    def test_colours(self) -> None:
        """Each stands out from either page by 3 to 1, as WCAG 1.4.11 wants it."""
        for colour in COLOURS:
            for page in ("#ffffff", "#1a1c21"):
                self.assertGreaterEqual(contrast(colour, page), 3.0, (colour, page))


class GrowthChartTests(SynchronousTestCase):
    """The curves."""

    skip = NOT_DRAWN

    def test_curves(self) -> None:
        """Each curve is in the legend of its panel, with what it is relative to."""
        drawn = " ".join(texts(growth_svg(grown())))
        for curve in CURVES.values():
            self.assertIn(curve.title, drawn)
            self.assertIn(f"(1.0 is 10.0 {curve.unit})", drawn)

    def test_some(self) -> None:
        """One curve alone can be drawn, and so can none."""
        growth = Growth()
        ElementTree.fromstring(growth_svg(growth))
        growth.add("sockets", 1, {"cpu": 3.0, "collector": 0.0})
        self.assertIn("opened, with a join", growth_svg(growth))


class MissingTests(SynchronousTestCase):
    """Where matplotlib is missing."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Have it be missing."""
        hidden = patch.dict(
            sys.modules, {"matplotlib": None, "matplotlib.figure": None}
        )
        hidden.start()
        self.addCleanup(hidden.stop)

    def test_error(self) -> None:
        """The error says how to get it."""
        with self.assertRaisesRegex(NoPlotting, r"pip install -e '\.\[benchmarks\]'"):
            check_plotting()
        with self.assertRaises(NoPlotting):
            svg(Results())

    def test_before_the_run(self) -> None:
        """It is said before anything is measured, and only to who wants a chart."""
        for read in (parse, parse_growth):
            read(["--short"])
            with patch("sys.stderr") as told, self.assertRaises(SystemExit) as end:
                read(["--short", "--svg", "x.svg"])
            self.assertEqual(end.exception.code, 2)
            said = "".join(call.args[0] for call in told.write.call_args_list)
            self.assertIn("pip install", said)
