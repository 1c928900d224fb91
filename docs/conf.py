"""How Sphinx builds the documentation. It asks nothing of the network."""

from __future__ import annotations

import ast
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

ROOT = Path(__file__).parent.parent
# The reference is made from this working copy, installed or not.
# Beside the pages are extensions of our own.
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

project = "txphoenix"
author = "the txphoenix authors"
project_copyright = "2026, the txphoenix authors"
release = runpy.run_path(str(ROOT / "txphoenix" / "_version.py"))["__version__"]

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton", "pictures", "search_words"]
exclude_patterns = ["_build"]
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

# The order of a module is the order in which it is best read.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Names of types without their packages: the signatures are for people.
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
# One argument a line as soon as a signature does not fit on one.
maximum_signature_line_length = 88

# Modules that re-export variables, and not only classes and functions.
FACADES = (
    "backoff",
    "interfaces",
    "message",
    "options",
    "serializer",
    "supplied",
    "telemetry",
)


def analyzed(module: str) -> ModuleAnalyzer:
    """What is written of a module's variables, those that it re-exports included.

    Sphinx reads it in the module that it documents, where an import has none.
    """
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    package = import_module(module).__package__.split(".")
    for node in ast.parse(analyzer.code).body:
        if isinstance(node, ast.ImportFrom) and node.level and node.module:
            source = (*package[: 1 - node.level or None], node.module)
            told = analyzed(".".join(source))
            for key in [("", name.name) for name in node.names]:
                if key in told.attr_docs:
                    analyzer.attr_docs[key] = told.attr_docs[key]
                if key in told.annotations:
                    analyzer.annotations[key] = told.annotations[key]
    return analyzer


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx know what is written of the variables that are re-exported."""
    for name in FACADES:
        analyzed(f"txphoenix.{name}")
    return {"parallel_read_safe": True}
