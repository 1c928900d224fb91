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

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"txphoenix {release}"

# The order of a module is the order in which it is best read.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Names of types without their packages: the signatures are for people.
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
# One argument a line as soon as a signature does not fit on one.
maximum_signature_line_length = 88
