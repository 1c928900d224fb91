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

# What the reference needs of Sphinx is in a module of its own, beside this one.
sys.path.insert(1, str(ROOT / "docs"))
extensions = ["reference"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"txphoenix {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
