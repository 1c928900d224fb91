"""How Sphinx builds the documentation. It asks nothing of the network."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The reference is made from this working copy, installed or not.
sys.path.insert(0, str(ROOT))

project = "txphoenix"
author = "the txphoenix authors"
project_copyright = "2026, the txphoenix authors"
release = runpy.run_path(str(ROOT / "txphoenix" / "_version.py"))["__version__"]

# Beside this file are extensions of our own: the reference, the pictures, long lines,
# the search.
sys.path.insert(1, str(ROOT / "docs"))
extensions = [
    "reference",
    "pictures",
    "long_lines",
    "search_words",
    "sphinx_copybutton",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
html_theme = "furo"
# furo's own underlines names in imports, as if they led somewhere.
pygments_dark_style = "github-dark"
html_title = f"txphoenix {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(ROOT / "docs" / "search-scorer.js")
# What is copied of a terminal is what one types there.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"
# Of what a program prints nothing needs to be copied.
copybutton_selector = "div.highlight:not(.highlight-text *) pre"
