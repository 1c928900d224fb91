"""Charts by matplotlib as SVG, such as a page in light and in dark mode can show.

The text stays text: it can be searched, and is set in the reader's own font.
The same chart is the same file, byte by byte.
"""

from __future__ import annotations

# matplotlib is only there with the extra "benchmarks", and brings types that are not
# strict.
# mypy: allow-untyped-calls
import re
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import Any

__all__ = ["COLOURS", "INK", "WIDTH", "NoPlotting", "check_plotting", "draw"]

INK = "#23262e"
"""Of text and lines; what is drawn in it is light where the page is dark."""

COLOURS = ("#8262d8", "#e0662a", "#2f9488", "#868c96")
"""Purple, orange, teal and grey.

Each stands out from white and from nearly black by 3 to 1 (WCAG 1.4.11), and those who
do not see red or green tell them apart by how light they are.
"""

WIDTH = 7.6
"""In inches, of 72 points each: as wide as a column of the documentation."""

_PADDING = 0.1

_STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
    "font.size": 8.5,
    "legend.frameon": False,
    # The text is the reader's, and not outlines of our glyphs.
    "svg.fonttype": "none",
    # Ids are made from this, and not at random.
    "svg.hashsalt": "txphoenix",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}

# As docs/layers.svg has it. The page is its own, since a reader may have chosen another
# mode for the documentation than for the system, whose mode a picture is told.
_MODES = """
<style>
  svg { color-scheme: light dark; }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6e7eb; }
    .page { fill: #1a1c21; stroke: #3b3f48; }
  }
</style>
<rect x="0.5" y="0.5" width="%g" height="%g" rx="10" class="page" fill="#ffffff" \
stroke="#d3d6dd"/>
"""


class NoPlotting(Exception):
    """There is no matplotlib."""

    def __init__(self) -> None:
        super().__init__(
            "the charts need matplotlib: pip install -e '.[benchmarks]', "
            "or pip install matplotlib"
        )


def check_plotting() -> None:
    """See whether charts can be drawn.

    :raises NoPlotting: they cannot.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise NoPlotting from None


def draw(title: str, told: str, height: float, plot: Callable[[Any], None]) -> str:
    """Draw one picture; return its SVG.

    :param title: what it is, for who hears it read.
    :param told: what it shows, for the same.
    :param height: in inches.
    :param plot: is called with the figure, and puts everything into it.
    :raises NoPlotting: matplotlib is missing.
    """
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height))
        figure.set_layout_engine("constrained", w_pad=_PADDING, h_pad=_PADDING)
        plot(figure)
        written = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _for_both_modes(written.getvalue(), title, told)


def _for_both_modes(svg: str, title: str, told: str) -> str:
    """Have it follow the reader's mode, and say what it is."""
    # Neither the document type, which names a file elsewhere, nor empty metadata.
    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    # Where no stylesheet is applied, the root's own colour is.
    body = body.replace(INK, "currentColor")
    head, _, rest = body.partition(">")
    size = re.search(r'viewBox="0 0 (\S+) (\S+)"', head)
    width, height = map(float, size.groups()) if size else (0.0, 0.0)
    return (
        f'{head} role="img" aria-labelledby="title what" color="{INK}">\n'
        f'<title id="title">{escape(title)}</title>\n'
        f'<desc id="what">{escape(told)}</desc>'
        f"{_MODES % (width - 1, height - 1)}{rest.lstrip()}"
    )
