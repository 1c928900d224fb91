"""Has the built pages show each SVG picture in the shade that the page itself has.

A picture asks the browser whether its reader likes it dark.
It does not see the page around it, and so nothing of the button by which the reader of
a page of furo's chooses.
So there are two of each here, one light and one dark, and furo shows one of them.
Each leads to its file, which a browser shows by itself as large as one likes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

QUERY = "@media (prefers-color-scheme: dark)"
SCHEME = "color-scheme: light dark"
WIDE = 500
"""In pixels."""
ANSWERS = {"light": "@media not all", "dark": "@media all"}


def in_shade(picture: str, shade: str) -> str:
    """A picture that is light, or dark, whatever the browser says.

    :param picture: the text of an SVG file.
    :param shade: ``"light"`` or ``"dark"``.
    :raises ValueError: the picture has no rules for the dark.
    """
    if picture.count(QUERY) != 1 or picture.count(SCHEME) != 1:
        raise ValueError(f"a picture needs '{QUERY}' once, and '{SCHEME}' once")
    picture = picture.replace(SCHEME, f"color-scheme: {shade}")
    return picture.replace(QUERY, ANSWERS[shade])


def is_wide(picture: str) -> bool:
    """Whether a picture is too small to read once it is as narrow as a phone.

    :param picture: the text of an SVG file.
    """
    width, unit = re.findall(r'<svg\b[^>]*? width="([\d.]+)(pt)?"', picture)[0]
    return float(width) * (4 / 3 if unit else 1) > WIDE


class Shades(SphinxPostTransform):
    """Puts two pictures in the place of each, with a link to its own file."""

    default_priority = 200
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Go through the pictures of one page."""
        for node in list(self.document.findall(nodes.image)):
            if node["uri"].endswith(".svg"):
                node.replace_self([self.shade(node, shade) for shade in ANSWERS])

    def shade(self, node: nodes.image, shade: str) -> nodes.reference:
        """One of the two, in a file of its own."""
        source = Path(self.env.srcdir, node["uri"])
        folder = Path(self.app.doctreedir, "images")
        folder.mkdir(exist_ok=True)
        made = folder / f"{source.stem}-{shade}.svg"
        text = source.read_text("utf-8")
        made.write_text(in_shade(text, shade), "utf-8")
        picture = node.deepcopy()
        picture["uri"] = str(made)
        picture["candidates"] = {"*": str(made)}
        name = self.env.images.add_file(self.env.docname, str(made))
        link = nodes.reference("", "", picture, internal=True)
        builder = self.app.builder
        page = builder.get_target_uri(self.env.docname)
        link["refuri"] = relative_uri(page, f"{builder.imagedir}/{name}")
        link["classes"] += ["picture", f"only-{shade}"]
        if is_wide(text):
            link["classes"].append("wide")
        return link


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx do this as the last thing before it writes a page."""
    app.add_post_transform(Shades)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
