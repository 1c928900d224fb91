"""Has the search find pages by other words than those that their titles have."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# The words, by the name of their page.
WORDS = tomllib.loads(Path(__file__).with_name("search-words.toml").read_text("utf-8"))


def add_words(_: Sphinx, page: str, source: list[str]) -> None:
    """Make the words for a page entries of the index, which the search looks into."""
    if page in WORDS:
        words = ", ".join(f"! {word}" for word in WORDS[page])
        source[0] = f".. index:: {words}\n\n{source[0]}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx do so as it reads each page."""
    app.connect("source-read", add_words)
    return {"parallel_read_safe": True}
